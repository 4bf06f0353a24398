//! The keys of records, and their subjects.

use crate::Position;
use crate::nats::subjects::{Subjects, text};

/// The key of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The journal's id and the format of its records.
    Identity,
    /// The wrapped keys of a sealed journal.
    Keys,
    /// The names of renamed sources.
    Names,
    /// The erasures.
    Erasures,
    /// The state of a sink.
    Sink(String),
    /// An event of the log that a sink has moved out of the log's way: the sink, and the place in the log.
    Parked(String, Position),
    /// An event that came back to a sink from the dead letters: the sink, and a random name.
    Back(String, String),
    /// The later history of a parked event: the sink, and the position.
    Open(String, Position),
    /// A dead letter: its component, and a name that is the same if the same record ends again.
    Letter(String, String),
    /// The number of letters of a component that were dropped for their quota.
    Dropped(String),
    /// The counts of a source: the source, and the node that took the events in.
    Source(String, String),
    /// A checkpoint of a source: the source, and the checkpoint's key.
    Checkpoint(String, String),
    /// A record that a node writes at its start, to see that it can write and that it has read everything before.
    Seen(String),
}

impl Key {
    /// The subject of the record.
    pub(crate) fn subject(&self, subjects: &Subjects) -> String {
        let number;
        let parts: &[&str] = match self {
            Key::Identity => &["st", "journal"],
            Key::Keys => &["st", "keys"],
            Key::Names => &["st", "names"],
            Key::Erasures => &["st", "erasures"],
            Key::Sink(sink) => &["st", "sink", sink],
            Key::Parked(sink, position) => {
                number = position.to_string();
                &["st", "parked", sink, &number]
            }
            Key::Back(sink, name) => &["st", "back", sink, name],
            Key::Open(sink, position) => {
                number = position.to_string();
                &["st", "open", sink, &number]
            }
            Key::Letter(component, name) => &["st", "letter", component, name],
            Key::Dropped(component) => &["st", "dropped", component],
            Key::Source(source, node) => &["st", "source", source, node],
            Key::Checkpoint(source, key) => &["st", "checkpoint", source, key],
            Key::Seen(node) => &["st", "seen", node],
        };
        subjects.subject(parts)
    }

    /// Reads the key from a subject below the prefix; `None` if a newer version wrote it.
    pub(crate) fn parse(subject: &str, subjects: &Subjects) -> Option<Key> {
        let parts = subjects.parts(subject)?;
        let text = |token: &str| text(token);
        Some(match *parts.as_slice() {
            ["st", "journal"] => Key::Identity,
            ["st", "keys"] => Key::Keys,
            ["st", "names"] => Key::Names,
            ["st", "erasures"] => Key::Erasures,
            ["st", "sink", sink] => Key::Sink(text(sink)?),
            ["st", "parked", sink, position] => Key::Parked(text(sink)?, position.parse().ok()?),
            ["st", "back", sink, name] => Key::Back(text(sink)?, text(name)?),
            ["st", "open", sink, position] => Key::Open(text(sink)?, position.parse().ok()?),
            ["st", "letter", component, name] => Key::Letter(text(component)?, text(name)?),
            ["st", "dropped", component] => Key::Dropped(text(component)?),
            ["st", "source", source, node] => Key::Source(text(source)?, text(node)?),
            ["st", "checkpoint", source, key] => Key::Checkpoint(text(source)?, text(key)?),
            ["st", "seen", node] => Key::Seen(text(node)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_their_subjects() {
        let subjects = Subjects::new("sbx");
        let name = || "source:web.shop".to_owned();
        for key in [
            Key::Identity,
            Key::Keys,
            Key::Names,
            Key::Erasures,
            Key::Sink(name()),
            Key::Parked(name(), 7),
            Key::Back(name(), "x1".into()),
            Key::Open(name(), u64::MAX),
            Key::Letter(name(), "7-purchase".into()),
            Key::Dropped(name()),
            Key::Source(name(), "node a".into()),
            Key::Checkpoint(name(), "/var/log/*.json".into()),
            Key::Seen(String::new()),
        ] {
            let subject = key.subject(&subjects);
            assert!(subject.starts_with("sbx.st."), "{subject}");
            assert_eq!(Key::parse(&subject, &subjects), Some(key));
        }
        for other in [
            "sbx.st.sink",
            "sbx.st.later.a",
            "sbx.ev.a",
            "other.st.names",
            "sbx",
        ] {
            assert_eq!(Key::parse(other, &subjects), None, "{other}");
        }
    }
}
