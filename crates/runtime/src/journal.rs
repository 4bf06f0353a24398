//! Opening the journal that the configuration names.

#[cfg(feature = "nats")]
mod monitoring;
#[cfg(feature = "nats")]
mod moving;
#[cfg(feature = "nats")]
mod nats;

use std::sync::Arc;

#[cfg(feature = "nats")]
pub use moving::{MoveStep, Place, move_to_nats};
use signalbox_config::{DeadLetterSettings, JournalKind, JournalSettings, OnFull};
use signalbox_journal::{DeadLetterQuota, DiskJournal, DiskOptions, Journal, Keys, MemoryJournal};

/// Opens the journal. Blocks: after a crash up to a few seconds. Call it where tokio's runtime may be blocked.
///
/// # Errors
/// A sentence that names the folder and what to do.
pub fn open(
    settings: &JournalSettings,
    dead_letters: &DeadLetterSettings,
) -> Result<Arc<dyn Journal>, String> {
    open_with(settings, dead_letters, LostErasures::Refused)
}

/// The fault of a journal on NATS in a build without it.
pub const WITHOUT_NATS: &str = "this build of Signalbox has no journal on NATS";
/// The cargo feature of builds that have it.
pub const NATS_FEATURE: &str = "nats";

/// The treatment of a journal whose list of erasures is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostErasures {
    /// It is not opened, since events of erased people would be delivered.
    Refused,
    /// It goes on with what is left of the list: an operator repeats the erasures.
    Accepted,
}

fn open_with(
    settings: &JournalSettings,
    dead_letters: &DeadLetterSettings,
    lost: LostErasures,
) -> Result<Arc<dyn Journal>, String> {
    match settings.kind {
        JournalKind::Disk => {}
        JournalKind::Memory => {
            let quota = quota(dead_letters, &MemoryJournal::DEAD_LETTERS);
            return Ok(Arc::new(MemoryJournal::with_quota(settings.limit(), quota)));
        }
        #[cfg(feature = "nats")]
        JournalKind::Nats => return nats::open(settings, quota(dead_letters, &DeadLetterQuota::default())),
        #[cfg(not(feature = "nats"))]
        JournalKind::Nats => {
            let remedy = signalbox_core::with_feature(NATS_FEATURE);
            return Err(format!("journal: {WITHOUT_NATS}; {remedy}"));
        }
    }
    let default = DiskOptions::new(settings.folder());
    let options = DiskOptions {
        max_bytes: settings.limit(),
        max_age: settings.max_age.map(|span| span.0),
        retain: settings.retain.map_or(default.retain, |span| span.0),
        dedup_window: settings.dedup_window.map_or(default.dedup_window, |span| span.0),
        dedup_memory: settings.dedup_memory.map_or(default.dedup_memory, |size| size.0),
        dead_letters: quota(dead_letters, &DeadLetterQuota::default()),
        keys: keys(settings)?,
        accept_lost_erasures: lost == LostErasures::Accepted,
        ..default
    };
    let journal = DiskJournal::open(options).map_err(|error| format!("journal: {error}"))?;
    Ok(Arc::new(journal))
}

/// Returns the keys of a sealed journal; `None` if the settings name none.
///
/// # Errors
/// A sentence that names the setting, if it holds no key.
pub fn keys(settings: &JournalSettings) -> Result<Option<Keys>, String> {
    let keys = settings.keys().map_err(|fault| format!("journal.key {fault}"))?;
    Keys::new(&keys).map_err(|error| format!("journal.key: {error}"))
}

/// Opens an existing journal, for a command that must not create one.
///
/// # Errors
/// The errors of [`open`], and a missing journal.
pub fn open_existing(
    settings: &JournalSettings,
    dead_letters: &DeadLetterSettings,
    lost: LostErasures,
) -> Result<Arc<dyn Journal>, String> {
    if settings.kind == JournalKind::Nats {
        return Err(
            "a journal on NATS is asked through a router that shares it, at its [admin] listen".to_owned(),
        );
    }
    let folder = settings.folder();
    if !DiskJournal::exists(&folder).map_err(|error| format!("journal: {error}"))? {
        let path = std::path::absolute(&folder).unwrap_or(folder);
        return Err(format!(
            "there is no journal in {}: no router has run by this file yet, or it ran in another directory; check \
             [journal] path",
            path.display()
        ));
    }
    open_with(settings, dead_letters, lost)
}

/// Computes the quota from the settings and a journal's defaults.
fn quota(settings: &DeadLetterSettings, default: &DeadLetterQuota) -> DeadLetterQuota {
    DeadLetterQuota {
        sink_bytes: settings.max_bytes.map_or(default.sink_bytes, |size| size.0),
        on_full: match settings.on_full() {
            OnFull::DropOldest => signalbox_journal::OnFull::DropOldest,
            OnFull::HoldSink => signalbox_journal::OnFull::HoldSink,
        },
        source_bytes: settings
            .source_max_bytes
            .map_or(default.source_bytes, |size| size.0),
        max_age: settings.max_age.map(|span| span.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Size;

    #[test]
    fn settings_of_dead_letters_become_a_quota() {
        let quota = |settings| quota(&settings, &DeadLetterQuota::default());
        let default = quota(DeadLetterSettings::default());
        assert_eq!(default, DeadLetterQuota::default());
        assert_eq!(
            (default.sink_bytes, default.source_bytes, default.on_full),
            (1_000_000_000, 256_000_000, signalbox_journal::OnFull::HoldSink)
        );
        let given = quota(DeadLetterSettings {
            max_bytes: Some(Size(5_000_000)),
            source_max_bytes: Some(Size(1_000_000)),
            ..DeadLetterSettings::default()
        });
        assert_eq!(
            (given.sink_bytes, given.source_bytes, given.on_full),
            (5_000_000, 1_000_000, signalbox_journal::OnFull::DropOldest)
        );
    }
}
