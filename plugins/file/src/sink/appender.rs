//! A file that lines are appended to. Blocking; called on a blocking thread.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// When the file is set aside, and how many of these are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    pub(super) max_size: u64,
    pub(super) keep: u32,
}

/// Why a group of lines did not get in.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: io::Error,
    /// Some or all of it may be in the file all the same.
    pub(super) maybe_written: bool,
}

impl Failure {
    fn before(error: io::Error) -> Failure {
        Failure {
            error,
            maybe_written: false,
        }
    }
}

pub(super) struct Appender {
    /// The sink's name, for the log.
    sink: Arc<str>,
    path: PathBuf,
    rotation: Option<Rotation>,
    sync: bool,
    open: Option<File>,
    /// Number of files that rotation has deleted and that no warning has counted yet.
    deleted: usize,
}

impl Appender {
    /// Opens nothing yet.
    pub(super) fn new(sink: Arc<str>, path: PathBuf, rotation: Option<Rotation>, sync: bool) -> Appender {
        Appender {
            sink,
            path,
            rotation,
            sync,
            open: None,
            deleted: 0,
        }
    }

    /// Takes up to `most` from the number of deleted files that no warning has counted.
    pub(super) fn take_deleted(&mut self, most: usize) -> usize {
        let taken = self.deleted.min(most);
        self.deleted -= taken;
        taken
    }

    /// Appends lines, rotating between them where need be. Returns how many are in (and, with `sync`, on the
    /// disk), and why the next one is not.
    pub(super) fn append<B: AsRef<[u8]>>(&mut self, lines: &[B]) -> (usize, Option<Failure>) {
        let mut done = 0;
        while done < lines.len() {
            match self.append_group(&lines[done..]) {
                Ok(count) => done += count,
                Err(failure) => {
                    // The state of the file is in doubt; the next attempt looks at it afresh.
                    self.open = None;
                    return (done, Some(failure));
                }
            }
        }
        (done, None)
    }

    /// Appends as many lines as fit into the current file, at least one, all or nothing.
    fn append_group<B: AsRef<[u8]>>(&mut self, lines: &[B]) -> Result<usize, Failure> {
        let first = lines.first().map_or(0, |line| line.as_ref().len() as u64 + 1);
        let mut size = self.ready().map_err(Failure::before)?;
        if let Some(rotation) = self.rotation
            && size > 0
            && size + first > rotation.max_size
        {
            self.rotate(rotation.keep).map_err(Failure::before)?;
            size = self.ready().map_err(Failure::before)?;
        }
        let Some(file) = &mut self.open else {
            return Err(Failure::before(io::ErrorKind::NotFound.into()));
        };
        let limit = self.rotation.map_or(u64::MAX, |rotation| rotation.max_size);
        let mut group = Vec::new();
        let mut count = 0;
        for line in lines {
            let line = line.as_ref();
            if count > 0 && size + (group.len() + line.len() + 1) as u64 > limit {
                break;
            }
            group.extend_from_slice(line);
            group.push(b'\n');
            count += 1;
        }
        write_or_undo(file, size, &group)?;
        if self.sync {
            // After a failed fsync the kernel may have dropped the pages: only writing again helps.
            file.sync_data().map_err(|error| Failure {
                error,
                maybe_written: true,
            })?;
        }
        Ok(count)
    }

