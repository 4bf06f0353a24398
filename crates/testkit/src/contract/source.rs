//! The contract of sources: every event is handed over once and acknowledged only then; a slow or full intake holds the
//! sender up; a stop loses nothing and doubles nothing.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{Refused, RefusedCause, Sockets, Source, SourceContext, SourceTask, StartError};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{IntakeDouble, MemoryCheckpoints, NewSockets};

/// Time for the whole contract; a source that hangs fails.
const PATIENCE: Duration = Duration::from_secs(40);
/// Time in which an acknowledgement must not come.
const TOO_EARLY: Duration = Duration::from_millis(50);

/// The sending side of a source under test.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Builds the source, over the same input each time.
    fn build(&self) -> Box<dyn Source>;

    /// Returns the sockets that the source gets. A feed that connects passes on its listener
    /// ([`OneSocket`](crate::OneSocket)), so that connections wait in the backlog while no source runs.
    fn sockets(&self) -> Arc<dyn Sockets> {
        NewSockets::shared()
    }

    /// Sends these texts as one input and repeats it, as clients do, until the source acknowledges it. Never returns for an
    /// input with an end, such as a file: its source acknowledges by ending.
    async fn send(&self, texts: &[String]);
}

/// Checks a source.
///
/// # Panics
/// At the first breach, with the source's name and the case.
pub async fn check(name: &str, feed: &dyn Feed) {
    let mut bench = Bench {
        name,
        feed,
        intake: IntakeDouble::default(),
        checkpoints: MemoryCheckpoints::default(),
        inputs: 0,
        case: "",
    };
    let all = async {
        bench.takes_in().await;
        bench.waits_for_a_slow_intake().await;
        bench.repeats_what_was_refused().await;
        bench.stops_while_an_input_is_under_way().await;
        bench.stops_at_once().await;
    };
    let in_time = timeout(PATIENCE, all).await.is_ok();
    assert!(in_time, "{name}: {}: waited in vain", bench.case);
}

struct Bench<'a> {
    name: &'a str,
    feed: &'a dyn Feed,
    intake: IntakeDouble,
    checkpoints: MemoryCheckpoints,
    /// Inputs sent so far.
    inputs: usize,
    case: &'static str,
}

/// A running source.
struct Run {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), StartError>>,
}

impl Run {
    /// Stops the source and waits for its end.
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

impl Bench<'_> {
    async fn takes_in(&mut self) {
        let texts = self.input("an open intake");
        let mut sending = self.sending(&texts).await;
        let run = self.start().await;
        self.acknowledged(&mut sending, run).await;
    }

    async fn waits_for_a_slow_intake(&mut self) {
        let texts = self.input("a slow intake");
        self.intake.hold(true);
        let mut sending = self.sending(&texts).await;
        let mut run = self.start().await;
        self.not_acknowledged(&mut sending, &mut run).await;
        self.intake.hold(false);
        self.acknowledged(&mut sending, run).await;
    }

    async fn repeats_what_was_refused(&mut self) {
        let texts = self.input("a full intake");
        let full = Refused {
            cause: RefusedCause::Full,
            retry_after: Duration::from_millis(10),
        };
        self.intake.refuse(Some(full));
        let mut sending = self.sending(&texts).await;
        let mut run = self.start().await;
        self.not_acknowledged(&mut sending, &mut run).await;
        self.intake.refuse(None);
        self.acknowledged(&mut sending, run).await;
    }

    async fn stops_while_an_input_is_under_way(&mut self) {
        let texts = self.input("a stop while an input is under way");
        self.intake.hold(true);
        let mut sending = self.sending(&texts).await;
        let mut run = self.start().await;
        self.not_acknowledged(&mut sending, &mut run).await;
        run.shutdown.cancel();
        self.intake.hold(false);
        run.stop().await;
        // The next run takes in the events that this one has not, and no others.
        let next = self.start().await;
        self.acknowledged(&mut sending, next).await;
    }

    async fn stops_at_once(&mut self) {
        let texts = self.input("a stop at once");
        let mut sending = self.sending(&texts).await;
        self.start().await.stop().await;
        let next = self.start().await;
        self.acknowledged(&mut sending, next).await;
    }

    /// Begins a case with two events and a text that is none.
    fn input(&mut self, case: &'static str) -> Vec<String> {
        self.case = case;
        self.inputs += 1;
        let event = |n| {
            let id = format!("{}-{n}", self.inputs);
            format!("{{\"type\":\"page\",\"messageId\":\"{id}\",\"userId\":\"u\"}}")
        };
        vec![
            event(1),
            event(2),
            "{\"type\":\"track\",\"userId\":\"u\"}".to_owned(),
        ]
    }

    /// Begins to send, before a source runs that could take it.
    async fn sending<'a>(&'a self, texts: &'a [String]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let mut sending = self.feed.send(texts);
        tokio::select! {
            biased;
            () = &mut sending => panic!("{}: {}: acknowledged without a source", self.name, self.case),
            () = ready(()) => {}
        }
        sending
    }

    async fn start(&self) -> Run {
        let shutdown = CancellationToken::new();
        let context = SourceContext {
            name: "under_test".into(),
            outlet: self.intake.outlet(),
            shutdown: shutdown.clone(),
            sockets: self.feed.sockets(),
            checkpoints: self.checkpoints.shared(),
            vitals: Arc::default(),
        };
        let task: SourceTask = self.feed.build().start(context).await.unwrap();
        Run {
            shutdown,
            task: tokio::spawn(task),
        }
    }

    /// The source has called the intake, and neither it nor its sender goes on before the intake has answered.
    async fn not_acknowledged(
        &self,
        sending: &mut Pin<Box<dyn Future<Output = ()> + Send + '_>>,
        run: &mut Run,
    ) {
        let early = async {
            tokio::select! {
                () = &mut *sending => {}
                _ = &mut run.task => {}
            }
        };
        let mut early = pin!(early);
        tokio::select! {
            () = &mut early => panic!("{}: {}: acknowledged before it was taken in", self.name, self.case),
            () = self.intake.called(1) => {}
        }
        let early = timeout(TOO_EARLY, early).await;
        assert!(
            early.is_err(),
            "{}: {}: acknowledged before it was taken in",
            self.name,
            self.case
        );
    }

    /// The input is acknowledged, by an answer or by the source's end; the intake has all of it by then, once.
    async fn acknowledged(&self, sending: &mut Pin<Box<dyn Future<Output = ()> + Send + '_>>, mut run: Run) {
        let ended = tokio::select! {
            () = sending => None,
            ended = &mut run.task => Some(ended),
        };
        self.holds_everything();
        match ended {
            Some(ended) => ended.unwrap().unwrap(),
            None => run.stop().await,
        }
        self.holds_everything();
    }

    fn holds_everything(&self) {
        let mut counts = BTreeMap::<String, usize>::new();
        for event in self.intake.events() {
            *counts.entry(event.message_id().to_owned()).or_default() += 1;
        }
        let wanted = (1..=self.inputs).flat_map(|input| [1, 2].map(|n| (format!("{input}-{n}"), 1)));
        assert_eq!(counts, wanted.collect(), "{}: {}", self.name, self.case);
        let rejected = self.intake.rejected();
        let (name, case) = (self.name, self.case);
        assert_eq!(rejected.len(), self.inputs, "{name}: {case}: unusable inputs");
        assert!(
            rejected.iter().all(|input| !input.reason.code().is_empty()),
            "{name}: {case}: {rejected:?}"
        );
    }
}

#[cfg(test)]
mod tests;
