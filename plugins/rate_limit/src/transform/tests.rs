use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;
use signalbox_core::Receipt;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A limiter on a clock that stands still unless told.
struct Bench {
    clock: FakeRelativeClock,
    start: Instant,
    limit: RateLimit<FakeRelativeClock>,
}

impl Bench {
    fn new(limit: u32, burst: Option<u32>, key: Option<&str>, choice: OnExceeded) -> Bench {
        let clock = FakeRelativeClock::default();
        let quota = Quota::new(limit, SECOND, burst).unwrap();
        let key = key.map(|text| KeyTemplate::parse(text).unwrap());
        Bench {
            clock: clock.clone(),
            start: Instant::now(),
            limit: RateLimit::new(key, choice, quota, 100, clock),
        }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.clock.now().as_u64())
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn advance_to(&self, at: Instant) {
        self.advance(at.saturating_duration_since(self.now()));
    }

    fn apply(&self, event: &Event) -> Flow {
        self.limit.apply_at(event, self.now())
    }

    /// Admits a request with this many events.
    fn admit(&self, count: usize) -> Result<(), Duration> {
        let request: Vec<Event> = (0..count).map(|i| event(i, "a")).collect();
        self.limit.admit_at(&mut request.iter(), self.now())
    }
}

fn event(number: usize, user: &str) -> Event {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 0,
    };
    let text = format!(r#"{{"messageId":"m{number}","userId":"{user}"}}"#);
    Event::parse(&text, receipt).unwrap()
}

/// The result of events that all came at once, each asking again a little after its time.
struct Waited {
    passed: Vec<(Instant, usize)>,
    asks: usize,
}

fn wait_for_all(bench: &Bench, count: usize, lateness: impl Fn(usize) -> Duration) -> Waited {
    let events: Vec<Event> = (0..count).map(|i| event(i, "a")).collect();
    let mut due: BinaryHeap<Reverse<(Instant, usize)>> =
        (0..count).map(|i| Reverse((bench.now(), i))).collect();
    let mut waited = Waited {
        passed: Vec::new(),
        asks: 0,
    };
    while let Some(Reverse((at, i))) = due.pop() {
        bench.advance_to(at);
        waited.asks += 1;
        match bench.apply(&events[i]) {
            Flow::Pass => waited.passed.push((bench.now(), i)),
            Flow::NotBefore(at) => {
                assert!(at > bench.now());
                due.push(Reverse((at + lateness(waited.asks), i)));
            }
            other => panic!("{other:?}"),
        }
    }
    waited
}

fn most_in_a_window(passed: &[(Instant, usize)]) -> usize {
    let in_window = |i: usize| {
        let (start, _) = passed[i];
        passed[i..]
            .iter()
            .take_while(|(at, _)| *at < start + SECOND)
            .count()
    };
    (0..passed.len()).map(in_window).max().unwrap_or(0)
}

#[test]
fn thousands_wait_in_line_and_ask_twice() {
    let bench = Bench::new(100, Some(11), None, OnExceeded::Wait);
    let waited = wait_for_all(&bench, 5_000, |_| Duration::ZERO);
    assert!(
        waited.passed.iter().map(|(_, i)| *i).eq(0..5_000),
        "first come, first served"
    );
    assert!(waited.asks <= 2 * 5_000, "{} asks", waited.asks);
    assert!(most_in_a_window(&waited.passed) <= 100);
    // 11 at once, then 90 a second.
    let took = bench.now() - bench.start;
    assert!(
        took >= Duration::from_secs(55) && took <= Duration::from_secs(56),
        "{took:?}"
    );
}

#[test]
fn a_newcomer_does_not_overtake_those_who_wait() {
    let bench = Bench::new(10, Some(1), None, OnExceeded::Wait);
    let [first, second, third] = [0, 1, 2].map(|i| event(i, "a"));
    assert_eq!(bench.apply(&first), Flow::Pass);
    let Flow::NotBefore(at) = bench.apply(&second) else {
        panic!()
    };
    // The token is there just before the one it was promised to asks.
    bench.advance_to(at - Duration::from_nanos(1));
    let Flow::NotBefore(behind) = bench.apply(&third) else {
        panic!()
    };
    assert_eq!(behind - at, Duration::from_millis(100));
    bench.advance_to(at);
    assert_eq!(bench.apply(&second), Flow::Pass);
    bench.advance_to(behind);
    assert_eq!(bench.apply(&third), Flow::Pass);
}

