//! Routers of this process that share a journal, with tenures as a test gives them.

mod beside;
#[cfg(feature = "nats")]
mod nats;
mod shared;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{Batch, Event, Outcome, Prepared, Reason, Receipt, Record, Report, Sink};
use signalbox_journal::{Journal, Letters as _, Log as _, Start};
use tokio::sync::Semaphore;

use self::shared::{Cluster, Shared};
use super::{Next, Running};
use crate::delivery::{BatchLimits, RequestLimits, RetryPolicy, SinkOptions, Stage, WindowLimits};
use crate::ledger::DrivenBy;
use crate::operate::{Command, Piece, ReplayRange, Where, plan_replay};
use crate::pipeline::{BuiltSink, Pipeline};
use crate::routing::Route;
use crate::sockets::OpenSockets;
use crate::telemetry::SinkMeters;

const LONG: Duration = Duration::from_secs(60);

fn event(id: &str) -> Event {
    let receipt = Receipt {
        source: "in".into(),
        received_at: 1,
    };
    Event::parse(&format!(r#"{{"messageId":"{id}"}}"#), receipt).unwrap()
}

/// A destination that all routers of a test send to.
#[derive(Default)]
struct Destination {
    /// The router and the event of each request.
    got: Mutex<Vec<(&'static str, String)>>,
    /// Requests that are not answered until it is closed; `None` answers at once.
    hanging: Mutex<Option<Arc<Semaphore>>>,
    /// Requests that were dropped unanswered.
    dropped: Mutex<u32>,
    /// The ids that it refuses.
    refuses: Mutex<Vec<String>>,
}

impl Destination {
    fn got(&self) -> Vec<(&'static str, String)> {
        self.got.lock().unwrap().clone()
    }

    /// The ids that came from a router.
    fn from(&self, router: &str) -> Vec<String> {
        let got = self.got().into_iter();
        got.filter(|(from, _)| *from == router)
            .map(|(_, id)| id)
            .collect()
    }

    /// Leaves requests unanswered until the semaphore is closed.
    fn hang(&self) -> Arc<Semaphore> {
        let hanging = Arc::new(Semaphore::new(0));
        *self.hanging.lock().unwrap() = Some(hanging.clone());
        hanging
    }

    fn answer(&self) {
        if let Some(hanging) = self.hanging.lock().unwrap().take() {
            hanging.close();
        }
    }
}

/// Counts a request as dropped, unless it was answered.
struct Unanswered(Option<Arc<Destination>>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(destination) = self.0.take() {
            *destination.dropped.lock().unwrap() += 1;
        }
    }
}

/// The sink of a router.
struct To {
    router: &'static str,
    destination: Arc<Destination>,
}

#[async_trait]
impl Sink for To {
    fn prepare(&self, event: &Event) -> Prepared {
        Prepared::Mapped(vec![Ok(Record::new("m", event.message_id().to_owned()))])
    }

    async fn deliver(&self, batch: Batch) -> Report {
        let ids = batch.records().iter();
        let ids: Vec<String> = ids
            .map(|record| String::from_utf8(record.bytes.to_vec()).unwrap())
            .collect();
        let got = ids.iter().map(|id| (self.router, id.clone()));
        self.destination.got.lock().unwrap().extend(got);
        let hanging = self.destination.hanging.lock().unwrap().clone();
        if let Some(hanging) = hanging {
            let mut unanswered = Unanswered(Some(self.destination.clone()));
            let _ = hanging.acquire().await;
            unanswered.0 = None;
        }
        let refuses = self.destination.refuses.lock().unwrap().clone();
        let mut ids = ids.into_iter();
        batch.settle_all(|_| match ids.next() {
            Some(id) if refuses.contains(&id) => Outcome::Rejected(Reason::new("refused", "")),
            _ => Outcome::delivered(),
        })
    }

    async fn probe(&self) -> Result<(), Reason> {
        Ok(())
    }
}

fn built(name: &str, group: &str, router: &'static str, destination: &Arc<Destination>) -> BuiltSink {
    let options = SinkOptions {
        name: name.into(),
        inputs: vec!["in".into()],
        batch: BatchLimits {
            max_events: 10,
            max_bytes: 10_000,
            max_wait: Duration::ZERO,
        },
        requests: RequestLimits {
            concurrency: 1,
            timeout: LONG,
            calls: None,
            rate_group: group.into(),
        },
        retry: RetryPolicy {
            window: LONG,
            initial: Duration::from_millis(10),
            max: Duration::from_millis(10),
            maybe_duplicates: true,
        },
        route: Route {
            sink: name.to_owned(),
            integration: name.to_owned(),
            ..Route::default()
        },
        durable: true,
        window: WindowLimits {
            events: 1_000,
            bytes: usize::MAX,
        },
        ..SinkOptions::default()
    };
    let stage = Stage {
        route: options.route.clone(),
        transforms: Vec::new(),
        sink: Arc::new(To {
            router,
            destination: destination.clone(),
        }),
    };
    BuiltSink {
        options,
        stage,
        was: None,
        start: Start::End,
        fingerprint: 1,
    }
}

fn pipeline(sinks: Vec<BuiltSink>) -> Pipeline {
    Pipeline {
        journal: Default::default(),
        dead_letters: Default::default(),
        history: None,
        admin: None,
        alerts: None,
        telemetry: Default::default(),
        shutdown: Default::default(),
        sources: Vec::new(),
        sinks,
        disabled: Vec::new(),
        components: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A router of the test.
struct Router {
    running: Running,
    journal: Arc<Shared>,
    destination: Arc<Destination>,
    name: &'static str,
}

impl Router {
    /// Starts a router with the sinks `a` and `b` of the group `both`, and `c` of the group `c`.
    async fn start(cluster: &Arc<Cluster>, name: &'static str, destination: &Arc<Destination>) -> Router {
        let journal = cluster.node(name);
        let sinks = [("a", "both"), ("b", "both"), ("c", "c")];
        let sinks = sinks.map(|(sink, group)| built(sink, group, name, destination));
        let pipeline = pipeline(sinks.into());
        let ledger = Running::ledger_of(&pipeline);
        let shared: Arc<dyn Journal> = journal.clone();
        let sockets = Arc::new(OpenSockets::default());
        let running = Running::start(pipeline, shared, ledger, None, sockets)
            .await
            .unwrap();
        Router {
            running,
            journal,
            destination: destination.clone(),
            name,
        }
    }

    /// Runs the router until a condition holds.
    async fn until(&mut self, condition: impl Fn(&Router) -> bool) {
        until(&mut [self], |routers| condition(routers[0])).await;
    }

    fn driven_by(&self, sink: &str) -> DrivenBy {
        self.running.ledger().sinks[sink].driven_by()
    }

    fn delivered(&self, sink: &str) -> u64 {
        self.running.ledger().sinks[sink].delivered.get()
    }

    fn drives(&self, sinks: &[&str]) -> bool {
        let driven = self.running.sinks.keys().map(|name| &**name);
        driven.eq(sinks.iter().copied())
    }

    async fn stop(mut self) -> u64 {
        self.running.stop(Duration::from_secs(5)).await
    }
}

/// Runs routers until a condition holds.
async fn until(routers: &mut [&mut Router], condition: impl Fn(&[&mut Router]) -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while !condition(routers) {
        assert!(tokio::time::Instant::now() < end, "it does not come to that");
        for router in routers.iter_mut() {
            step(&mut router.running).await;
        }
    }
}

/// Does the next work of a router, if there is some within 5 ms.
async fn step(running: &mut Running) {
    let next = tokio::time::timeout(Duration::from_millis(5), running.next()).await;
    match next {
        Ok(Next::Turn(turn)) => running.turn(turn, |_| SinkMeters::none()).await,
        Ok(Next::RanOut) => panic!("a router that shares its journal does not run out"),
        Err(_) => {}
    }
}

#[tokio::test]
async fn a_sink_is_driven_by_the_router_that_has_the_right() {
    let (cluster, destination) = (Cluster::new(), Arc::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    let mut two = Router::start(&cluster, "two", &destination).await;
    assert!(one.drives(&[]) && two.drives(&[]));
    assert_eq!(one.driven_by("a"), DrivenBy::Unknown);
    let groups = one.journal.groups.lock().unwrap().clone();
    let groups: Vec<(&str, usize)> = groups
        .iter()
        .map(|group| (&*group.name, group.sinks.len()))
        .collect();
    assert_eq!(groups, [("both", 2), ("c", 1)]);

    one.journal.grant("both", &["a", "b"], LONG, true);
    two.journal.grant("c", &["c"], LONG, true);
    until(&mut [&mut one, &mut two], |routers| {
        routers[0].drives(&["a", "b"]) && routers[1].drives(&["c"])
    })
    .await;
    one.journal.send(0..3).await;
    until(&mut [&mut one, &mut two], |routers| {
        (
            routers[0].delivered("a"),
            routers[0].delivered("b"),
            routers[1].delivered("c"),
        ) == (3, 3, 3)
    })
    .await;
    assert_eq!(
        (destination.from("one").len(), destination.from("two").len()),
        (6, 3)
    );
    let reported = |one: &Router, sum: &str| {
        let nodes = one.journal.nodes();
        let sums = nodes
            .iter()
            .find(|node| !node.own)
            .and_then(|two| two.report.sums.get("sinks.c").cloned());
        sums.and_then(|sums| sums.get(sum).copied())
    };
    until(&mut [&mut one, &mut two], |routers| {
        reported(routers[0], "delivered") == Some(3)
    })
    .await;
    // The other router follows the counts, and does not count them as its own.
    until(&mut [&mut one, &mut two], |routers| {
        routers[0].delivered("c") == 3
    })
    .await;
    assert_eq!(one.driven_by("c"), DrivenBy::Another("two".into()));
    let ledger = &one.running.ledger().sinks["c"];
    assert_eq!((ledger.delivered.of_this_process(), ledger.pending()), (0, 0));
    assert_eq!((one.stop().await, two.stop().await), (0, 0));
}

#[tokio::test]
async fn a_right_that_is_lost_stops_all_sinks_of_its_group_at_once() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    let mut two = Router::start(&cluster, "two", &destination).await;
    one.journal.grant("both", &["a", "b"], LONG, true);
    one.until(|one| one.drives(&["a", "b"])).await;
    destination.hang();
    one.journal.send(0..25).await;
    one.until(|one| one.destination.got().len() == 20).await;
    one.journal.take("both");
    two.journal.grant("both", &["a", "b"], LONG, false);
    one.until(|one| one.drives(&[])).await;
    assert_eq!(
        *destination.dropped.lock().unwrap(),
        2,
        "requests under way are dropped"
    );
    destination.answer();
    until(&mut [&mut one, &mut two], |routers| {
        (routers[1].delivered("a"), routers[1].delivered("b")) == (25, 25)
    })
    .await;
    assert_eq!(
        (destination.from("one").len(), destination.from("two").len()),
        (20, 50)
    );
    until(&mut [&mut one, &mut two], |routers| {
        routers[0].delivered("a") == 25
    })
    .await;
    let ledger = &one.running.ledger().sinks["a"];
    assert_eq!((ledger.delivered.of_this_process(), ledger.pending()), (0, 0));
    assert!(one.journal.released.lock().unwrap().is_empty());
    assert_eq!((one.stop().await, two.stop().await), (0, 0));
}

#[tokio::test]
async fn a_group_that_another_router_should_drive_is_released_once_its_requests_have_ended() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    one.journal.grant("both", &["a", "b"], LONG, true);
    one.until(|one| one.drives(&["a", "b"])).await;
    destination.hang();
    one.journal.send(0..25).await;
    one.until(|one| one.destination.got().len() == 20).await;
    one.journal.want("both");
    for _ in 0..3 {
        let _ = tokio::time::timeout(Duration::from_millis(5), one.running.next()).await;
    }
    assert!(one.journal.released.lock().unwrap().is_empty() && one.drives(&["a", "b"]));
    destination.answer();
    one.until(|one| !one.journal.released.lock().unwrap().is_empty())
        .await;
    assert_eq!(*one.journal.released.lock().unwrap(), [["a".into(), "b".into()]]);
    assert_eq!((one.delivered("a"), one.delivered("b")), (10, 10));
    assert_eq!(
        (one.driven_by("a"), *destination.dropped.lock().unwrap()),
        (DrivenBy::Unknown, 0)
    );
    // The same right does not come back, even while the journal still lists it.
    one.journal.grant("c", &["c"], LONG, true);
    one.until(|one| one.drives(&["c"])).await;
    // A new one does.
    one.journal.take("both");
    one.journal.grant("both", &["a", "b"], LONG, false);
    one.until(|one| (one.delivered("a"), one.delivered("b")) == (25, 25))
        .await;
    assert_eq!(one.journal.released.lock().unwrap().len(), 1);
    one.stop().await;
}

#[tokio::test]
async fn a_right_that_is_renewed_late_is_used_again() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    one.journal.grant("c", &["c"], LONG, true);
    one.until(|one| one.drives(&["c"])).await;
    one.journal.renew("c", Duration::ZERO);
    one.until(|one| one.drives(&[])).await;
    one.journal.send(0..3).await;
    one.journal.renew("c", LONG);
    one.until(|one| one.delivered("c") == 3).await;
    one.stop().await;
}

#[tokio::test]
async fn a_replay_through_another_router_makes_the_owner_go_on_from_there() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    let mut two = Router::start(&cluster, "two", &destination).await;
    for group in [("both", &["a", "b"][..]), ("c", &["c"][..])] {
        one.journal.grant(group.0, group.1, LONG, true);
    }
    one.until(|one| one.drives(&["a", "b", "c"])).await;
    let from = cluster.hold().await;
    one.journal.send(0..3).await;
    one.until(|one| ["a", "b", "c"].map(|sink| one.delivered(sink)) == [3; 3])
        .await;
    // Requests under way at that moment are answered, not dropped.
    destination.hang();
    one.journal.send(3..6).await;
    let sent = |router: &Router| router.destination.got().len();
    one.until(|one| sent(one) == 18).await;
    let range = ReplayRange {
        from: Where::Position(from),
        to: None,
        again: false,
    };
    let plan = two
        .running
        .rewind("c", SinkMeters::none(), async |journal, _| {
            let (plan, progress) = plan_replay(&**journal, "c", range).await?;
            let set = journal.set_progress("c", progress).await;
            set.map(|()| plan).map_err(|error| error.to_string())
        })
        .await
        .unwrap();
    assert_eq!(plan.events, 3);
    for _ in 0..3 {
        step(&mut one.running).await;
    }
    destination.answer();
    until(&mut [&mut one, &mut two], |routers| {
        routers[0].delivered("c") == 9
    })
    .await;
    assert_eq!(*destination.dropped.lock().unwrap(), 0);
    assert!(destination.from("two").is_empty() && two.drives(&[]));
    assert_eq!(
        one.journal
            .opened
            .lock()
            .unwrap()
            .iter()
            .filter(|sink| *sink == "c")
            .count(),
        2
    );
    assert_eq!((one.stop().await, two.stop().await), (0, 0));
}

#[tokio::test]
async fn acts_of_operators_find_sinks_that_other_routers_drive() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    let mut two = Router::start(&cluster, "two", &destination).await;
    one.journal.grant("c", &["c"], LONG, true);
    one.until(|one| one.drives(&["c"])).await;
    // A letter without its event cannot be tried again.
    cluster.hold().await;
    *destination.refuses.lock().unwrap() = vec!["1".to_owned()];
    one.journal.send(0..3).await;
    one.until(|one| one.journal.letters_of("c").kept == 1).await;
    destination.refuses.lock().unwrap().clear();
    let (reply, answer) = tokio::sync::oneshot::channel();
    let command = Command::Retry(Piece::default(), reply);
    let _ = command.apply(&mut two.running, |_| SinkMeters::none()).await;
    let acted = answer.await.unwrap().unwrap();
    assert_eq!((acted.taken.removed, acted.not_running), (1, 0));
    until(&mut [&mut one, &mut two], |routers| {
        routers[0].delivered("c") == 3
    })
    .await;
    // While all sinks of a router stand still, another one goes on.
    one.journal.send([7]).await;
    let meters = |_: &str| SinkMeters::none();
    two.running.at_rest(meters, async |_| Ok(())).await.unwrap();
    one.running.at_rest(meters, async |_| Ok(())).await.unwrap();
    until(&mut [&mut one, &mut two], |routers| {
        routers[0].delivered("c") == 4
    })
    .await;
    assert_eq!((one.stop().await, two.stop().await), (0, 0));
}

