//! Reading `event_time`.

use jiff::Timestamp;

/// An `event_time` as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EventTime {
    /// Whole Unix seconds, as Meta's page demands.
    Seconds(i64),
    /// A text that holds a time. Meta's page does not list this form, but takes it from Segment.
    Text(i64),
    /// A time in milliseconds, or far in the future.
    NotSeconds,
    /// No time at all.
    Unreadable,
}

/// The first time, in Unix seconds, that is taken for milliseconds: the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;

/// Reads the raw JSON of an `event_time`.
pub(super) fn read(raw: &str) -> EventTime {
    if let Ok(seconds) = raw.parse::<i64>() {
        return match seconds {
            0..MILLISECONDS => EventTime::Seconds(seconds),
            _ => EventTime::NotSeconds,
        };
    }
    let Some(text) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return EventTime::Unreadable;
    };
    match text.parse::<i64>() {
        Ok(seconds) if (0..MILLISECONDS).contains(&seconds) => EventTime::Text(seconds),
        Ok(_) => EventTime::NotSeconds,
        Err(_) => text
            .parse::<Timestamp>()
            .map_or(EventTime::Unreadable, |time| EventTime::Text(time.as_second())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_times() {
        for (raw, read_as) in [
            ("1772442122", EventTime::Seconds(1_772_442_122)),
            ("\"1772442122\"", EventTime::Text(1_772_442_122)),
            ("\"2026-03-02T09:02:02.000Z\"", EventTime::Text(1_772_442_122)),
            ("1772442122000", EventTime::NotSeconds),
            ("\"1772442122000\"", EventTime::NotSeconds),
            ("-5", EventTime::NotSeconds),
            ("1772442122.5", EventTime::Unreadable),
            ("\"yesterday\"", EventTime::Unreadable),
            ("\" \"", EventTime::Unreadable),
            ("null", EventTime::Unreadable),
            ("true", EventTime::Unreadable),
        ] {
            assert_eq!(read(raw), read_as, "{raw}");
        }
    }
}
