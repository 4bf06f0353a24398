//! A process that is killed: `kill -9` loses at most the last second.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use signalbox_history::IdKind;

use super::support::{find, hand, record, start};

const FOLDER: &str = "SIGNALBOX_TEST_HISTORY";

/// Hands records over until the process is killed, and prints which ones were committed; the other test starts it.
#[test]
fn hands_over_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let history = start(folder.as_ref());
    for n in 0.. {
        hand(&history, vec![record(n)]);
        if n % 200 == 0 {
            history.flush().unwrap();
            println!("\ncommitted {n}");
            std::io::stdout().flush().unwrap();
        }
    }
}

#[test]
fn a_killed_process_leaves_all_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::hands_over_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let committed = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok())
        .find(|n| *n >= 5_000)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let history = start(folder.path());
    history.flush().unwrap();
    for n in [0, 1, committed / 2, committed - 1, committed] {
        let found = find(&history, IdKind::OrderId, &format!("A-{n}"));
        assert_eq!(found.entries.len(), 1, "{n} of {committed}");
    }
    assert_eq!(history.health().failing, None);
}
