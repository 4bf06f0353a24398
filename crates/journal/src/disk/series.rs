//! The files of frames, oldest first. Only the last one grows, and only during the run that began it: a file that
//! was closed is never written to again.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::folder;
use super::frame::Built;
use super::guard::{Trouble, guarded};
use super::segment::{Content, Noted, Segment, first_of};
use super::store::{self, Db};
use crate::{JournalError, Position};

/// Complete files kept open for readers that lag.
const OPEN_FILES: usize = 2;
/// A file is completed after this time even if it is small, so that `retain` works on quiet days.
const FILE_AGE: Duration = Duration::from_secs(3600);

pub(crate) struct Series {
    folder: PathBuf,
    file_bytes: u64,
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Held while writing and while a file is set aside.
    active: Mutex<Option<Active>>,
    /// Files open for reading. Those of the active one and of the ones read last.
    pool: Mutex<VecDeque<(Arc<Segment>, Arc<Db>)>>,
    pub(super) reported: Mutex<HashSet<Position>>,
}

struct Active {
    segment: Arc<Segment>,
    db: Arc<Db>,
    began: Instant,
}

/// What is at a position.
pub(crate) enum Fetched {
    /// Bytes that should be a frame, and where the next one starts.
    Frame(Vec<u8>, Position),
    /// Nothing, up to this position.
    Gap(Position),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closing a broken file may panic.
fn close<T>(open: T) {
    let _ = guarded(move || {
        drop(open);
        Ok(())
    });
}

/// Closes the files used least recently. The one that grows stays: its writer holds it, so it could not be opened
/// again.
fn trim(pool: &mut VecDeque<(Arc<Segment>, Arc<Db>)>) {
    let growing = |(segment, _): &(Arc<Segment>, Arc<Db>)| segment.growing();
    while pool.iter().filter(|open| !growing(open)).count() > OPEN_FILES {
        let Some(oldest) = pool.iter().position(|open| !growing(open)) else {
            return;
        };
        close(pool.remove(oldest));
    }
}

impl Series {
    /// Finds the files of a folder and what they hold. Files that cannot be read are set aside.
    pub(crate) fn load(folder: &Path, file_bytes: u64) -> Result<Series, JournalError> {
        let entries =
            fs::read_dir(folder).map_err(|error| folder::trouble(folder, "cannot be read", &error))?;
        let mut firsts: Vec<Position> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str().and_then(first_of))
            .collect();
        firsts.sort_unstable();
        let series = Series {
            folder: folder.to_owned(),
            file_bytes,
            segments: RwLock::default(),
            active: Mutex::default(),
            pool: Mutex::default(),
            reported: Mutex::default(),
        };
        for (i, first) in firsts.iter().enumerate() {
            let limit = firsts.get(i + 1).copied().unwrap_or(Position::MAX);
            series.load_one(*first, limit)?;
        }
        Ok(series)
    }

    fn load_one(&self, first: Position, limit: Position) -> Result<(), JournalError> {
        let mut segment = Segment::new(
            &self.folder,
            first,
            Content {
                end: limit,
                ..Content::default()
            },
        );
        let path = segment.path.clone();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == 0) {
            // Made just before a crash.
            let _ = fs::remove_file(&path);
            return Ok(());
        }
        let content = Db::open(&path).and_then(|db| {
            guarded(move || {
                let content = db.content(limit)?;
                if let Some((content, false)) = &content {
                    db.summarize(content)?;
                }
                drop(db);
                Ok(content.map(|(content, _)| content))
            })
        });
        match content {
            Ok(None) => {
                // It never got a frame.
                let _ = fs::remove_file(&path);
            }
            Ok(Some(content)) => {
                let content = Content {
                    end: content.end.min(limit),
                    ..content
                };
                segment = Segment::new(&self.folder, first, content);
                self.write_segments().push(Arc::new(segment));
            }
            Err(Trouble::Refused(why)) => {
                return Err(JournalError(format!("{}: {why}", path.display())));
            }
            Err(Trouble::Broken(why)) => {
                if let Some(saved) = self.salvage(&segment, &why) {
                    self.write_segments().push(saved);
                }
            }
        }
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

