//! Erasures: rows lose their ids and stay.

use signalbox_history::{IdKind, Report};

use super::support::{find, holds, keep, record, start};

#[test]
fn an_erasure_leaves_numbers_of_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, (0..20).map(record).collect());
    // Some of the ids are in the table, some in memory.
    history.close();
    let history = start(folder.path());
    let mut again = record(20);
    again
        .ids
        .people
        .add(IdKind::Email, "ivy3@example.com", history.keys());
    keep(&history, vec![again]);
    let hashes = history.keys().hashes(IdKind::Email, "ivy3@example.com");
    assert_eq!(history.erase(hashes.clone(), i64::MAX).unwrap(), Some(2));
    for (kind, text) in [
        (IdKind::Email, "ivy3@example.com"),
        (IdKind::OrderId, "A-3"),
        (IdKind::MessageId, "m-20"),
        (IdKind::UserId, "u-20"),
    ] {
        assert!(find(&history, kind, text).entries.is_empty(), "{text}");
    }
    assert_eq!(find(&history, IdKind::OrderId, "A-4").entries.len(), 1);
    assert_eq!(history.erase(hashes, i64::MAX).unwrap(), Some(0));
    let sums = history.reader().report(&Report::default()).unwrap().sums;
    assert_eq!(sums[0].count, 21);
    let page = history
        .reader()
        .latest(&signalbox_history::Filter::default(), None, 100)
        .unwrap();
    assert_eq!(page.entries.len(), 21);
    assert_eq!(
        page.entries
            .iter()
            .filter(|entry| entry.message_id.is_none())
            .count(),
        2
    );
    history.close();
    assert!(!holds(folder.path(), "m-20"));
    assert!(holds(folder.path(), "m-19"));
    let history = start(folder.path());
    assert!(find(&history, IdKind::UserId, "u-20").entries.is_empty());
}
