//! `signalbox import-segment`

use std::io::Read as _;

use signalbox_core::{ImportError, Imports, segment_imports};

use crate::cli::{ImportSegmentArgs, importable_destinations};
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
    let mut all: Vec<Imports> = Vec::new();
    for plugin in segment_imports() {
        match (plugin.import)(&text) {
            Ok(imports) => all.push(imports),
            // Another plugin may know it.
            Err(ImportError::OtherDestination) => {}
            Err(problem @ ImportError::NotJson { .. }) => return Err(format!("{path}: {problem}").into()),
        }
    }
    let Some((first, rest)) = all.split_first() else {
        let problem = ImportError::OtherDestination;
        return Err(format!("{path}: {problem}. {}", importable_destinations()).into());
    };
    let sinks: Vec<_> = all.iter().flat_map(|imports| &imports.sinks).collect();
    let tables: Vec<&str> = sinks.iter().map(|sink| sink.toml.as_str()).collect();
    print(&tables.join("\n"));
    for sink in &sinks {
        for note in &sink.notes {
            tell(&format!("note: sinks.{}: {note}", sink.sink));
        }
    }
    let in_none = |other: &&String| rest.iter().all(|imports| imports.others.contains(other));
    for other in first.others.iter().filter(in_none) {
        tell(&format!(
            "note: {other} is left out. {}",
            importable_destinations()
        ));
    }
    Ok(exit::OK)
}
