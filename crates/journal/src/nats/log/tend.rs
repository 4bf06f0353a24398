//! Care for the ids and the cache: files of ids are written, merged and forgotten. The snapshot is written before each file
//! of ids.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::followed::Followed;
use super::options::LogOptions;
use super::place;
use super::shared::Shared;
use super::snapshot::{Of, Snapshot};
use super::stream::Info;
use crate::JournalError;
use crate::dedup::IdStore;
use crate::fs::{folder_error, make_folder, paths};
use crate::mutex::lock;

/// The interval of the care.
const EVERY: Duration = Duration::from_secs(1);

/// Opens the cache. Without one, or with one that does not fit to the stream, everything begins anew.
pub(super) async fn load(
    options: &LogOptions,
    info: &Info,
    hashed: u64,
) -> Result<(IdStore, Followed), JournalError> {
    let (folder, window, memory) = (options.cache.clone(), options.dedup_window, options.dedup_memory);
    let (created, last) = (info.created.clone(), info.state.last_seq);
    let first = info.state.first_seq;
    let load = move || {
        make_folder(&folder).map_err(|error| JournalError(format!(
            "{}: the journal's cache cannot be made: {error}; set journal.cache to a folder that the router may write to",
            folder.display()
        )))?;
        let of = Of {
            created: &created,
            hashed,
            window: millis(window),
            last,
        };
        let ids = |now| IdStore::load(&folder, window, memory, now, Some(hashed));
        let kept = Snapshot::read(&folder, &of).and_then(|snapshot| {
            let ids = ids(snapshot.stored);
            // Without a window there are no ids to learn again.
            let off = window.is_zero();
            let filed_to = if off { 0 } else { frames_to(ids.filed_to()) };
            let learnt_to = if off {
                u64::MAX
            } else {
                filed_to.max(snapshot.filed_to)
            };
            let whole = snapshot.covers(filed_to) && !has_damage(&folder);
            whole.then(|| (ids, snapshot.into_followed(learnt_to)))
        });
        let (ids, mut followed) = match kept {
            Some(kept) => kept,
            None => {
                clear(&folder);
                (ids(0), Followed::default())
            }
        };
        followed.learnt_to = followed.learnt_to.min(followed.to).max(first.saturating_sub(1));
        followed.to = followed.to.max(followed.learnt_to);
        Ok((ids, followed))
    };
    let loaded = tokio::task::spawn_blocking(load).await;
    loaded.unwrap_or_else(|_| {
        Err(JournalError(
            "the journal's cache was not read: the router stops".into(),
        ))
    })
}

/// The newest frame whose events are all before a position.
fn frames_to(position: u64) -> u64 {
    place::sequence(position).saturating_sub(1)
}

fn millis(window: Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX)
}

/// True if a file of the cache was set aside as unreadable.
fn has_damage(folder: &Path) -> bool {
    let mut files = paths(folder).into_iter().flatten();
    files.any(|path| path.to_string_lossy().contains(".corrupt"))
}

/// Deletes the files of the cache.
fn clear(folder: &Path) {
    for path in paths(folder).into_iter().flatten() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = name.starts_with("ids-") || name.starts_with("followed.");
        if ours && let Err(error) = fs::remove_file(&path) {
            tracing::warn!("{}", folder_error(&path, "cannot be emptied", &error));
        }
    }
}

/// Tends the ids if the last care was long ago. Called between frames only. Blocks.
pub(super) fn tend(shared: &Shared) {
    let (learnt_to, stored) = {
        let mut followed = lock(&shared.followed);
        if followed.tended.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        followed.tended = Some(Instant::now());
        (followed.learnt_to, followed.stored)
    };
    let due = lock(&shared.ids).is_due(stored);
    if due {
        save(shared);
    }
    lock(&shared.ids).tend(place::start(learnt_to + 1), stored, false);
}

/// Writes everything to the cache. Blocks.
pub(super) fn close(shared: &Shared) {
    let _working = lock(&shared.working);
    save(shared);
    let (learnt_to, stored) = {
        let followed = lock(&shared.followed);
        (followed.learnt_to, followed.stored)
    };
    lock(&shared.ids).close(place::start(learnt_to + 1), stored);
    save(shared);
}

fn save(shared: &Shared) {
    let filed_to = frames_to(lock(&shared.ids).filed_to());
    let of = Of {
        created: &shared.created,
        hashed: shared.hasher.name(),
        window: millis(shared.options.dedup_window),
        last: u64::MAX,
    };
    let snapshot = Snapshot::new(&of, &lock(&shared.followed), filed_to);
    snapshot.write(&shared.options.cache);
}
