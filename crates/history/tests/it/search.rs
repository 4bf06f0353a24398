//! Searches by id, and lists with filters.

use signalbox_core::JournalKey;
use signalbox_history::{Filter, History, IdKeys, IdKind, Outcome, People, Reader, Settings};

use super::support::{filtered, find, hand, holds, keep, keys, record, start};

#[test]
fn a_record_is_found_by_each_of_its_ids() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, (0..50).map(record).chain([filtered(7)]).collect());
    for (kind, text, count) in [
        (IdKind::MessageId, "m-7", 2),
        (IdKind::EventId, "e-7", 2),
        (IdKind::OrderId, "A-8", 1),
        (IdKind::Email, " IVY8@example.com", 1),
        (IdKind::Phone, "0049 (30) 901828", 1),
        (IdKind::UserId, "u-8", 1),
        (IdKind::UserId, "m-8", 0),
        (IdKind::MessageId, "m-51", 0),
    ] {
        let page = find(&history, kind, text);
        assert_eq!(page.entries.len(), count, "{text}");
        assert!(page.unread.is_empty());
    }
    let page = find(&history, IdKind::MessageId, "m-7");
    let [filtered, delivered] = page.entries.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(
        (&*filtered.outcome, &*delivered.outcome),
        ("filtered", "delivered")
    );
    assert_eq!(filtered.reason.as_deref(), Some("no_trigger_matched"));
    assert_eq!(delivered.event_name.as_deref(), Some("checkout"));
    assert_eq!(delivered.attempts[0].status, Some(200));
    assert_eq!(delivered.warnings[0].path, "user_data.ph");
    assert_eq!(delivered.match_keys, ["email", "phone"]);
    assert_eq!(delivered.parameters.as_deref(), Some(&["value".to_owned()][..]));
    assert_eq!(delivered.value_millionths, Some(72_050_000));
    assert_eq!((delivered.position, delivered.batch), (Some(7), Some(3)));
    assert_eq!(delivered.message_id.as_deref(), Some("m-7"));
    let json = serde_json::to_string(&page).unwrap();
    assert_eq!(
        serde_json::from_str::<signalbox_history::Page>(&json).unwrap(),
        page
    );
}

#[test]
fn ids_are_found_in_memory_in_the_table_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, (0..10).map(record).collect());
    assert_eq!(
        find(&history, IdKind::OrderId, "A-3").entries.len(),
        1,
        "in memory"
    );
    // The router does not run: its newest ids are in no table.
    let reader = Reader::of_files(folder.path().to_owned(), keys());
    let search = |text| {
        let ids = reader.keys().hashes(IdKind::OrderId, text);
        reader.find(&ids, &Filter::default()).unwrap().entries.len()
    };
    assert_eq!(search("A-3"), 1, "by the rows");
    history.close();
    assert_eq!(search("A-3"), 1, "in the table");
    let history = start(folder.path());
    keep(&history, vec![record(11)]);
    assert_eq!(find(&history, IdKind::OrderId, "A-3").entries.len(), 1);
    assert_eq!(find(&history, IdKind::OrderId, "A-11").entries.len(), 1);
    history.close();
}

#[test]
fn the_latest_records_are_listed_by_pages_and_filters() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let mut records: Vec<_> = (0..30).map(record).collect();
    records.extend((30..40).map(filtered));
    records.extend((40..45).map(|n| signalbox_history::Record {
        sink: "other".into(),
        outcome: Outcome::Rejected,
        reason: Some("too_old".into()),
        late: true,
        warnings: Vec::new(),
        ..record(n)
    }));
    keep(&history, records);
    let reader = history.reader();
    let count = |filter: Filter| reader.latest(&filter, None, 1_000).unwrap().entries.len();
    let text = |text: &str| Some(text.to_owned());
    for (name, filter, expected) in [
        ("all", Filter::default(), 45),
        (
            "sink",
            Filter {
                sink: text("ads"),
                ..Filter::default()
            },
            40,
        ),
        (
            "unknown sink",
            Filter {
                sink: text("none"),
                ..Filter::default()
            },
            0,
        ),
        (
            "mapping",
            Filter {
                mapping: text("Checkout"),
                ..Filter::default()
            },
            35,
        ),
        (
            "name at the destination",
            Filter {
                event_name: text("checkout"),
                ..Filter::default()
            },
            35,
        ),
        (
            "own name",
            Filter {
                event_name: text("Order Completed"),
                ..Filter::default()
            },
            45,
        ),
        (
            "outcome",
            Filter {
                outcome: text("filtered"),
                ..Filter::default()
            },
            10,
        ),
        (
            "no outcome",
            Filter {
                outcome: text("lost"),
                ..Filter::default()
            },
            0,
        ),
        (
            "reason",
            Filter {
                reason: text("too_old"),
                ..Filter::default()
            },
            5,
        ),
        (
            "late",
            Filter {
                late: Some(true),
                ..Filter::default()
            },
            5,
        ),
        (
            "warning",
            Filter {
                warning: text("phone_without_country"),
                ..Filter::default()
            },
            30,
        ),
        (
            "part of a code",
            Filter {
                warning: text("phone"),
                ..Filter::default()
            },
            0,
        ),
        (
            "since",
            Filter {
                since: Some(super::support::now() + 60_000),
                ..Filter::default()
            },
            0,
        ),
        (
            "source",
            Filter {
                source: text("web"),
                ..Filter::default()
            },
            45,
        ),
    ] {
        assert_eq!(count(filter), expected, "{name}");
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = reader.latest(&Filter::default(), after.as_ref(), 20).unwrap();
        seen.extend(page.entries.iter().map(|entry| entry.position.unwrap()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..45).rev().collect::<Vec<_>>());
}

