//! Opening a journal on NATS.

use std::sync::Arc;

use signalbox_config::JournalSettings;
use signalbox_journal::{
    Copied, DeadLetterQuota, Journal, JournalError, NatsJournal, NatsOptions, copied, delete_journal,
};
use tokio::runtime::Handle;

/// Connects to the servers and opens the journal. Blocks.
///
/// # Errors
/// A sentence with the remedy. A copy of a disk journal that has not ended is refused.
pub(super) fn open(settings: &JournalSettings, quota: DeadLetterQuota) -> Result<Arc<dyn Journal>, String> {
    let journal = open_any(settings, quota)?;
    let copy = Handle::current().block_on(copied(&*journal));
    let refused = match copy.map_err(|error| format!("journal: {error}"))? {
        Copied::Never | Copied::Whole(_) => return Ok(journal),
        Copied::Begun(_) => {
            "journal: a copy of a disk journal into this one was begun and has not ended; call 'signalbox journal move' again"
        }
    };
    journal.close();
    Handle::current().block_on(journal.shutdown());
    Err(refused.to_owned())
}

/// Deletes the journal from the servers, with everything in it. No router may have it open.
///
/// # Errors
/// A sentence with the remedy.
pub(super) async fn delete(settings: &JournalSettings) -> Result<(), String> {
    let client = signalbox_nats::connect(&settings.connection(), "journal").await;
    let client = client.map_err(|error| format!("journal: {error}"))?;
    let deleted = delete_journal(&client, settings.prefix()).await;
    deleted.map_err(|error| format!("journal: {error}"))
}

/// Connects to the servers and opens the journal, whatever it holds. Blocks.
///
/// # Errors
/// A sentence with the remedy.
pub(super) fn open_any(
    settings: &JournalSettings,
    quota: DeadLetterQuota,
) -> Result<Arc<dyn Journal>, String> {
    let default = NatsOptions::new(settings.node()?, settings.cache());
    let options = NatsOptions {
        prefix: settings.prefix().to_owned(),
        takeover: settings.takeover(),
        replicas: settings.replicas().into(),
        max_bytes: settings.limit(),
        retain: settings.retain.map_or(default.retain, |span| span.0),
        dedup_window: settings.dedup_window.map_or(default.dedup_window, |span| span.0),
        dedup_memory: settings.dedup_memory.map_or(default.dedup_memory, |size| size.0),
        dead_letters: quota,
        keys: super::keys(settings)?,
        ..default
    };
    let connection = settings.connection();
    let opening = async {
        let client = signalbox_nats::connect(&connection, "journal").await;
        let client = client.map_err(|error| format!("journal: {error}"))?;
        super::monitoring::check(&settings.monitor)
            .await
            .map_err(|problem| format!("journal: {problem}"))?;
        let opened = NatsJournal::open(client, options).await;
        opened.map_err(|error: JournalError| format!("journal: {error}"))
    };
    let journal = Handle::current().block_on(opening)?;
    Ok(Arc::new(journal))
}
