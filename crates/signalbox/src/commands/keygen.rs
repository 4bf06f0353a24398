//! `signalbox keygen`

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use signalbox_core::JournalKey;
use signalbox_journal::{Keys, new_key};

use crate::cli::KeygenArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// The consequence of losing a key, for the person who makes one.
pub(super) const LOSS: &str = "Keep a copy of the key in another place than the journal: without the key, the journal and all \
                               events and dead letters in it are lost.";

pub(crate) fn run(args: &KeygenArgs) -> Result<Code, Failure> {
    let key = new_key().map_err(|error| Failure::from(error.to_string()))?;
    match &args.out {
        None => {
            print(&format!("{}\n", key.to_text()));
            // Standard output is the key alone, for a secret store.
            tell(LOSS);
        }
        Some(path) => {
            write(path, &key).map_err(|error| unwritten(path, &error))?;
            print(&format!(
                "{} written, with the key {}. Name it in the pipeline file:\n\n    [journal]\n    key = \"${{file:{}}}\"\n\n{LOSS}\n",
                path.display(),
                id(&key)?,
                std::path::absolute(path)
                    .unwrap_or_else(|_| path.clone())
                    .display()
            ));
        }
    }
    Ok(exit::OK)
}

/// The public name of a key, as the journal's errors and `status` show it.
pub(super) fn id(key: &JournalKey) -> Result<String, Failure> {
    let keys = Keys::new(std::slice::from_ref(key)).map_err(|error| Failure::from(error.to_string()))?;
    Ok(keys
        .and_then(|keys| keys.ids().next())
        .map_or_else(String::new, |id| id.to_string()))
}

/// Writes a key durably to a new file, for its owner alone.
pub(super) fn write(path: &Path, key: &JournalKey) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, signalbox_core::PRIVATE_FILE);
    let mut file = options.open(path)?;
    let written = writeln!(file, "{}", key.to_text()).and_then(|()| file.sync_all());
    // A part of a key is of no use to anybody.
    written.inspect_err(|_| drop(std::fs::remove_file(path)))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The failure to write a key file.
pub(super) fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    if error.kind() == ErrorKind::AlreadyExists {
        return format!(
            "{path} exists already and is left as it is: a key that a journal needs must not be replaced"
        )
        .into();
    }
    format!("{path} cannot be written: {error}").into()
}
