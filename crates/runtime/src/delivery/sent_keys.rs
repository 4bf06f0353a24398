//! Keys of records that a destination has already.
//!
//! Destinations do not drop every duplicate themselves, so the second record of two mappings, of a replay or of a shop
//! that counts an order twice is not sent at all, unless the operator asks for it. Keys are kept for the destination's own window
//! ([`SinkOptions::duplicate_window`](super::SinkOptions::duplicate_window)), in memory: after a restart its own
//! deduplication has to suffice.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use hashbrown::HashTable;
use signalbox_journal::Position;
use tokio::time::Instant;

/// Generations of keys; the oldest goes as a whole. Keys are not dropped one by one: sorting them out would take tens of
/// milliseconds at once, and twice the places in the end.
const GENERATIONS: usize = 4;
/// Keys of a generation at most: the capacity of a table of 2^17 places, at 9 bytes a place.
const MOST: usize = 114_688;
/// Half of its capacity. A table of as many places that are all used, some by removed keys, would double for another key,
/// unless it holds fewer.
const HALF: usize = 57_344;
/// Places of a table that holds more than half.
const LARGE: usize = 1 << 17;
/// Keys of a replay that sends again; more begin anew.
const MOST_CLAIMED: usize = 225_000;

/// Bits of an entry that hold its time, in units of the window; they come round after three windows. An entry stays for
/// less than seven thirds of one.
const WHEN_BITS: u32 = 14;
const WHEN_MASK: u64 = (1 << WHEN_BITS) - 1;
/// Units of time in a window at most.
const UNITS: u64 = 5_400;

/// Keys of delivered records and of those under way. 50 bits of a keyed hash stand for a key: a record is taken for
/// another's duplicate in one of 2.5 thousand million cases when the table is full.
#[derive(Debug)]
pub(super) struct SentKeys {
    window: Duration,
    /// Time after which a new generation begins: a third of the window.
    part: Duration,
    /// Seconds of a unit.
    unit: u64,
    hasher: RandomState,
    /// Hashes of keys, with the times of their claims, by generation; the youngest first.
    generations: [HashTable<u64>; GENERATIONS],
    /// Hashes of the keys whose records are not delivered yet.
    under_way: HashSet<u64>,
    began: Instant,
    /// When the youngest generation began.
    turned: Instant,
    /// The last replay of the sink in this process.
    replay: Option<Replay>,
}

/// A replay of the positions `from..to`.
#[derive(Debug)]
struct Replay {
    from: Position,
    to: Position,
    /// True if the records are sent again even if they are known.
    again: bool,
    /// Hashes of the keys that events of such a replay have claimed: their copies within the replay stay duplicates.
    claimed: HashSet<u64>,
}

impl Replay {
    fn holds(&self, position: Position) -> bool {
        self.from <= position && position < self.to
    }
}

/// A key that was claimed, for [`SentKeys::delivered`] or [`SentKeys::release`]: its hash stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim(u64);

