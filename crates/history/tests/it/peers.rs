//! Routers that share a journal: each keeps what it delivered, and any of them answers for all.

use std::sync::Arc;

use signalbox_core::JournalKey;
use signalbox_history::{
    Answer, Answered, Filter, History, IdKeys, IdKind, Outcome, Peers, Question, Record, Report, Settings,
};

use super::support::{file, find, keep, make_older, now, record, start};

/// The other router, asked in this process.
struct Others {
    own: &'static str,
    others: Vec<(&'static str, History)>,
    /// A router that does not answer.
    silent: Option<&'static str>,
}

impl Peers for Others {
    fn own(&self) -> Arc<str> {
        self.own.into()
    }

    fn ask(&self, question: &dyn Fn(&str) -> Option<Question>) -> Vec<Answered> {
        let asked = self.others.iter().filter_map(|(router, history)| {
            let question = serde_json::to_string(&question(router)?).unwrap();
            let answer = history.answer(&serde_json::from_str(&question).unwrap());
            let answer =
                answer.map(|answer| serde_json::from_value(serde_json::to_value(&answer).unwrap()).unwrap());
            Some(Answered {
                router: (*router).to_owned(),
                answer,
            })
        });
        let silent = self.silent.filter(|router| question(router).is_some());
        let silent = silent.map(|router| Answered {
            router: router.to_owned(),
            answer: Err("it does not answer".to_owned()),
        });
        asked.chain(silent).collect()
    }
}

/// Starts the histories of two routers, `a` with the records 0, 2, 4, … 18 and `b` with 1, 3, … 19.
fn two(folders: [&std::path::Path; 2], silent: Option<&'static str>) -> (History, History) {
    let (a, b) = (start(folders[0]), start(folders[1]));
    let first = now() - 20;
    let ended = |n: u64| Record {
        ended_at: first + i64::try_from(n).unwrap(),
        ..record(n)
    };
    keep(&a, (0..20).step_by(2).map(ended).collect());
    keep(&b, (1..20).step_by(2).map(ended).collect());
    for (own, history, other, name) in [("a", &a, &b, "b"), ("b", &b, &a, "a")] {
        history.share(Arc::new(Others {
            own,
            others: vec![(name, other.clone())],
            silent,
        }));
    }
    (a, b)
}

#[test]
fn any_router_finds_lists_and_adds_up_the_records_of_all() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (a, b) = two([folders[0].path(), folders[1].path()], None);
    for history in [&a, &b] {
        for n in [3, 4] {
            let page = find(history, IdKind::OrderId, &format!("A-{n}"));
            let entry = &page.entries[0];
            assert_eq!(page.entries.len(), 1);
            assert_eq!(entry.place.router(), Some(if n == 3 { "b" } else { "a" }));
            assert_eq!(history.reader().at(&entry.place).unwrap().as_ref(), Some(entry));
        }
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = history
                .reader()
                .latest(&Filter::default(), after.as_ref(), 7)
                .unwrap();
            assert!(page.entries.len() <= 7 && page.unread.is_empty());
            listed.extend(page.entries.into_iter().map(|entry| entry.order_id.unwrap()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<String> = (0..20).rev().map(|n| format!("A-{n}")).collect();
        assert_eq!(listed, expected);
        let failed = Filter {
            outcome: Some(Outcome::Rejected.name().to_owned()),
            ..Filter::default()
        };
        assert!(
            history
                .reader()
                .latest(&failed, None, 7)
                .unwrap()
                .entries
                .is_empty()
        );
        let reported = history.reader().report(&Report::default()).unwrap();
        assert_eq!((reported.sums[0].count, reported.unread.len()), (20, 0));
    }
}

#[test]
fn an_answer_names_the_routers_that_are_missing_in_it() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (a, _b) = two([folders[0].path(), folders[1].path()], Some("c"));
    let told = ["the records of router 'c' are missing: it does not answer"];
    assert_eq!(find(&a, IdKind::OrderId, "A-3").unread, told);
    assert_eq!(
        a.reader().latest(&Filter::default(), None, 7).unwrap().unread,
        told
    );
    assert_eq!(a.reader().report(&Report::default()).unwrap().unread, told);
    for (place, told) in [
        ("rows-2026-11-29.db:1@c", "router 'c': it does not answer"),
        ("rows-2026-11-29.db:1@d", "router 'd': it does not run"),
    ] {
        let trouble = a.reader().at(&place.parse().unwrap()).unwrap_err();
        assert_eq!(trouble.to_string(), told);
    }
}

#[test]
fn a_file_that_does_not_tell_everything_is_named_with_its_router() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [a, b] = folders.each_ref().map(|folder| {
        let history = start(folder.path());
        keep(&history, vec![record(1)]);
        history
    });
    b.close();
    let older = file(folders[1].path(), "rows-");
    make_older(&older, 3);
    let b = start(folders[1].path());
    let by_parameter = Filter {
        parameter: Some("value".parse().unwrap()),
        ..Filter::default()
    };
    let name = older.file_name().unwrap().to_str().unwrap().to_owned();
    let unread = |history: &History| {
        let page = history.reader().latest(&by_parameter, None, 7).unwrap();
        assert_eq!(page.unread.len(), 1, "{:?}", page.unread);
        page.unread[0].clone()
    };
    let beginning = format!("{name}: records that ended until ");
    assert!(unread(&b).starts_with(&beginning), "alone: {}", unread(&b));
    for (own, history, other, peer) in [("a", &a, "b", &b), ("b", &b, "a", &a)] {
        history.share(Arc::new(Others {
            own,
            others: vec![(other, peer.clone())],
            silent: None,
        }));
    }
    let beginning = format!("router 'b': {beginning}");
    for history in [&a, &b] {
        assert!(unread(history).starts_with(&beginning), "{}", unread(history));
        let keys = history.keys().hashes(IdKind::OrderId, "A-1");
        let page = history.reader().find(&keys, &by_parameter).unwrap();
        assert!(page.unread[0].starts_with(&beginning), "{:?}", page.unread);
    }
}

