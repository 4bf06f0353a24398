//! The header of a frame's message: all that a router needs to know of a frame that it does not read.

use std::sync::Arc;

use async_nats::HeaderMap;

use super::blocks::FrameFacts;
use super::ids;
use crate::dedup::KeyedHash;
use crate::nats::subjects;

/// The header with the latest arrival of the frame's events, Unix milliseconds.
const ARRIVAL: &str = "Sbx-Arrived";
/// The header of a message that holds no events, and only takes up a sequence.
const NO_EVENTS: &str = "Sbx-No-Events";
/// The id by which the server knows a message that is published again: the start of the process, and a number.
pub(super) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// The most events of a frame: the server takes at most 64 KiB of headers.
pub(super) const MOST_EVENTS: usize = 2_500;

/// The content of a message's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) sequence: u64,
    /// The moment at which the server stored it, Unix milliseconds: the same for all routers.
    pub(super) stored: i64,
    pub(super) source: Arc<str>,
    /// The id of each event, none for a message without events; `None` if the header is not one that a router writes. Such a message counts as one event, which
    /// is lost.
    pub(super) ids: Option<Vec<KeyedHash>>,
    pub(super) arrival: i64,
    /// The number under which this process published it, if it did.
    pub(super) own: Option<u64>,
}

impl FrameHeader {
    /// Reads the header of a message with this subject.
    pub(super) fn read(
        subject: &str,
        headers: Option<&HeaderMap>,
        sequence: u64,
        stored: i64,
        start: &str,
    ) -> FrameHeader {
        let value = |name: &str| Some(headers?.get(name)?.as_str());
        let source = subject.rsplit_once('.').map_or(subject, |(_, token)| token);
        let ids = value(ids::HEADER).and_then(ids::decode);
        let ids = ids.filter(|ids| (1..=MOST_EVENTS).contains(&ids.len()));
        let ids = ids.or_else(|| value(NO_EVENTS).map(|_| Vec::new()));
        let own = value(MESSAGE_ID)
            .and_then(|id| id.rsplit_once('.'))
            .filter(|(process, _)| *process == start)
            .and_then(|(_, number)| number.parse().ok());
        FrameHeader {
            sequence,
            stored,
            source: subjects::text(source).map_or_else(|| source.into(), Arc::from),
            ids,
            arrival: value(ARRIVAL)
                .and_then(|text| text.parse().ok())
                .unwrap_or(stored),
            own,
        }
    }

    /// Writes the headers of a message.
    pub(super) fn write(ids: &[KeyedHash], arrival: i64, start: &str, number: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ids::HEADER, ids::encode(ids));
        headers.insert(ARRIVAL, arrival.to_string());
        headers.insert(MESSAGE_ID, format!("{start}.{number}"));
        headers
    }

    /// Writes the headers of a message that holds no events.
    pub(super) fn without_events() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(NO_EVENTS, "1");
        headers
    }

    /// The number of its events.
    pub(super) fn events(&self) -> usize {
        self.ids.as_ref().map_or(1, Vec::len)
    }

    /// The facts that are counted.
    pub(super) fn facts(&self) -> FrameFacts {
        FrameFacts {
            sequence: self.sequence,
            source: self.source.clone(),
            events: self.events() as u16,
            arrival: self.arrival,
            stored: self.stored,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nats::subjects::Subjects;

    #[test]
    fn a_header_tells_what_was_written() {
        let subject = Subjects::new("sbx").subject(&["ev", "shop.eu"]);
        let ids = [[7; 16], ids::NONE];
        let headers = FrameHeader::write(&ids, 99, "node.1a", 5);
        let read = FrameHeader::read(&subject, Some(&headers), 3, 100, "node.1a");
        assert_eq!((&*read.source, read.ids.as_deref()), ("shop.eu", Some(&ids[..])));
        assert_eq!((read.arrival, read.own, read.events()), (99, Some(5), 2));
        let other = FrameHeader::read(&subject, Some(&headers), 3, 100, "node.1b");
        assert_eq!(other.own, None);
        let none = FrameHeader::without_events();
        let read = FrameHeader::read(&subject, Some(&none), 3, 100, "node.1a");
        assert_eq!((read.ids.as_deref(), read.events()), (Some(&[][..]), 0));
    }

    #[test]
    fn a_foreign_message_counts_as_one_event() {
        for ids in ["", "AAAA", "not base64!"] {
            let mut headers = HeaderMap::new();
            headers.insert(ids::HEADER, ids);
            let read = FrameHeader::read("sbx.ev.=zz", Some(&headers), 3, 100, "s");
            assert_eq!(
                (read.ids.as_ref(), read.events(), read.arrival),
                (None, 1, 100),
                "{ids}"
            );
            assert_eq!(&*read.source, "=zz");
        }
        assert_eq!(FrameHeader::read("x", None, 3, 100, "s").events(), 1);
    }

    #[test]
    fn the_largest_header_is_one_that_servers_take() {
        let headers = FrameHeader::write(
            &vec![[255; 16]; MOST_EVENTS],
            i64::MAX,
            &"n".repeat(200),
            u64::MAX,
        );
        let size: usize = headers
            .iter()
            .map(|(name, values)| {
                let values = values
                    .iter()
                    .map(|value| name.to_string().len() + value.as_str().len() + 4);
                values.sum::<usize>()
            })
            .sum();
        assert!(size < 60_000, "{size}");
    }
}
