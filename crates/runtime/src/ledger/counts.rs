//! Counters, and which part of them this process counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use signalbox_journal::Arrivals;

/// Counts by stable code.
#[derive(Debug, Default)]
pub struct ByCode {
    counts: Mutex<BTreeMap<String, u64>>,
    /// The counts of earlier and of other processes; `None` until counts are restored.
    before: Mutex<Option<BTreeMap<String, i64>>>,
}

impl ByCode {
    /// Adds to a code.
    pub fn add(&self, code: &str, count: u64) {
        let mut map = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match map.get_mut(code) {
            Some(sum) => *sum += count,
            None => {
                map.insert(code.to_owned(), count);
            }
        }
    }

    /// The sum over all codes.
    pub fn total(&self) -> u64 {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }

    /// Restores the counts of earlier processes.
    pub fn restore(&self, counts: BTreeMap<String, u64>) {
        self.before().get_or_insert_with(|| signed(&counts));
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// Takes over the counts of another process. The counts of this process do not change.
    pub(super) fn follow(&self, counts: BTreeMap<String, u64>) {
        let mut before = self.before();
        let mut own = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let others = before.get_or_insert_default();
        let codes = own.keys().chain(counts.keys());
        for code in codes.cloned().collect::<BTreeSet<String>>() {
            let grown = counts.get(&code).copied().unwrap_or(0).cast_signed()
                - own.get(&code).copied().unwrap_or(0).cast_signed();
            *others.entry(code).or_default() += grown;
        }
        *own = counts;
    }

    fn before(&self) -> MutexGuard<'_, Option<BTreeMap<String, i64>>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works like [`ByCode::snapshot`], without the counts of earlier and of other processes.
    pub fn of_this_process(&self) -> BTreeMap<String, u64> {
        let before = self.before();
        let mut counts = self.snapshot();
        for (code, before) in before.iter().flatten() {
            let count = counts.get(code).copied().unwrap_or(0).cast_signed() - before;
            match u64::try_from(count) {
                Ok(0) | Err(_) if !counts.contains_key(code) => {}
                own => drop(counts.insert(code.clone(), own.unwrap_or(0))),
            }
        }
        counts
    }

    /// All codes with their counts, ordered by code.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn signed(counts: &BTreeMap<String, u64>) -> BTreeMap<String, i64> {
    let counts = counts.iter();
    counts
        .map(|(code, count)| (code.clone(), count.cast_signed()))
        .collect()
}

/// A counter.
#[derive(Debug, Default)]
pub struct Count {
    value: AtomicU64,
    /// The count of earlier and of other processes.
    before: AtomicI64,
    /// True once a count was restored.
    restored: AtomicBool,
}

impl Count {
    /// Adds.
    pub fn add(&self, count: u64) {
        self.value.fetch_add(count, Relaxed);
    }

    /// Sets, for gauges.
    pub fn set(&self, value: u64) {
        self.value.store(value, Relaxed);
    }

    /// Restores the count of earlier processes.
    pub fn restore(&self, value: u64) {
        if !self.restored.swap(true, Relaxed) {
            self.before.store(value.cast_signed(), Relaxed);
        }
        self.set(value);
    }

    /// Takes over the count of another process. The count of this process does not change.
    pub(super) fn follow(&self, value: u64) {
        self.follow_from(self.get(), value);
    }

    fn follow_from(&self, now: u64, value: u64) {
        self.restored.store(true, Relaxed);
        self.before
            .fetch_add(value.wrapping_sub(now).cast_signed(), Relaxed);
        self.set(value);
    }

    /// Works like [`Count::get`], without the count of earlier and of other processes.
    pub fn of_this_process(&self) -> u64 {
        self.since_before(self.get())
    }

    fn since_before(&self, value: u64) -> u64 {
        let own = value.cast_signed() - self.before.load(Relaxed);
        u64::try_from(own).unwrap_or(0)
    }

    /// Reads.
    pub fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }
}

/// A sink's events in the journal: the number when its reader was opened, and the arrivals since.
#[derive(Debug, Default)]
pub struct Journalled {
    counted: Count,
    arrivals: RwLock<Arrivals>,
}

impl Journalled {
    /// Adds events that do not arrive through a source: they came back from the dead letters.
    pub fn add(&self, events: u64) {
        self.counted.add(events);
    }

    /// Reads.
    pub fn get(&self) -> u64 {
        let arrivals = self.arrivals.read().unwrap_or_else(PoisonError::into_inner);
        self.counted.get() + arrivals.count()
    }

    /// Reads the number without the arrivals since the reader was opened.
    pub(super) fn before_arrivals(&self) -> u64 {
        self.counted.get()
    }

    /// Works like [`Journalled::get`], without the count of earlier and of other processes.
    pub fn of_this_process(&self) -> u64 {
        self.counted.since_before(self.get())
    }

    /// Takes over the count of another process. The count of this process does not change.
    pub(super) fn follow(&self, counted: u64) {
        let mut current = self.arrivals.write().unwrap_or_else(PoisonError::into_inner);
        self.counted
            .follow_from(self.counted.get() + current.count(), counted);
        *current = Arrivals::default();
    }

    pub(super) fn restore(&self, counted: u64, arrivals: Arrivals) {
        // Both change at once for a reader.
        let mut current = self.arrivals.write().unwrap_or_else(PoisonError::into_inner);
        self.counted.restore(counted);
        *current = arrivals;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let counts = counts.iter();
        counts.map(|(code, count)| ((*code).to_owned(), *count)).collect()
    }

    #[test]
    fn counts_of_other_processes_do_not_become_those_of_this_one() {
        let count = Count::default();
        count.restore(10);
        count.add(5);
        count.follow(40);
        assert_eq!((count.get(), count.of_this_process()), (40, 5));
        // Ends that were never committed stay counted here.
        count.follow(12);
        assert_eq!((count.get(), count.of_this_process()), (12, 5));
        count.restore(12);
        count.add(1);
        assert_eq!((count.get(), count.of_this_process()), (13, 6));
        let first = Count::default();
        first.follow(7);
        assert_eq!((first.get(), first.of_this_process()), (7, 0));
    }

    #[test]
    fn counts_by_code_follow_other_processes_too() {
        let counts = ByCode::default();
        counts.restore(codes(&[("a", 10)]));
        counts.add("a", 1);
        counts.add("b", 2);
        counts.follow(codes(&[("a", 20), ("c", 3)]));
        assert_eq!(counts.snapshot(), codes(&[("a", 20), ("c", 3)]));
        assert_eq!(counts.of_this_process(), codes(&[("a", 1), ("b", 2), ("c", 0)]));
        counts.add("c", 4);
        counts.restore(codes(&[("a", 20), ("c", 7)]));
        assert_eq!(counts.of_this_process(), codes(&[("a", 1), ("b", 2), ("c", 4)]));
    }

    #[test]
    fn journalled_events_follow_other_processes_too() {
        let journalled = Journalled::default();
        journalled.restore(10, Arrivals::default());
        journalled.add(2);
        journalled.follow(50);
        assert_eq!((journalled.get(), journalled.of_this_process()), (50, 2));
    }
}
