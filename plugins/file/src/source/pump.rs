//! The way from values to stored events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use signalbox_core::{Event, Reason, Refused, RejectedInput, SourceContext, StartError};
use signalbox_inputs::Chunk;
use signalbox_segment::ingest::{
    Endpoint, Origin, Reception, Value, decode, is_batch, read_event, read_event_at, split, value_too_long,
};
use signalbox_segment::time::Millis;
use tokio::sync::mpsc;

use super::input::{Mark, Piece};
use super::remembered::Remembered;

/// The shortest pause after a refusal, which may ask for none; the file can wait.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Takes chunks of values and has their events stored.
pub(super) struct Pump<'s> {
    pub(super) path: &'s str,
    pub(super) context: &'s SourceContext,
    /// The memory of the file; `None` for a stream.
    pub(super) file: Option<Remembered>,
}

/// The end of reading an input.
pub(super) enum Ending {
    /// All of it was read.
    Read,
    /// The source was stopped before.
    Stopped,
}

impl Pump<'_> {
    pub(super) async fn run(mut self, mut pieces: mpsc::Receiver<Piece>) -> Result<Ending, StartError> {
        if self.begin().await.is_err() {
            return Ok(Ending::Stopped);
        }
        loop {
            let piece = tokio::select! {
                biased;
                () = self.context.shutdown.cancelled() => return Ok(Ending::Stopped),
                piece = pieces.recv() => piece,
            };
            let Some(Piece { chunk, mark }) = piece else {
                let problem = "the thread that reads it has ended; the log has its panic";
                return Err(StartError(format!("reading `{}` failed: {problem}", self.path)));
            };
            match chunk {
                Chunk::Values { values, .. } => {
                    let Ok(stored) = self.store(&values).await else {
                        return Ok(Ending::Stopped);
                    };
                    if stored {
                        self.save(mark);
                    }
                }
                Chunk::End(_) => {
                    self.finish(mark);
                    let (source, path) = (&*self.context.name, self.path);
                    tracing::info!(source, path, "the input has ended");
                    return Ok(Ending::Read);
                }
                Chunk::Failed(error) => {
                    return Err(StartError(format!("reading `{}` failed: {error}", self.path)));
                }
            }
        }
    }

    /// Remembers the file before any of its events is stored. Events without `messageId` get ids made of the file's id,
    /// so that after a crash at any moment deduplication recognises them all.
    async fn begin(&mut self) -> Result<(), Stopped> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let value = file.checkpoint(unix_micros());
        self.context.checkpoints.save(&file.id, Some(value));
        tokio::select! {
            () = self.context.shutdown.cancelled() => Err(Stopped),
            () = self.context.checkpoints.flush() => Ok(()),
        }
    }

    /// Remembers that all values before a place are stored.
    fn save(&mut self, mark: Option<Mark>) {
        if let (Some(file), Some(mark)) = (&mut self.file, mark) {
            file.advance(mark);
            let value = file.checkpoint(unix_micros());
            self.context.checkpoints.save(&file.id, Some(value));
        }
    }

    /// Remembers that the file was read to its end.
    fn finish(&mut self, end: Option<Mark>) {
        let (Some(file), Some(end)) = (&mut self.file, end) else {
            return;
        };
        file.size = end.place.offset;
        // Only blanks come between, unless the last value is kept for later.
        let mark = if file.unfinished { file.mark() } else { end };
        self.save(Some(mark));
    }

    /// Stores a chunk, waiting while the journal is full; fails if the source is stopped meanwhile. Returns false if the
    /// chunk was a last text that has no end and is no event.
    async fn store(&mut self, values: &[Value]) -> Result<bool, Stopped> {
        // Events of a stream may have no ids, so they must not be sent again when only the dead letters were refused.
        let mut sent = false;
        loop {
            let (events, rejected) = self.events(values);
            let cut = values.iter().any(|value| !value.ended) && !rejected.is_empty();
            let mut refused = if sent || events.is_empty() {
                None
            } else {
                self.context.outlet.send(events).await.err()
            };
            if refused.is_none() {
                sent = true;
                refused = self.context.outlet.reject(rejected).await.err();
            }
            match refused {
                None => {
                    // The writer of the file may not have finished its last value: it is read again once the file has
                    // grown.
                    if let Some(file) = &mut self.file {
                        file.unfinished = cut;
                    }
                    return Ok(!cut);
                }
                // The next try makes the events from their text again; keeping a copy of each would cost more, since
                // refusals are rare.
                Some(Refused { retry_after, .. }) => tokio::select! {
                    () = self.context.shutdown.cancelled() => return Err(Stopped),
                    () = tokio::time::sleep(retry_after.max(SHORTEST_PAUSE)) => {}
                },
            }
        }
    }

    fn events(&self, values: &[Value]) -> (Vec<Event>, Vec<RejectedInput>) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let reception = Reception {
            source: self.context.name.clone(),
            received: Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
            origin: Origin::Unknown,
            ip: None,
            user_agent: None,
            live: false,
        };
        let mut events = Vec::with_capacity(values.len());
        let mut rejected = Vec::new();
        for value in values {
            match self.read(value, &reception) {
                Ok(Read::One(event)) => events.push(event),
                Ok(Read::Batch(batch)) => {
                    for (number, event) in (1..).zip(batch) {
                        match event {
                            Ok(event) => events.push(event),
                            Err(input) => {
                                let place = format!("line {}: event {number} of a batch", value.line);
                                rejected.push(placed(input, &place));
                            }
                        }
                    }
                }
                Err(input) => rejected.push(placed(input, &format!("line {}", value.line))),
            }
        }
        (events, rejected)
    }

    /// Reads the event of a value, or the events if it is a body of `/v1/batch`.
    fn read(&self, value: &Value, reception: &Reception<'_>) -> Result<Read, RejectedInput> {
        let nameless = |reason| RejectedInput {
            message_id: None,
            reason,
        };
        let text = value.text.as_ref().ok_or_else(|| nameless(value_too_long()))?;
        let text = decode(text.trim_ascii()).map_err(nameless)?;
        if is_batch(text) {
            let batch = split(text, Endpoint::Batch).map_err(nameless)?;
            return Ok(Read::Batch(match &self.file {
                // An event takes more than one byte, so its id is no other value's.
                Some(file) => batch.events_at(reception, |index| file.event_id(value.at + index as u64)),
                None => batch.events(reception),
            }));
        }
        match &self.file {
            Some(file) => read_event_at(text, reception, || file.event_id(value.at)),
            None => read_event(text, reception),
        }
        .map(Read::One)
    }
}

/// The events of a value.
enum Read {
    One(Event),
    Batch(Vec<Result<Event, RejectedInput>>),
}

/// Adds the place to the message. The code serves for counting, the place for finding the text.
fn placed(mut input: RejectedInput, place: &str) -> RejectedInput {
    let message = format!("{place}: {}", input.reason.message());
    input.reason = Reason::restored(input.reason.code().to_owned(), message);
    input
}

fn unix_micros() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

/// The source was stopped while it waited for room or for the disk.
struct Stopped;
