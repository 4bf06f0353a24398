//! `signalbox import-segment`

use std::io::Read as _;

use signalbox_core::{ImportError, segment_imports};

use crate::cli::ImportSegmentArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

pub(crate) fn run(args: &ImportSegmentArgs) -> Result<Code, Failure> {
    let path = args.file.display();
    let read = if args.file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(&args.file)
    };
    let text = read.map_err(|error| format!("{path} cannot be read: {error}"))?;
    // The first plugin whose destination it is; what another one says of it is no news.
    let mut result = Err(ImportError::OtherDestination);
    for plugin in segment_imports() {
        result = (plugin.import)(&text);
        if result.as_ref().err() != Some(&ImportError::OtherDestination) {
            break;
        }
    }
    let imported = result.map_err(|problem| format!("{path}: {problem}"))?;
    print(&imported.toml);
    for note in imported.notes {
        tell(&format!("note: {note}"));
    }
    Ok(exit::OK)
}
