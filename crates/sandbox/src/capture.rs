//! The file accepted events are written to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::json::one_line;

/// JSON lines, one for each accepted event, appended.
#[derive(Debug)]
pub(crate) struct Capture {
    file: File,
}

impl Capture {
    /// Opens the file for appending, creating it if it does not exist.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        // Events hold personal data, even if hashed.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot open the capture file {}: {error}", path.display()),
            )
        })?;
        Ok(Self { file })
    }

    /// Writes the events in one go. On an error none of them is in the file, as far as the file can be cut back.
    pub(crate) fn write<'a>(&mut self, events: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let mut lines = String::new();
        for event in events {
            lines.push_str(&one_line(event));
            lines.push('\n');
        }
        let before = self.file.metadata()?.len();
        // A `File` is not buffered, so there is nothing to flush.
        self.file.write_all(lines.as_bytes()).inspect_err(|_| {
            // Fails on a pipe or a device, which cannot be truncated.
            let _ = self.file.set_len(before);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_whole_lines_and_keeps_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        std::fs::write(&path, "{\"old\":1}\n").unwrap();
        let mut capture = Capture::open(&path).unwrap();
        capture
            .write(["{\"a\": 1.0}", "{\n\"b\":2\n}"].into_iter())
            .unwrap();
        capture.write(std::iter::once("{}")).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"old\":1}\n{\"a\": 1.0}\n{\"b\":2}\n{}\n"
        );
    }

    #[test]
    fn an_unusable_path_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Capture::open(dir.path()).unwrap_err();
        assert!(
            error.to_string().contains(&dir.path().display().to_string()),
            "{error}"
        );
    }
}
