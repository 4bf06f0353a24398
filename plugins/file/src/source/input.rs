//! The input of a source: a regular file, whose place the source remembers, or a stream that ends once.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use signalbox_core::{Checkpoints, StartError};

use super::lines::{self, Chunk, Place};
use super::remembered::{Blocks, How, Remembered, recall};

/// An open input.
pub(super) enum Input {
    /// A regular file.
    File(File),
    /// A pipe or a device, of which the source remembers nothing.
    Stream(File),
    /// Standard input.
    Stdin,
}

/// The source's memory of an input.
pub(super) enum Memory {
    /// None: the input is a stream.
    None,
    /// A file, and the progress of reading it.
    File(Box<Remembered>),
    /// A file that was read to its end and has not grown.
    Done,
}

/// A piece of the input, and the blocks by which the place behind it is recognised.
pub(super) struct Piece {
    pub(super) chunk: Chunk,
    /// `None` for a stream, and if the file cannot be read there again.
    pub(super) blocks: Option<Blocks>,
}

impl Input {
    pub(super) fn open(path: &str) -> Result<Input, StartError> {
        if path == "-" {
            return Ok(Input::Stdin);
        }
        let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        if metadata.is_dir() {
            let problem = "it is a folder";
            return Err(StartError(format!(
                "cannot read `{path}`: {problem}; check `path`"
            )));
        }
        Ok(if metadata.is_file() {
            Input::File(file)
        } else {
            Input::Stream(file)
        })
    }

    /// Looks up the checkpoint of the input, and logs the part that will be read.
    pub(super) async fn recognise(
        &self,
        path: &str,
        read_again: bool,
        source: &str,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Memory, StartError> {
        let Input::File(file) = self else {
            return Ok(Memory::None);
        };
        let (remembered, useless) = recall(&checkpoints.load().await?);
        for key in useless {
            checkpoints.save(&key, None);
        }
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        let found = Remembered::find(file, &metadata, path, &remembered);
        let (mut file, how) = found.map_err(|error| cannot_read(path, &error))?;
        match how {
            How::New => {}
            How::Known if read_again => {
                tracing::info!(
                    source,
                    path,
                    "the file was read before and is read again, as `read_again` says"
                );
                file.begin_again();
            }
            How::Known if file.is_done(metadata.len()) => {
                tracing::info!(
                    source,
                    path,
                    offset = file.offset,
                    "the file was read to its end before and has not grown; `read_again = true` reads it again"
                );
                return Ok(Memory::Done);
            }
            How::Known => tracing::info!(
                source,
                path,
                offset = file.offset,
                "reading goes on where it was left"
            ),
            How::Another => tracing::info!(
                source,
                path,
                "this is another file than the one that was read before: it is read from its beginning"
            ),
        }
        Ok(Memory::File(Box::new(file)))
    }

    /// Reads to the end, or until `pass_on` returns false; a file from `from` on.
    pub(super) fn read(self, from: Option<Place>, mut pass_on: impl FnMut(Piece) -> bool) {
        let from = from.unwrap_or_default();
        let stream = |chunk| Piece { chunk, blocks: None };
        match self {
            Input::Stdin => lines::read(io::stdin(), from, |chunk| pass_on(stream(chunk))),
            Input::Stream(file) => lines::read(file, from, |chunk| pass_on(stream(chunk))),
            Input::File(mut file) => {
                if let Err(error) = file.seek(SeekFrom::Start(from.offset)) {
                    pass_on(stream(Chunk::Failed(error)));
                    return;
                }
                lines::read(&file, from, |chunk| {
                    let place = chunk.end();
                    // A place that cannot be read again now is not remembered; the lines before it will be read again
                    // later.
                    let blocks = place.and_then(|place| Blocks::at(&file, place.offset).ok());
                    pass_on(Piece { chunk, blocks })
                });
            }
        }
    }
}

fn cannot_read(path: &str, error: &io::Error) -> StartError {
    StartError(format!("cannot read `{path}`: {error}; check `path`"))
}
