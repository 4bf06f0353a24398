//! Reading events from files or standard input: lines of JSON, values over several lines, and lists.

mod config;
mod files;
mod input;
mod pump;
mod remembered;

use async_trait::async_trait;
use signalbox_core::{Source, SourceContext, SourceTask, StartError};
use tokio::sync::mpsc;

pub use config::FileSourceConfig;
use files::Files;
use input::{Input, Memory};
use pump::{Ending, Pump};
use remembered::{History, Remembered};

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
        let files = files::find(&self.path)?;
        if files.paths.is_empty() {
            let path = self.path.as_str();
            tracing::warn!(
                source = &*context.name,
                path,
                "the folder holds no files; the source has ended"
            );
        }
        // A file that `path` names itself is opened at once, so that a wrong path fails the start.
        let opened = match files.paths.as_slice() {
            [only] if files.single => Some(Input::open(only)?),
            _ => None,
        };
        let history = History::load(&*context.checkpoints, files.paths.len(), files.inodes()).await?;
        let reading = Reading {
            context,
            read_again: self.read_again,
            history,
        };
        Ok(Box::pin(reading.run(files, opened)))
    }
}

/// The work of a started source.
struct Reading {
    context: SourceContext,
    read_again: bool,
    history: History,
}

impl Reading {
    /// Reads the files one after the other. One that cannot be read does not keep the others from being read.
    async fn run(mut self, files: Files, mut opened: Option<Input>) -> Result<(), StartError> {
        let count = files.paths.len();
        let mut failures = Vec::new();
        for path in files.paths {
            match self.read(&path, opened.take()).await {
                Ok(Ending::Read) => {}
                Ok(Ending::Stopped) => return Ok(()),
                Err(error) if count == 1 => return Err(error),
                Err(error) => {
                    let source = &*self.context.name;
                    tracing::error!(source, path, %error, "a file was left out; the source goes on with the next one");
                    failures.push(error);
                }
            }
        }
        let left_out = failures.len();
        match failures.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(StartError(format!(
                "{left_out} of {count} files were not read to their end; the first: {first}"
            ))),
        }
    }

    async fn read(&mut self, path: &str, opened: Option<Input>) -> Result<Ending, StartError> {
        let input = match opened {
            Some(input) => input,
            None => Input::open(path)?,
        };
        let source = &self.context.name;
        let file = match input.recognise(path, self.read_again, source, &mut self.history)? {
            Memory::None => None,
            Memory::File(file) => Some(*file),
            Memory::Done => return Ok(Ending::Read),
        };
        let (sender, chunks) = mpsc::channel(AHEAD);
        let from = file.as_ref().map(Remembered::place).unwrap_or_default();
        // A detached thread: reading standard input may block forever, and neither shutdown nor the end of the process
        // may wait for it.
        std::thread::Builder::new()
            .name(format!("source {source}"))
            .spawn(move || input.read(from, |chunk| sender.blocking_send(chunk).is_ok()))
            .map_err(|error| StartError(format!("cannot start a thread to read `{path}`: {error}")))?;
        let task = Pump {
            path,
            context: &self.context,
            file,
        };
        task.run(chunks).await
    }
}
