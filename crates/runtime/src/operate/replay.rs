//! Delivering a part of the journal to a sink again.

use serde::{Deserialize, Serialize};
use signalbox_journal::{Found, Journal, JournalError, Position, Progress};

use crate::ledger::SinkLedger;

/// A part of the journal to deliver again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayRange {
    /// The first event.
    pub from: Where,
    /// The position after the last event; `None` means the end of the journal.
    pub to: Option<Where>,
    /// If true, a running sink also sends the records that it remembers to have sent.
    pub again: bool,
}

/// The state of a sink's last replay in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayState {
    /// The first position delivered again.
    pub from: Position,
    /// The position after the last.
    pub to: Position,
    /// Events of the range that the sink has not settled yet. While the sink reads the range, this counts events of all
    /// sources.
    pub left: u64,
    /// Records that were not sent, since the sink remembers that it has sent them.
    pub held_back: u64,
}

/// Reads the state of a sink's last replay; `None` if there was none in this process.
///
/// # Errors
/// A sentence if the journal cannot be read, or knows no such sink.
pub async fn replay_state(
    journal: &dyn Journal,
    sink: &str,
    ledger: &SinkLedger,
) -> Result<Option<ReplayState>, String> {
    let Some((from, to)) = ledger.replay.range() else {
        return Ok(None);
    };
    let progress = progress_of(journal, sink).await?;
    let explain = |error: JournalError| error.to_string();
    let mut left = journal.count(from, to).await.map_err(explain)?;
    for (a, b) in settled_within(&progress, from, to) {
        left = left.saturating_sub(journal.count(a, b).await.map_err(explain)?);
    }
    let held_back = ledger.replay.held_back.get();
    Ok(Some(ReplayState {
        from,
        to,
        left,
        held_back,
    }))
}

async fn progress_of(journal: &dyn Journal, sink: &str) -> Result<Progress, String> {
    let sinks = journal.sinks().await.map_err(|error| error.to_string())?;
    let state = sinks.into_iter().find(|state| state.name == sink);
    let state = state.ok_or_else(|| format!("the journal knows no sink '{sink}'"))?;
    Ok(state.progress)
}

/// A place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// The first event that arrived at or after this moment, Unix milliseconds.
    Time(i64),
    /// A position.
    Position(Position),
}

impl std::fmt::Display for Where {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Where::Position(position) => position.fmt(f),
            Where::Time(at) => jiff::Timestamp::from_millisecond(*at).unwrap_or_default().fmt(f),
        }
    }
}

impl std::str::FromStr for Where {
    type Err = String;

    /// Reads a position (a whole number) or a time: RFC 3339, a date (its beginning in UTC), or a duration back from now
    /// such as `2h` or `3d`.
    fn from_str(text: &str) -> Result<Where, String> {
        if let Ok(position) = text.parse() {
            return Ok(Where::Position(position));
        }
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Where::Time(at.as_millisecond()));
        }
        if let Some(at) = beginning_of(text) {
            return Ok(Where::Time(at.as_millisecond()));
        }
        let back = signalbox_core::HumanDuration::parse(text).map_err(|_| {
            "expected a position (a number), a time with its zone such as 2026-11-24T10:00:00Z, a date such as \
             2026-11-24 (from its beginning in UTC), or a duration back from now such as 2h or 3d"
                .to_owned()
        })?;
        let millis = i64::try_from(back.0.as_millis()).unwrap_or(i64::MAX);
        Ok(Where::Time(
            crate::dead_letters::now_millis().saturating_sub(millis),
        ))
    }
}

/// Returns the first moment of a date in UTC. A date with a time but without a zone is refused: it could mean several moments.
fn beginning_of(date: &str) -> Option<jiff::Timestamp> {
    const FORM: usize = "2026-11-24".len();
    let date: jiff::civil::Date = date.parse().ok().filter(|_| date.len() == FORM)?;
    jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

/// The plan of a replay, or its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPlan {
    /// The first position delivered again.
    pub from: Position,
    /// The position after the last.
    pub to: Position,
    /// Number of events that are read again. The sink delivers at most these: it skips events of other sources and erased
    /// ones, and filters as before.
    pub events: u64,
}

