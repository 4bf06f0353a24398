//! Moves the contents of a disk journal into a journal on NATS.

use std::sync::Arc;
use std::time::Duration;

use signalbox_config::{DeadLetterSettings, JournalKind, JournalSettings};
use signalbox_core::HumanDuration;
use signalbox_journal::{
    Copied, DeadLetterQuota, DiskJournal, Journal, TransferError, Transferred, copied, transfer,
};

use super::{LostErasures, open_existing};

/// A journal's settings.
pub struct Place {
    /// `[journal]`
    pub journal: JournalSettings,
    /// `[dead_letters]`
    pub dead_letters: DeadLetterSettings,
}

/// A time after which nothing is deleted, since it is longer than any journal lasts.
const NEVER: HumanDuration = HumanDuration(Duration::from_secs(1_000 * 365 * 24 * 3_600));

/// The progress of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoveStep {
    /// An earlier call was interrupted, and its copy cannot go on, for this reason: it is deleted, and begun anew.
    Anew(String),
    /// Events are copied.
    Copied {
        /// The events so far.
        events: u64,
        /// All that there are.
        all: u64,
    },
}

/// Copies a disk journal into a new journal on NATS, compares the two, and marks the folder as moved. After an interruption the
/// same call goes on with the copy; if the disk journal has changed since, it deletes what there is of the copy, and begins anew.
///
/// Returns the numbers of the copy; `None` if an earlier call had made it, and only the mark was missing. `told` hears of each
/// step.
///
/// # Errors
/// A sentence with the remedy, if a router has one of the two open, if the new one is in use, or if one cannot be read or written.
pub async fn move_to_nats(
    mut from: Place,
    mut to: Place,
    told: impl FnMut(MoveStep),
) -> Result<Option<Transferred>, String> {
    if from.journal.kind != JournalKind::Disk {
        return Err("only a journal on disk can be moved: name its pipeline file".to_owned());
    }
    if to.journal.kind != JournalKind::Nats {
        return Err("the new pipeline file needs type = \"nats\" in [journal]".to_owned());
    }
    // The old journal stays as it is, and its copy as it was written.
    from.journal.retain = Some(NEVER);
    from.journal.max_age = None;
    (from.dead_letters.max_age, to.dead_letters.max_age) = (None, None);
    let folder = from.journal.folder();
    let place = format!("the journal '{}' on NATS", to.journal.prefix());
    if let Some(moved) = DiskJournal::moved(&folder).map_err(|error| error.to_string())? {
        return Err(format!(
            "{}: the contents were moved already, to {moved}",
            folder.display()
        ));
    }
    let old =
        blocking(move || open_existing(&from.journal, &from.dead_letters, LostErasures::Refused)).await?;
    let moved = copy(&old, to, told).await;
    let marked = moved.and_then(|moved| {
        let marked = DiskJournal::mark_moved(&folder, &place);
        marked.map(|()| moved).map_err(|error| error.to_string())
    });
    old.close();
    old.shutdown().await;
    marked
}

async fn copy(
    old: &Arc<dyn Journal>,
    to: Place,
    mut told: impl FnMut(MoveStep),
) -> Result<Option<Transferred>, String> {
    let to = Arc::new(to);
    let mut new = open_new(&to).await?;
    let id = old.id().unwrap_or_default();
    let result = async {
        match copied(&*new).await.map_err(in_new)? {
            Copied::Never => {}
            Copied::Whole(from) if from == id => return Ok(None),
            Copied::Begun(from) if from == id => {}
            Copied::Whole(_) | Copied::Begun(_) => {
                return Err(
                    "the new journal holds a copy of another journal: give it another prefix".to_owned(),
                );
            }
        }
        let mut done = copy_events(old, &new, &mut told).await;
        if let Err(TransferError::CannotResume(why)) = done {
            told(MoveStep::Anew(why));
            new.close();
            new.shutdown().await;
            super::nats::delete(&to.journal).await?;
            new = open_new(&to).await?;
            done = copy_events(old, &new, &mut told).await;
        }
        done.map(Some).map_err(|error| format!("journal: {error}"))
    }
    .await;
    new.close();
    new.shutdown().await;
    result
}

