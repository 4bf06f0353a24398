//! The key of a history whose journal has none: a file of random bytes outside the history's folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};
use signalbox_core::{JournalKey, PRIVATE_FILE};

use crate::db::Trouble;
use crate::ids::IdKeys;

/// The reason why there is no key. It never shows the key.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {told}", path = path.display())]
pub struct KeyFileError {
    path: PathBuf,
    told: String,
}

/// The key of a history whose journal has none.
#[derive(Debug)]
pub struct KeyFile {
    /// The keys.
    pub keys: IdKeys,
    /// The random key, if there was no file: for [`Settings::new_key`](crate::Settings::new_key).
    pub new: Option<NewKey>,
}

/// A random key that is not in its file yet. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct NewKey {
    path: PathBuf,
    key: JournalKey,
}

/// Returns the place of the key file of a folder: beside it, since a copy of the folder alone must tell nothing about persons.
#[must_use]
pub fn key_file_of(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

impl KeyFile {
    /// Reads the key, or makes a random one, which the history's thread writes: a disk that takes no file delays no start.
    ///
    /// # Errors
    /// [`KeyFileError`] if the file cannot be read or holds no key, or the system has no random numbers.
    pub fn open(path: &Path) -> Result<KeyFile, KeyFileError> {
        if let Some(keys) = KeyFile::read(path)? {
            return Ok(KeyFile { keys, new: None });
        }
        let error = |told: String| KeyFileError {
            path: path.to_owned(),
            told,
        };
        let mut bytes = [0; 32];
        let random = SystemRandom::new().fill(&mut bytes);
        random.map_err(|_| error("the system gives no random numbers for a key".to_owned()))?;
        let key = JournalKey::new(bytes);
        let keys = IdKeys::derive([&key]).map_err(|problem| error(problem.to_string()))?;
        let path = path.to_owned();
        Ok(KeyFile {
            keys,
            new: Some(NewKey { path, key }),
        })
    }

    /// Reads the key; `None` without a file.
    ///
    /// # Errors
    /// [`KeyFileError`] if the file cannot be read, or holds no key.
    pub fn read(path: &Path) -> Result<Option<IdKeys>, KeyFileError> {
        let error = |told: String| KeyFileError {
            path: path.to_owned(),
            told,
        };
        let text = match fs::read_to_string(path) {
            Err(missing)
                if matches!(
                    missing.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            text => text.map_err(|problem| error(format!("cannot be read: {problem}")))?,
        };
        let key = JournalKey::parse(&text).map_err(|fault| {
            let remedy = "restore it, or remove it: a new one is made, under which persons are not found in older records";
            error(format!("{fault}; {remedy}"))
        })?;
        let keys = IdKeys::derive([&key]).map_err(|problem| error(problem.to_string()))?;
        Ok(Some(keys))
    }
}

impl NewKey {
    /// Writes the file, which must not be there: another key in it would leave the ids of this process unfound.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn write(&self) -> Result<(), Trouble> {
        let path = &self.path;
        match KeyFile::read(path) {
            Ok(None) => {}
            _ => return Err(Trouble::new_key(path)),
        }
        let write = || -> io::Result<()> {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                crate::files::make_folder(folder)?;
            }
            // A draft: a crash must not leave half a key.
            let mut draft = path.as_os_str().to_owned();
            draft.push(".draft");
            let draft = PathBuf::from(draft);
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(PRIVATE_FILE)
                .open(&draft)?;
            writeln!(file, "{}", self.key.to_text())?;
            file.sync_all()?;
            fs::rename(&draft, path)
        };
        write().map_err(|problem| Trouble::io(path, &problem))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::ids::IdKind;

    #[test]
    fn a_key_file_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = key_file_of(&folder.path().join("deep/history"));
        assert!(path.ends_with("deep/history.key"));
        assert!(KeyFile::read(&path).unwrap().is_none());
        let made = KeyFile::open(&path).unwrap();
        let new = made.new.unwrap();
        let other = KeyFile::open(&path).unwrap().new.unwrap();
        new.write().unwrap();
        let told = other.write().unwrap_err().to_string();
        assert!(told.contains("restart the router"), "{told}");
        let again = KeyFile::open(&path).unwrap();
        assert!(again.new.is_none());
        let hash = |keys: &IdKeys| keys.hash(IdKind::UserId, "u-1");
        assert_eq!(hash(&made.keys), hash(&again.keys));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let key = fs::read_to_string(&path).unwrap();
        fs::write(&path, &key[..20]).unwrap();
        let told = KeyFile::open(&path).unwrap_err().to_string();
        assert!(
            told.contains("history.key") && !told.contains(&key[..20]),
            "{told}"
        );
    }
}
