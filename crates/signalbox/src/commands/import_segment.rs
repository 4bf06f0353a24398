//! `signalbox import-segment`

use std::io::Read as _;

use signalbox_core::{ImportError, Imports, segment_imports};

use crate::cli::{ImportSegmentArgs, importable_destinations};
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

pub(crate) fn run(args: &ImportSegmentArgs) -> Result<Code, Failure> {
    let names: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let path = names.join(", ");
    let mut text = String::new();
    for (file, name) in args.files.iter().zip(&names) {
        let read = if file.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        let read = read.map_err(|error| format!("{name} cannot be read: {error}"))?;
        // PowerShell writes a byte order mark before each text.
        let read = read.trim_start_matches('\u{feff}');
        // Told by its own name and line; the texts are read together.
        read_alone(read).map_err(|problem| format!("{name}: {problem}"))?;
        text.push_str(read);
        text.push('\n');
    }
    let mut all: Vec<Imports> = Vec::new();
    for plugin in segment_imports() {
        match (plugin.import)(&text) {
            Ok(imports) => all.push(imports),
            // Another plugin may know it.
            Err(ImportError::OtherDestination) => {}
            Err(problem) => return Err(format!("{path}: {problem}").into()),
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
    for sentence in &first.missing {
        tell(&format!("note: {sentence}"));
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

/// Checks that a text is JSON, and an answer of Segment's API that is no error.
fn read_alone(text: &str) -> Result<(), ImportError> {
    let problems = segment_imports()
        .into_iter()
        .filter_map(|plugin| (plugin.import)(text).err());
    match problems
        .into_iter()
        .find(|problem| *problem != ImportError::OtherDestination)
    {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}
