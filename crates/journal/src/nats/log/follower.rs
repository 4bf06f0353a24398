//! The follower: it reads the headers of all frames in the order of the log, and with them learns ids, marks duplicates and
//! counts. Each router does the same to the same log and comes to the same answers.
//!
//! It follows with a consumer that the server keeps in memory, and makes a new one whenever the messages do not come one
//! after the other, or not at all. If frames are known to be there that the consumer does not bring, such as after the
//! death of the server that ran it, the follower fetches them itself.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, push};
use async_nats::{Message, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};

use super::header::FrameHeader;
use super::shared::{Shared, blocking};
use crate::mutex::lock;
use crate::nats::errors::Verdict;

/// The interval at which the server says that there is nothing new.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The time without any message after which the consumer is given up.
const SILENCE: Duration = Duration::from_secs(3);
/// The time without a frame after which frames that are known to be there are fetched.
const LATE: Duration = Duration::from_millis(250);
/// The pause before the next consumer is made.
const PAUSE: Duration = Duration::from_millis(250);
/// The time to make a consumer.
const ANSWER: Duration = Duration::from_secs(3);
/// The time after which the server removes a consumer that no one listens to.
const INACTIVE: Duration = Duration::from_secs(30);
/// The most headers that are taken in at once.
const MOST: usize = 512;

/// Why a consumer was given up.
enum Left {
    Stopped,
    /// Messages were lost, or none came.
    Broken,
}

/// Follows until the log stops.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut stop = shared.stop.subscribe();
    let mut told = false;
    while !shared.is_stopping() {
        let followed = tokio::select! {
            followed = follow_once(&shared) => followed,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match followed {
            Ok(Left::Stopped) => return,
            Ok(Left::Broken) => told = false,
            Err(verdict) if !std::mem::replace(&mut told, true) => {
                tracing::warn!(
                    "the journal's log cannot be followed, trying again: {}",
                    verdict.told()
                );
            }
            Err(_) => {}
        }
        // A consumer may be out of reach while other replicas answer.
        catch_up(&shared).await;
        meanwhile(&shared, tokio::time::sleep(PAUSE)).await;
    }
}

async fn follow_once(shared: &Arc<Shared>) -> Result<Left, Verdict> {
    let mut messages = meanwhile(shared, consume(shared)).await?;
    let mut expected = 1;
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = tokio::time::timeout(SILENCE, messages.next()) => {
                let Ok(Some(message)) = message else { return Ok(Left::Broken) };
                if message.status.is_none() {
                    heard = Instant::now();
                }
                if !take_in(shared, message, &mut messages, &mut expected).await {
                    return Ok(Left::Broken);
                }
            }
            () = shared.behind.notified() => {
                // A consumer that brings frames is only late.
                if heard.elapsed() > LATE && catch_up(shared).await {
                    return Ok(Left::Broken);
                }
            }
        }
        if shared.is_stopping() {
            return Ok(Left::Stopped);
        }
    }
}

/// Waits for something, and fetches frames meanwhile if appends wait for them.
async fn meanwhile<F: Future>(shared: &Arc<Shared>, waiting: F) -> F::Output {
    let mut waiting = pin!(waiting);
    loop {
        tokio::select! {
            done = &mut waiting => return done,
            () = shared.behind.notified() => {
                catch_up(shared).await;
            }
        }
    }
}

/// Makes a consumer of the frames after the newest followed one, and returns its messages.
async fn consume(shared: &Shared) -> Result<Subscriber, Verdict> {
    let stream = &shared.stream;
    let next = lock(&shared.followed).learnt_to + 1;
    let deliver_subject = stream.client.new_inbox();
    let messages = stream.client.subscribe(deliver_subject.clone()).await;
    let messages = messages.map_err(|error| Verdict::Again(error.to_string()))?;
    let config = push::Config {
        deliver_subject,
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
        ack_policy: AckPolicy::None,
        replay_policy: ReplayPolicy::Instant,
        max_deliver: 1,
        headers_only: true,
        flow_control: true,
        idle_heartbeat: HEARTBEAT,
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: INACTIVE,
        ..push::Config::default()
    };
    let made = stream
        .context
        .create_consumer_on_stream(config, stream.name.as_str());
    match tokio::time::timeout(ANSWER, made).await {
        Ok(Ok(_)) => Ok(messages),
        Ok(Err(error)) => Err(Verdict::Again(error.to_string())),
        Err(_) => Err(Verdict::Again("no answer in time".into())),
    }
}

