//! The input of a source: a regular file, whose place the source remembers, or a stream that ends once.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use signalbox_core::StartError;
use signalbox_inputs::{Chunk, GZIP, decompressed, read};
use signalbox_segment::ingest::Place;

use super::remembered::{Blocks, History, How, Remembered};

/// Bytes read at once; a pipe may return fewer.
const BUFFER: usize = 256 * 1024;

/// An open input.
pub(super) enum Input {
    /// A regular file.
    File(File),
    /// A regular file that gzip made. Reading it begins at its beginning, always.
    Compressed(File),
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

/// A piece of the input.
pub(super) struct Piece {
    pub(super) chunk: Chunk,
    /// `None` for a stream, inside of a compressed file, and if the file cannot be read there again.
    pub(super) mark: Option<Mark>,
}

/// A place in a file behind a piece, and the blocks by which it is recognised.
pub(super) struct Mark {
    pub(super) place: Place,
    pub(super) blocks: Blocks,
}

impl Input {
    pub(super) fn open(path: &str) -> Result<Input, StartError> {
        if path == "-" {
            return Ok(Input::Stdin);
        }
        let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        if !metadata.is_file() {
            return Ok(Input::Stream(file));
        }
        let mut first = [0];
        let length = file
            .read_at(&mut first, 0)
            .map_err(|error| cannot_read(path, &error))?;
        Ok(if length == 1 && first[0] == GZIP {
            Input::Compressed(file)
        } else {
            Input::File(file)
        })
    }

    /// Looks the input up among the files read before, and logs the part that will be read.
    pub(super) fn recognise(
        &self,
        path: &str,
        read_again: bool,
        source: &str,
        history: &mut History,
    ) -> Result<Memory, StartError> {
        let (Input::File(file) | Input::Compressed(file)) = self else {
            return Ok(Memory::None);
        };
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        let found = history.find(file, &metadata, path);
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
            How::Known if matches!(self, Input::Compressed(_)) => tracing::info!(
                source,
                path,
                "a compressed file is read from its beginning again; deduplication recognises the events read before"
            ),
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
    pub(super) fn read(self, from: Place, mut pass_on: impl FnMut(Piece) -> bool) {
        let mut stream = |chunk| pass_on(Piece { chunk, mark: None });
        match self {
            Input::Stdin => read_stream(io::stdin(), stream),
            Input::Stream(file) => read_stream(file, stream),
            Input::File(mut file) => {
                if let Err(error) = file.seek(SeekFrom::Start(from.offset)) {
                    stream(Chunk::Failed(error));
                    return;
                }
                read(buffered(&file), from, |chunk| {
                    let mark = match &chunk {
                        Chunk::Values { end, .. } | Chunk::End(end) => mark(&file, *end),
                        Chunk::Failed(_) => None,
                    };
                    pass_on(Piece { chunk, mark })
                });
            }
            Input::Compressed(file) => {
                let decoded = match decompressed(&file) {
                    Ok(decoded) => decoded,
                    Err(error) => {
                        stream(Chunk::Failed(error));
                        return;
                    }
                };
                read(decoded, Place::default(), |chunk| {
                    let mark = match &chunk {
                        // The whole file was read by now.
                        Chunk::End(end) => (&file)
                            .stream_position()
                            .ok()
                            .and_then(|offset| mark(&file, Place { offset, ..*end })),
                        Chunk::Values { .. } | Chunk::Failed(_) => None,
                    };
                    pass_on(Piece { chunk, mark })
                });
            }
        }
    }
}

fn buffered<R: Read>(input: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, input)
}

fn read_stream(input: impl Read, mut pass_on: impl FnMut(Chunk) -> bool) {
    match decompressed(input) {
        Ok(input) => read(input, Place::default(), pass_on),
        Err(error) => {
            pass_on(Chunk::Failed(error));
        }
    }
}

/// Marks a place. One that cannot be read again now is not remembered; the values before it will be read again later.
fn mark(file: &File, place: Place) -> Option<Mark> {
    let blocks = Blocks::at(file, place.offset).ok()?;
    Some(Mark { place, blocks })
}

fn cannot_read(path: &str, error: &io::Error) -> StartError {
    StartError(format!("cannot read `{path}`: {error}; check `path`"))
}
