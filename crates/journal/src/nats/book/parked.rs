//! Parked events as records.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of the head, little-endian |
//! | n | the head as JSON |
//! | rest | the event, as a frame |

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::values::{json, read};
use crate::log::encode::encode_one;
use crate::log::frame::Frame;
use crate::{JournalError, Open, Parked, Position};

/// The part of a parked event that each router keeps in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParkedHead {
    pub(crate) source: String,
    pub(crate) received_at: i64,
    /// The history as it was when the event was parked.
    pub(crate) open: Open,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<String>,
}

impl ParkedHead {
    /// Takes the head of a parked event.
    pub(crate) fn of(parked: &Parked) -> ParkedHead {
        let receipt = parked.event.receipt();
        ParkedHead {
            source: receipt.source.to_string(),
            received_at: receipt.received_at,
            open: parked.open.clone(),
            only: parked.only.clone(),
        }
    }
}

/// Encodes a parked event.
pub(crate) fn encode(parked: &Parked) -> Result<Vec<u8>, JournalError> {
    let head = json(&ParkedHead::of(parked))?;
    let length = u32::try_from(head.len()).map_err(|_| JournalError("a parked event is too long".into()))?;
    let event = encode_one(&parked.event, 0);
    Ok([&length.to_le_bytes()[..], &head, &event].concat())
}

/// Decodes the head of a parked event; `None` if it is damaged.
pub(crate) fn head(value: &[u8]) -> Option<ParkedHead> {
    Some(split(value)?.0)
}

/// Decodes a parked event at its position, with its later history if it has any; `None` if it is damaged.
pub(crate) fn decode(position: Position, value: &[u8], later: Option<Open>) -> Option<Parked> {
    let (head, event) = split(value)?;
    let event = Frame::decode(event).ok()?.events().next()?.1?.parse()?;
    let open = later.unwrap_or(head.open);
    Some(Parked {
        position,
        event: Arc::new(event),
        open: Open { position, ..open },
        only: head.only,
    })
}

fn split(value: &[u8]) -> Option<(ParkedHead, &[u8])> {
    let (length, rest) = value.split_first_chunk::<4>()?;
    let (head, event) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((read(head)?, event))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use signalbox_core::{Event, Receipt};

    use super::*;

    pub(crate) fn parked() -> Parked {
        let receipt = Receipt {
            source: "shop".into(),
            received_at: 5,
        };
        Parked {
            position: 9,
            event: Arc::new(Event::parse(r#"{"messageId":"m","event":"Äpfel"}"#, receipt).unwrap()),
            open: Open {
                position: 9,
                attempts: 3,
                ..Open::default()
            },
            only: Some("purchase".into()),
        }
    }

    #[test]
    fn parked_events_come_back_with_their_later_history() {
        let bytes = encode(&parked()).unwrap();
        assert_eq!(head(&bytes).unwrap(), ParkedHead::of(&parked()));
        let again = decode(9, &bytes, None).unwrap();
        assert_eq!(
            (again.position, again.open.attempts, again.only.as_deref()),
            (9, 3, Some("purchase"))
        );
        assert_eq!(again.event.message_id(), "m");
        assert_eq!(
            (&*again.event.receipt().source, again.event.receipt().received_at),
            ("shop", 5)
        );
        let later = Open {
            attempts: 8,
            ..Open::default()
        };
        let again = decode(12, &bytes, Some(later)).unwrap();
        assert_eq!((again.open.position, again.open.attempts), (12, 8));
    }

    proptest! {
        #[test]
        fn damaged_values_are_none(cut in 0usize..200, at in 0usize..200, with in any::<u8>()) {
            let bytes = encode(&parked()).unwrap();
            prop_assert!(decode(9, &bytes[..cut.min(bytes.len() - 1)], None).is_none());
            let mut other = bytes.clone();
            let at = at % other.len();
            other[at] = with;
            let _ = decode(9, &other, None);
        }
    }
}
