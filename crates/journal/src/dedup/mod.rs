//! Deduplication: exact on source and `messageId`, for a window from the first sight.
//!
//! ```text
//! current ──full or an hour old──▶ frozen ──written in the background──▶ a file of ids, sorted by fingerprint
//! (memory, exact)                 (memory, exact)                        its fingerprints: memory while there is room
//! ```
//! A fingerprint only says where to look; an event is called a duplicate on its exact id alone. Ids whose
//! fingerprints do not fit in memory are looked for in their files, one read of 4 KiB per file, so memory bounds
//! the speed and not the truth. Ids that were in memory only are read from the frames at the start: every event's id
//! lies in its frame and so became known in its commit. Files outlive the frames, which may go before the window ends.
//!
//! Damage here lets a duplicate pass, but never loses an event.

mod current;
mod file;
mod id;
mod merge;
mod recent;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Position;
use current::Current;
use file::IdFile;
pub(crate) use file::newer;
use id::Form;
pub(crate) use id::LONGEST;
pub(crate) use id::{Id, KeyedHash, fingerprint};
pub(crate) use recent::RecentIds;
use table::Table;

/// A part is frozen after this time in any case, Unix milliseconds.
const PART_AGE: i64 = 3_600_000;
/// Bytes an id takes in memory before it is written, about.
const BYTES_PER_ID: u64 = 100;
/// Parts in the table, about, if ids are to fill it: each is an open file, and a part lies in memory whole until it is
/// written.
const PARTS: u64 = 128;
/// The number of files not in memory that are merged at once …
const MERGE_AT: usize = 8;
/// … as long as the merged one spans at most this time, so that it can go in time. Milliseconds.
const MERGE_SPAN: i64 = 2 * PART_AGE;
/// After a part could not be written.
const RETRY: Duration = Duration::from_secs(1);

