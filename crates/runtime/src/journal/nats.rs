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

#[cfg(test)]
mod tests {
    use signalbox_config::{ClusterSettings, JournalKind};
    use signalbox_core::{Event, Receipt};
    use signalbox_journal::{Commit, Group, Progress, Read, Start, Subscription};
    use signalbox_testkit::NatsCluster;

    use super::*;

    /// The rights that the example gives a router in an account of others.
    const RIGHTS: &str = include_str!("../../../../examples/cluster/rights.conf");

    #[tokio::test(flavor = "multi_thread")]
    async fn the_rights_of_the_example_are_enough() {
        if !NatsCluster::available() {
            return;
        }
        let account = format!(
            "accounts {{ SHARED {{ jetstream: enabled, users: [ {{ user: router, password: p, permissions {{\n{RIGHTS}\n}} }} ] }} }}"
        );
        let cluster = NatsCluster::start_with(1, &account).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = JournalSettings {
            kind: JournalKind::Nats,
            servers: cluster.urls(),
            user: Some("router".into()),
            password: Some(signalbox_core::Secret::new("p")),
            cache: Some(folder.path().join("cache")),
            max_bytes: Some(signalbox_core::Size(10_000_000)),
            plain: Some(true),
            cluster: Some(ClusterSettings {
                node: Some("router-1".into()),
                replicas: Some(1),
                unsafe_single: Some(true),
                ..ClusterSettings::default()
            }),
            ..JournalSettings::default()
        };
        for n in 0..2 {
            let settings = settings.clone();
            let opening = tokio::task::spawn_blocking(move || open(&settings, DeadLetterQuota::default()));
            let journal = opening.await.unwrap().unwrap();
            let groups = vec![Group {
                name: "group".into(),
                sinks: vec!["pin".into()],
            }];
            let mut tenures = journal.tenures(groups);
            let drives = |tenures: &signalbox_journal::Tenures| tenures.of("pin").is_some();
            tenures.wait_for(drives).await.unwrap();
            let subscription = Subscription::new(["web"], Start::End);
            let (mut reader, _) = journal.reader("pin", &subscription).await.unwrap();
            let receipt = Receipt {
                source: "web".into(),
                received_at: 1,
            };
            let event = Event::parse(&format!(r#"{{"messageId":"m{n}"}}"#), receipt).unwrap();
            journal.append(vec![event]).await.unwrap();
            let Read::Events(events) = reader.next(10).await else {
                panic!("an event")
            };
            reader.commit(Commit {
                progress: Some(Progress {
                    cursor: events[0].position + 1,
                    ..Progress::default()
                }),
                ..Commit::default()
            });
            reader.flush().await;
            assert_eq!(journal.nodes().len(), 1);
            drop(reader);
            journal.close();
            journal.shutdown().await;
        }
        let log = cluster.log(0);
        let refused: Vec<&str> = log.lines().filter(|line| line.contains("Violation")).collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }
}
