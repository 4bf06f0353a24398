//! Opening a journal on NATS.

use std::sync::Arc;

use signalbox_config::JournalSettings;
use signalbox_journal::{DeadLetterQuota, Journal, JournalError, NatsJournal, NatsOptions};
use tokio::runtime::Handle;

/// Connects to the servers and opens the journal. Blocks.
///
/// # Errors
/// A sentence with the remedy.
pub(super) fn open(settings: &JournalSettings, quota: DeadLetterQuota) -> Result<Arc<dyn Journal>, String> {
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
        let opened = NatsJournal::open(client, options).await;
        opened.map_err(|error: JournalError| format!("journal: {error}"))
    };
    let journal = Handle::current().block_on(opening)?;
    Ok(Arc::new(journal))
}