#[test]
fn an_erasure_at_another_router_spares_what_ended_later() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (a, b) = two([folders[0].path(), folders[1].path()], None);
    let entry = find(&a, IdKind::OrderId, "A-3").entries.remove(0);
    let question = |until| Question::erase(&a.keys().hashes(IdKind::OrderId, "A-3"), a.keys(), until);
    let erased = |question: &Question| match b.answer(question).unwrap() {
        Answer::Erased(count) => count,
        other => panic!("{other:?}"),
    };
    assert_eq!(erased(&question(entry.ended_at - 1)), Some(0));
    assert_eq!(
        find(&a, IdKind::OrderId, "A-3").entries,
        std::slice::from_ref(&entry)
    );
    assert_eq!(erased(&question(entry.ended_at)), Some(1));
    assert!(find(&a, IdKind::OrderId, "A-3").entries.is_empty());
    assert_eq!(a.reader().at(&entry.place).unwrap().unwrap().order_id, None);
}

#[test]
fn a_router_with_another_key_is_named() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let a = start(folders[0].path());
    let other = IdKeys::derive([&JournalKey::new([8; 32])]).unwrap();
    let b = History::start(Settings::new(folders[1].path()), other).unwrap();
    keep(&b, vec![record(1)]);
    a.share(Arc::new(Others {
        own: "a",
        others: vec![("b", b)],
        silent: None,
    }));
    let page = find(&a, IdKind::OrderId, "A-1");
    assert!(page.entries.is_empty());
    assert!(
        page.unread[0]
            .starts_with("the records of router 'b' are missing: its history hides ids behind another key")
    );
    assert_eq!(
        a.reader()
            .latest(&Filter::default(), None, 7)
            .unwrap()
            .entries
            .len(),
        1
    );
}
