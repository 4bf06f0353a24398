//! The four timestamps.

use std::sync::LazyLock;

use signalbox_core::{Document, Node, Path, Scalar, Warning};

use crate::time::{Millis, corrected, named_date, parse_timestamp, write_iso};

use super::batch_defaults::BatchDefaults;
use super::reception::Reception;

static SENT: LazyLock<Path> = LazyLock::new(|| Path::new("sentAt"));
static RECEIVED: LazyLock<Path> = LazyLock::new(|| Path::new("receivedAt"));
static TIMESTAMP: LazyLock<Path> = LazyLock::new(|| Path::new("timestamp"));
static ORIGINAL: LazyLock<Path> = LazyLock::new(|| Path::new("originalTimestamp"));

/// Reads a time: a text in any shape that SDKs send, or an epoch number. Returns `None` for years without four digits.
pub(super) fn read(node: Node<'_>) -> Option<Millis> {
    let millis = match node.as_str() {
        Some(text) => parse_timestamp(text).or_else(|| named_date(text)),
        None => node.as_f64().and_then(Millis::from_epoch),
    };
    millis.filter(|millis| writable(*millis))
}

fn writable(millis: Millis) -> bool {
    const YEAR_0: i64 = -62_167_219_200_000;
    const YEAR_10000: i64 = 253_402_300_800_000;
    (YEAR_0..YEAR_10000).contains(&millis.0)
}

/// Writes `receivedAt`, `sentAt`, `originalTimestamp` and `timestamp`. Returns a warning if the client's time is
/// unreadable.
pub(super) fn complete(
    document: &mut Document,
    defaults: &BatchDefaults,
    reception: &Reception<'_>,
) -> Option<Warning> {
    let root = document.root();
    let has_sent = root.get("sentAt").is_some();
    let sent = root.get("sentAt").and_then(read).or(defaults.sent);
    // RudderStack's Node SDK sends `originalTimestamp` instead of `timestamp`.
    let (path, given) = match (root.get("timestamp"), root.get("originalTimestamp")) {
        (Some(node), _) => (&TIMESTAMP, Some(node)),
        (None, node) => (&ORIGINAL, node),
    };
    let original = given.and_then(read);
    let unreadable = given.filter(|_| original.is_none()).map(|node| {
        // Values other than texts and numbers are not kept.
        node.as_str()
            .or(node.number_text())
            .unwrap_or_default()
            .to_owned()
    });

    let mut text = String::with_capacity(24);
    let mut set = |document: &mut Document, path: &Path, millis: Millis| {
        text.clear();
        write_iso(millis, &mut text);
        document.set(path, Scalar::String(&text));
    };
    match sent {
        Some(sent) => set(document, &SENT, sent),
        None if has_sent => {
            document.remove(&SENT);
        }
        None => {}
    }
    let happened = match original {
        Some(original) => {
            let sent = sent.filter(|_| reception.live);
            let happened = corrected(reception.received, sent, Some(original));
            // A correction by millennia is no correction.
            if writable(happened) { happened } else { original }
        }
        None => reception.received,
    };
    set(document, &TIMESTAMP, happened);
    if let Some(original) = original {
        set(document, &ORIGINAL, original);
    }
    set(document, &RECEIVED, reception.received);

    let unreadable = unreadable?;
    if unreadable.is_empty() {
        document.remove(&ORIGINAL);
    } else {
        document.set(&ORIGINAL, Scalar::String(&unreadable));
    }
    Some(Warning::new(
        "timestamp_unreadable",
        path.to_string(),
        "not a time; the time of receipt was used instead",
    ))
}
