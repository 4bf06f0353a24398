//! Opening of SQLite files, and their faults in plain words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::files;
use crate::schema::Schema;

/// The version of the schema of both kinds of files, kept in SQLite's `user_version`.
pub(crate) const VERSION: i32 = 4;

/// Time for which a statement waits for another program that has locked the file.
const PATIENCE: Duration = Duration::from_millis(500);

/// The reason why a file of the history cannot be used, or another router not be asked. The sentence names the file or the
/// router, and the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{path}: {told}", path = path.display())]
pub struct Trouble {
    path: PathBuf,
    told: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The file is no database, or a damaged one.
    Damaged,
    /// A newer version of Signalbox wrote it.
    Newer,
    /// The file is not there.
    Missing,
    Other,
}

impl Trouble {
    pub(crate) fn of(path: &Path, error: &rusqlite::Error) -> Trouble {
        let code = error.sqlite_error_code();
        let (kind, told) = match code {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                (Kind::Damaged, "is damaged".to_owned())
            }
            Some(ErrorCode::DiskFull) => (
                Kind::Other,
                "cannot be written: the disk is full; make room, or set [history] max_bytes lower".to_owned(),
            ),
            Some(ErrorCode::SystemIoFailure) => (
                Kind::Other,
                "cannot be used: the disk is full or failing; make room, and see the system's log".to_owned(),
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
                Kind::Other,
                "is locked by another program; close the program that writes to it".to_owned(),
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
                Kind::Other,
                "cannot be written: give the router's user the right to write the file and its folder".to_owned(),
            ),
            Some(ErrorCode::CannotOpen) if !path.exists() => (Kind::Missing, "is not there".to_owned()),
            Some(ErrorCode::CannotOpen) => (
                Kind::Other,
                "cannot be opened: give the router's user the right to read and write the file and its folder".to_owned(),
            ),
            _ => (Kind::Other, format!("cannot be used: {error}")),
        };
        Trouble {
            path: path.to_owned(),
            told,
            kind,
        }
    }

    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Trouble {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::Missing,
            _ => Kind::Other,
        };
        let told = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                "cannot be written: give the router's user the right to write it and the folder in which it lies, or set \
                 [history] path to another folder"
                    .to_owned()
            }
            std::io::ErrorKind::StorageFull => {
                "cannot be written: the disk is full; make room, or set [history] path to another folder".to_owned()
            }
            _ => format!("cannot be used: {error}"),
        };
        Trouble {
            path: path.to_owned(),
            told,
            kind,
        }
    }

    /// The fault of another router, which keeps the record.
    pub(crate) fn elsewhere(router: &str, told: String) -> Trouble {
        Trouble {
            path: format!("router '{router}'").into(),
            told,
            kind: Kind::Other,
        }
    }

    pub(crate) fn in_use(path: &Path) -> Trouble {
        Trouble {
            path: path.to_owned(),
            told:
                "is in use: another router writes this history; give each router a [history] path of its own"
                    .to_owned(),
            kind: Kind::Other,
        }
    }

    /// The file of the key appeared after the start, which made another key.
    pub(crate) fn new_key(path: &Path) -> Trouble {
        Trouble {
            path: path.to_owned(),
            told: "appeared after the start, at which this router chose another key; restart the router"
                .to_owned(),
            kind: Kind::Other,
        }
    }

    /// Ids in a file are hashed under a key that is not known.
    pub(crate) fn other_key(path: &Path) -> Trouble {
        Trouble {
            path: path.to_owned(),
            told: "has ids under another key, by which nothing is found or erased; list the earlier key of the journal behind the \
                   present one, or restore the .key file beside the history's folder"
                .to_owned(),
            kind: Kind::Other,
        }
    }

    fn newer(path: &Path, version: i32) -> Trouble {
        Trouble {
            path: path.to_owned(),
            told: format!(
                "was written by a newer version of Signalbox (schema {version}, this one knows {VERSION}); use that \
                 version, or move the file away"
            ),
            kind: Kind::Newer,
        }
    }

    fn damaged(path: &Path) -> Trouble {
        Trouble {
            path: path.to_owned(),
            told: "is damaged".to_owned(),
            kind: Kind::Damaged,
        }
    }

    pub(crate) fn is_damage(&self) -> bool {
        self.kind == Kind::Damaged
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.kind == Kind::Missing
    }

    pub(crate) fn is_newer(&self) -> bool {
        self.kind == Kind::Newer
    }
}

