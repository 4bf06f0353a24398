//! Lets a stream go on behind all places that the states of the journal speak of. If the servers lost the end of the stream, or an
//! operator deleted it or restored an earlier state of it, new events at the former places would be taken for those that sinks
//! have passed, and never be delivered.

use futures_util::StreamExt as _;

use super::header::FrameHeader;
use super::options::LogOptions;
use super::place;
use super::stream::{Info, Stream};
use crate::JournalError;

/// The most sequences that are passed over by messages without events.
const MOST: u64 = 100_000;
/// Such messages on their way at once.
const UNDER_WAY: usize = 64;

/// The first sequence that the states do not speak of, if there is any before it.
pub(super) fn first_sequence(options: &LogOptions) -> Option<u64> {
    Some(place::first_whole(options.behind)).filter(|sequence| *sequence > 1)
}

/// Says that a stream which is about to be made follows one that is gone.
pub(super) async fn tell_if_missing(stream: &Stream, options: &LogOptions) {
    let Some(next) = first_sequence(options) else {
        return;
    };
    if let Ok(None) = stream.info().await {
        let name = &stream.name;
        tracing::error!(
            "the stream '{name}' is gone: events in it that were not delivered are lost; a new one begins with message {next}, behind \
             all that sinks have passed"
        );
    }
}

/// Passes over the sequences of which the states speak and that the stream has still to give. Returns its state then.
pub(super) async fn pass_over(
    stream: &Stream,
    options: &LogOptions,
    info: Info,
) -> Result<Info, JournalError> {
    let next = first_sequence(options).unwrap_or(1);
    let (name, last) = (&stream.name, info.state.last_seq);
    if last + 1 >= next {
        return Ok(info);
    }
    let missing = next - 1 - last;
    let ends = format!(
        "the stream '{name}' ends with message {last}, and sinks have passed message {}: the NATS servers have lost messages, or an \
         earlier state of it was restored",
        next - 1
    );
    if missing > MOST {
        return Err(JournalError(format!(
            "{ends}; restore a newer state, or give up the events in it that are not delivered: `nats stream rm {name}`, after which \
             a new stream begins behind message {}",
            next - 1
        )));
    }
    tracing::error!(
        "{ends}; events among them that were not delivered are lost, and new ones follow behind them"
    );
    let subject = options.subjects.subject(&["ev", ""]);
    let sent = (0..missing).map(|_| stream.publish(&subject, FrameHeader::without_events(), "".into()));
    let mut sent = futures_util::stream::iter(sent).buffer_unordered(UNDER_WAY);
    while let Some(answer) = sent.next().await {
        answer.map_err(|verdict| JournalError(format!("{ends}; it cannot go on: {}", verdict.told())))?;
    }
    stream.state().await
}