    /// Ensures that the file at `path` is open and ends in a line break; returns its size. Creates a new file if
    /// logrotate or an operator moved or deleted it.
    fn ready(&mut self) -> io::Result<u64> {
        if let Some(file) = &self.open {
            match fs::metadata(&self.path) {
                Ok(there) if same_file(&there, &file.metadata()?) => return Ok(there.len()),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.open = None,
            }
        }
        let mut file = self.open_or_create()?;
        let mut size = file.metadata()?.len();
        if size > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                // A crash cut the last line off. Its event was never called delivered and comes again.
                file.write_all(b"\n")?;
                size += 1;
            }
        }
        self.open = Some(file);
        Ok(size)
    }

    fn open_or_create(&self) -> io::Result<File> {
        match fs::metadata(&self.path) {
            Ok(there) if !there.is_file() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => return options().open(&self.path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let file = options().create(true).open(&self.path)?;
        self.sync_folder()?;
        Ok(file)
    }

    /// Renames the file to `path.1`; older files move up, but only up to the first free number. If all moved each time, a
    /// rotation that fails halfway and is tried again would push old files out.
    fn rotate(&mut self, keep: u32) -> io::Result<()> {
        self.open = None;
        let mut free = 1;
        while free < keep && self.numbered(free).try_exists()? {
            free += 1;
        }
        for number in (0..free).rev() {
            let to = self.numbered(number + 1);
            // Only the file with the highest number can still be there: the renaming deletes it.
            let deletes = fs::metadata(&to).ok();
            fs::rename(self.numbered(number), &to)?;
            if let Some(deleted) = deletes {
                self.deleted += 1;
                tracing::warn!(sink = &*self.sink, file = %to.display(), bytes = deleted.len(), keep,
                    "rotation deleted the oldest file; raise `keep`, or take `max_size` out, to keep more");
            }
        }
        self.sync_folder()
    }

    /// Path of the file with this number; 0 is the file being written.
    fn numbered(&self, number: u32) -> PathBuf {
        if number == 0 {
            return self.path.clone();
        }
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// A new name is on the disk only when its folder is.
    fn sync_folder(&self) -> io::Result<()> {
        if !self.sync || cfg!(not(unix)) {
            return Ok(());
        }
        File::open(folder(&self.path))?.sync_all()
    }

    /// Checks that appending can work, without writing or creating anything.
    pub(super) fn probe(&self) -> io::Result<()> {
        match fs::metadata(&self.path) {
            Ok(there) if there.is_file() => options().open(&self.path).map(drop),
            Ok(_) => Err(io::ErrorKind::IsADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::metadata(folder(&self.path))?.is_dir() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Syncs the file to disk and closes it.
    pub(super) fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(file) => file.sync_all(),
            None => Ok(()),
        }
    }
}

/// Lists the files that rotation has set aside, the newest first; also those of an earlier, higher `keep`. Nothing if the
/// folder cannot be read: deliveries report that.
#[cfg(unix)]
pub(super) fn set_aside(path: &Path) -> Vec<PathBuf> {
    let (Some(name), Ok(entries)) = (path.file_name(), fs::read_dir(folder(path))) else {
        return Vec::new();
    };
    let number = |found: OsString| -> Option<u32> {
        let rest = found.as_encoded_bytes().strip_prefix(name.as_encoded_bytes())?;
        let digits = std::str::from_utf8(rest.strip_prefix(b".")?).ok()?;
        let number = digits.parse().ok()?;
        // Neither `+1` nor `01` is a name that rotation gives.
        (digits == u32::to_string(&number)).then_some(number)
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            Some((number(name.clone())?, path.with_file_name(name)))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, path)| path).collect()
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).read(true);
    // Events hold personal data: a new file is not for everybody.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, signalbox_core::PRIVATE_FILE);
    options
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// The operations that [`write_or_undo`] needs of a file.
trait Growing: Write {
    fn length(&self) -> io::Result<u64>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Growing for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Writes the whole group, or truncates its written part (a disk that fills up takes half a line).
fn write_or_undo(file: &mut impl Growing, size: u64, group: &[u8]) -> Result<(), Failure> {
    let mut written = 0;
    let error = loop {
        if written == group.len() {
            return Ok(());
        }
        match file.write(&group[written..]) {
            Ok(0) => break io::ErrorKind::WriteZero.into(),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break error,
        }
    };
    // If the file is longer than we made it, another process writes to it, and cutting would cut theirs.
    let ours = || file.length().is_ok_and(|length| length == size + written as u64);
    let undone = written == 0 || (ours() && file.cut(size).is_ok());
    Err(Failure {
        error,
        maybe_written: !undone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with a limited number of free bytes.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room - self.bytes.len());
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Growing for Disk {
        fn length(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.bytes.truncate(length as usize);
            Ok(())
        }
    }

    #[test]
    fn a_group_that_does_not_fit_leaves_no_half_line() {
        for room in 2..=8 {
            let mut disk = Disk {
                bytes: b"a\n".to_vec(),
                room,
            };
            let result = write_or_undo(&mut disk, 2, b"bb\ncc\n");
            if room == 8 {
                result.unwrap();
                continue;
            }
            let failure = result.unwrap_err();
            assert_eq!(failure.error.kind(), io::ErrorKind::StorageFull);
            assert!(!failure.maybe_written);
            assert_eq!(disk.bytes, b"a\n");
        }
    }

    #[test]
    fn the_lines_of_others_are_not_cut() {
        let mut disk = Disk {
            bytes: b"a\nothers\n".to_vec(),
            room: 11,
        };
        let failure = write_or_undo(&mut disk, 2, b"bb\ncc\n").unwrap_err();
        assert!(failure.maybe_written);
        assert_eq!(disk.bytes, b"a\nothers\nbb");
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn appender(folder: &tempfile::TempDir, rotation: Option<Rotation>) -> Appender {
        Appender::new("archive".into(), folder.path().join("out"), rotation, true)
    }

    #[test]
    fn rotates_between_lines_and_keeps_so_many() {
        let folder = tempfile::tempdir().unwrap();
        let rotation = Rotation { max_size: 6, keep: 2 };
        let mut appender = appender(&folder, Some(rotation));
        // Two lines of three bytes a file; the long one alone in its own.
        let lines = ["01", "02", "03", "04", "a long line", "05", "06", "07"];
        let (done, failure) = appender.append(&lines);
        assert!(failure.is_none());
        assert_eq!(done, lines.len());
        let path = folder.path().join("out");
        assert_eq!(read(&path), "07\n");
        assert_eq!(read(&appender.numbered(1)), "05\n06\n");
        assert_eq!(read(&appender.numbered(2)), "a long line\n");
        assert!(!appender.numbered(3).exists());
        // One file holds "01" and "02", the other "03" and "04".
        assert_eq!(
            (
                appender.take_deleted(1),
                appender.take_deleted(9),
                appender.take_deleted(9)
            ),
            (1, 1, 0)
        );
    }

    #[test]
    fn a_rotation_that_was_cut_short_pushes_nothing_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut appender = appender(&folder, None);
        fs::write(folder.path().join("out"), "now").unwrap();
        // As left by a rotation that moved 1 to 2 and then failed.
        fs::write(appender.numbered(2), "older").unwrap();
        fs::write(appender.numbered(3), "oldest").unwrap();
        appender.rotate(3).unwrap();
        assert_eq!(read(&appender.numbered(1)), "now");
        assert_eq!(read(&appender.numbered(2)), "older");
        assert_eq!(read(&appender.numbered(3)), "oldest");
        assert_eq!(appender.take_deleted(9), 0);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "whole\nha").unwrap();
        let mut appender = appender(&folder, None);
        assert!(appender.append(&["next"]).1.is_none());
        assert_eq!(read(&path), "whole\nha\nnext\n");
    }

    #[test]
    fn a_file_moved_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut appender = appender(&folder, None);
        assert!(appender.append(&["one"]).1.is_none());
        fs::rename(&path, folder.path().join("moved")).unwrap();
        assert!(appender.append(&["two"]).1.is_none());
        assert_eq!(read(&path), "two\n");
        // Moved away and replaced by another of the same name.
        fs::write(folder.path().join("other"), "other\n").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        assert!(appender.append(&["three"]).1.is_none());
        assert_eq!(read(&path), "other\nthree\n");
    }
}
