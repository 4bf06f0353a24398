//! Values of the streams of states, leases and routers as each version of the program writes them, kept in `tests/journals`:
//! routers of two versions share a journal while they are restarted one after the other, so each must read the values of
//! the other. Versions only add members, which have defaults, and pass over members that they do not know.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;
use signalbox_testkit::versions::{add_members, has_all_of};

use super::book::key::Key;
use super::book::open::Identity;
use super::book::values::{self, Values, read};
use super::book::{Book, parked};
use super::cluster::Holder;
use super::nodes::table::Value as NodeValue;
use super::subjects::Subjects;
use crate::erasures::ErasureStore;
use crate::inputs::Inputs;
use crate::names::Names;
use crate::ranges::OPEN;
use crate::seal::keys_file::{Found, JournalKeys, WrappedKeys};
use crate::seal::wrapped::tests::keys;
use crate::sink_record::SinkRecord;
use crate::{
    DeadLetter, DeadLetterQuota, NodeReport, Open, Parked, Position, Progress, RecordEnd, SourceTotals,
    Subject, Totals, Wanted,
};

const VERSION: &str = "0.1.0";
const LEASE: &str = "$KV.sbx_LEASE.group.account";
const NODE: &str = "$KV.sbx_NODES.router-1";
/// Members whose objects have names, or variants, as keys instead of members.
const MAPS: [&str; 13] = [
    "ended",
    "expired",
    "filtered",
    "fingerprints",
    "groups",
    "held",
    "keys",
    "known",
    "refused",
    "rejected",
    "renamed",
    "spans",
    "sums",
];

/// Subjects with their values.
type Lines = Vec<(String, Vec<u8>)>;

fn at(frame: u64) -> Position {
    frame << 12
}

