//! The files of frames, oldest first. Only the last one grows, and only during the run that began it: a file that
//! was closed is never written to again.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::file_key::{FileKey, WritingKey};
use super::frame_file::{FrameFile, Growing};
use super::heading::{Heading, Seals};
use super::layout::Layout;
use super::log_file::{Content, FrameNote, LogFile, file_name, first_of, is_outdated};
use super::mark::{self, Mark, Marked};
use super::sealer::FrameSealer;
use super::takeover::{self, Taken, take_over};
use super::watch::{self, Watch};
use crate::fs::{folder_error, set_aside, sync_folder};
use crate::halt::{Cause, Failure};
use crate::mutex::lock;
use crate::panic_guard::{Trouble, io};
use crate::seal::error::SealError;
use crate::seal::keys_file::JournalKeys;
use crate::seal::operator::KeyId;
use crate::{JournalError, Position, Sealing};

/// Complete files kept open for readers that lag.
const OPEN_FILES: usize = 2;
/// A file is completed after this time even if it is small, so that `retain` works on quiet days.
const FILE_AGE: Duration = Duration::from_secs(3600);

pub(crate) struct LogFiles {
    pub(super) folder: PathBuf,
    file_bytes: u64,
    /// The keys, if new files are sealed.
    keys: Option<JournalKeys>,
    log_files: RwLock<Vec<Arc<LogFile>>>,
    /// Held while writing and while a file is set aside.
    active: Mutex<Option<Active>>,
    mark: Mutex<Mark>,
    /// The position after the last one that was given to an event, readable or not, as the files and the mark
    /// told at the start.
    pub(crate) given: Position,
    /// The position before which the loss of unreadable events was logged at the start.
    pub(super) told: Position,
    /// Files open for reading. Those of the active one and of the ones read last.
    pool: Mutex<VecDeque<(Arc<LogFile>, Arc<FrameFile>)>>,
    pub(super) reported: Mutex<HashSet<Position>>,
    pub(crate) watch: Watch,
}

struct Active {
    log_file: Arc<LogFile>,
    file: Arc<FrameFile>,
    growing: Growing,
    began: Instant,
    /// The file as it was when it was made.
    made: watch::WatchedFile,
}

/// The bytes found at a position.
pub(crate) enum Fetched {
    /// Bytes that should be a frame, and where the next one starts.
    Frame(Stored, Position),
    /// No frame, up to this position.
    Gap(Position),
    /// A part that cannot be read: the reason, and the position after it.
    Flawed(String, Position),
}

/// The bytes at a place of a file.
pub(crate) struct Stored {
    pub(super) bytes: Vec<u8>,
    /// The byte at which they begin.
    pub(super) at: u64,
    pub(super) file: Arc<FrameFile>,
}

/// Closes the files used least recently. The growing one stays open: the places of its frames are known only here.
fn trim(pool: &mut VecDeque<(Arc<LogFile>, Arc<FrameFile>)>) {
    let growing = |(log_file, _): &(Arc<LogFile>, Arc<FrameFile>)| log_file.growing();
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
        error: JournalError(watch::explain(gone)),
    }
}

/// The files of a folder.
fn names(folder: &Path) -> Result<Vec<String>, JournalError> {
    let entries = fs::read_dir(folder).map_err(|error| folder_error(folder, "cannot be read", &error))?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect())
}

/// Fails if an early version left events in the folder, which this version would not find.
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

impl LogFiles {
    /// Finds the files of a folder and reads their summaries. `sealed` has the operator's key of each sealed file.
    pub(crate) fn load(
        folder: &Path,
        file_bytes: u64,
        keys: Option<&JournalKeys>,
        sealed: &BTreeMap<Position, KeyId>,
    ) -> Result<LogFiles, JournalError> {
        let mut firsts: Vec<Position> = names(folder)?.iter().filter_map(|name| first_of(name)).collect();
        firsts.sort_unstable();
        let marked = mark::read(folder).map_err(|trouble| trouble.at(&folder.join(mark::NAME)))?;
        let mut log = LogFiles {
            folder: folder.to_owned(),
            file_bytes,
            keys: keys.cloned(),
            log_files: RwLock::default(),
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
            let given = log.load_one((*first, sealed.get(first).copied()), limit, marked.as_ref())?;
            log.told = log.told.max(given);
        }
        log.given = log.given.max(log.told);
        Ok(log)
    }