/// The ids that an append must not store again. An id is learnt when its event is stored and not before: events that are
/// refused come again under the same id.
pub(crate) trait Dedup {
    /// True if an id was learnt within the window that ends now. Events without an id are never known.
    fn knows(&mut self, id: Id<'_>, now: i64) -> bool;

    /// Remembers an id whose event was just stored.
    fn learn(&mut self, id: Id<'_>, at: i64);
}

/// The ids known to a journal on disk. The writer owns them.
pub(crate) struct IdStore {
    folder: PathBuf,
    window: i64,
    /// The public name of the key that hashes ids; `None` in a plain journal.
    hashed: Option<u64>,
    part: usize,
    current: Current,
    frozen: Option<Frozen>,
    merging: Option<(Vec<u64>, JoinHandle<Option<IdFile>>)>,
    /// Oldest first.
    files: Vec<IdFile>,
    table: Table,
    next_file: u64,
    filed_to: Position,
    /// True while the last part could not be written, which was logged.
    failing: bool,
}

struct Frozen {
    part: Arc<Current>,
    to: Position,
    writing: Option<JoinHandle<Option<IdFile>>>,
    /// The earliest time of the next try.
    again: Instant,
}

impl IdStore {
    /// Finds the files of a folder. A window of zero knows nothing. `hashed` is the public name of the id key of a
    /// journal that hashes its ids; such a journal also looks in the plain files that it has from before.
    pub(crate) fn load(
        folder: &Path,
        window: Duration,
        memory: u64,
        now: i64,
        hashed: Option<u64>,
    ) -> IdStore {
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let mut files = file::find(folder);
        files.retain(|file| !file.forget_if_before(now.saturating_sub(window)));
        let foreign = |file: &&IdFile| file.hashed.is_some() && file.hashed != hashed;
        let unknown: u64 = files.iter().filter(foreign).map(|file| file.count).sum();
        if unknown > 0 {
            tracing::error!(
                folder = %folder.display(),
                ids = unknown,
                "the key of these ids is lost: those whose events are not in the journal any more may pass again"
            );
        }
        let table = Table::new(memory);
        let readable = files.iter().filter(|file| !foreign(file)).map(|file| file.to);
        let mut dedup = IdStore {
            folder: folder.to_owned(),
            window,
            hashed,
            part: usize::try_from((memory / 8 / BYTES_PER_ID).min(table.capacity() / PARTS))
                .unwrap_or(usize::MAX)
                .clamp(256, 1_000_000),
            current: Current::default(),
            frozen: None,
            merging: None,
            table,
            next_file: files.iter().map(|file| file.number + 1).max().unwrap_or(0),
            filed_to: readable.max().unwrap_or(0),
            failing: false,
            files,
        };
        for i in (0..dedup.files.len()).rev() {
            let Some(file) = dedup.files.get_mut(i) else { break };
            if !dedup.table.has_room_for(file.count) {
                break;
            }
            dedup.table.load(file);
        }
        dedup
    }

    /// The time at which an id in a file was seen last, Unix milliseconds; 0 if there is none.
    pub(crate) fn latest(&self) -> i64 {
        self.files.iter().map(|file| file.latest).max().unwrap_or(0)
    }

    /// Ids of events before this position are in files.
    pub(crate) fn filed_to(&self) -> Position {
        if self.window == 0 {
            Position::MAX
        } else {
            self.filed_to
        }
    }

    /// The position after the last event whose id is in a file, readable or not.
    pub(crate) fn reached(&self) -> Position {
        let files = self.files.iter().map(|file| file.to).max().unwrap_or(0);
        if self.window == 0 {
            0
        } else {
            files.max(self.filed_to)
        }
    }

    /// The size of the files with ids in plain, in bytes.
    pub(crate) fn plain_bytes(&self) -> u64 {
        let plain = self.files.iter().filter(|file| file.hashed.is_none());
        plain.map(|file| file.size).sum()
    }

    /// True if the part in memory is to be written now, as [`IdStore::tend`] will do.
    #[cfg(feature = "nats")]
    pub(crate) fn is_due(&self, now: i64) -> bool {
        self.frozen.is_none() && self.part_is_due(now, false)
    }

    fn part_is_due(&self, now: i64, all: bool) -> bool {
        let old = |at: i64| all || now.saturating_sub(at) > PART_AGE;
        self.current.len() >= self.part || self.current.earliest().is_some_and(old)
    }

    /// True if an id is of the kind that is remembered.
    pub(crate) fn is_on(&self, id: Id<'_>) -> bool {
        !id.id.is_empty() && id.id.len() <= LONGEST && self.window != 0
    }

    /// Freezes the current part if it is full or old (`end` is the position after the last event learnt), takes in files
    /// written in the background, and forgets ids past the window. `all` freezes in any case. Call it often.
    pub(crate) fn tend(&mut self, end: Position, now: i64, all: bool) {
        self.take_in(false);
        if self.part_is_due(now, all) && self.frozen.is_none() {
            let part = Arc::new(std::mem::take(&mut self.current));
            self.frozen = Some(Frozen {
                part,
                to: end,
                writing: None,
                again: Instant::now(),
            });
            self.write();
        } else if self.current.len() == 0 && self.frozen.is_none() {
            // There is nothing to write for these positions.
            self.filed_to = self.filed_to.max(end);
        }
        let since = now.saturating_sub(self.window);
        let mut gone = Vec::new();
        self.files.retain(|file| {
            let forgotten = file.forget_if_before(since);
            if forgotten && file.loaded {
                gone.push(file.number);
            }
            !forgotten
        });
        self.table.forget(&gone);
        self.merge();
    }

    fn write(&mut self) {
        let Some(frozen) = self.frozen.as_mut() else {
            return;
        };
        let (part, to, number, folder, hashed) = (
            frozen.part.clone(),
            frozen.to,
            self.next_file,
            self.folder.clone(),
            self.hashed,
        );
        self.next_file += 1;
        frozen.again = Instant::now() + RETRY;
        let told = self.failing;
        let written = move || match file::write(&folder, number, &part, to, hashed) {
            Ok(file) => Some(file),
            Err(_) if told => None,
            Err(error) => {
                tracing::error!(folder = %folder.display(), "ids for deduplication cannot be written, trying again: {error}");
                None
            }
        };
        frozen.writing = in_background(written);
    }

    /// Takes in the files written in the background; `wait` waits for those under way.
    fn take_in(&mut self, wait: bool) {
        let finished = |job: &Option<JoinHandle<_>>| job.as_ref().is_none_or(|job| wait || job.is_finished());
        if let Some(mut frozen) = self.frozen.take_if(|frozen| finished(&frozen.writing)) {
            match frozen.writing.take().and_then(|job| job.join().ok().flatten()) {
                Some(mut file) => {
                    self.failing = false;
                    self.filed_to = self.filed_to.max(frozen.to);
                    if !self.table.has_room_for(file.count) {
                        self.make_room(file.count);
                    }
                    if self.table.has_room_for(file.count) {
                        self.table.load(&mut file);
                    }
                    self.files.push(file);
                }
                None => {
                    // Kept in memory and tried again; waiting would not help.
                    self.failing = true;
                    let due = frozen.again <= Instant::now();
                    self.frozen = Some(frozen);
                    if due && !wait {
                        self.write();
                    }
                }
            }
        }
        if let Some((numbers, job)) = self.merging.take_if(|(_, job)| wait || job.is_finished())
            && let Ok(Some(merged)) = job.join()
        {
            let at = self
                .files
                .iter()
                .position(|file| numbers.contains(&file.number))
                .unwrap_or(0);
            for file in self.files.extract_if(.., |file| numbers.contains(&file.number)) {
                file.delete();
            }
            self.files.insert(at.min(self.files.len()), merged);
        }
    }

    /// Takes the oldest files out of memory, a quarter of it at once, since it must be walked through.
    fn make_room(&mut self, count: u64) {
        let mut gone = Vec::new();
        let mut freed = 0;
        let enough = count.max(self.table.capacity() / 4);
        for file in self.files.iter_mut().filter(|file| file.loaded) {
            if freed >= enough {
                break;
            }
            freed += file.count;
            file.loaded = false;
            gone.push(file.number);
        }
        self.table.forget(&gone);
    }

    fn merge(&mut self) {
        if self.merging.is_some() {
            return;
        }
        let cold: Vec<&IdFile> = self.files.iter().take_while(|file| !file.loaded).collect();
        // Neighbours of about the same size, so that an id is copied a few times at most.
        let alike = |run: &&[&IdFile]| {
            let (small, large) = run.iter().fold((u64::MAX, 0), |(min, max), f| {
                (min.min(f.count), max.max(f.count))
            });
            let span = run.iter().map(|f| f.latest).max().unwrap_or(0)
                - run.iter().map(|f| f.earliest).min().unwrap_or(0);
            let kind = run.first().map(|file| file.hashed);
            large <= small.saturating_mul(4)
                && span <= MERGE_SPAN
                && run.iter().all(|file| Some(file.hashed) == kind)
        };
        let Some(run) = cold.windows(MERGE_AT).find(alike) else {
            return;
        };
        let numbers: Vec<u64> = run.iter().map(|file| file.number).collect();
        let paths: Vec<PathBuf> = run.iter().map(|file| file.path.clone()).collect();
        let (folder, number) = (self.folder.clone(), self.next_file);
        self.next_file += 1;
        let job = move || match merge::merge(&folder, number, &paths) {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), "files of ids cannot be merged: {error}");
                None
            }
        };
        self.merging = in_background(job).map(|job| (numbers, job));
    }

    /// Writes everything down.
    pub(crate) fn close(&mut self, end: Position, now: i64) {
        self.take_in(true);
        self.tend(end, now, true);
        self.take_in(true);
    }
}

