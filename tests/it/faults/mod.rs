//! Pinterest's bad days: under every fault of the sandbox the sums close and nothing is lost.

mod hold;
mod mixed;
mod offline;
mod refused;
mod retried;

use serde_json::Value;
use signalbox_admin::{SinkStatus, Status};
use signalbox_sandbox::Faults;

use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

/// Number of orders sent.
const SENT: usize = 20;

/// Faults with one change.
fn faults(change: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    change(&mut faults);
    faults
}

/// One pipeline and one Pinterest with faults, after [`SENT`] orders were posted.
struct Day {
    world: World,
    pipe: Pipe,
    events: Vec<Value>,
}

impl Day {
    /// `pinterest` goes into the sink's table; batches have at most 8 events.
    async fn begin(faults: Faults, pinterest: &str) -> Day {
        Day::begin_with(faults, &format!("batch.max_events = 8\n{pinterest}")).await
    }

    /// Batches as `pinterest` says.
    async fn begin_with(faults: Faults, pinterest: &str) -> Day {
        let world = World::new().await;
        world.sandbox.set_faults(faults);
        let pipe = Pipe::start(&world, &shop("", "", pinterest)).await;
        let events = orders("o", SENT);
        post_all(&world.listen, &events).await;
        Day { world, pipe, events }
    }

    /// Waits for the end, and sees that the other sinks had an ordinary day.
    async fn end(&self) -> Status {
        let status = self.pipe.settled(SENT as u64).await;
        self.others_have_everything(&status);
        status
    }

    fn others_have_everything(&self, status: &Status) {
        let wanted = ids(&self.events, "messageId");
        assert_eq!(ids(&self.world.archived(), "messageId"), wanted);
        assert_eq!(ids(&self.world.hooked(), "messageId"), wanted);
        assert_eq!(status.sinks["archive"].delivered, SENT as u64);
        assert_eq!(status.sinks["hook"].delivered, SENT as u64);
    }

    fn wanted(&self) -> Vec<String> {
        ids(&self.events, "messageId")
    }

    /// Pinterest has each event exactly once.
    async fn exactly_once(&self) -> SinkStatus {
        let status = self.end().await;
        assert_eq!(ids(&self.world.accepted(), "event_id"), self.wanted());
        self.all_delivered(&status).await
    }

    /// Pinterest has each event, and as many second copies as it counted, at least one.
    async fn with_duplicates(&self) -> SinkStatus {
        let status = self.end().await;
        let mut accepted = ids(&self.world.accepted(), "event_id");
        let counts = self.world.sandbox.counts();
        let copies = accepted.len() - SENT;
        accepted.dedup();
        assert_eq!(accepted, self.wanted());
        assert!(copies > 0, "{counts:?}");
        assert_eq!(counts.duplicates, copies as u64);
        self.all_delivered(&status).await
    }

    async fn all_delivered(&self, status: &Status) -> SinkStatus {
        let pinterest = status.sinks["pinterest"].clone();
        assert_eq!(
            (pinterest.delivered, pinterest.records.delivered),
            (SENT as u64, SENT as u64)
        );
        assert!(self.pipe.dead("pinterest").await.is_empty());
        pinterest
    }

    /// Pinterest has everything but these, which are dead letters of this reason.
    async fn all_but(&self, rejected: &[&str], reason: &str) -> SinkStatus {
        let status = self.end().await;
        let mut wanted = self.wanted();
        wanted.retain(|id| !rejected.contains(&id.as_str()));
        assert_eq!(ids(&self.world.accepted(), "event_id"), wanted);
        let pinterest = status.sinks["pinterest"].clone();
        assert_eq!(pinterest.delivered, wanted.len() as u64);
        assert_eq!(pinterest.rejected.values().sum::<u64>(), rejected.len() as u64);
        assert_eq!(pinterest.rejected, pinterest.records.rejected);
        let mut dead = Vec::new();
        for letter in self.pipe.dead("pinterest").await {
            assert_eq!(letter.reason, reason, "{letter:?}");
            assert!(letter.attempts > 0, "{letter:?}");
            dead.push(letter.message_id);
        }
        dead.sort();
        assert_eq!(dead, rejected);
        pinterest
    }
}
