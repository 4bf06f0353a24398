//! The files of frames, oldest first. Only the last one grows, and only during the run that began it: a file that
//! was closed is never written to again.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::cut::Cut;
use super::file::{FrameFile, Growing};
use super::folder;
use super::guard::{Trouble, io};
use super::halt::{Cause, Failure};
use super::heading::Heading;
use super::mark::{self, Mark, Marked};
use super::missing::is_cut_short;
use super::room;
use super::segment::{Content, Noted, Segment, file_name, first_of, is_outdated};
use super::takeover::{self, Taken, take_over};
use super::watch::{self, Watch};
use crate::{JournalError, Position};

/// Complete files kept open for readers that lag.
const OPEN_FILES: usize = 2;
/// A file is completed after this time even if it is small, so that `retain` works on quiet days.
const FILE_AGE: Duration = Duration::from_secs(3600);

pub(crate) struct Series {
    pub(super) folder: PathBuf,
    file_bytes: u64,
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Held while writing and while a file is set aside.
    active: Mutex<Option<Active>>,
    mark: Mutex<Mark>,
    /// The position after the last one that was given to an event, readable or not, as known at the start.
    given: Position,
    /// The position before which the loss of unreadable events was logged at the start.
    told: Position,
    /// Files open for reading. Those of the active one and of the ones read last.
    pool: Mutex<VecDeque<(Arc<Segment>, Arc<FrameFile>)>>,
    pub(super) reported: Mutex<HashSet<Position>>,
    pub(super) watch: Watch,
}

struct Active {
    segment: Arc<Segment>,
    file: Arc<FrameFile>,
    growing: Growing,
    began: Instant,
    /// The file as it was when it was made.
    made: watch::Noted,
}

/// What is at a position.
pub(crate) enum Fetched {
    /// Bytes that should be a frame, and where the next one starts.
    Frame(Vec<u8>, Position),
    /// Nothing, up to this position.
    Gap(Position),
    /// What cannot be read, why, and where to go on.
    Flawed(String, Position),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes the files used least recently. The one that grows stays: only here it is known where its frames are.
fn trim(pool: &mut VecDeque<(Arc<Segment>, Arc<FrameFile>)>) {
    let growing = |(segment, _): &(Arc<Segment>, Arc<FrameFile>)| segment.growing();
    while pool.iter().filter(|open| !growing(open)).count() > OPEN_FILES {
        let Some(oldest) = pool.iter().position(|open| !growing(open)) else {
            return;
        };
        pool.remove(oldest);
    }
}

fn gone_failure(gone: &str) -> Failure {
    Failure {
        cause: Cause::Gone,
        error: JournalError(room::explain(gone)),
    }
}

/// The files of a folder.
fn names(folder: &Path) -> Result<Vec<String>, JournalError> {
    let entries = fs::read_dir(folder).map_err(|error| folder::trouble(folder, "cannot be read", &error))?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect())
}

/// An error if an early version left events here: this one would not find them.
pub(crate) fn refuse_outdated(folder: &Path) -> Result<(), JournalError> {
    match names(folder)?.into_iter().find(|name| is_outdated(name)) {
        None => Ok(()),
        Some(name) => Err(JournalError(format!(
            "{}: written by a version of Signalbox before 0.1.0, whose files of events this one does not read; let that \
             version deliver what it holds and move the folder away, or set journal.path to another one",
            folder.join(name).display()
        ))),
    }
}

impl Series {
    /// Finds the files of a folder and what they hold.
    pub(crate) fn load(folder: &Path, file_bytes: u64) -> Result<Series, JournalError> {
        let mut firsts: Vec<Position> = names(folder)?.iter().filter_map(|name| first_of(name)).collect();
        firsts.sort_unstable();
        let marked = mark::read(folder).map_err(|trouble| trouble.at(&folder.join(mark::NAME)))?;
        let mut series = Series {
            folder: folder.to_owned(),
            file_bytes,
            segments: RwLock::default(),
            active: Mutex::default(),
            mark: Mark::open(folder).into(),
            given: marked.map_or(0, |marked| marked.end),
            told: 0,
            pool: Mutex::default(),
            reported: Mutex::default(),
            watch: Watch::new(folder),
        };
        for (i, first) in firsts.iter().enumerate() {
            let limit = firsts.get(i + 1).copied().unwrap_or(Position::MAX);
            let given = series.load_one(*first, limit, marked.as_ref())?;
            series.told = series.told.max(given);
        }
        series.given = series.given.max(series.told);
        Ok(series)
    }