/// Starts a thread that writes a file of ids; `None` if the system has no thread to give.
fn in_background(
    job: impl FnOnce() -> Option<IdFile> + Send + 'static,
) -> Option<JoinHandle<Option<IdFile>>> {
    let thread = std::thread::Builder::new().name("journal-ids".into());
    thread.spawn(job).ok()
}

impl Dedup for IdStore {
    fn knows(&mut self, id: Id<'_>, now: i64) -> bool {
        if !self.is_on(id) {
            return false;
        }
        let since = now.saturating_sub(self.window);
        let seen = |at: Option<i64>| at.is_some_and(|at| at > since);
        let own = id.own();
        if seen(self.current.find(own))
            || self
                .frozen
                .as_ref()
                .is_some_and(|frozen| seen(frozen.part.find(own)))
        {
            return true;
        }
        let in_files = |form: Form<'_>, hashed: Option<u64>| {
            let files = || self.files.iter().filter(move |file| file.hashed == hashed);
            let in_file = |slot: u64| {
                files()
                    .filter(|file| file.loaded && table::slot(file.number) == slot)
                    .any(|file| seen(file.find(form)))
            };
            self.table.candidates(form.fingerprint).any(in_file)
                || files().any(|file| !file.loaded && file.latest > since && seen(file.find(form)))
        };
        in_files(own, self.hashed)
            || (self.hashed.is_some()
                && self.files.iter().any(|file| file.hashed.is_none())
                && in_files(id.plain(), None))
    }

    fn learn(&mut self, id: Id<'_>, at: i64) {
        if self.is_on(id) {
            self.current.add(id.own(), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::id_key::IdKey;
    use crate::seal::keys_file::{self, JournalKeys};
    use crate::seal::wrapped::tests::keys;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn id(text: &str) -> Id<'_> {
        Id::new("s", text, None)
    }

    /// Loads the ids of a journal in plain.
    fn load(folder: &Path, window: Duration, memory: u64, now: i64) -> IdStore {
        IdStore::load(folder, window, memory, now, None)
    }

    /// The id key of the sealed journal in a folder.
    fn id_key(folder: &Path) -> IdKey {
        let found = keys_file::find(folder).unwrap();
        let mut opened = JournalKeys::open(&keys(&[1]), &found, None).unwrap();
        opened.save(folder).unwrap();
        opened.ids
    }

    fn plain(n: u64) -> String {
        format!("id-{n}")
    }

    fn fill(dedup: &mut IdStore, range: std::ops::Range<u64>, at: i64) {
        for n in range {
            let text = plain(n);
            assert!(!dedup.knows(id(&text), at), "{text}");
            dedup.learn(id(&text), at);
            dedup.tend(n + 1, at, false);
        }
    }

    fn all_known(dedup: &mut IdStore, range: std::ops::Range<u64>, now: i64) {
        for n in range {
            assert!(dedup.knows(id(&plain(n)), now), "{n}");
        }
    }

    #[test]
    fn ids_are_known_from_memory_and_from_files_and_after_a_restart() {
        for memory in [0, 100_000, 10_000_000] {
            let folder = tempfile::tempdir().unwrap();
            let mut dedup = load(folder.path(), DAY, memory, 0);
            fill(&mut dedup, 0..5000, 1000);
            all_known(&mut dedup, 0..5000, 2000);
            dedup.close(5000, 2000);
            assert_eq!(dedup.filed_to(), 5000);
            all_known(&mut dedup, 0..5000, 2000);
            let mut dedup = load(folder.path(), DAY, memory, 2000);
            assert_eq!(dedup.filed_to(), 5000);
            all_known(&mut dedup, 0..5000, 2000);
            fill(&mut dedup, 5000..5100, 2000);
            // The same id of another source is another id.
            assert!(!dedup.knows(Id::new("t", "id-1", None), 2000));
        }
    }

    #[test]
    fn ids_are_forgotten_a_window_after_their_first_sight() {
        let folder = tempfile::tempdir().unwrap();
        let mut dedup = load(folder.path(), Duration::from_millis(100), 1 << 20, 0);
        fill(&mut dedup, 0..10, 1000);
        assert!(dedup.knows(id("id-3"), 1099));
        assert!(!dedup.knows(id("id-3"), 1100));
        dedup.close(10, 1050);
        assert!(dedup.knows(id("id-3"), 1099));
        assert!(!dedup.knows(id("id-3"), 1100));
        dedup.tend(10, 1101, false);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn equal_fingerprints_are_told_apart_by_their_ids() {
        let folder = tempfile::tempdir().unwrap();
        let mut dedup = load(folder.path(), DAY, 1 << 20, 0);
        let same = |text| Id {
            fingerprint: 77,
            source: "s",
            id: text,
            hash: None,
        };
        let texts: Vec<String> = (0..600).map(|n| n.to_string()).collect();
        for text in &texts {
            dedup.learn(same(text), 5);
        }
        assert!(dedup.knows(same("599"), 6) && !dedup.knows(same("600"), 6));
        dedup.close(600, 6);
        assert!(texts.iter().all(|text| dedup.knows(same(text), 6)));
        assert!(!dedup.knows(same("600"), 6));
    }

    #[test]
    fn damaged_files_let_duplicates_pass_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut dedup = load(folder.path(), DAY, 0, 0);
        fill(&mut dedup, 0..300, 1000);
        dedup.close(300, 1000);
        let path = dedup.files[0].path.clone();
        drop(dedup);
        let good = std::fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(151) {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            let mut dedup = load(folder.path(), DAY, if at % 2 == 0 { 0 } else { 1 << 20 }, 1000);
            for n in 0..320 {
                let known = dedup.knows(id(&format!("id-{n}")), 1000);
                assert!(n < 300 || !known);
            }
        }
    }

    #[test]
    fn many_files_become_few() {
        let folder = tempfile::tempdir().unwrap();
        let mut dedup = load(folder.path(), DAY, 0, 0);
        fill(&mut dedup, 0..256 * 18, 1000);
        for _ in 0..20 {
            dedup.take_in(true);
            dedup.tend(256 * 18, 1000, true);
        }
        dedup.take_in(true);
        assert!(dedup.files.len() < 11, "{}", dedup.files.len());
        all_known(&mut dedup, 0..256 * 18, 1000);
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, dedup.files.len());
        let mut dedup = load(folder.path(), DAY, 0, 1000);
        all_known(&mut dedup, 0..256 * 18, 1000);
    }

    #[test]
    fn a_sealed_journal_keeps_hashes_and_knows_the_plain_ids_from_before() {
        for memory in [0, 100_000, 10_000_000] {
            let folder = tempfile::tempdir().unwrap();
            let keys = tempfile::tempdir().unwrap();
            let mut dedup = load(folder.path(), DAY, memory, 0);
            fill(&mut dedup, 0..1000, 1000);
            dedup.close(1000, 1000);
            let ids = id_key(keys.path());
            let hashed = |text: &str, dedup: &mut IdStore, at| {
                let id = Id::new("s", text, Some(&ids));
                let known = dedup.knows(id, at);
                if !known {
                    dedup.learn(id, at);
                }
                known
            };
            for start in 0..2 {
                let mut dedup = IdStore::load(folder.path(), DAY, memory, 2000, Some(ids.name()));
                for n in 0..1600 {
                    let known = hashed(&plain(n), &mut dedup, 2000);
                    assert_eq!(known, n < 1000 || start == 1, "{n}");
                    dedup.tend(n.max(999) + 1, 2000, false);
                }
                dedup.close(1600, 2000);
                assert_eq!(dedup.filed_to(), 1600);
            }
            // The plain ids go with their window, and no new file has any.
            let later = 1000 + i64::try_from(DAY.as_millis()).unwrap();
            let mut dedup = IdStore::load(folder.path(), DAY, memory, later, Some(ids.name()));
            assert!(!hashed(&plain(3), &mut dedup, later) && hashed(&plain(1003), &mut dedup, later));
            for path in crate::fs::paths(folder.path()).unwrap() {
                let bytes = std::fs::read(path).unwrap();
                // Three letters alone would stand among random bytes once in some hundred runs.
                assert!(!bytes.windows(5).any(|part| part == b"id-10"));
            }
        }
    }

    #[test]
    fn ids_whose_key_is_lost_are_read_again_from_the_frames() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, other) = (id_key(one.path()), id_key(other.path()));
        let mut dedup = IdStore::load(folder.path(), DAY, 1 << 20, 0, Some(one.name()));
        dedup.learn(Id::new("s", "a", Some(&one)), 1000);
        dedup.close(7, 1000);
        let mut dedup = IdStore::load(folder.path(), DAY, 1 << 20, 1000, Some(other.name()));
        assert!(!dedup.knows(Id::new("s", "a", Some(&other)), 1000));
        assert_eq!((dedup.filed_to(), dedup.reached()), (0, 7));
    }
}
