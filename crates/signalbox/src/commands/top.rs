//! `signalbox top`

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use signalbox_admin::{Query, SinkStatus, SourceStatus, Status, table};
use signalbox_core::escape::plain_lines;

use super::admin_client::AdminClient;
use super::numbers::{about, thousands};
use crate::cli::TopArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// Shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(100);
/// Moves the cursor of a terminal to its first line, and clears it.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// A look at a router.
struct Look {
    at: Instant,
    status: Status,
}

pub(crate) async fn run(args: &TopArgs) -> Result<Code, Failure> {
    let live = AdminClient::running(&args.config.config).await?;
    let look = async || -> Result<Look, String> {
        let status = live.get("/status", &Query::default()).await?;
        let at = Instant::now();
        Ok(Look { at, status })
    };
    let clears = !args.once && std::io::stdout().is_terminal();
    let mut turns = tokio::time::interval(args.interval.0.max(SHORTEST));
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    turns.tick().await;
    let mut last = look().await?;
    loop {
        turns.tick().await;
        let now = match look().await {
            Ok(now) => now,
            Err(problem) if args.once => return Err(problem.into()),
            Err(problem) => {
                // It may be restarting.
                tell(&problem);
                continue;
            }
        };
        let block = plain_lines(&block(&last, &now)).into_owned();
        let block = if clears {
            format!("{CLEAR}{block}")
        } else {
            format!("{block}\n")
        };
        if !print(&block) || args.once {
            return Ok(exit::OK);
        }
        last = now;
    }
}

/// Writes the rates between two looks, and what stands now.
fn block(last: &Look, now: &Look) -> String {
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
    let mut out = format!(
        "Signalbox {version}, up {} s, {state}; journal: {} events, {} of {}\n",
        thousands(*uptime_seconds),
        thousands(journal.events),
        about(journal.bytes),
        about(journal.max_bytes)
    );
    // The counts of another process are no beginning for a rate.
    let same = last.status.started_at == now.status.started_at;
    let seconds = now.at.saturating_duration_since(last.at).as_secs_f64();
    let rates = Rates {
        seconds: (same && seconds > 0.0).then_some(seconds),
    };
    let row =
        |(name, source): (&String, &SourceStatus)| rates.source(name, last.status.sources.get(name), source);
    let head = "source received/s journalled/s duplicate/s filtered/s rejected/s refused/s";
    table(&mut out, head, now.status.sources.iter().map(row).collect());
    let row = |(name, sink): (&String, &SinkStatus)| rates.sink(name, last.status.sinks.get(name), sink);
    let head = "sink delivered/s filtered/s rejected/s expired/s retried/s requests/s pending oldest state";
    table(&mut out, head, now.status.sinks.iter().map(row).collect());
    for (name, sink) in &now.status.sinks {
        if let Some(held) = &sink.held {
            out.push_str(&format!("{name}: held: {} ({})\n", held.message, held.code));
        }
    }
    out
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
mod tests {
    use signalbox_admin::HoldStatus;

    use super::*;

    fn look(at: Instant, started: &str, received: u64, delivered: u64) -> Look {
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
        let told = block(&look(begun, "a", 10, 5), &look(later, "a", 25, 5));
        let row = |name: &str| {
            let line = told.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("web")[1..3], ["7.5", "0.0"], "{told}");
        assert_eq!(row("ads ")[1..2], ["0.0"], "{told}");
        assert_eq!(row("ads ")[7..], ["1,200", "40s", "held"], "{told}");
        assert!(
            told.contains("ads: held: the token was refused (unauthorized)"),
            "{told}"
        );
        assert!(
            told.starts_with("Signalbox 1.0.0, up 61 s, ready; journal: 1,200 events, 1.5MB of 2.0GB\n"),
            "{told}"
        );

        let told = block(&look(begun, "a", 10, 5), &look(later, "b", 3, 1));
        assert!(
            told.lines()
                .any(|line| line.starts_with("web") && !line.contains('.')),
            "{told}"
        );
    }
}
