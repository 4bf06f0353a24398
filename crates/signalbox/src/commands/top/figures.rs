//! The figures of `top`: rates between two looks at a router, and the states now.

use std::collections::BTreeMap;
use std::time::Instant;

use signalbox_admin::{SinkStatus, SourceStatus, Status};

use crate::commands::numbers::{about, thousands};

/// A look at a router.
pub(super) struct Look {
    pub(super) at: Instant,
    pub(super) status: Status,
}

/// Columns of the sources, separated by blanks.
pub(super) const SOURCES: &str = "source received/s journalled/s duplicate/s filtered/s rejected/s refused/s";
/// Columns of the sinks, separated by blanks.
pub(super) const SINKS: &str =
    "sink delivered/s filtered/s rejected/s expired/s retried/s requests/s pending oldest state";

/// The figures of two looks.
pub(super) struct Figures {
    /// Version, time since the start, readiness.
    pub(super) head: String,
    /// Events and bytes in the journal.
    pub(super) journal: String,
    /// Share of the journal that is full, from 0 to 1.
    pub(super) fill: f64,
    /// A row for each source, by [`SOURCES`].
    pub(super) sources: Vec<Vec<String>>,
    /// A row for each sink, by [`SINKS`].
    pub(super) sinks: Vec<Vec<String>>,
    /// The reason of each hold.
    pub(super) holds: Vec<String>,
}

impl Figures {
    /// Takes the figures of two looks, the later one last.
    pub(super) fn of(last: &Look, now: &Look) -> Figures {
        let Status {
            version,
            uptime_seconds,
            not_ready,
            journal,
            ..
        } = &now.status;
        let state = not_ready
            .as_ref()
            .map_or("ready".to_owned(), |reason| format!("not ready: {reason}"));
        // The counts of another process are no beginning for a rate.
        let same = last.status.started_at == now.status.started_at;
        let seconds = now.at.saturating_duration_since(last.at).as_secs_f64();
        let rates = Rates {
            seconds: (same && seconds > 0.0).then_some(seconds),
        };
        let source = |(name, source): (&String, &SourceStatus)| {
            rates.source(name, last.status.sources.get(name), source)
        };
        let sink = |(name, sink): (&String, &SinkStatus)| rates.sink(name, last.status.sinks.get(name), sink);
        let held = |(name, sink): (&String, &SinkStatus)| {
            let held = sink.held.as_ref()?;
            Some(format!("{name}: held: {} ({})", held.message, held.code))
        };
        Figures {
            head: format!(
                "Signalbox {version}, up {} s, {state}",
                thousands(*uptime_seconds)
            ),
            journal: format!(
                "journal: {} events, {} of {}",
                thousands(journal.events),
                about(journal.bytes),
                about(journal.max_bytes)
            ),
            // Bytes of a journal are exact in an f64.
            fill: (journal.bytes as f64 / journal.max_bytes.max(1) as f64).clamp(0.0, 1.0),
            sources: now.status.sources.iter().map(source).collect(),
            sinks: now.status.sinks.iter().map(sink).collect(),
            holds: now.status.sinks.iter().filter_map(held).collect(),
        }
    }
}

/// Rates as differences of counters.
struct Rates {
    /// Time between the looks; `None` if there is no earlier one of the same process.
    seconds: Option<f64>,
}

impl Rates {
    fn rate(&self, before: Option<u64>, now: u64) -> String {
        match (self.seconds, before) {
            (Some(seconds), Some(before)) => format!("{:.1}", now.saturating_sub(before) as f64 / seconds),
            _ => "-".to_owned(),
        }
    }

    fn source(&self, name: &str, before: Option<&SourceStatus>, now: &SourceStatus) -> Vec<String> {
        let count: [fn(&SourceStatus) -> u64; 6] = [
            |source| source.received,
            |source| source.journalled,
            |source| source.duplicate,
            |source| total(&source.filtered),
            |source| total(&source.rejected),
            |source| total(&source.refused),
        ];
        let rates = count.map(|count| self.rate(before.map(count), count(now)));
        std::iter::once(name.to_owned()).chain(rates).collect()
    }

    fn sink(&self, name: &str, before: Option<&SinkStatus>, now: &SinkStatus) -> Vec<String> {
        let count: [fn(&SinkStatus) -> u64; 6] = [
            |sink| sink.delivered,
            |sink| total(&sink.filtered),
            |sink| total(&sink.rejected),
            |sink| total(&sink.expired),
            |sink| total(&sink.records.retried),
            |sink| sink.requests.attempts,
        ];
        let rates = count.map(|count| self.rate(before.map(count), count(now)));
        let state = match (now.disabled, &now.held) {
            (true, _) => "disabled",
            (false, Some(_)) => "held",
            (false, None) => "ok",
        };
        let oldest = now.oldest_pending_age_seconds;
        let oldest = oldest.map_or("-".to_owned(), |age| format!("{age}s"));
        let standing = [thousands(now.pending), oldest, state.to_owned()];
        let cells = std::iter::once(name.to_owned()).chain(rates);
        cells.chain(standing).collect()
    }
}

fn total(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use signalbox_admin::HoldStatus;

    use super::*;

    pub(in crate::commands::top) fn look(at: Instant, started: &str, received: u64, delivered: u64) -> Look {
        let mut status: Status = serde_json::from_value(serde_json::json!({
            "version": "1.0.0", "started_at": started, "uptime_seconds": 61, "ready": true, "not_ready": null, "sums_close": true,
            "journal": { "events": 1200, "bytes": 1_500_000, "max_bytes": 2_000_000_000_u64 }, "orphans": [], "sources": {},
            "sinks": {},
        }))
        .unwrap();
        let source = SourceStatus {
            received,
            ..SourceStatus::default()
        };
        status.sources.insert("web".to_owned(), source);
        let sink = SinkStatus {
            delivered,
            pending: 1_200,
            oldest_pending_age_seconds: Some(40),
            held: Some(HoldStatus {
                code: "unauthorized".to_owned(),
                message: "the token was refused".to_owned(),
                ..HoldStatus::default()
            }),
            ..SinkStatus::default()
        };
        status.sinks.insert("ads".to_owned(), sink);
        Look { at, status }
    }

    #[test]
    fn rates_are_differences_of_counters_of_one_process() {
        let begun = Instant::now();
        let later = begun + Duration::from_secs(2);
        let told = Figures::of(&look(begun, "a", 10, 5), &look(later, "a", 25, 5));
        assert_eq!(told.sources[0][..3], ["web", "7.5", "0.0"]);
        assert_eq!(told.sinks[0][..2], ["ads", "0.0"]);
        assert_eq!(told.sinks[0][7..], ["1,200", "40s", "held"]);
        assert_eq!(told.holds, ["ads: held: the token was refused (unauthorized)"]);
        assert_eq!(told.head, "Signalbox 1.0.0, up 61 s, ready");
        assert_eq!(told.journal, "journal: 1,200 events, 1.5MB of 2.0GB");

        let told = Figures::of(&look(begun, "a", 10, 5), &look(later, "b", 3, 1));
        assert!(
            told.sources[0][1..].iter().all(|cell| cell == "-"),
            "{:?}",
            told.sources
        );
    }
}
