//! Files that another program deletes or overwrites while the router runs: the history goes on, and counts the missing records.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::Connection;
use signalbox_history::{Filter, Health, History, IdKind, Loss, Report, Settings};

use super::support::{find, hand, keep, keys, record, start, wait_for};

/// A way of overwriting a file, with its name.
type Way<'w> = (&'static str, &'w dyn Fn(&Path));

const NOISE: &str = "this is no database, and long enough to have a heading of one ";

/// Lists the files of a history whose names begin so, in their order.
fn files(folder: &Path, beginning: &str) -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(beginning) && name.ends_with(".db")
    };
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(named).collect();
    files.sort();
    files
}

fn file(folder: &Path, beginning: &str) -> PathBuf {
    files(folder, beginning).pop().unwrap()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Makes a history of some records whose files hold everything that was committed, and goes on with it.
fn restarted(folder: &Path, records: u64) -> History {
    let history = start(folder);
    keep(&history, (0..records).map(record).collect());
    history.close();
    let history = start(folder);
    history.flush().unwrap();
    history
}

/// Waits for a number of losses.
fn losses(history: &History, count: usize) -> Vec<Loss> {
    wait_for("the history notices the loss", || {
        history.flush().unwrap();
        history.health().losses.len() >= count
    });
    let losses = history.health().losses;
    assert_eq!(losses.len(), count, "{losses:?}");
    losses
}

/// Checks that the history goes on without a trouble: new records are found and counted.
fn goes_on(history: &History) {
    static NEXT: AtomicU64 = AtomicU64::new(500_000);
    let n = NEXT.fetch_add(1, Relaxed);
    keep(history, vec![record(n)]);
    assert_eq!(find(history, IdKind::OrderId, &format!("A-{n}")).entries.len(), 1);
    assert_eq!(history.health().failing, None);
    assert!(history.reader().report(&Report::default()).unwrap().sums[0].count >= 1);
}

/// Checks that searches name the loss.
fn is_told(history: &History, told: &str) {
    let page = history.reader().latest(&Filter::default(), None, 10).unwrap();
    assert!(
        page.unread.iter().any(|unread| unread.ends_with(told)),
        "{:?}",
        page.unread
    );
    let later = Filter {
        since: Some(super::support::now() + 1_000),
        ..Filter::default()
    };
    let page = history.reader().latest(&later, None, 10).unwrap();
    assert!(page.unread.is_empty(), "{:?}", page.unread);
}

#[test]
fn a_deleted_folder_is_noticed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("history");
    let history = restarted(&inner, 7);
    keep(&history, (7..10).map(record).collect());
    assert_eq!(history.health().recent_losses(), []);
    // These are not committed yet, or are by the time.
    hand(&history, (10..12).map(record).collect());
    fs::remove_dir_all(&inner).unwrap();
    let losses = losses(&history, 2);
    let records: u64 = losses.iter().filter_map(|loss| loss.records).sum();
    assert!((10..=12).contains(&records), "{losses:?}");
    assert!(
        losses[0]
            .to_string()
            .starts_with("the file of records was deleted while the router ran, and 1"),
        "{losses:?}"
    );
    assert_eq!(
        losses[1].to_string(),
        "sums.db was deleted while the router ran, and reports lack the sums until then"
    );
    let Health {
        gone, lost, dropped, ..
    } = history.health();
    assert_eq!((gone, lost, dropped), (records, 0, 0));
    assert_eq!(history.health().recent_losses(), losses);
    assert_eq!(history.health().lost_sums(), [losses[1].dated()]);
    is_told(&history, &losses[0].to_string());
    goes_on(&history);
}

#[test]
fn a_file_deleted_alone_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    for beginning in ["rows-", "sums"] {
        let history = restarted(folder.path(), 20);
        keep(&history, vec![record(20)]);
        let path = file(folder.path(), beginning);
        fs::remove_file(&path).unwrap();
        let told = losses(&history, 1)[0].to_string();
        assert!(
            told.starts_with(&format!("{} was deleted while the router ran", name(&path))),
            "{told}"
        );
        assert!(
            beginning == "sums" || told.ends_with(" and 21 records are missing"),
            "{told}"
        );
        goes_on(&history);
        history.close();
        fs::remove_dir_all(folder.path()).unwrap();
    }
}