async fn copy_events(
    old: &Arc<dyn Journal>,
    new: &Arc<dyn Journal>,
    told: &mut impl FnMut(MoveStep),
) -> Result<Transferred, TransferError> {
    let copied = |events, all| told(MoveStep::Copied { events, all });
    transfer(&**old, &**new, copied).await
}

/// Opens the new journal, unless a router runs with it.
async fn open_new(to: &Arc<Place>) -> Result<Arc<dyn Journal>, String> {
    let place = to.clone();
    let new = blocking(move || open_nats(&place)).await?;
    let own = to.journal.node()?;
    let others = new.nodes().into_iter().filter(|node| *node.name != *own);
    let others: Vec<String> = others.map(|node| node.name.to_string()).collect();
    if others.is_empty() {
        return Ok(new);
    }
    new.close();
    new.shutdown().await;
    Err(format!(
        "routers run with the new journal already ({}): stop them, and call the command again",
        others.join(", ")
    ))
}

fn open_nats(place: &Place) -> Result<Arc<dyn Journal>, String> {
    let quota = super::quota(&place.dead_letters, &DeadLetterQuota::default());
    super::nats::open_any(&place.journal, quota)
}

fn in_new(error: signalbox_journal::JournalError) -> String {
    format!("the new journal: {error}")
}

async fn blocking<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let opened = tokio::task::spawn_blocking(open).await;
    opened.map_err(|_| "the journal could not be opened".to_owned())?
}

#[cfg(test)]
mod tests {
    use signalbox_config::ClusterSettings;
    use signalbox_core::{Event, Receipt, Size};
    use signalbox_journal::{Start, Subscription};
    use signalbox_testkit::NatsCluster;

    use super::*;

    fn place(journal: JournalSettings) -> Place {
        Place {
            journal,
            dead_letters: DeadLetterSettings::default(),
        }
    }

    /// The settings of a journal on a cluster's server.
    fn on_nats(cluster: &NatsCluster, folder: &std::path::Path, max_bytes: u64) -> JournalSettings {
        JournalSettings {
            kind: JournalKind::Nats,
            servers: cluster.urls(),
            monitor: cluster.monitors(),
            cache: Some(folder.join("cache")),
            max_bytes: Some(Size(max_bytes)),
            plain: Some(true),
            cluster: Some(ClusterSettings {
                node: Some("router-1".into()),
                replicas: Some(1),
                unsafe_single: Some(true),
                ..ClusterSettings::default()
            }),
            ..JournalSettings::default()
        }
    }

    /// An event of 2 kB.
    fn event(n: usize) -> Event {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1_700_000_000_000,
        };
        let text = format!(r#"{{"messageId":"m{n}","text":"{}"}}"#, "x".repeat(2_000));
        Event::parse(&text, receipt).unwrap()
    }

