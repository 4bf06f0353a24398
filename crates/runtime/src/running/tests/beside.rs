//! The work beside deliveries: sources that one router alone runs, and sinks that no router has any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{HumanDuration, Source, SourceContext, SourceTask, StartError};
use signalbox_journal::{Journal, Letters as _, States as _};

use super::shared::{Cluster, Shared};
use super::{Destination, LONG, built, pipeline};
use crate::forget::Forget;
use crate::pipeline::{BuiltSource, Pipeline};
use crate::running::Running;
use crate::sockets::OpenSockets;
use crate::telemetry::SinkMeters;

/// A source that takes in nothing until it is stopped.
struct Idle;

#[async_trait]
impl Source for Idle {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        Ok(Box::pin(async move {
            context.shutdown.cancelled().await;
            Ok(())
        }))
    }
}

fn source(name: &str, only_on: Option<&str>) -> BuiltSource {
    BuiltSource {
        name: name.into(),
        was: None,
        only_on: only_on.map(Into::into),
        transforms: Vec::new(),
        through: Vec::new(),
        kept_plain: None,
        source: Box::new(Idle),
        fingerprint: only_on.map_or(0, |node| node.len() as u64),
        common_fingerprint: 0,
    }
}

async fn start(pipeline: Pipeline, journal: &Arc<Shared>) -> Running {
    let ledger = Running::ledger_of(&pipeline);
    let journal: Arc<dyn Journal> = journal.clone();
    let sockets = Arc::new(OpenSockets::default());
    Running::start(pipeline, journal, ledger, None, sockets)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_source_runs_on_the_router_that_the_file_names() {
    let cluster = Cluster::new();
    let journal = cluster.node("one");
    let with = |file: Option<&str>, http: Option<&str>| Pipeline {
        sources: vec![source("file", file), source("http", http)],
        ..pipeline(Vec::new())
    };
    let mut running = start(with(Some("two"), None), &journal).await;
    let runs_on = |running: &Running, name: &str| running.ledger().sources[name].runs_on();
    assert!(!running.has_source("file") && running.has_source("http"));
    assert_eq!(runs_on(&running, "file").as_deref(), Some("two"));
    assert_eq!(runs_on(&running, "http"), None);
    // A reload moves both.
    let next = with(Some("one"), Some("two"));
    let ledger = Running::ledger_of(&next);
    running.reload(next, ledger, None).await.unwrap();
    assert!(running.has_source("file") && !running.has_source("http"));
    assert_eq!(runs_on(&running, "file"), None);
    assert_eq!(runs_on(&running, "http").as_deref(), Some("two"));
    assert_eq!(running.stop(Duration::from_secs(5)).await, 0);
}

/// The pipeline without the sink `a`, whose events it makes dead letters at once.
fn without_a(destination: &Arc<Destination>) -> Pipeline {
    let mut pipeline = pipeline(vec![built("b", "b", "two", destination)]);
    pipeline.journal.orphan_retention = Some(HumanDuration(Duration::ZERO));
    pipeline
}

#[tokio::test]
async fn removed_sinks_are_let_go_of_by_one_router_once_no_other_has_them() {
    let (cluster, destination) = (Cluster::new(), Arc::<Destination>::default());
    let (one, two) = (cluster.node("one"), cluster.node("two"));
    let mut old = start(pipeline(vec![built("a", "a", "one", &destination)]), &one).await;
    // The router before has opened the sink, and left it events.
    one.reader_of("a").await;
    one.send(0..3).await;
    one.grant("a", &["a"], Duration::ZERO, false);
    *two.tends.lock().unwrap() = false;
    let mut new = start(without_a(&destination), &two).await;
    let settles = async |what: &str| {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(two.letters_of("a").kept, 0, "{what}");
    };
    settles("another router tends the journal").await;
    *two.tends.lock().unwrap() = true;
    settles("another router has the sink").await;
    assert!(
        new.debts().await.unwrap().is_empty(),
        "another router delivers them"
    );
    let all = Forget {
        sink: Some("a".to_owned()),
        source: None,
    };
    let refused = new.forget(&all, |_| SinkMeters::none()).await.unwrap_err();
    assert!(refused.contains("another router"), "{refused}");
    old.stop(LONG).await;
    one.leave();
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while two.letters_of("a").kept < 3 {
        assert!(tokio::time::Instant::now() < end, "no router lets go of the sink");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(two.sinks().await.is_ok());
    new.stop(LONG).await;
}