#[tokio::test]
async fn a_reload_keeps_sinks_that_other_routers_drive() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    one.journal.grant("both", &["a", "b"], LONG, true);
    one.until(|one| one.drives(&["a", "b"])).await;
    let mut changed = built("a", "both", one.name, &destination);
    changed.fingerprint = 2;
    let sinks = vec![
        changed,
        built("c", "c", one.name, &destination),
        built("d", "c", one.name, &destination),
    ];
    let new = pipeline(sinks);
    let ledger = Running::ledger_of(&new);
    one.running.reload(new, ledger, None).await.unwrap();
    let groups: Vec<usize> = one
        .journal
        .groups
        .lock()
        .unwrap()
        .iter()
        .map(|group| group.sinks.len())
        .collect();
    assert_eq!(groups, [1, 2]);
    one.until(|one| one.drives(&["a"])).await;
    assert_eq!(one.driven_by("d"), DrivenBy::Unknown);
    one.journal.grant("c", &["c", "d"], LONG, false);
    one.until(|one| one.drives(&["a", "c", "d"])).await;
    one.journal.send(0..3).await;
    one.until(|one| [one.delivered("a"), one.delivered("c"), one.delivered("d")] == [3; 3])
        .await;
    one.stop().await;
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_read_again() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    *one.journal.failing.lock().unwrap() = 2;
    one.journal.grant("c", &["c"], LONG, true);
    one.until(|one| one.drives(&["c"])).await;
    one.stop().await;
}