/// Hash of an entry for the table.
fn spread(entry: &u64) -> u64 {
    (entry >> WHEN_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn age(entry: u64, now: u64) -> u64 {
    now.wrapping_sub(entry) & WHEN_MASK
}

impl SentKeys {
    pub(super) fn new(window: Duration) -> SentKeys {
        let now = Instant::now();
        SentKeys {
            window,
            part: (window / (GENERATIONS as u32 - 1)).max(Duration::from_millis(1)),
            unit: window.as_secs().div_ceil(UNITS).max(1),
            hasher: RandomState::new(),
            generations: Default::default(),
            under_way: HashSet::new(),
            began: now,
            turned: now,
            replay: None,
        }
    }

    fn hash(&self, key: &str) -> u64 {
        self.hasher.hash_one(key) >> WHEN_BITS
    }

    fn when(&self, now: Instant) -> u64 {
        (now.duration_since(self.began).as_secs() / self.unit) & WHEN_MASK
    }

    /// Claims a key; `None` if a record with it is delivered or under way.
    pub(super) fn claim(&mut self, key: &str, now: Instant) -> Option<Claim> {
        self.make_room(now);
        let (hash, when) = (self.hash(key), self.when(now));
        let window = self.window.as_secs() / self.unit;
        let entry = (hash << WHEN_BITS) | when;
        let same = |other: &u64| other >> WHEN_BITS == hash;
        let hash_of = spread(&entry);
        let mut known = self
            .generations
            .iter()
            .filter_map(|keys| keys.find(hash_of, same));
        if known.any(|known| age(*known, when) < window) {
            return None;
        }
        let [young, ..] = &mut self.generations;
        match young.find_mut(hash_of, same) {
            Some(forgotten) => *forgotten = entry,
            None => drop(young.insert_unique(hash_of, entry, spread)),
        }
        self.under_way.insert(hash);
        Some(Claim(hash))
    }

    /// Claims a key for the event at a position. Events of a replay that sends again get known keys too, the first of each.
    pub(super) fn claim_at(&mut self, position: Position, key: &str, now: Instant) -> Option<Claim> {
        let hash = self.hash(key);
        let replay = self.replay.as_mut();
        if let Some(replay) = replay.filter(|replay| replay.again && replay.holds(position)) {
            if replay.claimed.len() >= MOST_CLAIMED {
                replay.claimed.clear();
            }
            if !replay.claimed.insert(hash) {
                return None;
            }
            self.forget(hash);
        }
        self.claim(key, now)
    }

    /// Notes that the positions `from..to` are delivered again; with `again` even the records that are known.
    pub(super) fn begin_replay(&mut self, (from, to): (Position, Position), again: bool) {
        let claimed = HashSet::new();
        self.replay = Some(Replay {
            from,
            to,
            again,
            claimed,
        });
    }

    /// True if the event at a position belongs to the last replay.
    pub(super) fn is_replayed(&self, position: Position) -> bool {
        self.replay.as_ref().is_some_and(|replay| replay.holds(position))
    }

    /// Begins a new generation if the youngest one is full or its time is over.
    fn make_room(&mut self, now: Instant) {
        let since = now.duration_since(self.turned);
        let [young, ..] = &self.generations;
        let places_used =
            young.capacity() == young.len() && young.len() >= HALF && young.num_buckets() >= LARGE;
        if since < self.part && young.len() < MOST && !places_used {
            return;
        }
        self.turned = now;
        // After a pause, the time of several generations may be over.
        let parts = usize::try_from(since.as_nanos() / self.part.as_nanos()).unwrap_or(GENERATIONS);
        let turns = parts.clamp(1, GENERATIONS);
        self.generations.rotate_right(turns);
        self.generations.iter_mut().take(turns).for_each(HashTable::clear);
    }

    /// Forgets a key: its record is wanted once more.
    pub(super) fn forget_key(&mut self, key: &str) {
        self.forget(self.hash(key));
    }

    /// Notes that the record of a claim was delivered.
    pub(super) fn delivered(&mut self, Claim(hash): Claim) {
        self.under_way.remove(&hash);
    }

    /// Gives a claim up, since its record was not delivered: another one may be.
    pub(super) fn release(&mut self, claim: Claim) {
        self.delivered(claim);
        self.give_up(claim.0);
    }

    /// Gives up the claims of all records under way, which another driver will send.
    pub(super) fn leave(&mut self) {
        for hash in std::mem::take(&mut self.under_way) {
            self.give_up(hash);
        }
    }

    fn give_up(&mut self, hash: u64) {
        if let Some(replay) = &mut self.replay {
            replay.claimed.remove(&hash);
        }
        self.forget(hash);
    }

    fn forget(&mut self, hash: u64) {
        let entry = hash << WHEN_BITS;
        for keys in &mut self.generations {
            if let Ok(known) = keys.find_entry(spread(&entry), |other| other >> WHEN_BITS == hash) {
                known.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(24 * 3600);
    const UNIT: u64 = 16;

    fn claim(keys: &mut SentKeys, key: &str) -> Option<Claim> {
        keys.claim(key, Instant::now())
    }

    fn is_new(keys: &mut SentKeys, key: &str) -> bool {
        claim(keys, key).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_known_for_a_day_unless_it_is_released() {
        let mut keys = SentKeys::new(WINDOW);
        let first = claim(&mut keys, "checkout 1").unwrap();
        assert!(is_new(&mut keys, "checkout 2"));
        assert!(!is_new(&mut keys, "checkout 1"));
        keys.release(first);
        let second = claim(&mut keys, "checkout 1").unwrap();
        keys.delivered(second);
        assert!(!is_new(&mut keys, "checkout 1"));
        tokio::time::advance(WINDOW - Duration::from_secs(UNIT)).await;
        assert!(!is_new(&mut keys, "checkout 2"));
        tokio::time::advance(Duration::from_secs(UNIT)).await;
        assert!(is_new(&mut keys, "checkout 2"));
    }

    #[tokio::test(start_paused = true)]
    async fn times_that_come_round_are_not_taken_for_new() {
        for days in 1..=9 {
            let mut keys = SentKeys::new(WINDOW);
            assert!(is_new(&mut keys, "checkout 1"));
            tokio::time::advance(Duration::from_secs(days * 24 * 3600)).await;
            assert!(is_new(&mut keys, "checkout 1"), "{days}");
            assert!(!is_new(&mut keys, "checkout 1"), "{days}");
        }
        let mut keys = SentKeys::new(WINDOW);
        assert!(is_new(&mut keys, "checkout 1"));
        for hour in 0..80 {
            assert!(is_new(&mut keys, &format!("other {hour}")), "{hour}");
            tokio::time::advance(Duration::from_secs(3600)).await;
        }
        assert!(is_new(&mut keys, "checkout 1"));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_known_for_the_whole_window_wherever_a_generation_ends() {
        let (unit, part) = (Duration::from_secs(UNIT), WINDOW / 3);
        // Claims come at the start of a generation and just before its end, and after pauses of several lengths.
        for pause in [part * 19 / 10, WINDOW - unit, part, unit] {
            let mut keys = SentKeys::new(WINDOW);
            assert!(is_new(&mut keys, "a"));
            tokio::time::advance(part - unit).await;
            assert!(is_new(&mut keys, "b"));
            tokio::time::advance(pause).await;
            assert!(!is_new(&mut keys, "b"), "{pause:?}");
            tokio::time::advance(WINDOW - unit - pause).await;
            assert!(!is_new(&mut keys, "b"), "{pause:?}");
            tokio::time::advance(unit * 2).await;
            assert!(is_new(&mut keys, "b") && is_new(&mut keys, "a"), "{pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_go_first() {
        let mut keys = SentKeys::new(WINDOW);
        assert!(is_new(&mut keys, "first"));
        tokio::time::advance(Duration::from_secs(UNIT)).await;
        for number in 0..GENERATIONS * MOST {
            assert!(is_new(&mut keys, &number.to_string()));
        }
        assert!(is_new(&mut keys, "first"));
        let kept: usize = keys.generations.iter().map(HashTable::len).sum();
        assert!(kept <= GENERATIONS * MOST);
        for number in MOST..GENERATIONS * MOST {
            assert!(!is_new(&mut keys, &number.to_string()), "{number}");
        }
    }

    #[test]
    fn the_tables_never_grow_beyond_their_places() {
        let mut keys = SentKeys::new(WINDOW);
        for number in 0..10 * MOST {
            let claim = claim(&mut keys, &number.to_string()).unwrap();
            if number % 3 == 0 {
                keys.release(claim);
            } else {
                keys.delivered(claim);
            }
            assert!(keys.generations.iter().all(|keys| keys.capacity() <= MOST));
        }
    }

    #[test]
    fn a_replay_that_sends_again_gets_each_known_key_once() {
        let now = Instant::now();
        let mut keys = SentKeys::new(WINDOW);
        let first = claim(&mut keys, "checkout 1").unwrap();
        keys.delivered(first);
        keys.begin_replay((3, 6), false);
        assert!(keys.claim_at(3, "checkout 1", now).is_none());
        assert_eq!(
            [2, 3, 5, 6].map(|position| keys.is_replayed(position)),
            [false, true, true, false]
        );
        keys.begin_replay((3, 6), true);
        assert!(keys.claim_at(2, "checkout 1", now).is_none(), "before the replay");
        let again = keys.claim_at(3, "checkout 1", now).unwrap();
        assert!(keys.claim_at(4, "checkout 1", now).is_none(), "a copy within it");
        assert!(keys.claim_at(6, "checkout 1", now).is_none(), "after the replay");
        // Its record was not delivered, so the copy may be sent.
        keys.release(again);
        assert!(keys.claim_at(4, "checkout 1", now).is_some());
        // The driver ends before the record is delivered; the next one sends it.
        keys.leave();
        assert!(keys.claim_at(4, "checkout 1", now).is_some());
        keys.begin_replay((3, 6), true);
        assert!(keys.claim_at(4, "checkout 1", now).is_some(), "another replay");
    }

    #[test]
    fn what_is_left_is_not_known_any_more() {
        let mut keys = SentKeys::new(WINDOW);
        let first = claim(&mut keys, "checkout 1").unwrap();
        assert!(is_new(&mut keys, "checkout 2"));
        keys.delivered(first);
        keys.leave();
        assert!(!is_new(&mut keys, "checkout 1") && is_new(&mut keys, "checkout 2"));
    }
}
