//! Reading events from a file or standard input, one JSON object a line.

mod config;
mod lines;

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use signalbox_core::{
    Event, Outlet, Reason, Refused, RejectedInput, Source, SourceContext, SourceTask, StartError,
};
use signalbox_segment::ingest::{Origin, Reception, decode, read_event};
use signalbox_segment::time::Millis;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use config::FileSourceConfig;
use lines::{Chunk, Line};

/// Chunks that are read ahead of the one being stored.
const AHEAD: usize = 2;

/// A refusal may ask for no pause at all; the file has time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// A built `file` source.
#[derive(Debug)]
struct FileSource {
    path: String,
}

#[async_trait]
impl Source for FileSource {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        let input = open(&self.path)?;
        let (sender, chunks) = mpsc::channel(AHEAD);
        // A thread of its own, never waited for: reading standard input may block for ever, and neither
        // shutdown nor the end of the process may wait for it.
        std::thread::Builder::new()
            .name(format!("source {}", context.name))
            .spawn(move || lines::read(input, |chunk| sender.blocking_send(chunk).is_ok()))
            .map_err(|error| StartError(format!("cannot start a thread to read `{}`: {error}", self.path)))?;
        let task = Pump {
            path: self.path,
            source: context.name,
            outlet: context.outlet,
            stop: context.shutdown,
        };
        Ok(Box::pin(task.run(chunks)))
    }
}

fn open(path: &str) -> Result<Box<dyn Read + Send>, StartError> {
    if path == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let fail = |problem: String| StartError(format!("cannot read `{path}`: {problem}; check `path`"));
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(fail("it is a folder".to_owned())),
        _ => Ok(Box::new(file)),
    }
}

/// Takes chunks of lines and has their events stored.
struct Pump {
    path: String,
    source: Arc<str>,
    outlet: Outlet,
    stop: CancellationToken,
}

impl Pump {
    async fn run(self, mut chunks: mpsc::Receiver<Chunk>) -> Result<(), StartError> {
        loop {
            let chunk = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                chunk = chunks.recv() => chunk,
            };
            match chunk {
                Some(Chunk::Lines(lines)) => {
                    if self.store(&lines).await.is_err() {
                        return Ok(());
                    }
                }
                Some(Chunk::Failed(error)) => {
                    return Err(StartError(format!("reading `{}` failed: {error}", self.path)));
                }
                None => {
                    tracing::info!(source = &*self.source, "the input has ended");
                    return Ok(());
                }
            }
        }
    }

    /// Has a chunk stored, waiting as long as there is no room; an error if told to stop meanwhile.
    async fn store(&self, lines: &[Line]) -> Result<(), Stopped> {
        loop {
            let (events, rejected) = self.events(lines);
            let refused = if events.is_empty() {
                None
            } else {
                self.outlet.send(events).await.err()
            };
            match refused {
                None => {
                    self.outlet.reject(rejected);
                    return Ok(());
                }
                // Made again from the lines next time; keeping a copy of each event would cost more, since
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
            match event(line, &reception) {
                Ok(event) => events.push(event),
                Err(mut input) => {
                    // The code is for counting, the number for finding the line.
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
}

/// Told to stop while waiting for room.
struct Stopped;

fn event(line: &Line, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    let nameless = |reason| RejectedInput {
        message_id: None,
        reason,
    };
    let Some(text) = &line.text else {
        return Err(nameless(lines::too_long()));
    };
    read_event(decode(text.trim_ascii()).map_err(nameless)?, reception)
}
