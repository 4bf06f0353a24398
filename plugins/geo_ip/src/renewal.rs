//! The database in use, and a newer one when its file changes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crate::database::{Database, Version};

/// A database that follows its file. The thread that looks at the file starts with the first event, so that checks of a
/// pipeline file start none, and ends when this value is dropped.
pub(crate) struct Renewed {
    current: Arc<RwLock<Arc<Database>>>,
    /// The state of the thread until it starts.
    watch: Mutex<Option<Watch>>,
    /// Dropping it ends the thread.
    running: OnceLock<Option<Sender<()>>>,
}

/// The thread's own state.
struct Watch {
    transform: String,
    path: PathBuf,
    every: Duration,
    version: Version,
    current: Arc<RwLock<Arc<Database>>>,
}

impl Renewed {
    /// Reads the file for a transform of this name.
    pub(crate) fn read(transform: &str, path: &Path, every: Duration) -> Result<Renewed, String> {
        let (database, version) = Database::read(path)?;
        let current = Arc::new(RwLock::new(Arc::new(database)));
        Ok(Renewed {
            watch: Mutex::new(Some(Watch {
                transform: transform.to_owned(),
                path: path.to_owned(),
                every,
                version,
                current: current.clone(),
            })),
            current,
            running: OnceLock::new(),
        })
    }

    /// Returns the database in use.
    pub(crate) fn current(&self) -> Arc<Database> {
        self.running.get_or_init(|| self.start());
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn start(&self) -> Option<Sender<()>> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let (sender, ended) = mpsc::channel::<()>();
        let name = watch.transform.clone();
        let spawned = std::thread::Builder::new()
            .name("geo-ip".to_owned())
            .spawn(move || {
                let mut watch = watch;
                let mut told = None;
                while ended.recv_timeout(watch.every) == Err(RecvTimeoutError::Timeout) {
                    watch.look(&mut told);
                }
            });
        match spawned {
            Ok(_) => Some(sender),
            Err(error) => {
                tracing::warn!(
                    transform = name,
                    "no thread can be started, so a new database is used only after a restart: {error}"
                );
                None
            }
        }
    }
}

impl Watch {
    /// Reads the file again if it has changed. `told` is the problem that was logged last.
    fn look(&mut self, told: &mut Option<String>) {
        match self.newer() {
            Ok(None) => {}
            Ok(Some((database, version))) => {
                tracing::info!(
                    transform = self.transform,
                    database = %self.path.display(),
                    kind = database.kind(),
                    "a new database is in use"
                );
                self.version = version;
                *told = None;
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(database);
            }
            Err(problem) => {
                if told.as_ref() != Some(&problem) {
                    tracing::warn!(
                        transform = self.transform,
                        database = %self.path.display(),
                        "{problem}; the last good database stays in use"
                    );
                    *told = Some(problem);
                }
            }
        }
    }

    fn newer(&self) -> Result<Option<(Database, Version)>, String> {
        if Version::of(&self.path)? == self.version {
            return Ok(None);
        }
        let (database, version) = Database::read(&self.path)?;
        database.verify()?;
        // A file that is still being written is looked at again.
        if Version::of(&self.path)? != version {
            return Ok(None);
        }
        Ok(Some((database, version)))
    }
}