/// Plans a replay, and computes the sink's progress for it.
///
/// # Errors
/// A sentence if there is no such sink, or nothing to replay.
pub async fn plan_replay(
    journal: &dyn Journal,
    sink: &str,
    range: ReplayRange,
) -> Result<(ReplayPlan, Progress), String> {
    let progress = progress_of(journal, sink).await?;
    let held = journal.find(0).await.map_err(|error| error.to_string())?;
    let from = locate(journal, range.from).await?.clamp(held.from, held.to);
    let to = match range.to {
        Some(to) => locate(journal, to).await?.clamp(held.from, held.to),
        None => held.to,
    };
    let rewound = rewind(&progress, from, to);
    let mut events = 0;
    for (a, b) in settled_within(&progress, from, to) {
        events += journal.count(a, b).await.map_err(|error| error.to_string())?;
    }
    if events == 0 {
        let Found { from, to, .. } = held;
        return Err(format!(
            "nothing to replay there: the journal holds the positions {from} to {to}, and what is not settled yet is \
             delivered anyway"
        ));
    }
    Ok((ReplayPlan { from, to, events }, rewound))
}

async fn locate(journal: &dyn Journal, place: Where) -> Result<Position, String> {
    match place {
        Where::Position(position) => Ok(position),
        Where::Time(at) => journal
            .find(at)
            .await
            .map(|found| found.at)
            .map_err(|error| error.to_string()),
    }
}

/// Lists the settled parts of a range.
fn settled_within(progress: &Progress, from: Position, to: Position) -> Vec<(Position, Position)> {
    let settled = std::iter::once((0, progress.cursor)).chain(progress.settled.iter().copied());
    let parts = settled.map(|(a, b)| (a.max(from), b.min(to)));
    parts.filter(|(a, b)| a < b).collect()
}

/// Returns the progress with `from..to` unsettled and everything else unchanged.
fn rewind(progress: &Progress, from: Position, to: Position) -> Progress {
    let before = std::iter::once((from.min(progress.cursor), progress.cursor));
    let mut settled = Vec::new();
    for (a, b) in before.chain(progress.settled.iter().copied()) {
        for (a, b) in [(a, b.min(from)), (a.max(to), b)] {
            if a < b {
                settled.push((a, b));
            }
        }
    }
    Progress {
        cursor: from.min(progress.cursor),
        settled,
        ..progress.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewinding_unsettles_a_range_and_nothing_else() {
        let progress = Progress {
            cursor: 100,
            settled: vec![(110, 120), (130, 140)],
            ..Progress::default()
        };
        let rewound = rewind(&progress, 50, 60);
        assert_eq!(
            (rewound.cursor, &rewound.settled[..]),
            (50, &[(60, 100), (110, 120), (130, 140)][..])
        );
        let rewound = rewind(&progress, 90, 115);
        assert_eq!(
            (rewound.cursor, &rewound.settled[..]),
            (90, &[(115, 120), (130, 140)][..])
        );
        let rewound = rewind(&progress, 112, 1000);
        assert_eq!((rewound.cursor, &rewound.settled[..]), (100, &[(110, 112)][..]));
        assert_eq!(settled_within(&progress, 90, 115), [(90, 100), (110, 115)]);
        assert_eq!(settled_within(&progress, 120, 130), []);
    }

    #[test]
    fn places() {
        assert_eq!("17".parse(), Ok(Where::Position(17)));
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Where::Time(1_000)));
        assert!(matches!("2h".parse(), Ok(Where::Time(_))));
        assert_eq!("1970-01-02".parse(), Ok(Where::Time(86_400_000)));
        assert!(matches!("1d12h".parse(), Ok(Where::Time(_))));
        for unclear in ["yesterday", "1970-01-02T03:04:05", "1970-02-30", "1970-01"] {
            assert!(unclear.parse::<Where>().is_err(), "{unclear}");
        }
    }
}