fn map<V>(pairs: impl IntoIterator<Item = (&'static str, V)>) -> BTreeMap<String, V> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn open() -> Open {
    Open {
        position: at(9),
        origin: Some(at(2)),
        ended: vec![
            ("purchase".into(), RecordEnd::Rejected("invalid_value".into())),
            ("checkout".into(), RecordEnd::Delivered),
        ],
        attempts: 4,
        first_attempt: 1_700_000_000_500,
        again: true,
    }
}

fn record() -> SinkRecord {
    let mut record = SinkRecord {
        progress: Progress {
            cursor: at(7),
            settled: vec![(at(8), at(9)), (at(11), at(13))],
            open: vec![open()],
            totals: Totals {
                delivered: 70,
                filtered: map([("no_mapping", 5)]),
                rejected: map([("invalid_value", 2)]),
                expired: map([("too_old", 1)]),
                late: 3,
                unattributed: 1,
            },
        },
        last_opened: 1_700_000_000_000,
        released: false,
        inputs: Inputs {
            named: vec!["web".into()],
            spans: map([("app", vec![(at(1), at(6))]), ("web", vec![(at(1), OPEN)])]),
            all: vec![(0, at(1))],
        },
        ..SinkRecord::default()
    };
    let fingerprints = map([("purchase", "5f".to_owned()), ("checkout", "6a".to_owned())]);
    record.mappings.open(&fingerprints);
    record.mappings.rename("order", "purchase");
    record
}

fn parked_event() -> Parked {
    Parked {
        open: open(),
        ..parked::tests::parked()
    }
}

fn letter() -> DeadLetter {
    DeadLetter {
        component: "shop".into(),
        message_id: "m-1".into(),
        source: "web".into(),
        mapping: "purchase".into(),
        reason: "invalid_value".into(),
        message: "a sentence".into(),
        attempts: 2,
        first_at: 1_700_000_000_100,
        last_at: 1_700_000_000_200,
        position: Some(at(3)),
        received_at: 1_700_000_000_050,
        payload: Some(r#"{"messageId":"m-1"}"#.into()),
        facts: Some("{}".into()),
    }
}

fn totals() -> SourceTotals {
    SourceTotals {
        journalled: 100,
        duplicate: 7,
        filtered: map([("disabled", 1)]),
        rejected: map([("no_place", 2)]),
        refused: map([("journal_full", 3)]),
    }
}

fn names() -> Names {
    let mut names = Names::default();
    names.rename("site", "web");
    names
}

fn holder() -> Holder {
    Holder {
        node: "router-1".into(),
        start: "5d1f".into(),
    }
}

fn node() -> NodeValue {
    NodeValue {
        start: "5d1f".into(),
        groups: map([("account", vec!["shop".to_owned()])]),
        drives: vec!["account".into()],
        ready: true,
        report: NodeReport {
            version: VERSION.into(),
            admin: Some("10.0.0.1:9000".into()),
            fingerprints: map([("sinks.shop", "77".to_owned())]),
            held: map([("shop", "unauthorized".to_owned())]),
            sums: map([("sources.web", map([("journalled", 100)]))]),
        },
        ..NodeValue::default()
    }
}

/// Erasures with their random key, as this version writes them: those that are kept, or new ones.
fn erasures(kept: Option<&[u8]>) -> Vec<u8> {
    let store = ErasureStore::in_memory();
    match kept {
        Some(kept) => store.install(kept).unwrap(),
        None => {
            let wanted = [Wanted::new(Subject::MessageId, "m-1").unwrap()];
            store
                .record(Subject::MessageId, &wanted, at(9), 5)
                .map(drop)
                .unwrap();
        }
    }
    store.contents().unwrap().unwrap()
}

fn subject(key: &Key) -> String {
    key.subject(&Subjects::new("sbx"))
}

/// The values that this version writes.
fn written(kept_erasures: Option<&[u8]>) -> Lines {
    let identity = Identity {
        id: "0b6d".into(),
        format: 1,
    };
    let shop = || "shop".to_owned();
    let records = [
        (Key::Identity, values::json(&identity)),
        (Key::Names, values::json(&names())),
        (Key::Erasures, Ok(erasures(kept_erasures))),
        (Key::Sink(shop()), values::json(&record())),
        (Key::Parked(shop(), at(4)), parked::encode(&parked_event())),
        (Key::Back(shop(), "x1".into()), parked::encode(&parked_event())),
        (Key::Open(shop(), at(4)), values::json(&open())),
        (
            Key::Letter(shop(), format!("{}-purchase", at(3))),
            values::json(&letter()),
        ),
        (Key::Dropped(shop()), values::json(&12u64)),
        (
            Key::Source("web".into(), "router-1".into()),
            values::json(&totals()),
        ),
        (
            Key::Checkpoint("web".into(), "/var/log/a.json".into()),
            Ok(b"77".to_vec()),
        ),
        (Key::Seen("router-1".into()), Ok(b"{}".to_vec())),
    ];
    let records = records.map(|(key, value)| (subject(&key), value.unwrap()));
    let others = [
        (LEASE.to_owned(), values::json(&holder()).unwrap()),
        (NODE.to_owned(), values::json(&node()).unwrap()),
    ];
    records.into_iter().chain(others).collect()
}

/// The keys of a sealed journal from their record, or new ones.
fn journal_keys(kept: Option<&[u8]>) -> JournalKeys {
    let found = kept.map_or(Found::Nothing, |bytes| {
        Found::Whole(WrappedKeys::parse(bytes).ok().flatten().unwrap())
    });
    JournalKeys::open(&keys(&[1]), &found, None).unwrap()
}

/// Seals values as this version does, with the record of the keys before them.
fn sealed(lines: &Lines, keys: &JournalKeys) -> Lines {
    let values = Values::new(Some(keys.records.clone()));
    let seal = |(subject, value): &(String, Vec<u8>)| {
        (subject.clone(), values.encode(subject, value.clone()).unwrap())
    };
    let own = (subject(&Key::Keys), keys.wrapped.to_bytes());
    [own].into_iter().chain(lines.iter().map(seal)).collect()
}

/// Reads a file of values. If it is missing, the error says what it should hold.
fn kept(name: &str, otherwise: impl Fn() -> Lines) -> Lines {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/journals/nats-values")
        .join(name);
    let Ok(text) = fs::read_to_string(&path) else {
        let line = |(subject, value): &(String, Vec<u8>)| match std::str::from_utf8(value) {
            Ok(text) if !text.contains('\0') => format!("{subject} {text}\n"),
            _ => format!("{subject} base64:{}\n", BASE64_STANDARD.encode(value)),
        };
        let lines: String = otherwise().iter().map(line).collect();
        panic!("keep this as {}:\n{lines}", path.display());
    };
    let line = |line: &str| {
        let (subject, value) = line.split_once(' ').unwrap();
        let value = match value.strip_prefix("base64:") {
            Some(code) => BASE64_STANDARD.decode(code).unwrap(),
            None => value.as_bytes().to_vec(),
        };
        (subject.to_owned(), value)
    };
    text.lines().map(line).collect()
}

fn plain() -> Lines {
    kept(VERSION, || written(None))
}

/// Tests that today's program reads from values what the version that wrote them meant.
fn mean_what_they_did(lines: &Lines, what: &str) {
    let subjects = Subjects::new("sbx");
    let mut book = Book::new(DeadLetterQuota::default());
    for (number, (subject, value)) in lines.iter().enumerate() {
        match subject.as_str() {
            LEASE => assert_eq!(read::<Holder>(value), Some(holder()), "{what}"),
            NODE => assert_eq!(read::<NodeValue>(value), Some(node()), "{what}"),
            _ => {
                let key = Key::parse(subject, &subjects).unwrap();
                let sequence = number as u64 + 1;
                assert!(book.take_in(key, sequence, value, true), "{what}: {subject}");
            }
        }
    }
    let identity: Identity = read(book.identity.as_deref().unwrap()).unwrap();
    assert_eq!((&*identity.id, identity.format), ("0b6d", 1), "{what}");
    assert_eq!(*book.names, names(), "{what}");
    let list = book.erasures.list.list();
    assert_eq!(
        (list.len(), list[0].before, list[0].values),
        (1, at(9), 1),
        "{what}"
    );
    let shop = &book.sinks["shop"];
    assert_eq!(shop.record, record(), "{what}");
    assert_eq!(shop.open(at(4)), Some(open()), "{what}");
    assert_eq!(shop.parked.len(), 2, "{what}");
    for (subject, value) in lines.iter().filter(|(subject, _)| is_parked(subject)) {
        let read = parked::decode(at(4), value, None).unwrap();
        let wanted = parked_event();
        assert_eq!(read.event.to_json(), wanted.event.to_json(), "{what}: {subject}");
        assert_eq!(read.event.receipt(), wanted.event.receipt(), "{what}: {subject}");
        let open = Open {
            position: at(4),
            ..wanted.open
        };
        assert_eq!((read.open, read.only), (open, wanted.only), "{what}: {subject}");
    }
    let [known] = &book.letters.values().collect::<Vec<_>>()[..] else {
        panic!("{what}: one letter")
    };
    let outline = DeadLetter {
        payload: None,
        facts: None,
        ..letter()
    };
    assert_eq!(known.outline, outline, "{what}");
    let whole = lines
        .iter()
        .find(|(subject, _)| subject.starts_with("sbx.st.letter."));
    assert_eq!(read::<DeadLetter>(&whole.unwrap().1), Some(letter()), "{what}");
    assert_eq!(
        (book.counts["shop"].kept, book.counts["shop"].dropped),
        (1, 12),
        "{what}"
    );
    assert_eq!(book.sources["web"]["router-1"], totals(), "{what}");
    assert_eq!(book.checkpoints["web"]["/var/log/a.json"], b"77", "{what}");
}

fn is_parked(subject: &str) -> bool {
    subject.starts_with("sbx.st.parked.") || subject.starts_with("sbx.st.back.")
}

#[test]
fn values_of_each_version_are_read() {
    mean_what_they_did(&plain(), VERSION);
    let name = format!("{VERSION}-sealed");
    let kept = kept(&name, || sealed(&plain(), &journal_keys(None)));
    let (_, wrapped) = &kept[0];
    let values = Values::new(Some(journal_keys(Some(wrapped)).records));
    let open = |(subject, value): &(String, Vec<u8>)| {
        let opened = values.decode(subject, value);
        assert!(*opened.as_ref().unwrap() != *value, "{subject} is sealed");
        (subject.clone(), opened.unwrap().into_owned())
    };
    let opened: Lines = kept[1..].iter().map(open).collect();
    assert_eq!(opened, plain(), "sealed and plain values are the same");
}

/// Splits the record of a parked event into its head and its event.
fn head(value: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = value.split_first_chunk::<4>().unwrap();
    rest.split_at(u32::from_le_bytes(*length) as usize)
}

/// Adds unknown members to a value, as a later version may.
fn as_of_a_later_version(subject: &str, value: &[u8]) -> Vec<u8> {
    if is_parked(subject) {
        let (head, event) = head(value);
        let head = as_of_a_later_version("head", head);
        let length = u32::try_from(head.len()).unwrap().to_le_bytes();
        return [&length[..], &head, event].concat();
    }
    let Some(mut json) = read::<Json>(value) else {
        return value.to_vec();
    };
    add_members(&mut json, &MAPS);
    values::json(&json).unwrap()
}

#[test]
fn members_that_a_later_version_adds_are_passed_over() {
    let mut changed = 0;
    let later = |(subject, value): &(String, Vec<u8>)| {
        let later = as_of_a_later_version(subject, value);
        changed += usize::from(later != *value);
        (subject.clone(), later)
    };
    let later: Lines = plain().iter().map(later).collect();
    // All but two numbers.
    assert_eq!(changed, later.len() - 2);
    mean_what_they_did(&later, "of a later version");
}

/// If this fails, routers of an earlier version do not read what this one writes: write the former member as well until no
/// router of that version is left.
#[test]
fn this_version_writes_every_member_of_the_last_one() {
    let before = plain();
    let erasures = before.iter().find(|(name, _)| *name == subject(&Key::Erasures));
    let now: BTreeMap<String, Vec<u8>> = written(Some(&erasures.unwrap().1)).into_iter().collect();
    assert_eq!(now.len(), before.len());
    for (subject, before) in &before {
        let now = &now[subject];
        let json = |value: &[u8]| match is_parked(subject) {
            true => read(head(value).0).unwrap(),
            false => read(value).unwrap(),
        };
        has_all_of(&json(now), &json(before), subject);
    }
}

#[test]
fn a_sink_of_a_version_that_must_not_be_misread_holds_its_events() {
    let mut book = Book::new(DeadLetterQuota::default());
    let key = || Key::Sink("shop".into());
    let later = SinkRecord { flags: 1, ..record() };
    assert!(!book.take_in(key(), 1, &values::json(&later).unwrap(), false));
    assert!(!book.has_sink("shop") && book.is_unreadable("shop") && book.has_unreadable_sink());
    assert!(book.take_in(key(), 2, &values::json(&record()).unwrap(), false));
    assert!(book.has_sink("shop") && !book.is_unreadable("shop") && !book.has_unreadable_sink());
}

#[test]
fn checkpoints_of_any_bytes_are_kept() {
    for checkpoint in [&b""[..], b"77", b"\xF7", b"\xF7\xF7a", b"\0"] {
        let record = values::checkpoint_record(checkpoint.to_vec());
        assert!(!record.is_empty(), "an empty record is a removed one");
        assert_eq!(values::checkpoint(&record), checkpoint);
    }
}