/// Takes in a message and the ones that wait behind it. False if one is missing.
async fn take_in(
    shared: &Arc<Shared>,
    first: Message,
    messages: &mut Subscriber,
    expected: &mut u64,
) -> bool {
    let mut frames = Vec::new();
    let mut in_order = true;
    let mut last = lock(&shared.followed).learnt_to;
    let mut next = Some(first);
    while let Some(message) = next {
        if message.status.is_some() {
            in_order = answer_status(shared, &message, *expected).await;
        } else {
            let place = message.reply.as_deref().and_then(place_of);
            let Some((number, sequence, stored)) = place.filter(|(number, ..)| number == expected) else {
                in_order = false;
                break;
            };
            *expected = number + 1;
            if sequence <= last {
                // Fetched meanwhile.
                next = messages.next().now_or_never().flatten();
                continue;
            }
            if sequence > last + 1 {
                // Either the frames between were deleted, or the consumer's replica lacks them: the leader knows.
                shared.known.fetch_max(sequence, SeqCst);
                in_order = false;
                break;
            }
            last = sequence;
            let headers = message.headers.as_ref();
            let start = &shared.stream.start;
            frames.push(FrameHeader::read(
                &message.subject,
                headers,
                sequence,
                stored,
                start,
            ));
        }
        if !in_order || frames.len() >= MOST {
            break;
        }
        next = messages.next().now_or_never().flatten();
    }
    // The server's heartbeats see to it that the ids are tended when no frames come.
    blocking(shared, |shared| shared.follow(frames)).await;
    in_order
}

/// Answers a message about the consumer's state. False if the server has sent more than came.
async fn answer_status(shared: &Shared, message: &Message, expected: u64) -> bool {
    if let Some(reply) = &message.reply {
        // Flow control: the server goes on once it has the answer. If that fails, the consumer falls silent.
        let _ = shared.stream.client.publish(reply.clone(), Bytes::new()).await;
    }
    let stalled = message
        .headers
        .as_ref()
        .and_then(|headers| headers.get("Nats-Consumer-Stalled"));
    if let Some(stalled) = stalled {
        let _ = shared
            .stream
            .client
            .publish(stalled.as_str().to_owned(), Bytes::new())
            .await;
    }
    let sent = message
        .headers
        .as_ref()
        .and_then(|headers| headers.get("Nats-Last-Consumer"));
    let sent = sent.and_then(|sent| sent.as_str().parse::<u64>().ok());
    sent.is_none_or(|sent| sent < expected)
}

/// Reads the number in the consumer, the sequence in the stream and the moment of storing (Unix milliseconds) from the
/// subject for a message's acknowledgement: `$JS.ACK.[domain.account.]stream.consumer.1.sequence.number.nanoseconds.pending`.
fn place_of(reply: &str) -> Option<(u64, u64, i64)> {
    let tokens: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
    let tokens = match tokens.len() {
        7 => tokens.as_slice(),
        9.. => tokens.get(2..)?,
        _ => return None,
    };
    let number = |index: usize| tokens.get(index)?.parse::<u64>().ok();
    let millis = number(5)? / 1_000_000;
    Some((number(4)?, number(3)?, i64::try_from(millis).ok()?))
}

/// Fetches frames that are known to be there; true if there were any.
async fn catch_up(shared: &Arc<Shared>) -> bool {
    let mut found = false;
    loop {
        let first = shared.first.load(SeqCst);
        let next = lock(&shared.followed).learnt_to + 1;
        if first > next {
            blocking(shared, move |shared| shared.pass_over(first)).await;
            continue;
        }
        if next > shared.known.load(SeqCst) || shared.is_stopping() {
            return found;
        }
        let known = shared.known.load(SeqCst);
        match shared.raw(next, known + 1, 1).await {
            Ok((frames, after)) if frames.is_empty() => {
                blocking(shared, move |shared| shared.pass_over(after)).await;
            }
            Ok((frames, _)) => {
                let headers = frames.into_iter().map(|frame| frame.header).collect();
                blocking(shared, |shared| shared.follow(headers)).await;
                found = true;
            }
            Err(_) => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_message() {
        let place = Some((1, 8, 1_795_997_975_108));
        assert_eq!(place_of("$JS.ACK.T.HJ9Hniwl.1.8.1.1795997975108100347.0"), place);
        assert_eq!(place_of("$JS.ACK.hub.ACC.T.c.1.8.1.1795997975108100347.0"), place);
        assert_eq!(
            place_of("$JS.ACK.hub.ACC.T.c.1.8.1.1795997975108100347.0.x"),
            place
        );
        for text in ["", "$JS.ACK.T.c.1.8", "$JS.ACK.T.c.1.x.1.1.0", "_INBOX.a"] {
            assert_eq!(place_of(text), None, "{text}");
        }
    }
}