    /// Takes over a file; returns the position after the last one that was given to an event.
    fn load_one(
        &self,
        (first, sealed): (Position, Option<KeyId>),
        limit: Position,
        marked: Option<&Marked>,
    ) -> Result<Position, JournalError> {
        let path = self.folder.join(file_name(first));
        match take_over(
            &path,
            &self.key(first, sealed.is_some()),
            limit,
            marked,
            &mut lock(&self.mark),
        ) {
            Ok(Taken {
                content: Some(content),
                given,
                ..
            }) => {
                let log_file = LogFile::new(&self.folder, first, sealed, content);
                self.write_list().push(Arc::new(log_file));
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
        let aside = set_aside(path);
        let aside = aside.map_err(|error| folder_error(&self.folder, "cannot be written to", &error))?;
        let positions = match limit {
            Position::MAX => format!("{first}.."),
            limit => format!("{first}..{limit}"),
        };
        tracing::error!(file = %path.display(), positions, set_aside = %aside.display(), "journal file unreadable: {why}");
        Ok(())
    }

    fn list(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<LogFile>>> {
        self.log_files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_list(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<LogFile>>> {
        self.log_files.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files, oldest first.
    pub(crate) fn log_files(&self) -> Vec<Arc<LogFile>> {
        self.list().clone()
    }

    /// The oldest position held.
    pub(crate) fn start(&self) -> Option<Position> {
        self.list().first().map(|log_file| log_file.first)
    }

    /// The position after the last event held.
    pub(crate) fn end(&self) -> Option<Position> {
        self.list().last().map(|log_file| log_file.end())
    }

    /// The arrival of the newest event in the last file.
    pub(crate) fn newest(&self) -> Option<i64> {
        let last = self.log_files().pop()?;
        Some(last.content().newest())
    }

    /// Bytes at and after a position.
    pub(crate) fn bytes_from(&self, from: Position) -> u64 {
        self.list()
            .iter()
            .rev()
            .map(|log_file| log_file.content())
            .take_while(|c| c.end > from)
            .map(|c| c.bytes_from(from))
            .sum()
    }

    /// The keys that the files and `keys.bin` need.
    pub(crate) fn sealing(&self) -> Sealing {
        let mut sealing = Sealing::default();
        for key in self.keys.iter().flat_map(JournalKeys::under) {
            sealing.keys.entry(key).or_default().files += 1;
        }
        for log_file in self.list().iter() {
            let bytes = log_file.content().bytes_from(0);
            match log_file.sealed {
                Some(key) => {
                    let used = sealing.keys.entry(key).or_default();
                    (used.files, used.bytes) = (used.files + 1, used.bytes + bytes);
                }
                None => sealing.plain_bytes += bytes,
            }
        }
        sealing
    }

    /// The heading of the newest file that has a readable one, and the first position of that file.
    pub(crate) fn heading(&self) -> Result<Option<(Position, Heading)>, JournalError> {
        for log_file in self.log_files().iter().rev() {
            if let Some(heading) = self.heading_of(log_file)? {
                return Ok(Some((log_file.first, heading)));
            }
        }
        Ok(None)
    }

    /// The heading of a file; `None` if it has none that can be read.
    pub(crate) fn heading_of(&self, log_file: &LogFile) -> Result<Option<Heading>, JournalError> {
        match takeover::heading(&log_file.path, log_file.first) {
            Ok(found) => Ok(found),
            Err(Trouble::Broken(_)) => Ok(None),
            Err(trouble) => Err(trouble.at(&log_file.path)),
        }
    }

    /// Writes frames durably, all or none, behind the frames written before. A file that is begun for them gets a heading.
    pub(crate) fn append(&self, layout: &Layout<'_>, heading: impl Fn() -> Heading) -> Result<(), Failure> {
        let Some(first) = layout.frames.first().map(|frame| frame.first) else {
            return Ok(());
        };
        let mut active = lock(&self.active);
        let mut again = true;
        loop {
            let mut now = match active.take() {
                Some(now) => now,
                None => self.begin(first, &heading())?,
            };
            let Err(error) = now.growing.append(&now.file, layout) else {
                // A deleted file still takes events, but they are lost when this process ends.
                if let Some(gone) = now.made.gone() {
                    *active = Some(now);
                    // Usually all other files are gone as well.
                    return Err(gone_failure(&self.watch.gone().unwrap_or(gone)));
                }
                let mut content = now.log_file.content();
                for frame in &layout.frames {
                    content.note(&FrameNote::of_encoded(frame, now.growing.overhead()));
                }
                let full = content.bytes_from(now.log_file.first) >= self.file_bytes;
                let end = content.end;
                drop(content);
                lock(&self.mark).set(now.log_file.first, end, now.growing.end());
                if full {
                    self.complete(now);
                } else {
                    *active = Some(now);
                }
                return Ok(());
            };
            let failure = Failure::at(&now.log_file.path, &error);
            if now.log_file.end() == now.log_file.first {
                // Nothing in it was ever acknowledged.
                self.let_go(&now.log_file);
                self.remove(&now.log_file);
            } else {
                // Its earlier frames are intact.
                self.complete(now);
            }
            // After a bad sector, a new file may land elsewhere on the disk.
            if !matches!(io(&error), Trouble::Broken(_)) || !std::mem::take(&mut again) {
                return Err(failure);
            }
        }
    }

    fn begin(&self, first: Position, heading: &Heading) -> Result<Active, Failure> {
        let newest = self.keys.as_ref().and_then(|keys| keys.operator.ids().next());
        let log_file = Arc::new(LogFile::new(&self.folder, first, newest, Content::default()));
        let path = &log_file.path;
        let sealing = self.keys.as_ref().map(|keys| {
            let key = WritingKey::new(&keys.operator, first)?;
            let seals = Seals {
                frames: key.wrapped,
                journal: keys.wrapped,
            };
            Ok((key, seals))
        });
        let sealing = sealing
            .transpose()
            .map_err(|error: SealError| Failure::at(path, &error.into()))?;
        let (key, seals) = sealing.unzip();
        let failed = |error: &std::io::Error| Failure {
            cause: Cause::of(error),
            error: folder_error(&self.folder, "cannot be written to", error),
        };
        if let Some(gone) = self.watch.folder_gone() {
            return Err(gone_failure(&gone));
        }
        if path.try_exists().map_err(|error| failed(&error))? {
            // A file that is not in the list must neither be lost nor trusted.
            set_aside(path).map_err(|error| failed(&error))?;
        }
        let heading = heading.to_bytes(first, seals.as_ref());
        let sealer = key.map(FrameSealer::new);
        let created = Growing::create(path, &heading, self.key(first, seals.is_some()), sealer);
        let (growing, file) = created.map_err(|error| {
            let _ = fs::remove_file(path);
            Failure::at(path, &error)
        })?;
        sync_folder(&self.folder).map_err(|error| failed(&error))?;
        let file = Arc::new(file);
        let made = watch::WatchedFile::new(path.clone());
        log_file.set_growing(true);
        self.write_list().push(log_file.clone());
        lock(&self.pool).push_back((log_file.clone(), file.clone()));
        Ok(Active {
            log_file,
            file,
            growing,
            began: Instant::now(),
            made,
        })
    }

    /// Completes the growing file if it is old.
    pub(crate) fn complete_if_old(&self) {
        let mut active = lock(&self.active);
        if let Some(old) = active.take_if(|active| active.began.elapsed() > FILE_AGE) {
            self.complete(old);
        }
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
            log_file,
            file,
            growing,
            ..
        } = active;
        let content = log_file.content().clone();
        if let Err(error) = growing.complete(&file, content) {
            // It will be read through instead.
            tracing::warn!(file = %log_file.path.display(), "no summary written: {error}");
        }
        log_file.set_growing(false);
        trim(&mut lock(&self.pool));
    }

    /// Drops the list's handle of a file; readers may still have it open.
    fn let_go(&self, log_file: &Arc<LogFile>) {
        let mut pool = lock(&self.pool);
        if let Some(i) = pool.iter().position(|(open, _)| Arc::ptr_eq(open, log_file)) {
            pool.remove(i);
        }
    }

    fn remove(&self, log_file: &Arc<LogFile>) {
        self.write_list().retain(|other| !Arc::ptr_eq(other, log_file));
        if let Err(error) = fs::remove_file(&log_file.path) {
            tracing::warn!(file = %log_file.path.display(), "cannot be deleted: {error}");
        }
    }

    /// Deletes files from the oldest on while `settled` returns true. The growing file stays.
    pub(crate) fn retire(&self, mut settled: impl FnMut(&LogFile) -> bool) {
        let active = lock(&self.active).as_ref().map(|active| active.log_file.clone());
        let mut deleted = false;
        for log_file in self.log_files() {
            if active
                .as_ref()
                .is_some_and(|active| Arc::ptr_eq(active, &log_file))
                || !settled(&log_file)
            {
                break;
            }
            self.let_go(&log_file);
            self.remove(&log_file);
            deleted = true;
        }
        if deleted {
            let _ = sync_folder(&self.folder);
        }
    }

    /// Reads the bytes at a position before the end.
    pub(super) fn fetch(&self, position: Position) -> Result<Fetched, Trouble> {
        let log_files = self.log_files();
        let after = log_files.partition_point(|log_file| log_file.first <= position);
        let next_file = log_files
            .get(after)
            .map_or(Position::MAX, |log_file| log_file.first);
        let log_file = after.checked_sub(1).and_then(|i| log_files.get(i));
        let Some(log_file) = log_file.filter(|log_file| position < log_file.end()) else {
            return Ok(Fetched::Gap(next_file));
        };
        let end = log_file.end();
        let (look, file) = match self.file(log_file) {
            Ok(file) => (file.look(position), file),
            Err(Trouble::Broken(why)) => return Ok(Fetched::Flawed(why, end)),
            Err(refused) => return Err(refused),
        };
        let next = look.next.filter(|next| *next > position).unwrap_or(end).min(end);
        match look.frame {
            None if log_file.is_cut_short() => Ok(Fetched::Flawed("it ends before".into(), end)),
            None => Ok(Fetched::Gap(next)),
            Some(Ok(bytes)) => {
                let at = look.at;
                Ok(Fetched::Frame(Stored { bytes, at, file }, next))
            }
            // The end of the file is lost as well.
            Some(Err(Trouble::Broken(why))) if log_file.is_cut_short() => Ok(Fetched::Flawed(why, end)),
            Some(Err(Trouble::Broken(why))) => Ok(Fetched::Flawed(why, next)),
            Some(Err(refused)) => Err(refused),
        }
    }

    /// The key that opens the frames of a file.
    fn key(&self, first: Position, sealed: bool) -> FileKey {
        FileKey::new(self.keys.as_ref().map(|keys| &keys.operator), first, sealed)
    }

    /// Opens a file, or finds it open.
    fn file(&self, log_file: &Arc<LogFile>) -> Result<Arc<FrameFile>, Trouble> {
        let mut pool = lock(&self.pool);
        let i = pool.iter().position(|(open, _)| Arc::ptr_eq(open, log_file));
        let file = match i.and_then(|i| pool.remove(i)) {
            Some((_, file)) => file,
            None => {
                let key = self.key(log_file.first, log_file.sealed.is_some());
                Arc::new(FrameFile::open(&log_file.path, key, log_file.end())?)
            }
        };
        pool.push_back((log_file.clone(), file.clone()));
        trim(&mut pool);
        Ok(file)
    }
}
