//! The contract finds breaches: each source here breaks one rule.

use signalbox_core::{Event, Outlet, Reason, RejectedInput};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    AcknowledgesFirst,
    ForgetsRefused,
    SendsTwice,
    DropsAtStop,
    KeepsUnusable,
}

/// An input and the place for its acknowledgement.
type Input = (Vec<String>, oneshot::Sender<()>);

/// Inputs through memory, for sources of one fault.
struct Memory {
    fault: Fault,
    sender: mpsc::UnboundedSender<Input>,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<Input>>>,
}

struct FromMemory {
    fault: Fault,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<Input>>>,
}

#[async_trait]
impl Feed for Memory {
    fn build(&self) -> Box<dyn Source> {
        Box::new(FromMemory {
            fault: self.fault,
            receiver: self.receiver.clone(),
        })
    }

    async fn send(&self, texts: &[String]) {
        loop {
            let (answer, acknowledged) = oneshot::channel();
            self.sender.send((texts.to_vec(), answer)).unwrap();
            if acknowledged.await.is_ok() {
                return;
            }
        }
    }
}

#[async_trait]
impl Source for FromMemory {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        Ok(Box::pin(async move {
            let mut receiver = self.receiver.lock().await;
            loop {
                let (texts, answer) = tokio::select! {
                    () = context.shutdown.cancelled() => return Ok(()),
                    Some(input) = receiver.recv() => input,
                };
                let taking = take(&context.outlet, texts, self.fault);
                if self.fault == Fault::AcknowledgesFirst {
                    let _ = answer.send(());
                    taking.await;
                    continue;
                }
                let taken = tokio::select! {
                    biased;
                    () = context.shutdown.cancelled(), if self.fault == Fault::DropsAtStop => true,
                    taken = taking => taken,
                };
                if taken {
                    let _ = answer.send(());
                }
            }
        }))
    }
}

/// Hands an input over; false if it was refused.
async fn take(outlet: &Outlet, texts: Vec<String>, fault: Fault) -> bool {
    let (unusable, usable): (Vec<String>, Vec<String>) =
        texts.into_iter().partition(|text| text.contains("track"));
    let events: Vec<Event> = usable.iter().map(|text| crate::event(text)).collect();
    if fault == Fault::SendsTwice {
        let _ = outlet.send(events.clone()).await;
    }
    if outlet.send(events).await.is_err() {
        return fault == Fault::ForgetsRefused;
    }
    let rejected = unusable.into_iter().map(|_| RejectedInput {
        message_id: None,
        reason: Reason::new("unusable", "no event"),
    });
    fault == Fault::KeepsUnusable || outlet.reject(rejected.collect()).await.is_ok()
}

async fn check_with(fault: Fault) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let feed = Memory {
        fault,
        sender,
        receiver,
    };
    check("memory", &feed).await;
}

#[tokio::test]
async fn a_good_one_passes() {
    check_with(Fault::None).await;
}

#[tokio::test]
#[should_panic(expected = "a slow intake: acknowledged before it was taken in")]
async fn an_acknowledgement_before_the_intake_is_found() {
    check_with(Fault::AcknowledgesFirst).await;
}

#[tokio::test]
#[should_panic(expected = "a full intake: acknowledged before it was taken in")]
async fn refused_events_that_are_forgotten_are_found() {
    check_with(Fault::ForgetsRefused).await;
}

#[tokio::test]
#[should_panic(expected = "an open intake")]
async fn copies_are_found() {
    check_with(Fault::SendsTwice).await;
}

#[tokio::test]
#[should_panic(expected = "a stop while an input is under way")]
async fn events_that_a_stop_loses_are_found() {
    check_with(Fault::DropsAtStop).await;
}

#[tokio::test]
#[should_panic(expected = "unusable inputs")]
async fn unusable_inputs_that_vanish_are_found() {
    check_with(Fault::KeepsUnusable).await;
}
