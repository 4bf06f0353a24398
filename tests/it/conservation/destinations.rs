//! The sinks of three vendors under test, and the events that each vendor has.

use std::ops::Range;
use std::path::Path;

use super::kinds::Kind;
use super::tally::Tally;
use crate::support::pipeline::vendor_sink;

impl Kind {
    /// Returns the sink's table. `variant` changes its settings, so that a reload has something to do.
    pub(super) fn table(&self, variant: u64) -> String {
        let limits = format!(
            r#"timeout = "2s"
calls_per_minute = 1000000
batch.max_events = {}
retry = {{ initial_backoff = "10ms", max_backoff = "100ms" }}
"#,
            100 - variant % 2
        );
        vendor_sink(self.vendor) + &limits
    }
}

/// A sink under test, with the events that its vendor has.
pub(super) struct Destination {
    pub(super) kind: &'static Kind,
    pub(super) tally: Tally,
    /// The lines that came while accepted events got no answer that can be read.
    pub(super) deaf: Vec<Range<usize>>,
    /// Events retried from the dead letters.
    pub(super) retried: u64,
    /// The lines, and the events that the journal did not call delivered, at the end of each process.
    pub(super) ended: Vec<(usize, u64)>,
}

impl Destination {
    pub(super) fn new(kind: &'static Kind, capture: &Path) -> Destination {
        Destination {
            kind,
            tally: kind.tally(capture),
            deaf: Vec::new(),
            retried: 0,
            ended: Vec::new(),
        }
    }

    /// Checks the files of a process that has ended: every event called delivered is at the vendor.
    pub(super) fn process_ended(&mut self, delivered: u64) {
        let lines = self.tally.catch_up();
        let there = self.tally.distinct();
        let sink = self.kind.sink();
        assert!(
            delivered <= there,
            "{sink}: {delivered} are called delivered, {there} are there"
        );
        self.ended.push((lines, there - delivered));
    }

    /// Finds the cause of each second copy; tells how many there are of each. `killed` says how each process ended.
    pub(super) fn explain(&self, killed: &[bool]) -> String {
        let (mut all, mut deaf) = (0, 0);
        let mut restarts = vec![0; self.ended.len()];
        for (_, before, copy) in self.tally.copies() {
            all += 1;
            if self.deaf.iter().any(|range| range.contains(&before)) {
                deaf += 1;
                continue;
            }
            // A process ended in between, and had not noted down that the first copy was delivered.
            let end = self.ended.iter().position(|(lines, _)| before < *lines);
            let end = end.filter(|end| self.ended[*end].0 <= copy);
            let sink = self.kind.sink();
            let end = end
                .unwrap_or_else(|| panic!("{sink}: no cause for the copy of line {before} in line {copy}"));
            restarts[end] += 1;
        }
        let (mut at_kills, mut at_stops) = (0, 0);
        for ((copies, (_, uncommitted)), killed) in restarts.iter().zip(&self.ended).zip(killed) {
            assert!(*copies <= *uncommitted, "{copies} of {uncommitted}");
            *(if *killed { &mut at_kills } else { &mut at_stops }) += copies;
        }
        format!(
            "{all}: {deaf} accepted without an answer that could be read, {at_kills} not noted down at a kill \
             (by end: {restarts:?}), {at_stops} in flight when a stop's deadline came"
        )
    }
}