    /// Makes a disk journal with this number of pending events.
    async fn disk(folder: &std::path::Path, events: usize) -> JournalSettings {
        let settings = JournalSettings {
            path: Some(folder.join("old")),
            ..JournalSettings::default()
        };
        let journal = super::super::open(&settings, &DeadLetterSettings::default()).unwrap();
        let subscription = Subscription::new(["web"], Start::End);
        drop(journal.reader("pin", &subscription).await.unwrap());
        for n in 0..events {
            journal.append(vec![event(n)]).await.unwrap();
        }
        journal.close();
        journal.shutdown().await;
        settings
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_move_that_failed_goes_on_and_ends_once() {
        if !NatsCluster::available() {
            return;
        }
        let cluster = NatsCluster::start(1).await;
        let folder = tempfile::tempdir().unwrap();
        let old = disk(folder.path(), 1_500).await;
        let new = |max_bytes: u64| on_nats(&cluster, folder.path(), max_bytes);
        let anew = std::cell::Cell::new(0);
        let moving = async |max_bytes: u64| {
            let told = |step| anew.set(anew.get() + u32::from(matches!(step, MoveStep::Anew(_))));
            move_to_nats(place(old.clone()), place(new(max_bytes)), told).await
        };
        let error = moving(2_000_000).await.unwrap_err();
        assert!(
            error.contains("max_bytes") && error.contains("call the command again"),
            "{error}"
        );
        // A router does not begin with half a copy.
        let half = new(50_000_000);
        let error = blocking(move || super::super::open(&half, &DeadLetterSettings::default())).await;
        let error = error.err().unwrap();
        assert!(error.contains("call 'signalbox journal move' again"), "{error}");
        let done = moving(50_000_000).await.unwrap().unwrap();
        assert_eq!(anew.get(), 0);
        assert!((1..1_500).contains(&done.resumed), "{done:?}");
        assert_eq!(
            (done.events, done.pending, done.sinks, done.lost),
            (1_500, 1_500, 1, 0)
        );
        let error = super::super::open(&old, &DeadLetterSettings::default())
            .err()
            .unwrap();
        assert!(
            error.contains("were moved to the journal 'sbx' on NATS"),
            "{error}"
        );
        let error = moving(50_000_000).await.unwrap_err();
        assert!(error.contains("were moved already"), "{error}");
        // As if the process had died before the mark.
        std::fs::remove_file(folder.path().join("old/MOVED")).unwrap();
        assert_eq!(moving(50_000_000).await, Ok(None));
        let settings = new(50_000_000);
        let journal = blocking(move || super::super::open(&settings, &DeadLetterSettings::default()))
            .await
            .unwrap();
        let sinks = journal.sinks().await.unwrap();
        assert_eq!((sinks.len(), sinks[0].pending()), (1, 1_500));
        journal.close();
        journal.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_move_begins_anew_after_a_router_ran_meanwhile() {
        if !NatsCluster::available() {
            return;
        }
        let cluster = NatsCluster::start(1).await;
        let folder = tempfile::tempdir().unwrap();
        let old = disk(folder.path(), 1_500).await;
        let moving = async |max_bytes: u64, steps: &mut Vec<MoveStep>| {
            let new = on_nats(&cluster, folder.path(), max_bytes);
            move_to_nats(place(old.clone()), place(new), |step| steps.push(step)).await
        };
        let mut steps = Vec::new();
        moving(2_000_000, &mut steps).await.unwrap_err();
        let journal = super::super::open(&old, &DeadLetterSettings::default()).unwrap();
        journal.append(vec![event(1_500)]).await.unwrap();
        journal.close();
        journal.shutdown().await;
        let done = moving(50_000_000, &mut steps).await.unwrap().unwrap();
        assert_eq!((done.events, done.pending, done.resumed), (1_501, 1_501, 0));
        let anew = steps.iter().filter_map(|step| match step {
            MoveStep::Anew(why) => Some(why.as_str()),
            MoveStep::Copied { .. } => None,
        });
        let anew: Vec<&str> = anew.collect();
        assert!(anew.len() == 1 && anew[0].contains("the old journal"), "{anew:?}");
    }

    #[tokio::test]
    async fn only_a_disk_journal_goes_to_nats() {
        let disk = JournalSettings::default;
        let nats = || JournalSettings {
            kind: JournalKind::Nats,
            ..JournalSettings::default()
        };
        let error = move_to_nats(place(nats()), place(nats()), |_| ())
            .await
            .unwrap_err();
        assert!(error.contains("only a journal on disk can be moved"), "{error}");
        let error = move_to_nats(place(disk()), place(disk()), |_| ())
            .await
            .unwrap_err();
        assert!(error.contains("needs type"), "{error}");
    }
}
