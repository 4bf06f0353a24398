//! Has the events of messages stored, and acknowledges the messages.

use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use futures_util::stream::ReadyChunks;
use futures_util::{FutureExt as _, StreamExt as _};
use signalbox_core::{Refused, RefusedCause, SourceContext};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::consumer::Reading;
use super::message::{Content, read};
use super::trouble::Trouble;
use crate::link::Open;

/// Messages that are handed to the journal at once, at most.
const TOGETHER: usize = 250;
/// Bytes of messages that are handed to the journal at once, unless one alone is longer.
const TOGETHER_BYTES: usize = 512 * 1024;
/// The shortest pause after a refusal, which may ask for none; the stream can wait.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Reads messages of one opened consumer.
pub(super) struct Reader<'c> {
    context: &'c SourceContext,
    open: Open,
    messages: ReadyChunks<async_nats::jetstream::consumer::pull::Stream>,
    identity: String,
    /// Interval at which the servers hear that the source still works on messages.
    sign: Duration,
}

/// The end of reading.
pub(super) enum Ending {
    /// The source was stopped; nothing that it took is left without an acknowledgement or its contrary.
    Stopped,
    /// The consumer must be opened again.
    Trouble(Trouble),
}

/// A message, with the numbers of its events and of its texts that are none.
struct Taken {
    message: Message,
    events: usize,
    rejected: usize,
}

impl<'c> Reader<'c> {
    pub(super) fn new(context: &'c SourceContext, open: Open, reading: Reading) -> Reader<'c> {
        Reader {
            context,
            open,
            messages: reading.messages.ready_chunks(TOGETHER),
            identity: reading.identity,
            sign: (reading.ack_wait / 3).max(SHORTEST_PAUSE),
        }
    }

    /// Reads until the source is stopped or the consumer must be opened again.
    pub(super) async fn run(&mut self) -> Ending {
        let context = self.context;
        loop {
            let Some(chunk) = until(&context.shutdown, self.messages.next()).await else {
                return self.stop().await;
            };
            let mut messages = Vec::new();
            let mut trouble = chunk.is_none().then(|| Trouble::lost(None));
            for message in chunk.into_iter().flatten() {
                match message {
                    Ok(message) => messages.push(message),
                    Err(error) => trouble = Some(Trouble::lost(Some(&error))),
                }
            }
            let mut pause = None;
            while !messages.is_empty() {
                let group = messages.drain(..together(&messages)).collect();
                pause = pause.max(self.store(group).await);
            }
            if let Some(trouble) = trouble {
                return Ending::Trouble(trouble);
            }
            if let Some(pause) = pause
                && until(&context.shutdown, tokio::time::sleep(pause))
                    .await
                    .is_none()
            {
                return self.stop().await;
            }
        }
    }

    /// Gives back the messages that came and were not taken, so that another reader gets them at once.
    async fn stop(&mut self) -> Ending {
        while let Some(Some(chunk)) = self.messages.next().now_or_never() {
            for message in chunk.into_iter().flatten() {
                answer(&message, AckKind::Nak(None)).await;
            }
        }
        // Acknowledgements still lie in the client.
        if self.open.down().is_none() {
            self.open.flush().await;
        }
        Ending::Stopped
    }

    /// Has the events of messages stored, and answers the messages. Returns the pause to make if the journal refused.
    async fn store(&self, messages: Vec<Message>) -> Option<Duration> {
        let mut events = Vec::new();
        let mut rejected = Vec::new();
        let mut taken = Vec::with_capacity(messages.len());
        for message in messages {
            let Ok(number) = message.info().map(|info| info.stream_sequence) else {
                // No stream sends such a message, and there is nothing to acknowledge it to.
                tracing::warn!(
                    source = &*self.context.name,
                    "left a message out that comes from no stream"
                );
                continue;
            };
            let content: Content = read(&message.payload, number, &self.identity, &self.context.name);
            taken.push(Taken {
                events: content.events.len(),
                rejected: content.rejected.len(),
                message,
            });
            events.extend(content.events);
            rejected.extend(content.rejected);
        }
        if taken.is_empty() {
            return None;
        }
        let outlet = &self.context.outlet;
        if !events.is_empty()
            && let Err(refused) = self.working(&taken, outlet.send(events)).await
        {
            return Some(self.give_back(&taken, &refused, |_| true).await);
        }
        let refused = self.working(&taken, outlet.reject(rejected)).await.err();
        let mut pause = None;
        if let Some(refused) = &refused {
            // Events of these messages that are stored already come again, and count as duplicates by their ids.
            pause = Some(self.give_back(&taken, refused, |taken| taken.rejected > 0).await);
        }
        for taken in &taken {
            match taken {
                Taken { rejected: 0, .. } => answer(&taken.message, AckKind::Ack).await,
                _ if refused.is_some() => {}
                Taken { events: 0, .. } => answer(&taken.message, AckKind::Term).await,
                _ => answer(&taken.message, AckKind::Ack).await,
            }
        }
        pause
    }

    /// Waits for the journal, and meanwhile keeps the servers from giving the messages to another reader.
    async fn working<T>(&self, taken: &[Taken], work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut sign = tokio::time::interval(self.sign);
        sign.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sign.reset();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = sign.tick() => for taken in taken {
                    answer(&taken.message, AckKind::Progress).await;
                },
            }
        }
    }

    /// Gives messages back that the journal refused; the servers deliver them again after the time that it asks for.
    async fn give_back(
        &self,
        taken: &[Taken],
        refused: &Refused,
        which: impl Fn(&Taken) -> bool,
    ) -> Duration {
        let pause = refused.retry_after.max(SHORTEST_PAUSE);
        let delay = match refused.cause {
            // Another router may take them at once.
            RefusedCause::Stopping => None,
            RefusedCause::Full | RefusedCause::Unwritable | RefusedCause::RateLimited => Some(pause),
        };
        for taken in taken.iter().filter(|taken| which(taken)) {
            answer(&taken.message, AckKind::Nak(delay)).await;
        }
        pause
    }
}

/// The number of messages, from the first on, that are handed over together.
fn together(messages: &[Message]) -> usize {
    let mut bytes = 0;
    let fits = messages.iter().take_while(|message| {
        let before = bytes;
        bytes += message.payload.len();
        before == 0 || bytes <= TOGETHER_BYTES
    });
    fits.count().max(1)
}

/// Waits for work unless the source is stopped before; `None` then.
pub(super) async fn until<T>(shutdown: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        done = work => Some(done),
    }
}

/// Answers a message. Without a connection the answer is lost: the servers deliver the message again, and the ids of its events
/// are known by then.
async fn answer(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an acknowledgement could not be written");
    }
}