#[test]
fn a_file_that_is_overwritten_is_set_aside_and_told() {
    let noise = |path: &Path| fs::write(path, NOISE.repeat(500)).unwrap();
    let behind_the_heading = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[4_096..].fill(0xA5);
        fs::write(path, bytes).unwrap();
    };
    let nothing = |path: &Path| fs::write(path, "").unwrap();
    let ways: [Way<'_>; 3] = [
        ("noise", &noise),
        ("behind the heading", &behind_the_heading),
        ("nothing", &nothing),
    ];
    for (way, overwrite) in ways {
        for beginning in ["rows-", "sums"] {
            let case = format!("{way}, {beginning}");
            let folder = tempfile::tempdir().unwrap();
            let history = restarted(folder.path(), 300);
            // Both files are open.
            keep(&history, vec![record(300)]);
            history.close();
            let history = start(folder.path());
            history.flush().unwrap();
            let path = file(folder.path(), beginning);
            overwrite(&path);
            let loss = losses(&history, 1).remove(0);
            assert_eq!(loss.sums, beginning == "sums", "{case}");
            let set_aside = format!(
                "{0} was overwritten while the router ran and was set aside as {0}.corrupt",
                name(&path)
            );
            assert!(loss.told.starts_with(&set_aside), "{case}: {loss:?}");
            assert!(path.with_extension("db.corrupt").exists(), "{case}");
            assert_eq!(loss.records, (beginning == "rows-").then_some(301), "{case}");
            if beginning == "rows-" {
                is_told(&history, &loss.to_string());
            }
            goes_on(&history);
        }
    }
}

#[test]
fn files_of_earlier_hours_are_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        max_bytes: 40_000_000,
        ..Settings::new(folder.path())
    };
    let history = History::start(settings, keys()).unwrap();
    let mut next = 0;
    wait_for("there are three files", || {
        keep(&history, (next..next + 2_500).map(record).collect());
        next += 2_500;
        history.health().files >= 3
    });
    // By their names, that of the day, the second one of the hour, which is being written, and the first one of the hour.
    let [first, _, second] = &*files(folder.path(), "rows-") else {
        panic!("expected files")
    };
    let rows: i64 = Connection::open(first)
        .unwrap()
        .query_row("SELECT count(*) FROM rows", [], |row| row.get(0))
        .unwrap();
    assert_eq!(history.health().losses, []);
    fs::remove_file(first).unwrap();
    // The history looks at all files after 5,000 rows.
    keep(&history, (next..next + 5_000).map(record).collect());
    let loss = losses(&history, 1).remove(0);
    assert_eq!(
        (loss.records, loss.told),
        (
            u64::try_from(rows).ok(),
            format!("{} was deleted while the router ran", name(first))
        )
    );
    // A search finds the damage before the look at all files does.
    let mut bytes = fs::read(second).unwrap();
    bytes[4_096..].fill(0xA5);
    fs::write(second, bytes).unwrap();
    let page = history.reader().latest(&Filter::default(), None, 1_000).unwrap();
    let mut after = page.next;
    while let Some(place) = after {
        after = history
            .reader()
            .latest(&Filter::default(), Some(&place), 1_000)
            .unwrap()
            .next;
    }
    let loss = losses(&history, 2).remove(1);
    assert!(
        loss.told.contains(name(second)) && loss.told.contains("corrupt"),
        "{loss:?}"
    );
    assert!(loss.records.is_some_and(|records| records > 0), "{loss:?}");
    goes_on(&history);
}

#[test]
fn the_tool_of_an_operator_may_write() {
    let folder = tempfile::tempdir().unwrap();
    let history = restarted(folder.path(), 20);
    keep(&history, vec![record(20)]);
    for (beginning, sql) in [
        ("rows-", "DELETE FROM rows WHERE id = 3"),
        ("sums", "UPDATE sums SET late = 7"),
    ] {
        let tool = Connection::open(file(folder.path(), beginning)).unwrap();
        tool.execute_batch(sql).unwrap();
        tool.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    for n in 21..24 {
        keep(&history, vec![record(n)]);
    }
    let health = history.health();
    assert_eq!(
        (health.losses, health.failing, health.lost),
        (Vec::new(), None, 0)
    );
    goes_on(&history);
}
