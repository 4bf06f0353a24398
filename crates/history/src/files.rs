//! Names and places of the history's files.
//!
//! ```text
//! signalbox-history/
//!   LOCK                     held by the process that writes
//!   sums.db                  the sums of all hours
//!   rows-2026-11-29.db       the records that ended on a day (UTC)
//!   rows-2026-11-29T13.db    the records from 13:00 on, if the day's file was full by then
//!   rows-2026-11-29T13.2.db  the same, if that file was full within its hour
//! ```

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use signalbox_core::{PRIVATE_FILE, PRIVATE_FOLDER};

use crate::db::Trouble;

/// The file of the sums.
pub(crate) const SUMS: &str = "sums.db";
/// The file of the lock.
const LOCK: &str = "LOCK";
const PREFIX: &str = "rows-";
const SUFFIX: &str = ".db";
/// Endings of a database and of the files that SQLite keeps beside it.
const COMPANIONS: [&str; 3] = ["", "-wal", "-shm"];
/// The extension of a damaged file that was set aside.
const ASIDE: &str = "corrupt";
pub(crate) const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// The name of a file of rows. The order of the names is that of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowFile {
    day: civil::Date,
    /// `None` for the whole day.
    hour: Option<i8>,
    /// 1 for the first file of an hour.
    number: u32,
}

impl RowFile {
    /// Names the file of the day in which a moment lies.
    pub(crate) fn of_day(at: i64) -> RowFile {
        let at = moment(at);
        RowFile {
            day: at.date(),
            hour: None,
            number: 1,
        }
    }

    /// Names the file that follows this one, which is over or full.
    pub(crate) fn next(self, at: i64) -> RowFile {
        let of_day = RowFile::of_day(at);
        let of_hour = RowFile {
            hour: Some(moment(at).hour()),
            ..of_day
        };
        // The clock may have been set back.
        let first = if of_day.day > self.day { of_day } else { of_hour };
        if first > self {
            return first;
        }
        RowFile {
            hour: self.hour.or(of_hour.hour),
            number: self.number.saturating_add(1),
            ..self
        }
    }

    /// Returns true if records that end at this moment belong to a later day or hour.
    pub(crate) fn is_over(self, at: i64) -> bool {
        let at = moment(at);
        self.day < at.date() || self.day == at.date() && self.hour.is_some_and(|hour| hour < at.hour())
    }

    /// Returns true if it is of a later day than tomorrow: the clock was ahead when it began.
    pub(crate) fn is_ahead(self, now: i64) -> bool {
        self.day > moment(now.saturating_add(DAY_MILLIS)).date()
    }

    /// Returns the moment before which all its records ended, Unix milliseconds.
    pub(crate) fn end(self) -> i64 {
        let begin = TimeZone::UTC.to_timestamp(self.day.at(0, 0, 0, 0));
        begin.map_or(i64::MAX, |begin| begin.as_millisecond() + DAY_MILLIS)
    }

    pub(crate) fn name(self) -> String {
        let day = self.day;
        match (self.hour, self.number) {
            (None, _) => format!("{PREFIX}{day}{SUFFIX}"),
            (Some(hour), 1) => format!("{PREFIX}{day}T{hour:02}{SUFFIX}"),
            (Some(hour), number) => format!("{PREFIX}{day}T{hour:02}.{number}{SUFFIX}"),
        }
    }

    pub(crate) fn parse(name: &str) -> Option<RowFile> {
        let stem = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let (day, hour) = match stem.split_once('T') {
            None => (stem, None),
            Some((day, hour)) => (day, Some(hour)),
        };
        let (hour, number) = match hour {
            None => (None, 1),
            Some(hour) => {
                let (hour, number) = hour.split_once('.').unwrap_or((hour, "1"));
                (Some(hour.parse().ok()?), number.parse().ok()?)
            }
        };
        let file = RowFile {
            day: day.parse().ok()?,
            hour,
            number,
        };
        (file.name() == name).then_some(file)
    }

    pub(crate) fn path(self, folder: &Path) -> PathBuf {
        folder.join(self.name())
    }
}

fn moment(at: i64) -> civil::DateTime {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    TimeZone::UTC.to_datetime(at)
}

/// Lists the files of rows in a folder, the oldest first.
///
/// # Errors
/// The operating system's.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<RowFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.extend(entry?.file_name().to_str().and_then(RowFile::parse));
    }
    files.sort_unstable();
    Ok(files)
}

fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns the name by which SQLite reads a database as a file that nobody writes; `None` if something lies in its log, or it
/// is not there.
pub(crate) fn at_rest(path: &Path) -> Option<PathBuf> {
    fs::metadata(path).ok()?;
    if fs::metadata(companion(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            name.push(char::from(*byte));
        } else {
            // A String takes everything.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name.push_str("?immutable=1");
    Some(name.into())
}

/// Returns the bytes that a database takes on disk.
pub(crate) fn size(path: &Path) -> u64 {
    let sizes = COMPANIONS.map(|suffix| fs::metadata(companion(path, suffix)).map_or(0, |meta| meta.len()));
    sizes.iter().sum()
}

/// Removes a database.
///
/// # Errors
/// The operating system's; a file that is not there is none.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for suffix in COMPANIONS {
        match fs::remove_file(companion(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Renames a damaged database, and what SQLite keeps beside it, to a name that is free. Returns the new path.
///
/// # Errors
/// The operating system's.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let free = (1u32..).map(|number| match number {
        1 => companion(path, &format!(".{ASIDE}")),
        _ => companion(path, &format!(".{ASIDE}.{number}")),
    });
    let aside = free.into_iter().find(|aside| !aside.exists());
    let aside = aside.unwrap_or_else(|| companion(path, ASIDE));
    for suffix in COMPANIONS {
        match fs::rename(companion(path, suffix), companion(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

/// Creates the folder, which only its owner may use.
///
/// # Errors
/// The operating system's.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(folder)
}

/// Returns false if the folder's files were deleted or replaced, and this lock with them.
pub(crate) fn has_lock(folder: &Path, lock: &File) -> bool {
    match (fs::metadata(folder.join(LOCK)), lock.metadata()) {
        (Ok(there), Ok(ours)) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
        (Err(error), _) => !matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
        _ => true,
    }
}

/// Locks the folder for the one process that writes it. The lock ends with the file, also when the process is killed.
///
/// # Errors
/// [`Trouble`] if another process has the lock, or the file cannot be made.
pub(crate) fn lock(folder: &Path) -> Result<File, Trouble> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).mode(PRIVATE_FILE).open(&path);
    let file = opened.map_err(|error| Trouble::io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Trouble::in_use(folder)),
        Err(TryLockError::Error(error)) => Err(Trouble::io(&path, &error)),
    }
}

/// Creates an empty file that only its owner may use, unless there is one. SQLite gives its companions the same mode.
///
/// A file that is there is not opened: closing it would release the locks that SQLite has on it in this process.
///
/// # Errors
/// The operating system's.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE_FILE)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns the time at which a database of the folder was last written, Unix milliseconds; `None` if there is none.
pub(crate) fn last_write(folder: &Path) -> Option<i64> {
    let rows = list(folder).unwrap_or_default().into_iter();
    let paths = rows.map(|file| file.path(folder)).chain([folder.join(SUMS)]);
    let written = paths
        .flat_map(|path| COMPANIONS.map(|suffix| companion(&path, suffix)))
        .filter_map(|path| fs::metadata(path).ok());
    written.map(|meta| meta.mtime().saturating_mul(1_000)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_in_the_order_of_time() {
        let noon = 1_795_953_600_000;
        let day = RowFile::of_day(noon);
        let hour = day.next(noon);
        let second = hour.next(noon);
        let third = second.next(noon);
        let later = third.next(noon + HOUR_MILLIS);
        let next_day = later.next(noon + DAY_MILLIS);
        let all = [day, hour, second, third, later, next_day];
        assert!(all.is_sorted(), "{all:?}");
        let names = all.map(RowFile::name);
        assert_eq!(names[0], "rows-2026-11-29.db");
        assert_eq!(names[1], "rows-2026-11-29T12.db");
        assert_eq!(names[3], "rows-2026-11-29T12.3.db");
        for (file, name) in all.iter().zip(&names) {
            assert_eq!(RowFile::parse(name).as_ref(), Some(file));
        }
        for name in [
            "rows-2026-11-29.db-wal",
            "rows-2026-11-29.db.corrupt",
            "sums.db",
            "rows-.db",
            "rows-2026-11-29T1.db",
        ] {
            assert_eq!(RowFile::parse(name), None, "{name}");
        }
        assert_eq!(
            later.next(noon).name(),
            "rows-2026-11-29T13.2.db",
            "the clock was set back"
        );
        assert!(day.is_over(noon + DAY_MILLIS) && !day.is_over(noon + HOUR_MILLIS));
        assert!(hour.is_over(noon + HOUR_MILLIS) && !hour.is_over(noon) && !later.is_over(noon));
        assert!(day.end() > noon && day.end() <= noon + DAY_MILLIS);
        assert!(day.is_ahead(noon - 2 * DAY_MILLIS) && !day.is_ahead(noon - DAY_MILLIS));
    }

    #[test]
    fn a_file_that_is_there_keeps_the_locks_of_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        make_private(&path).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, PRIVATE_FILE);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
        make_private(&path).unwrap();
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        assert!(
            locks
                .lines()
                .any(|lock| lock.contains(" POSIX ") && lock.contains(&inode)),
            "{locks}"
        );
    }

    #[test]
    fn a_database_at_rest_is_one_without_a_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a ?#%.db");
        assert_eq!(at_rest(&path), None);
        fs::write(&path, "").unwrap();
        let name = at_rest(&path).unwrap();
        let name = name.to_str().unwrap();
        assert!(
            name.starts_with("file:/") && name.ends_with("/a%20%3F%23%25.db?immutable=1"),
            "{name}"
        );
        fs::write(companion(&path, "-wal"), "something").unwrap();
        assert_eq!(at_rest(&path), None);
    }
}
