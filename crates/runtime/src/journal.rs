//! Opening the journal that the configuration names.

use std::sync::Arc;

use signalbox_journal::{DiskJournal, DiskOptions, Journal, MemoryJournal};

use crate::config::{DeadLetterSettings, JournalKind, JournalSettings};

/// Opens the journal. Blocks: after a crash up to a few seconds.
///
/// # Errors
/// A sentence that names the folder and what to do.
pub fn open(
    settings: &JournalSettings,
    dead_letters: &DeadLetterSettings,
) -> Result<Arc<dyn Journal>, String> {
    if settings.kind == JournalKind::Memory {
        let quota = dead_letters.quota(JournalKind::Memory);
        return Ok(Arc::new(MemoryJournal::with_quota(settings.limit(), quota)));
    }
    let default = DiskOptions::new(settings.folder());
    let options = DiskOptions {
        max_bytes: settings.limit(),
        max_age: settings.max_age.map(|span| span.0),
        retain: settings.retain.map_or(default.retain, |span| span.0),
        dedup_window: settings.dedup_window.map_or(default.dedup_window, |span| span.0),
        dedup_memory: settings.dedup_memory.map_or(default.dedup_memory, |size| size.0),
        dead_letters: dead_letters.quota(JournalKind::Disk),
        ..default
    };
    let journal = DiskJournal::open(options).map_err(|error| format!("journal: {error}"))?;
    Ok(Arc::new(journal))
}

/// Opens the journal that a router has left, for a command that must not make one.
///
/// # Errors
/// The errors of [`open`], and a missing journal.
pub fn open_existing(
    settings: &JournalSettings,
    dead_letters: &DeadLetterSettings,
) -> Result<Arc<dyn Journal>, String> {
    let folder = settings.folder();
    if !DiskJournal::exists(&folder).map_err(|error| format!("journal: {error}"))? {
        let path = std::path::absolute(&folder).unwrap_or(folder);
        return Err(format!(
            "there is no journal in {}: no router has run by this file yet, or it ran in another directory; check \
             [journal] path",
            path.display()
        ));
    }
    open(settings, dead_letters)
}