    /// Takes over a file; returns the position after the last one that was given to an event.
    fn load_one(
        &self,
        first: Position,
        limit: Position,
        marked: Option<&Marked>,
    ) -> Result<Position, JournalError> {
        let path = self.folder.join(file_name(first));
        match take_over(&path, first, limit, marked, &mut lock(&self.mark)) {
            Ok(Taken {
                content: Some(content),
                given,
                ..
            }) => {
                let segment = Segment::new(&self.folder, first, content);
                self.write_segments().push(Arc::new(segment));
                Ok(given)
            }
            // The file was made just before a crash and never got an acknowledged frame.
            Ok(Taken {
                void: true, given, ..
            }) => {
                let _ = fs::remove_file(&path);
                Ok(given)
            }
            Ok(Taken {
                given, acknowledged, ..
            }) => {
                let why = if acknowledged > first {
                    format!("{} acknowledged events are lost", acknowledged - first)
                } else if given > first {
                    takeover::perhaps(given - first)
                } else {
                    "as if the machine had gone down before its first commit was done".to_owned()
                };
                let why = format!("no frame of it can be read: {why}");
                self.set_aside(&path, first, limit.min(given), &why)?;
                Ok(given)
            }
            Err(Trouble::Broken(why)) => {
                self.set_aside(&path, first, limit, &why)?;
                Ok(first)
            }
            Err(trouble) => Err(trouble.at(&path)),
        }
    }

    fn set_aside(
        &self,
        path: &Path,
        first: Position,
        limit: Position,
        why: &str,
    ) -> Result<(), JournalError> {
        let aside = folder::set_aside(path);
        let aside = aside.map_err(|error| folder::trouble(&self.folder, "cannot be written to", &error))?;
        let positions = match limit {
            Position::MAX => format!("{first}.."),
            limit => format!("{first}..{limit}"),
        };
        tracing::error!(file = %path.display(), positions, set_aside = %aside.display(), "journal file unreadable: {why}");
        Ok(())
    }