#[test]
fn a_held_sink_does_not_wake_all_at_once_for_ever() {
    let bench = Bench::new(100, Some(10), None, OnExceeded::Wait);
    // Each event asks again ten minutes after its time, the first time.
    let told = std::cell::Cell::new(0);
    let waited = wait_for_all(&bench, 2_000, |_| {
        told.set(told.get() + 1);
        Duration::from_secs(if told.get() <= 1_990 { 600 } else { 0 })
    });
    assert_eq!(waited.passed.len(), 2_000);
    assert!(waited.asks <= 4 * 2_000, "{} asks", waited.asks);
    assert!(most_in_a_window(&waited.passed) <= 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_is_lost_and_the_limit_holds_whoever_wakes_late(
        limit in 1u32..200, burst in 1u32..20, count in 1usize..400, late in proptest::collection::vec(0u64..2_000, 8),
    ) {
        let bench = Bench::new(limit, Some(burst.min(limit)), None, OnExceeded::Wait);
        let waited = wait_for_all(&bench, count, |ask| Duration::from_micros(late[ask % late.len()]));
        prop_assert_eq!(waited.passed.len(), count);
        prop_assert!(waited.asks <= 6 * count + 10, "{} asks", waited.asks);
        prop_assert!(most_in_a_window(&waited.passed) <= limit as usize);
    }

    #[test]
    fn requests_of_any_size_are_refused_or_let_in_whole_and_the_quota_holds_over_time(
        limit in 1u32..50, burst in 1u32..20, sizes in proptest::collection::vec(1usize..200, 1..40),
        pauses in proptest::collection::vec(0u64..3_000, 40),
    ) {
        let burst = burst.min(limit);
        let bench = Bench::new(limit, Some(burst), None, OnExceeded::Refuse);
        let mut admitted = 0;
        for (i, size) in sizes.iter().enumerate() {
            bench.advance(Duration::from_millis(pauses[i]));
            for attempt in 0.. {
                prop_assert!(attempt < 3, "refused again after the time it was told");
                let now = (bench.now() - bench.start).as_nanos();
                let Err(after) = bench.admit(*size) else {
                    // Earlier requests stay within the quota of that time.
                    let cells = u128::from(limit - burst + 1);
                    let given = u128::from(burst) + now * cells / 1_000_000_000;
                    prop_assert!(admitted as u128 <= given, "{} of {}", admitted, given);
                    admitted += size;
                    break;
                };
                prop_assert!(after > Duration::ZERO);
                bench.advance(after);
            }
        }
    }
}

#[test]
fn a_debt_is_paid_by_time_and_later_time_counts_again() {
    let bench = Bench::new(10, Some(1), None, OnExceeded::Refuse);
    assert_eq!(bench.admit(21), Ok(()));
    // 20 too many at 10 a second, and one for the next request.
    let after = Duration::from_millis(2_100);
    assert_eq!(bench.admit(1), Err(after));
    bench.advance(after);
    assert_eq!(bench.admit(1), Ok(()));
    bench.advance(Duration::from_secs(3600));
    assert_eq!(bench.admit(1), Ok(()));
}

#[test]
fn requests_of_one_moment_are_told_apart() {
    let bench = Bench::new(10, Some(10), None, OnExceeded::Refuse);
    assert_eq!(bench.admit(2_500), Ok(()), "let in once");
    for _ in 0..3 {
        assert_eq!(
            bench.admit(2_500),
            Err(Duration::from_secs(2_491)),
            "and paid off in full"
        );
    }
}

#[test]
fn keys_have_quotas_of_their_own_and_the_keyless_share_one() {
    let bench = Bench::new(1, None, Some("{{ userId }}"), OnExceeded::Drop);
    let mut fates: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for user in ["ada", "bo", "ada", "", "", "bo"] {
        let flow = bench.apply(&event(0, user));
        if let Flow::Filtered(reason) = &flow {
            assert_eq!(reason.code(), "rate_limited");
            assert!(!reason.message().contains("ada"));
        }
        fates.entry(user).or_default().push(flow == Flow::Pass);
    }
    assert!(fates.values().all(|fates| *fates == [true, false]), "{fates:?}");
}

#[test]
fn keys_wait_apart() {
    let bench = Bench::new(1, None, Some("{{ userId }}"), OnExceeded::Wait);
    let events: Vec<Event> = (0..6)
        .map(|i| event(i, if i % 2 == 0 { "ada" } else { "bo" }))
        .collect();
    let waits: Vec<Duration> = events
        .iter()
        .map(|event| match bench.apply(event) {
            Flow::NotBefore(at) => at - bench.now(),
            _ => Duration::ZERO,
        })
        .collect();
    assert_eq!(waits, [0, 0, 1, 1, 2, 2].map(Duration::from_secs));
}
