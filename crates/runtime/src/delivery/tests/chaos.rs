//! All answers of a destination, at random.

use super::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Checks that every event ends and the sums close under all answers of a destination.
    #[test]
    fn sums_close(faults in prop::collection::vec(0u8..11, 1..60), concurrency in 1usize..5, batch in 1usize..40) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let ended = runtime.block_on(async move {
            let mut rig = rig(0..150);
            rig.options.requests.concurrency = concurrency;
            rig.options.batch.max_events = batch;
            let next = Mutex::new(faults.into_iter());
            rig.run(move |ids, _| match next.lock().unwrap().next() {
                Some(0) => Act::Isolate,
                Some(1) => Act::Hold,
                Some(2) => Act::Reencode("x"),
                Some(3) => Act::Hang,
                Some(4) => Act::Panic,
                Some(5) => Act::Each(vec![retry(); ids.len()]),
                Some(6) => Act::Each(Vec::new()),
                Some(7) => Act::Each(ids.iter().enumerate().map(|(i, _)| match i % 3 {
                    0 => retry(),
                    1 => Outcome::delivered(),
                    _ => Outcome::Rejected(Reason::new("failed", "")),
                }).collect()),
                Some(8) => Act::Culprit(3),
                _ => Act::Deliver,
            }).await
        });
        ended.assert_closed(150);
        let dead = ended.dead().len() as u64;
        prop_assert_eq!(ended.ledger.delivered.get() + dead, 150);
        prop_assert!(ended.ledger.held.first().is_none());
    }
}
