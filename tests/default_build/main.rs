//! The default build, without the cargo feature `nats`: it names the feature where a file or a command asks for what it
//! brings. It is a separate test, so that CI builds little more than the program for it.
#![cfg(not(feature = "nats"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that panics fails its test"
)]

use std::path::Path;
use std::process::Command;

const REMEDY: &str =
    "use a build with the cargo feature 'nats': cargo install --path crates/signalbox --features nats";

/// Runs the program; returns its exit code and what it printed to both streams.
fn signalbox(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(arguments)
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).unwrap())
}

#[test]
fn a_pipeline_file_that_needs_the_feature_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.toml");
    let text = "[journal]\ntype = \"nats\"\nservers = [\"nats://127.0.0.1:4222\"]\nplain = true\n\
                [sources.web]\ntype = \"segment_http\"\nwrite_keys = [\"k\"]\n\
                [sinks.out]\ntype = \"console\"\ninputs = [\"web\"]\n";
    std::fs::write(&journal, text).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nats.toml");
    let cases: [(&Path, &[&str]); 2] = [
        (
            &journal,
            &["journal.type: this build of Signalbox has no journal on NATS\n"],
        ),
        (
            &example,
            &[
                "sources.warehouse.type: this build of Signalbox has no source 'nats'\n",
                "sinks.copy.type: this build of Signalbox has no sink 'nats'\n",
            ],
        ),
    ];
    for (path, told) in cases {
        for command in ["validate", "run"] {
            let (code, printed) = signalbox(&[command, "--config", path.to_str().unwrap()]);
            assert_eq!(code, Some(3), "{command}: {printed}");
            for sentence in told {
                assert!(printed.contains(sentence), "{command}: {printed}");
            }
            let remedies = printed.matches(&format!("\n  help: {REMEDY}\n")).count();
            assert_eq!(remedies, told.len(), "{command}: {printed}");
        }
    }
}

#[test]
fn commands_that_need_the_feature_name_it() {
    let (_, listed) = signalbox(&["plugins"]);
    for kind in ["source", "sink"] {
        let line = listed.lines().find(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words == [kind, "nats", "--features", "nats"]
        });
        assert!(line.is_some(), "{kind}: {listed}");
    }
    let (code, printed) = signalbox(&["plugins", "nats"]);
    let wanted = format!("this build of Signalbox has no plugin 'nats'; {REMEDY}");
    assert!(code == Some(1) && printed.contains(&wanted), "{printed}");

    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine.toml");
    let mine = mine.to_str().unwrap();
    let (code, printed) = signalbox(&["init", mine, "--journal", "nats"]);
    assert!(code == Some(0) && printed.contains(REMEDY), "{printed}");
    let (code, printed) = signalbox(&[
        "journal", "move", "--to", "nats", "--config", mine, "--from", mine,
    ]);
    let wanted = format!("this build of Signalbox has no journal on NATS; {REMEDY}");
    assert!(code == Some(1) && printed.contains(&wanted), "{printed}");
}
