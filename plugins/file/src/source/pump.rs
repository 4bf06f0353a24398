//! The way from lines to stored events.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use signalbox_core::{Checkpoints, Event, Outlet, Reason, Refused, RejectedInput, StartError};
use signalbox_segment::ingest::{Origin, Reception, decode, read_event, read_event_at};
use signalbox_segment::time::Millis;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::input::Piece;
use super::lines::{self, Chunk, Line, Place};
use super::remembered::{Blocks, Remembered};

/// The shortest pause after a refusal, which may ask for none; the file can wait.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Takes chunks of lines and has their events stored.
pub(super) struct Pump {
    pub(super) path: String,
    pub(super) source: Arc<str>,
    pub(super) outlet: Outlet,
    pub(super) stop: CancellationToken,
    pub(super) checkpoints: Arc<dyn Checkpoints>,
    /// The memory of the file; `None` for a stream.
    pub(super) file: Option<Remembered>,
}

impl Pump {
    pub(super) async fn run(mut self, mut pieces: mpsc::Receiver<Piece>) -> Result<(), StartError> {
        if self.begin().await.is_err() {
            return Ok(());
        }
        loop {
            let piece = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                piece = pieces.recv() => piece,
            };
            let Some(Piece { chunk, blocks }) = piece else {
                let problem = "the thread that reads it has ended; the log has its panic";
                return Err(StartError(format!("reading `{}` failed: {problem}", self.path)));
            };
            match chunk {
                Chunk::Lines { lines, end } => {
                    let Ok(stored) = self.store(&lines).await else {
                        return Ok(());
                    };
                    if stored {
                        self.save(end, blocks);
                    }
                }
                Chunk::End(end) => {
                    self.finish(end, blocks);
                    tracing::info!(source = &*self.source, "the input has ended");
                    return Ok(());
                }
                Chunk::Failed(error) => {
                    return Err(StartError(format!("reading `{}` failed: {error}", self.path)));
                }
            }
        }
    }

    /// Remembers the file before any of its lines is stored. Events without `messageId` get ids made of the file's id,
    /// so that after a crash at any moment deduplication recognises them all.
    async fn begin(&mut self) -> Result<(), Stopped> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let value = file.checkpoint(unix_micros());
        self.checkpoints.save(&file.id, Some(value));
        tokio::select! {
            () = self.stop.cancelled() => Err(Stopped),
            () = self.checkpoints.flush() => Ok(()),
        }
    }

    /// Remembers that all lines before a place are stored.
    fn save(&mut self, place: Place, blocks: Option<Blocks>) {
        if let (Some(file), Some(blocks)) = (&mut self.file, blocks) {
            file.advance(place, blocks);
            let value = file.checkpoint(unix_micros());
            self.checkpoints.save(&file.id, Some(value));
        }
    }

    /// Remembers that the file was read to its end.
    fn finish(&mut self, end: Place, blocks: Option<Blocks>) {
        let Some(file) = &mut self.file else { return };
        file.size = end.offset;
        // Only blank lines come between, unless the last line is kept for later.
        let unfinished = file.unfinished;
        let place = if unfinished { file.place() } else { end };
        let blocks = if unfinished { file.blocks() } else { blocks };
        self.save(place, blocks);
    }

    /// Stores a chunk, waiting while the journal is full; fails if the source is stopped meanwhile. Returns false if the
    /// chunk was a last line without a line break that is no event.
    async fn store(&mut self, lines: &[Line]) -> Result<bool, Stopped> {
        // Events of a stream may have no ids, so they must not be sent again when only the dead letters were refused.
        let mut sent = false;
        loop {
            let (events, rejected) = self.events(lines);
            let cut = lines.iter().any(|line| !line.ended) && !rejected.is_empty();
            let mut refused = if sent || events.is_empty() {
                None
            } else {
                self.outlet.send(events).await.err()
            };
            if refused.is_none() {
                sent = true;
                refused = self.outlet.reject(rejected).await.err();
            }
            match refused {
                None => {
                    // The writer of the file may not have finished its last line: it is read again once the file has
                    // grown.
                    if let Some(file) = &mut self.file {
                        file.unfinished = cut;
                    }
                    return Ok(!cut);
                }
                // The next try makes the events from the lines again; keeping a copy of each would cost more, since
                // refusals are rare.
                Some(Refused { retry_after, .. }) => tokio::select! {
                    () = self.stop.cancelled() => return Err(Stopped),
                    () = tokio::time::sleep(retry_after.max(SHORTEST_PAUSE)) => {}
                },
            }
        }
    }

    fn events(&self, lines: &[Line]) -> (Vec<Event>, Vec<RejectedInput>) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let reception = Reception {
            source: self.source.clone(),
            received: Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
            origin: Origin::Unknown,
            ip: None,
            user_agent: None,
            live: false,
        };
        let mut events = Vec::with_capacity(lines.len());
        let mut rejected = Vec::new();
        for line in lines {
            match self.event(line, &reception) {
                Ok(event) => events.push(event),
                Err(mut input) => {
                    // The code serves for counting, the number for finding the line.
                    input.reason = Reason::restored(
                        input.reason.code().to_owned(),
                        format!("line {}: {}", line.number, input.reason.message()),
                    );
                    rejected.push(input);
                }
            }
        }
        (events, rejected)
    }

    fn event(&self, line: &Line, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
        let nameless = |reason| RejectedInput {
            message_id: None,
            reason,
        };
        let Some(text) = &line.text else {
            return Err(nameless(lines::too_long()));
        };
        let text = decode(text.trim_ascii()).map_err(nameless)?;
        match &self.file {
            Some(file) => read_event_at(text, reception, || file.event_id(line.at)),
            None => read_event(text, reception),
        }
    }
}

fn unix_micros() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

/// The source was stopped while it waited for room or for the disk.
struct Stopped;