#[tokio::test]
async fn a_group_with_a_sink_that_cannot_be_opened_goes_to_another_router() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    // The router before has opened the sink.
    one.journal.reader_of("a").await;
    *one.journal.broken.lock().unwrap() = Some("a".to_owned());
    one.journal.grant("both", &["a", "b"], LONG, true);
    one.journal.grant("c", &["c"], LONG, true);
    one.until(|one| one.drives(&["b", "c"])).await;
    // It tells the others meanwhile.
    let held = |one: &Router| one.journal.nodes().remove(0).report.held;
    one.until(|one| held(one).contains_key("a")).await;
    assert_eq!(
        held(&one),
        [("a".to_owned(), "state_unreadable".to_owned())].into()
    );
    destination.hang();
    one.journal.send(0..5).await;
    let sent = |one: &Router| one.destination.from("one").len();
    one.until(|one| sent(one) == 10).await;
    one.running.takeover = Duration::ZERO;
    one.until(|one| !one.running.declined.is_empty()).await;
    // What the other sink of the group has under way ends first.
    for _ in 0..3 {
        step(&mut one.running).await;
    }
    assert!(one.journal.declined.lock().unwrap().is_empty());
    destination.answer();
    one.until(|one| !one.journal.declined.lock().unwrap().is_empty())
        .await;
    assert_eq!(*one.journal.declined.lock().unwrap(), [["a".into(), "b".into()]]);
    assert!(one.journal.released.lock().unwrap().is_empty() && one.drives(&["c"]));
    one.until(|one| held(one).is_empty()).await;
    // With a new right it tries again.
    *one.journal.broken.lock().unwrap() = None;
    one.journal.take("both");
    one.journal.grant("both", &["a", "b"], LONG, false);
    one.until(|one| [one.delivered("a"), one.delivered("b")] == [5; 2])
        .await;
    assert_eq!(destination.got().len(), 15);
    one.stop().await;
}