    /// Writes frames durably, all or none. They follow each other and what was written before. True if a file was
    /// completed by it.
    pub(crate) fn append(&self, frames: &[Built]) -> Result<bool, JournalError> {
        let Some(first) = frames.first().map(|frame| frame.first) else {
            return Ok(false);
        };
        let mut active = lock(&self.active);
        let mut again = true;
        loop {
            if active.is_none() {
                *active = Some(self.begin(first)?);
            }
            let Some(Active { segment, db, .. }) = active.as_ref() else {
                return Ok(false);
            };
            match guarded(|| db.append(frames)) {
                Ok(()) => {
                    let mut content = segment.content();
                    for frame in frames {
                        content.note(&Noted::of_built(frame));
                    }
                    let full = content.bytes_from(segment.first) >= self.file_bytes;
                    drop(content);
                    if full {
                        self.complete(&mut active);
                    }
                    return Ok(full);
                }
                Err(trouble) => {
                    let segment = segment.clone();
                    segment.set_growing(false);
                    self.let_go(&segment);
                    close(active.take());
                    let broken = matches!(trouble, Trouble::Broken(_));
                    if segment.end() == segment.first {
                        // Nothing in it was ever acknowledged.
                        self.remove(&segment);
                    } else if broken {
                        self.set_aside(&segment, trouble.text());
                    }
                    if !broken || !std::mem::take(&mut again) {
                        return Err(trouble.at(&segment.path));
                    }
                }
            }
        }
    }

    fn begin(&self, first: Position) -> Result<Active, JournalError> {
        let segment = Arc::new(Segment::new(&self.folder, first, Content::default()));
        let path = &segment.path;
        let failed = |error: &std::io::Error| folder::trouble(&self.folder, "cannot be written to", error);
        if path.try_exists().map_err(|error| failed(&error))? {
            // What is not in the list is not ours to lose nor to trust.
            folder::set_aside(path).map_err(|error| failed(&error))?;
        }
        let db = Db::create(path).map_err(|trouble| {
            let _ = fs::remove_file(path);
            trouble.at(path)
        })?;
        folder::sync(&self.folder).map_err(|error| failed(&error))?;
        let db = Arc::new(db);
        segment.set_growing(true);
        self.write_segments().push(segment.clone());
        lock(&self.pool).push_back((segment.clone(), db.clone()));
        Ok(Active {
            segment,
            db,
            began: Instant::now(),
        })
    }

    /// Completes the file that grows if it is old; true if so.
    pub(crate) fn complete_if_old(&self) -> bool {
        let mut active = lock(&self.active);
        let old = active
            .as_ref()
            .is_some_and(|active| active.began.elapsed() > FILE_AGE);
        if old {
            self.complete(&mut active);
        }
        old
    }

    /// Completes the file that grows and closes all files.
    pub(crate) fn close(&self) {
        self.complete(&mut lock(&self.active));
        close(std::mem::take(&mut *lock(&self.pool)));
    }

    fn complete(&self, active: &mut Option<Active>) {
        let Some(Active { segment, db, .. }) = active.take() else {
            return;
        };
        let content = segment.content().clone();
        let done = guarded(move || {
            db.summarize(&content)?;
            drop(db);
            Ok(())
        });
        if let Err(trouble) = done {
            // It will be read through instead.
            tracing::warn!(file = %segment.path.display(), "no summary written: {}", trouble.text());
        }
        segment.set_growing(false);
        trim(&mut lock(&self.pool));
    }

