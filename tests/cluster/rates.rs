//! The limit of each sink: never exceeded over all its drivers, and used while there is one.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::conservation::{Sent, vendor};
use crate::kinds::Kind;

/// The limit of each sink.
pub(crate) const CALLS_PER_MINUTE: usize = 600;
/// Time by which delays on the way to the destination may shorten the interval between two calls.
const JITTER: Duration = Duration::from_millis(500);
/// A longer time without a call is one without a driver, without a leader of the servers, or with a sink that is held.
const SILENCE: Duration = Duration::from_secs(1);
/// The part of the limit that is used outside of silences.
const USED: f64 = 0.8;

/// Asserts that no time span holds more calls than the limit allows, and that those within `run`, with events waiting all the
/// time, use it; returns the figures.
pub(crate) fn rate(kind: &Kind, calls: &[Sent], run: Range<Instant>) -> String {
    let times = calls
        .iter()
        .filter(|sent| vendor(&sent.call) == Some(kind.vendor));
    let times: Vec<Instant> = times.map(|sent| sent.call.at).collect();
    let most = |span: Duration| {
        let counts = times
            .iter()
            .enumerate()
            .map(|(first, from)| times[first..].partition_point(|at| *at < *from + span));
        counts.max().unwrap_or(0)
    };
    // A tenth may be sent at once, the rest evenly.
    let (burst, minute) = (CALLS_PER_MINUTE / 10, Duration::from_secs(60));
    let short = most(minute / 10 - JITTER);
    let long = most(minute - JITTER);
    let name = kind.sink();
    assert!(long <= CALLS_PER_MINUTE, "{name}: {long} calls in a minute");
    assert!(
        short <= burst + CALLS_PER_MINUTE / 10,
        "{name}: {short} calls in 6 s"
    );

    let during: Vec<Instant> = times.iter().copied().filter(|at| run.contains(at)).collect();
    let ends = [run.start]
        .into_iter()
        .chain(during.iter().copied())
        .chain([run.end]);
    let ends: Vec<Instant> = ends.collect();
    let gaps = ends.windows(2).map(|two| two[1] - two[0]);
    let silent: Duration = gaps.filter(|gap| *gap > SILENCE).sum();
    let busy = (run.end - run.start).saturating_sub(silent);
    let allowed = busy.as_secs_f64() * CALLS_PER_MINUTE as f64 / 60.0;
    let used = during.len() as f64 / allowed;
    assert!(
        used >= USED,
        "{name}: {} calls of {allowed:.0} in {busy:.1?} without silences",
        during.len()
    );
    format!(
        "{name}: {} calls, at most {long} in a minute and {short} in 6 s; silent for {silent:.1?} in all, otherwise {:.0} % of the \
         limit",
        times.len(),
        used * 100.0
    )
}
