//! Everything goes wrong at once, and at random.

use signalbox_sandbox::{FailEvents, Faults, GarbageBody, RateLimit, Reset, ShortBody, Unavailable};

use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

#[tokio::test]
async fn nothing_is_lost_on_the_worst_of_days() {
    for seed in 1..=3 {
        worst(seed).await;
    }
}

async fn worst(seed: u64) {
    let world = World::new().await;
    world.sandbox.set_faults(Faults {
        seed,
        rate_limit: Some(RateLimit {
            percent: Some(15.0),
            ..RateLimit::always()
        }),
        unavailable: Some(Unavailable {
            percent: Some(15.0),
            ..Unavailable::always()
        }),
        reset: Some(Reset {
            percent: Some(10.0),
            ..Reset::always()
        }),
        short_body: Some(ShortBody {
            percent: Some(5.0),
            ..ShortBody::always()
        }),
        garbage_body: Some(GarbageBody {
            percent: Some(5.0),
            ..GarbageBody::always()
        }),
        fail_events: Some(FailEvents {
            percent: Some(3.0),
            ..FailEvents::always()
        }),
        poison_event_ids: vec!["w-7".into(), "w-90".into(), "w-91".into()],
        ..Faults::default()
    });
    let pipe = Pipe::start(&world, &shop("", "", "batch.max_events = 25\nconcurrency = 4")).await;
    let events = orders("w", 200);
    for part in events.chunks(40) {
        post_all(&world.listen, part).await;
    }
    let status = pipe.settled(200).await;

    // Every event was accepted or is a dead letter; second copies are those Pinterest counted.
    let dead: Vec<String> = pipe
        .dead("pinterest")
        .await
        .into_iter()
        .map(|letter| letter.message_id)
        .collect();
    let mut accepted = ids(&world.accepted(), "event_id");
    let counts = world.sandbox.counts();
    let all = accepted.len() as u64;
    accepted.dedup();
    assert_eq!(all - accepted.len() as u64, counts.duplicates, "seed {seed}");
    for event in ids(&events, "messageId") {
        assert!(
            accepted.contains(&event) || dead.contains(&event),
            "seed {seed}: {event} is lost"
        );
    }
    for poison in ["w-7", "w-90", "w-91"] {
        assert!(
            dead.iter().any(|id| id == poison) && !accepted.iter().any(|id| id == poison),
            "seed {seed}"
        );
    }
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(
        pinterest.delivered + pinterest.rejected.values().sum::<u64>(),
        200
    );
    assert_eq!(dead.len() as u64, pinterest.rejected.values().sum::<u64>());
    assert_eq!(status.sinks["hook"].delivered, 200);
}