    /// Closes a file as far as this is up to the series.
    fn let_go(&self, segment: &Arc<Segment>) {
        let mut pool = lock(&self.pool);
        if let Some(i) = pool.iter().position(|(open, _)| Arc::ptr_eq(open, segment)) {
            close(pool.remove(i));
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
        // A file set aside leaves a new one in its place, which is tried too.
        for _ in 0..3 {
            let segments = self.segments();
            let after = segments.partition_point(|segment| segment.first <= position);
            let next_file = segments.get(after).map_or(Position::MAX, |segment| segment.first);
            let segment = after.checked_sub(1).and_then(|i| segments.get(i));
            let Some(segment) = segment.filter(|segment| position < segment.end()) else {
                return Ok(Fetched::Gap(next_file));
            };
            let end = segment.end();
            match self.with(segment, move |db| db.look(position)) {
                Ok((frame, next)) => {
                    let next = next.filter(|next| *next > position).unwrap_or(end).min(end);
                    return Ok(frame.map_or(Fetched::Gap(next), |bytes| Fetched::Frame(bytes, next)));
                }
                Err(Trouble::Refused(why)) => return Err(Trouble::Refused(why)),
                Err(Trouble::Broken(why)) => {
                    let mut active = lock(&self.active);
                    if active
                        .as_ref()
                        .is_some_and(|active| Arc::ptr_eq(&active.segment, segment))
                    {
                        segment.set_growing(false);
                        close(active.take());
                    }
                    self.set_aside(segment, &why);
                }
            }
        }
        Err(Trouble::Refused(format!(
            "{}: cannot be read, even rewritten",
            self.folder.display()
        )))
    }

    fn with<T>(
        &self,
        segment: &Arc<Segment>,
        call: impl FnOnce(&Db) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let mut pool = lock(&self.pool);
        let i = pool.iter().position(|(open, _)| Arc::ptr_eq(open, segment));
        let db = match i.and_then(|i| pool.remove(i)) {
            Some((segment, db)) => {
                pool.push_back((segment, db.clone()));
                db
            }
            None => {
                let db = Arc::new(Db::open(&segment.path)?);
                pool.push_back((segment.clone(), db.clone()));
                db
            }
        };
        trim(&mut pool);
        drop(pool);
        guarded(move || {
            let result = call(&db);
            drop(db);
            result
        })
    }

    /// Sets a file aside and puts what can be saved of it in its place. Called with `active` locked, so that nobody
    /// writes meanwhile.
    fn set_aside(&self, segment: &Arc<Segment>, why: &str) {
        let listed = self.segments().iter().any(|other| Arc::ptr_eq(other, segment));
        if !listed {
            return;
        }
        self.let_go(segment);
        let saved = self.salvage(segment, why);
        let mut segments = self.write_segments();
        if let Some(i) = segments.iter().position(|other| Arc::ptr_eq(other, segment)) {
            match saved {
                Some(saved) => {
                    if let Some(slot) = segments.get_mut(i) {
                        *slot = saved;
                    }
                }
                None => drop(segments.remove(i)),
            }
        }
    }

    fn salvage(&self, segment: &Segment, why: &str) -> Option<Arc<Segment>> {
        let (first, end) = (segment.first, segment.end());
        let path = &segment.path;
        let range = if end == Position::MAX {
            format!("{first}..")
        } else {
            format!("{first}..{end}")
        };
        let aside = match folder::set_aside(path) {
            Ok(aside) => aside,
            Err(error) => {
                tracing::error!(file = %path.display(), positions = %range,
                    "journal file unreadable ({why}) and cannot be renamed: {error}");
                return None;
            }
        };
        if segment.rewritten {
            tracing::error!(file = %path.display(), positions = %range, set_aside = %aside.display(),
                "journal file unreadable again: {why}");
            return None;
        }
        let draft = path.with_extension("draft");
        let _ = fs::remove_file(&draft);
        let saved = store::salvage(&aside, first..end).and_then(|frames| {
            if frames.is_empty() {
                Ok(None)
            } else {
                store::rewrite(&aside, &frames, &draft).map(Some)
            }
        });
        let content = match saved {
            Ok(Some(content)) if fs::rename(&draft, path).is_ok() => content,
            Ok(_) => Content::default(),
            Err(trouble) => {
                tracing::error!(file = %aside.display(), "nothing can be saved: {}", trouble.text());
                Content::default()
            }
        };
        let _ = folder::sync(&self.folder);
        let events: u64 = content.marks.iter().map(|mark| mark.to - mark.from).sum();
        tracing::error!(file = %path.display(), positions = %range, set_aside = %aside.display(),
            events_saved = events, "journal file unreadable: {why}");
        // What is missing at its end is lost to readers, not free for others.
        let end = if end == Position::MAX { content.end } else { end };
        (events > 0).then(|| {
            let mut segment = Segment::new(&self.folder, first, Content { end, ..content });
            segment.rewritten = true;
            Arc::new(segment)
        })
    }
}
