//! Takes over the files of frames that an earlier process left, by their summaries, or else by reading them through.
//! Bytes at the end of the last file that are not a frame are either a commit that was under way, or damage; the mark
//! tells which.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::aligned::BLOCK;
use super::file_key::FileKey;
use super::heading::Heading;
use super::log_file::Content;
use super::mark::{Mark, Marked};
use super::summary::{conclude, offset, summary};
use super::walk::{At, Chain, Walk, frame_at, walk};
use crate::Position;
use crate::erasures::ErasureMark;
use crate::fs::private;
use crate::fs::{name_aside, sync_folder};
use crate::panic_guard::{Trouble, io as trouble};
use crate::seal::keys_file::WrappedKeys;
use crate::seal::wrapped::Wrapped;

/// Bytes that are set aside at once.
const CHUNK: usize = 1 << 20;

/// The heading of a file that begins at a position; `None` if it has none that can be read, or that of another file.
pub(super) fn heading(path: &Path, first: Position) -> Result<Option<Heading>, Trouble> {
    let file = File::open(path).map_err(|error| trouble(&error))?;
    let read = Heading::read(&file)?.filter(|read| read.first == first);
    Ok(read.map(|read| read.heading))
}

/// Fails if a newer version wrote the file, which must then not even be set aside. Returns the wrapped keys of a sealed
/// file (those of its heading, or if that is damaged, the one of a frame), and the mark of the list of erasures.
pub(crate) fn look(path: &Path) -> Result<Looked, Trouble> {
    let file = File::open(path).map_err(|error| trouble(&error))?;
    let size = file.metadata().map_err(|error| trouble(&error))?.len();
    let read = Heading::read(&file)?;
    let (key, mut bytes) = (FileKey::new(None, 0, false), Vec::new());
    let mut block = read.as_ref().map_or(0, |read| read.blocks);
    let seals = read.as_ref().and_then(|read| read.seals);
    let is_damaged = read.is_none();
    let mut found = Looked {
        frames: seals.map(|seals| seals.frames),
        journal: seals.map(|seals| seals.journal),
        erasures: read.and_then(|read| read.heading.erasures),
    };
    loop {
        let seal = match frame_at(&file, &key, block, size, &mut bytes)? {
            At::Frame(_) => None,
            At::Torn(head, _) => head.seal,
            // The first frame follows a damaged heading, or stands behind other damage.
            At::Nothing if is_damaged && offset(block + 1) < size => {
                block += 1;
                continue;
            }
            At::Nothing => None,
        };
        found.frames = found.frames.or(seal.map(|seal| seal.wrapped));
        return Ok(found);
    }
}

/// The result of a look at a file of frames.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    /// The key of its frames; `None` if they are not sealed.
    pub(crate) frames: Option<Wrapped>,
    /// The copy of the journal's other keys.
    pub(crate) journal: Option<WrappedKeys>,
    /// The mark of the list of erasures in its heading.
    pub(crate) erasures: Option<ErasureMark>,
}

/// The acknowledgements of a file as far as they are known before it is read.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// Everything up to this position, and nothing after it.
    To(Position),
    /// Everything up to this position, and perhaps more.
    AtLeast(Position),
}

/// The result of taking over a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The content; `None` if no frame of it can be read.
    pub(super) content: Option<Content>,
    /// The position after the last one that was given to an event, readable or not.
    pub(super) given: Position,
    /// The position before which everything is acknowledged.
    pub(super) acknowledged: Position,
    /// True if the file holds nothing that was ever acknowledged, and may be deleted.
    pub(super) void: bool,
}

/// Takes over a file whose events begin at the position of its key; writes its summary if it has none. Frames that reach beyond `limit`
/// were never acknowledged: their commit seemed to fail, and the next file took their positions.
pub(super) fn take_over(
    path: &Path,
    key: &FileKey,
    limit: Position,
    marked: Option<&Marked>,
    mark: &mut Mark,
) -> Result<Taken, Trouble> {
    let first = key.first;
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.or_else(|error| match error.kind() {
        // The file can be read all the same, and is read through at each start.
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => File::open(path),
        _ => Err(error),
    });
    let file = file.map_err(|error| trouble(&error))?;
    // The mark belongs to a later file, which began where this one ended.
    let limit = marked.map_or(limit, |marked| {
        if marked.file > first {
            limit.min(marked.file)
        } else {
            limit
        }
    });
    if let Some(summary) = summary(&file, limit) {
        let given = summary.content.end;
        return Ok(Taken {
            content: Some(summary.content),
            given,
            acknowledged: given,
            void: false,
        });
    }
    let here = marked.filter(|marked| marked.file == first);
    let (known, chain) = match (limit, marked) {
        (Position::MAX, Some(marked)) if marked.exact => {
            let (position, bytes) = here.map_or((first, 0), |marked| (marked.end, marked.offset));
            let block = u32::try_from(bytes / BLOCK as u64).unwrap_or(u32::MAX);
            (Known::To(position), Some(Chain { block, position }))
        }
        (Position::MAX, _) => (Known::AtLeast(here.map_or(first, |marked| marked.end)), None),
        (limit, _) => (Known::To(limit), None),
    };
    let walk = walk(&file, key, limit, chain)?;
    for (from, to, flaw) in &walk.damaged {
        tracing::error!(file = %path.display(), bytes = %format!("{}..{}", offset(*from), offset(*to)),
            "journal file unreadable here ({flaw}); what follows is used");
    }
    let tail = Tail::of(&file, path, first, known, &walk)?;
    let (given, acknowledged) = (tail.given(), tail.acknowledged);
    if tail.held < given {
        mark.raise(given);
    }
    if walk.summary.frames.is_empty() {
        let void = given == first && (matches!(known, Known::To(_)) || tail.empty);
        return Ok(Taken {
            content: None,
            given,
            acknowledged,
            void,
        });
    }
    let concluded = match tail.set_aside(&file) {
        Ok(()) => conclude(&file, walk.end, &walk.summary),
        Err(error) => Err(error),
    };
    if let Err(error) = concluded {
        tracing::warn!(file = %path.display(), "left as it is, to be read through again: {error}");
    }
    Ok(Taken {
        content: Some(walk.summary.content),
        given,
        acknowledged,
        void: false,
    })
}

