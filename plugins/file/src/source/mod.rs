//! Reading events from a file or standard input, one JSON object a line.

mod config;
mod input;
mod lines;
mod pump;
mod remembered;

use async_trait::async_trait;
use signalbox_core::{Source, SourceContext, SourceTask, StartError};
use tokio::sync::mpsc;

pub use config::FileSourceConfig;
use input::{Input, Memory};
use pump::Pump;
use remembered::Remembered;

/// Chunks that are read ahead of the one being stored.
const AHEAD: usize = 2;

/// A built `file` source.
#[derive(Debug)]
struct FileSource {
    path: String,
    read_again: bool,
}

#[async_trait]
impl Source for FileSource {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        let input = Input::open(&self.path)?;
        let memory = input
            .recognise(&self.path, self.read_again, &context.name, &*context.checkpoints)
            .await?;
        let file = match memory {
            Memory::None => None,
            Memory::File(file) => Some(*file),
            Memory::Done => return Ok(Box::pin(std::future::ready(Ok(())))),
        };
        let (sender, chunks) = mpsc::channel(AHEAD);
        let from = file.as_ref().map(Remembered::place);
        // A detached thread: reading standard input may block forever, and neither shutdown nor the end of the process
        // may wait for it.
        std::thread::Builder::new()
            .name(format!("source {}", context.name))
            .spawn(move || input.read(from, |chunk| sender.blocking_send(chunk).is_ok()))
            .map_err(|error| StartError(format!("cannot start a thread to read `{}`: {error}", self.path)))?;
        let task = Pump {
            path: self.path,
            source: context.name,
            outlet: context.outlet,
            stop: context.shutdown,
            checkpoints: context.checkpoints,
            file,
        };
        Ok(Box::pin(task.run(chunks)))
    }
}