#[tokio::test]
async fn a_stop_leaves_the_rest_to_others_and_releases_every_group() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let mut one = Router::start(&cluster, "one", &destination).await;
    let mut two = Router::start(&cluster, "two", &destination).await;
    one.journal.grant("both", &["a", "b"], LONG, true);
    one.journal.grant("c", &["c"], LONG, true);
    one.until(|one| one.drives(&["a", "b", "c"])).await;
    destination.hang();
    one.journal.send(0..25).await;
    one.until(|one| one.destination.got().len() == 30).await;
    let answering = tokio::spawn({
        let destination = destination.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            destination.answer();
        }
    });
    let (journal, began) = (one.journal.clone(), std::time::Instant::now());
    assert_eq!(one.stop().await, 45);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    answering.await.unwrap();
    assert!(*journal.resigned.lock().unwrap());
    let mut released: Vec<Arc<str>> = journal.released.lock().unwrap().concat();
    released.sort();
    assert_eq!(released, ["a".into(), "b".into(), "c".into()]);
    for (group, sinks) in [("both", &["a", "b"][..]), ("c", &["c"][..])] {
        journal.take(group);
        two.journal.grant(group, sinks, LONG, false);
    }
    two.until(|two| ["a", "b", "c"].map(|sink| two.delivered(sink)) == [25; 3])
        .await;
    assert_eq!(
        (destination.got().len(), *destination.dropped.lock().unwrap()),
        (75, 0)
    );
    assert_eq!(two.stop().await, 0);
}