/// The bytes after the last frame of a file.
struct Tail<'a> {
    path: &'a Path,
    bytes: (u64, u64),
    /// True if the bytes are all zero.
    empty: bool,
    /// The position after the last event that can be read.
    held: Position,
    /// The position before which everything is acknowledged.
    acknowledged: Position,
    /// The position before which events may have been acknowledged.
    perhaps: Position,
    /// True if it is known which events were acknowledged.
    exact: bool,
}

impl<'a> Tail<'a> {
    fn of(
        file: &File,
        path: &'a Path,
        first: Position,
        known: Known,
        walk: &Walk,
    ) -> Result<Tail<'a>, Trouble> {
        let size = file.metadata().map_err(|error| trouble(&error))?.len();
        let bytes = (offset(walk.end).min(size), size);
        let (acknowledged, perhaps, exact) = match known {
            Known::To(end) => (end, end, true),
            Known::AtLeast(end) => {
                let end = end.max(walk.acknowledged);
                (end, end.max(walk.torn), false)
            }
        };
        let empty = each_chunk(file, bytes, |chunk| chunk.iter().all(|byte| *byte == 0));
        Ok(Tail {
            path,
            bytes,
            empty: empty.map_err(|error| trouble(&error))?,
            held: walk.summary.content.end.max(first),
            acknowledged,
            perhaps,
            exact,
        })
    }

    fn given(&self) -> Position {
        self.held.max(self.perhaps)
    }

    /// Copies bytes that may have been acknowledged to a separate file, and logs them.
    fn set_aside(&self, file: &File) -> io::Result<()> {
        let name = self.path.display();
        let bytes = format!("{}..{}", self.bytes.0, self.bytes.1);
        let kept = !self.empty && (self.held < self.perhaps || !self.exact);
        let aside = if kept { Some(self.copy(file)?) } else { None };
        let aside = aside.map_or_else(String::new, |aside| aside.display().to_string());
        let positions = format!("{}..{}", self.held, self.perhaps);
        if self.held < self.acknowledged {
            let perhaps = self.perhaps - self.acknowledged;
            tracing::error!(file = %name, positions, events = self.acknowledged - self.held,
                and_perhaps = perhaps, bytes, set_aside = aside,
                "journal file unreadable at its end: acknowledged events are lost");
        } else if self.held < self.perhaps {
            tracing::error!(file = %name, positions, bytes, set_aside = aside,
                "journal file unreadable at its end: {}", perhaps(self.perhaps - self.held));
        } else if kept {
            tracing::warn!(file = %name, bytes, set_aside = aside,
                "what stands at the end of this journal file is no frame: as it seems, it was being written when the \
                 machine went down, and never acknowledged");
        } else if !self.empty {
            tracing::info!(file = %name, bytes,
                "a commit that was under way when the router ended is cut off: it was never acknowledged");
        }
        Ok(())
    }

    /// Copies the bytes to a new file beside the damaged one.
    fn copy(&self, file: &File) -> io::Result<PathBuf> {
        let aside = name_aside(self.path)?;
        let mut to = private().create_new(true).open(&aside)?;
        let mut copied = Ok(());
        each_chunk(file, self.bytes, |chunk| {
            copied = to.write_all(chunk);
            copied.is_ok()
        })?;
        if let Err(error) = copied.and_then(|()| to.sync_all()) {
            let _ = std::fs::remove_file(&aside);
            return Err(error);
        }
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        Ok(aside)
    }
}

/// The sentence for events that may or may not have been acknowledged.
pub(super) fn perhaps(events: u64) -> String {
    format!(
        "up to {events} events, perhaps never acknowledged, are lost; whether they were is not known, since the machine \
         went down or the mark is gone"
    )
}

/// Passes a stretch of a file to `visitor` until that returns false; returns whether it never did.
fn each_chunk(
    file: &File,
    (from, to): (u64, u64),
    mut visitor: impl FnMut(&[u8]) -> bool,
) -> io::Result<bool> {
    let (mut at, mut chunk) = (from, Vec::new());
    while at < to {
        chunk.resize(usize::try_from(to - at).unwrap_or(CHUNK).min(CHUNK), 0);
        file.read_exact_at(&mut chunk, at)?;
        if !visitor(&chunk) {
            return Ok(false);
        }
        at += chunk.len() as u64;
    }
    Ok(true)
}