#[test]
fn the_files_hold_no_personal_value() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let mut one = record(1);
    let long = "canary".repeat(100);
    one.ids = signalbox_history::Ids {
        message_id: "canary@example.com".into(),
        order_id: "+49 30 5550123".into(),
        people: People::of(
            [(IdKind::Email, "canary@example.com"), (IdKind::UserId, &*long)],
            &keys(),
        ),
        ..Default::default()
    };
    keep(&history, vec![one, record(2)]);
    for (kind, text) in [(IdKind::Email, "canary@example.com"), (IdKind::UserId, &long)] {
        assert_eq!(find(&history, kind, text).entries.len(), 1, "{kind:?}");
    }
    let page = find(&history, IdKind::MessageId, "canary@example.com");
    assert!(page.entries[0].message_id.as_ref().unwrap().starts_with("id:"));
    assert_eq!(find(&history, IdKind::OrderId, "+49 30 5550123").entries.len(), 1);
    history.close();
    for canary in ["canary", "5550123", "ivy2", "901822"] {
        assert!(!holds(folder.path(), canary), "{canary}");
    }
    assert!(holds(folder.path(), "A-2"), "the search itself works");
}

#[test]
fn records_of_before_a_new_key_are_found_as_long_as_the_old_one_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    let (new, old) = (JournalKey::new([8; 32]), JournalKey::new([7; 32]));
    let both = IdKeys::derive([&new, &old]).unwrap();
    let history = History::start(Settings::new(folder.path()), both.clone()).unwrap();
    assert_eq!(find(&history, IdKind::Email, "ivy1@example.com").entries.len(), 1);
    hand(&history, vec![filtered(2)]);
    history.close();
    let search = |keys: &[&JournalKey]| {
        let keys = IdKeys::derive(keys.iter().copied()).unwrap();
        let wanted = keys.hashes(IdKind::Email, "ivy1@example.com");
        let reader = Reader::of_files(folder.path().to_owned(), keys);
        reader.find(&wanted, &Filter::default()).unwrap()
    };
    let page = search(&[&new, &old]);
    assert_eq!((page.entries.len(), page.unread), (1, vec![]));
    let [new_keys, old_keys] = [&new, &old].map(|key| IdKeys::derive([key]).unwrap());
    assert_eq!(
        new_keys
            .before(old_keys)
            .hashes(IdKind::Email, "ivy1@example.com"),
        both.hashes(IdKind::Email, "ivy1@example.com")
    );
    let page = search(&[&new]);
    assert!(
        page.entries.is_empty() && page.unread[0].contains("list the earlier key"),
        "{page:?}"
    );
    // An erasure must not be said to be complete.
    let new = IdKeys::derive([&new]).unwrap();
    let history = History::start(Settings::new(folder.path()), new.clone()).unwrap();
    let erased = history.erase(new.hashes(IdKind::Email, "ivy1@example.com"), i64::MAX);
    let told = erased.unwrap_err().to_string();
    assert!(told.contains("list the earlier key"), "{told}");
}

#[test]
fn a_folder_that_is_not_there_is_an_empty_history() {
    let folder = tempfile::tempdir().unwrap();
    let reader = Reader::of_files(folder.path().join("none"), keys());
    let page = reader.latest(&Filter::default(), None, 10).unwrap();
    assert!(page.entries.is_empty() && page.unread.is_empty());
}
