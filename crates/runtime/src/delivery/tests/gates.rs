//! The sinks of one rate group.

use super::*;
use crate::rate_group::RateGroup;

/// The calls so far: the sink, and the time.
type Calls = Arc<Mutex<Vec<(&'static str, Duration)>>>;

/// A sink's name, its number of concurrent requests, and the destination's answer at each moment.
type Member = (&'static str, usize, fn(Duration) -> Act);

/// Drives the sinks of one group over one journal, each with its own script, until everything is settled or the time is
/// over. Returns the calls, with the name `probe` for probes.
async fn drive(limit: Quota, sinks: [Member; 2], at_most: Duration) -> Vec<(&'static str, Duration)> {
    let journal = MemoryJournal::new(1 << 30);
    let group = Arc::new(RateGroup::full(Some(limit)));
    let started = Instant::now();
    let calls = Calls::default();
    let probes: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let stop = Stop::default();
    let mut running = Vec::new();
    for (name, concurrency, script) in sinks {
        let mut options = rig([""; 0]).options;
        options.name = name.into();
        options.batch.max_events = 1;
        options.requests.concurrency = concurrency;
        let calls = calls.clone();
        let logged = move |_: &[String], at| {
            calls.lock().unwrap().push((name, at));
            script(at)
        };
        let sink = Scripted {
            started,
            probes_fail_until: Duration::MAX,
            probes: probes.clone(),
            ..Scripted::new(logged)
        };
        let stage = sink.stage(&options);
        let driver = Driver::new(
            Parts::new(options, stage, group.clone()),
            journal.reader(name, &listening()).await.unwrap(),
            Arc::default(),
            Arc::new(DeadLetters::new(PersonalData::None)),
            SinkMeters::none(),
            (stop.clone(), Arc::default(), Arc::default()),
        );
        running.push(tokio::spawn(driver.run()));
    }
    for n in 0..12 {
        journal.append(vec![event(&n.to_string())]).await.unwrap();
    }
    journal.close();
    let all = futures_util::future::join_all(running);
    if tokio::time::timeout(at_most, all).await.is_err() {
        stop.abort.cancel();
    }
    let mut all = calls.lock().unwrap().clone();
    all.extend(probes.lock().unwrap().iter().map(|at| ("probe", *at)));
    all.sort_by_key(|(_, at)| *at);
    all
}

fn four_a_minute() -> Quota {
    Quota::new(4, Duration::from_secs(60), Some(1)).unwrap()
}

fn count(calls: &[(&str, Duration)], name: &str) -> usize {
    calls.iter().filter(|(sink, _)| *sink == name).count()
}

#[tokio::test(start_paused = true)]
async fn they_share_one_limit_and_take_turns() {
    // One sink may have more requests under way than the other.
    let sinks: [Member; 2] = [("greedy", 8, |_| Act::Deliver), ("modest", 1, |_| Act::Deliver)];
    let calls = drive(four_a_minute(), sinks, Duration::MAX).await;
    assert_eq!((count(&calls, "greedy"), count(&calls, "modest")), (12, 12));
    let seconds: Vec<u64> = calls.iter().map(|(_, at)| at.as_secs()).collect();
    assert_eq!(seconds, (0..24).map(|nth| nth * 15).collect::<Vec<_>>());
    // The first sink had its second turn before the other had read anything.
    for pair in calls[1..23].windows(2) {
        assert_ne!(pair[0].0, pair[1].0, "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_on_hold_takes_nothing() {
    let sinks: [Member; 2] = [("held", 1, |_| Act::Hold), ("works", 1, |_| Act::Deliver)];
    let calls = drive(four_a_minute(), sinks, Duration::from_secs(3_600)).await;
    assert_eq!((count(&calls, "held"), count(&calls, "works")), (1, 12));
    // The held sink made one call and probes, and the other sink has all else that the limit lets through.
    let last = calls.iter().rposition(|(name, _)| *name == "works").unwrap();
    let probes = count(&calls[..last], "probe");
    assert!((2..=5).contains(&probes), "{calls:?}");
    assert_eq!(last, 12 + probes);
    assert_eq!(calls[last].1.as_secs(), 15 * last as u64);
}

#[tokio::test(start_paused = true)]
async fn probes_count_against_the_limit_and_take_turns_with_deliveries() {
    // Alone, the first two probes would go after 5 and 10 seconds.
    let sinks: [Member; 2] = [("held", 1, |_| Act::Hold), ("held too", 1, |_| Act::Hold)];
    let limit = Quota::new(1, Duration::from_secs(60), Some(1)).unwrap();
    let calls = drive(limit, sinks, Duration::from_secs(3_600)).await;
    let seconds: Vec<u64> = calls.iter().map(|(_, at)| at.as_secs()).collect();
    assert_eq!(
        seconds,
        (0..seconds.len() as u64).map(|nth| nth * 60).collect::<Vec<_>>()
    );
    assert_eq!(
        (count(&calls, "held"), count(&calls, "held too")),
        (1, 1),
        "{calls:?}"
    );
    assert!(count(&calls, "probe") >= 57, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_to_try_again_holds_up_nobody() {
    let sinks: [Member; 2] = [
        ("down", 1, |_| Act::Each(vec![retry()])),
        ("works", 1, |_| Act::Deliver),
    ];
    let calls = drive(four_a_minute(), sinks, Duration::from_secs(400)).await;
    assert_eq!(count(&calls, "works"), 12);
    let last = calls.iter().rfind(|(sink, _)| *sink == "works").unwrap().1;
    assert!(last <= Duration::from_secs(24 * 15), "{calls:?}");
}