/// Opens a file for writing. Makes its tables if it is new, and brings those of an older schema up to date.
///
/// # Errors
/// [`Trouble`]
pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Connection, Trouble> {
    files::make_private(path).map_err(|error| Trouble::io(path, &error))?;
    let opened = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(PATIENCE)?;
        db.set_prepared_statement_cache_capacity(32);
        // NORMAL: a crash of the process loses nothing that was committed; one of the machine may lose the last commits.
        // Erased texts are overwritten, not only unlinked.
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;",
        )?;
        let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((db, version))
    };
    let (mut db, version) = opened().map_err(|error| Trouble::of(path, &error))?;
    match version {
        0 => create(&mut db, schema).map_err(|error| Trouble::of(path, &error))?,
        VERSION => {}
        older @ 1..VERSION => update(&mut db, schema, older).map_err(|error| Trouble::of(path, &error))?,
        newer => return Err(Trouble::newer(path, newer)),
    }
    Ok(db)
}

fn create(db: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    let made = db.transaction()?;
    made.execute_batch(schema.tables)?;
    if let Some(view) = &schema.view {
        made.execute_batch(view.definition)?;
    }
    made.pragma_update(None, "user_version", VERSION)?;
    made.commit()
}

fn update(db: &mut Connection, schema: &Schema, from: i32) -> rusqlite::Result<()> {
    let updated = db.transaction()?;
    let known = usize::try_from(from - 1).unwrap_or(0);
    for change in schema.changes.iter().skip(known) {
        updated.execute_batch(change)?;
    }
    if let Some(view) = &schema.view {
        updated.execute_batch(&format!("DROP VIEW {};", view.name))?;
        updated.execute_batch(view.definition)?;
    }
    updated.pragma_update(None, "user_version", VERSION)?;
    updated.commit()
}

/// Opens a file for reading, and returns the version of its schema too. Makes no file.
///
/// # Errors
/// [`Trouble`]; the file may be missing, since old files are removed at any time.
pub(crate) fn read(path: &Path) -> Result<(Connection, i32), Trouble> {
    let opened = |name: &Path, flags| {
        let db = Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(PATIENCE)?;
        db.execute_batch("PRAGMA query_only = ON;")?;
        let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((db, version))
    };
    // A reader of a WAL takes part in its locks, so it opens the file for writing and promises not to.
    let shared = opened(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let found =
        shared.or_else(
            |error: rusqlite::Error| match (error.sqlite_error_code(), files::at_rest(path)) {
                // It cannot make the files of the locks: the folder is read-only.
                (Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly), Some(name)) => opened(
                    &name,
                    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
                ),
                _ => Err(error),
            },
        );
    let (db, version) = found.map_err(|error| Trouble::of(path, &error))?;
    match version {
        1..=VERSION => Ok((db, version)),
        // Its tables are not made yet.
        0 => Err(Trouble {
            path: path.to_owned(),
            told: "is empty".to_owned(),
            kind: Kind::Missing,
        }),
        newer => Err(Trouble::newer(path, newer)),
    }
}

/// Reads a whole file and checks its structure.
///
/// # Errors
/// [`Trouble`] that [is damage](Trouble::is_damage), also for a file that was emptied; or the reason why the file cannot be read.
pub(crate) fn check(path: &Path) -> Result<(), Trouble> {
    let db = match read(path) {
        Err(trouble) if trouble.is_missing() => return Err(Trouble::damaged(path)),
        opened => opened?.0,
    };
    let told: rusqlite::Result<String> = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match told.map_err(|error| Trouble::of(path, &error))?.as_str() {
        "ok" => Ok(()),
        _ => Err(Trouble::damaged(path)),
    }
}