    fn write_segments(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<Segment>>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files, oldest first.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The position after the last one that was given to an event, readable or not, as far as the files and the mark
    /// tell.
    pub(crate) fn given(&self) -> Position {
        self.given
    }

    /// The position before which the loss of unreadable events was logged at the start.
    pub(crate) fn told(&self) -> Position {
        self.told
    }

    /// The oldest position held.
    pub(crate) fn start(&self) -> Option<Position> {
        self.segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .first()
            .map(|segment| segment.first)
    }

    /// The position after the last event held.
    pub(crate) fn end(&self) -> Option<Position> {
        self.segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .last()
            .map(|segment| segment.end())
    }

    /// The arrival of the newest event in the last file.
    pub(crate) fn newest(&self) -> Option<i64> {
        let last = self.segments().pop()?;
        Some(last.content().newest())
    }

    /// Bytes at and after a position.
    pub(crate) fn bytes_from(&self, from: Position) -> u64 {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments
            .iter()
            .rev()
            .map(|segment| segment.content())
            .take_while(|c| c.end > from)
            .map(|c| c.bytes_from(from))
            .sum()
    }

    /// The heading of the newest file that has a readable one, and the first position of that file.
    pub(crate) fn heading(&self) -> Result<Option<(Position, Heading)>, JournalError> {
        for segment in self.segments().iter().rev() {
            if let Some(heading) = self.heading_of(segment)? {
                return Ok(Some((segment.first, heading)));
            }
        }
        Ok(None)
    }

    /// The heading of a file; `None` if it has none that can be read.
    pub(crate) fn heading_of(&self, segment: &Segment) -> Result<Option<Heading>, JournalError> {
        match takeover::heading(&segment.path, segment.first) {
            Ok(found) => Ok(found),
            Err(Trouble::Broken(_)) => Ok(None),
            Err(trouble) => Err(trouble.at(&segment.path)),
        }
    }

    /// Writes frames durably, all or none. They follow each other and what was written before. True if a file was
    /// completed by it. A file that is begun for them gets a heading.
    pub(crate) fn append(&self, cut: &Cut<'_>, heading: impl Fn() -> Heading) -> Result<bool, Failure> {
        let Some(first) = cut.frames.first().map(|frame| frame.first) else {
            return Ok(false);
        };
        let mut active = lock(&self.active);
        let mut again = true;
        loop {
            let mut now = match active.take() {
                Some(now) => now,
                None => self.begin(first, &heading())?,
            };
            let Err(error) = now.growing.append(&now.file, cut) else {
                // A deleted file takes events, but nobody can read them after this process.
                if let Some(gone) = now.made.gone() {
                    *active = Some(now);
                    // Usually all other files are gone as well.
                    return Err(gone_failure(&self.watch.gone().unwrap_or(gone)));
                }
                let mut content = now.segment.content();
                for frame in &cut.frames {
                    content.note(&Noted::of_built(frame));
                }
                let full = content.bytes_from(now.segment.first) >= self.file_bytes;
                let end = content.end;
                drop(content);
                lock(&self.mark).set(now.segment.first, end, now.growing.end());
                if full {
                    self.complete(now);
                } else {
                    *active = Some(now);
                }
                return Ok(full);
            };
            let failure = Failure {
                cause: Cause::of(&error),
                error: io(&error).at(&now.segment.path),
            };
            if now.segment.end() == now.segment.first {
                // Nothing in it was ever acknowledged.
                self.let_go(&now.segment);
                self.remove(&now.segment);
            } else {
                // What it held before is still right.
                self.complete(now);
            }
            // A new file may be elsewhere on a disk of which a place does not answer.
            if !matches!(io(&error), Trouble::Broken(_)) || !std::mem::take(&mut again) {
                return Err(failure);
            }
        }
    }

    fn begin(&self, first: Position, heading: &Heading) -> Result<Active, Failure> {
        let segment = Arc::new(Segment::new(&self.folder, first, Content::default()));
        let path = &segment.path;
        let failed = |error: &std::io::Error| Failure {
            cause: Cause::of(error),
            error: folder::trouble(&self.folder, "cannot be written to", error),
        };
        if let Some(gone) = self.watch.folder_gone() {
            return Err(gone_failure(&gone));
        }
        if path.try_exists().map_err(|error| failed(&error))? {
            // What is not in the list is not ours to lose nor to trust.
            folder::set_aside(path).map_err(|error| failed(&error))?;
        }
        let (growing, file) = Growing::create(path, &heading.to_bytes(first)).map_err(|error| {
            let _ = fs::remove_file(path);
            Failure {
                cause: Cause::of(&error),
                error: io(&error).at(path),
            }
        })?;
        folder::sync(&self.folder).map_err(|error| failed(&error))?;
        let file = Arc::new(file);
        let made = watch::Noted::new(path.clone());
        segment.set_growing(true);
        self.write_segments().push(segment.clone());
        lock(&self.pool).push_back((segment.clone(), file.clone()));
        Ok(Active {
            segment,
            file,
            growing,
            began: Instant::now(),
            made,
        })
    }

    /// Completes the file that grows if it is old; true if so.
    pub(crate) fn complete_if_old(&self) -> bool {
        let mut active = lock(&self.active);
        let old = active
            .as_ref()
            .is_some_and(|active| active.began.elapsed() > FILE_AGE);
        if old && let Some(old) = active.take() {
            self.complete(old);
        }
        old
    }

    /// Completes the growing file: the next append begins another, whose heading records how things stand then.
    pub(crate) fn complete_growing(&self) {
        if let Some(active) = lock(&self.active).take() {
            self.complete(active);
        }
    }

    /// Completes the file that grows and closes all files.
    pub(crate) fn close(&self) {
        self.complete_growing();
        lock(&self.pool).clear();
    }

    fn complete(&self, active: Active) {
        let Active {
            segment,
            file,
            growing,
            ..
        } = active;
        let content = segment.content().clone();
        if let Err(error) = growing.complete(&file, content) {
            // It will be read through instead.
            tracing::warn!(file = %segment.path.display(), "no summary written: {error}");
        }
        segment.set_growing(false);
        trim(&mut lock(&self.pool));
    }

    /// Closes a file as far as this is up to the series.
    fn let_go(&self, segment: &Arc<Segment>) {
        let mut pool = lock(&self.pool);
        if let Some(i) = pool.iter().position(|(open, _)| Arc::ptr_eq(open, segment)) {
            pool.remove(i);
        }
    }

    fn remove(&self, segment: &Arc<Segment>) {
        self.write_segments().retain(|other| !Arc::ptr_eq(other, segment));
        if let Err(error) = fs::remove_file(&segment.path) {
            tracing::warn!(file = %segment.path.display(), "cannot be deleted: {error}");
        }
    }

    /// Deletes files from the oldest on, as long as `settled` says so. The one that grows stays.
    pub(crate) fn retire(&self, mut settled: impl FnMut(&Segment) -> bool) {
        let active = lock(&self.active).as_ref().map(|active| active.segment.clone());
        let mut deleted = false;
        for segment in self.segments() {
            if active
                .as_ref()
                .is_some_and(|active| Arc::ptr_eq(active, &segment))
                || !settled(&segment)
            {
                break;
            }
            self.let_go(&segment);
            self.remove(&segment);
            deleted = true;
        }
        if deleted {
            let _ = folder::sync(&self.folder);
        }
    }

    /// What stands at a position that is before the end.
    pub(super) fn fetch(&self, position: Position) -> Result<Fetched, Trouble> {
        let segments = self.segments();
        let after = segments.partition_point(|segment| segment.first <= position);
        let next_file = segments.get(after).map_or(Position::MAX, |segment| segment.first);
        let segment = after.checked_sub(1).and_then(|i| segments.get(i));
        let Some(segment) = segment.filter(|segment| position < segment.end()) else {
            return Ok(Fetched::Gap(next_file));
        };
        let end = segment.end();
        let look = match self.file(segment) {
            Ok(file) => file.look(position),
            Err(Trouble::Broken(why)) => return Ok(Fetched::Flawed(why, end)),
            Err(refused) => return Err(refused),
        };
        let next = look.next.filter(|next| *next > position).unwrap_or(end).min(end);
        match look.frame {
            None if is_cut_short(segment) => Ok(Fetched::Flawed("it ends before".into(), end)),
            None => Ok(Fetched::Gap(next)),
            Some(Ok(bytes)) => Ok(Fetched::Frame(bytes, next)),
            // The end of the file is lost as well.
            Some(Err(Trouble::Broken(why))) if is_cut_short(segment) => Ok(Fetched::Flawed(why, end)),
            Some(Err(Trouble::Broken(why))) => Ok(Fetched::Flawed(why, next)),
            Some(Err(refused)) => Err(refused),
        }
    }

    /// Opens a file, or finds it open.
    fn file(&self, segment: &Arc<Segment>) -> Result<Arc<FrameFile>, Trouble> {
        let mut pool = lock(&self.pool);
        let i = pool.iter().position(|(open, _)| Arc::ptr_eq(open, segment));
        let file = match i.and_then(|i| pool.remove(i)) {
            Some((_, file)) => file,
            None => Arc::new(FrameFile::open(&segment.path, segment.end())?),
        };
        pool.push_back((segment.clone(), file.clone()));
        trim(&mut pool);
        Ok(file)
    }
}
