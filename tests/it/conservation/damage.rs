//! The promise of conservation under faults that no destination causes: components renamed, the state emptied, cut or
//! gone, the disk filled, the journal's folder deleted, each at a random moment and with kills between them.
//!
//! Copies are allowed here, since a router that lost its state may send events again; the loss of an acknowledged event
//! is not. `CONSERVATION_EVENTS` and `CONSERVATION_KILLS` prolong this test like the other one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use signalbox_admin::Status;
use signalbox_sandbox::{Faults, SandboxConfig, Unavailable};

use super::events::{is_order, same_at_pinterest, same_in_archive};
use super::generator::Generator;
use super::tally::Tally;
use super::{setting, wait_for};
use crate::support::client::try_send;
use crate::support::disk::Disk;
use crate::support::process::Process;
use crate::support::world::World;

/// The faults that strike a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    /// A reload gives the source another name, and the file names the old one in `was`.
    SourceRenamed,
    /// A restart gives the source another name, and the file does not name the old one.
    SourceReplaced,
    SinksRenamed,
    StateEmptied,
    StateCut,
    StateDeleted,
    DiskFilled,
    FolderDeleted,
}

const FAULTS: [Fault; 9] = [
    Fault::Kill,
    Fault::SourceRenamed,
    Fault::SourceReplaced,
    Fault::SinksRenamed,
    Fault::StateEmptied,
    Fault::StateCut,
    Fault::StateDeleted,
    Fault::DiskFilled,
    Fault::FolderDeleted,
];

/// A router and its surroundings. Fields are dropped in their order: the process lets go of the disk, the disk of the
/// folder.
struct Rig {
    process: Option<Process>,
    disk: Option<Disk>,
    world: World,
    rng: fastrand::Rng,
    /// Number of renames of the source, and of the sinks.
    renamed: (u64, u64),
    /// Line for the source's table.
    source_was: String,
    sinks_were: Option<u64>,
}

impl Rig {
    async fn new(seed: u64, capture: &Path) -> Rig {
        let world = World::with(SandboxConfig {
            capture: Some(capture.to_owned()),
            ..SandboxConfig::default()
        })
        .await;
        let disk = Disk::mount(96);
        let mut rig = Rig {
            process: None,
            disk,
            world,
            rng: fastrand::Rng::with_seed(seed),
            renamed: (0, 0),
            source_was: String::new(),
            sinks_were: None,
        };
        rig.write();
        rig.start().await;
        // The second start has the ports that the first one got, and keeps them over reloads.
        rig.killed(|_| {}).await;
        rig
    }

    fn write(&self) {
        let (source, sinks) = self.renamed;
        let was = |sink: &str| {
            self.sinks_were
                .map_or_else(String::new, |number| format!("was = \"{sink}{number}\""))
        };
        let text = format!(
            r#"
[admin]
listen = "${{ADMIN}}"
[shutdown]
deadline = "1s"
[journal]
path = "{journal}"
key = "${{JOURNAL_KEY}}"
max_bytes = "40MB"
[sources.shop{source}]
{source_was}
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["${{WRITE_KEY}}"]
through = ["hash"]
[transforms.hash]
type = "hash_pii"
[sinks.archive{sinks}]
{archive_was}
type = "file"
inputs = ["shop{source}"]
path = "${{FOLDER}}/archive.jsonl"
sync = false
batch.max_wait = "10ms"
[sinks.pinterest{sinks}]
{pinterest_was}
type = "pinterest_conversions"
inputs = ["shop{source}"]
base_url = "${{PINTEREST}}"
ad_account_id = "549755885175"
conversion_token = "${{TOKEN}}"
timeout = "2s"
calls_per_minute = 1000000
batch.max_wait = "10ms"
retry = {{ initial_backoff = "10ms", max_backoff = "100ms" }}
"#,
            journal = self.journal().display(),
            source_was = self.source_was,
            archive_was = was("archive"),
            pinterest_was = was("pinterest"),
        );
        self.world.write("p.toml", &text);
    }

    fn journal(&self) -> PathBuf {
        let folder = self.disk.as_ref().map_or(self.world.folder.path(), Disk::path);
        folder.join("journal")
    }

    async fn launch(&mut self) {
        let process = self.world.router(&self.world.path("p.toml")).await;
        self.process = Some(process);
    }

    async fn ready(&self) {
        self.process()
            .status(&self.world.admin, |status| status.ready)
            .await;
    }

    async fn start(&mut self) {
        self.launch().await;
        self.ready().await;
    }

    /// Kills the router, lets something happen to its files, and starts it again.
    async fn killed(&mut self, then: impl FnOnce(&mut Rig)) {
        // Dropping the process kills it.
        self.process = None;
        then(self);
        self.start().await;
    }

    fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    async fn reload(&self) {
        let answer = "the new configuration runs";
        let count = || self.process().stderr().matches(answer).count();
        let before = count();
        self.process().signal("HUP");
        wait_for(answer, 60, || async { count() > before }).await;
    }

    async fn strike(&mut self, fault: Fault, generator: &Generator) {
        let state = self.journal().join("state.redb");
        match fault {
            Fault::Kill => self.killed(|_| {}).await,
            Fault::SourceRenamed => {
                self.source_was = format!("was = \"shop{}\"", self.renamed.0);
                self.renamed.0 += 1;
                self.write();
                self.reload().await;
            }
            Fault::SourceReplaced => {
                self.source_was.clear();
                self.renamed.0 += 1;
                self.write();
                self.killed(|_| {}).await;
            }
            Fault::SinksRenamed => {
                self.sinks_were = Some(self.renamed.1);
                self.renamed.1 += 1;
                self.write();
                self.reload().await;
            }
            Fault::StateEmptied => {
                self.killed(|_| std::fs::write(&state, "").unwrap()).await;
            }
            Fault::StateCut => {
                self.killed(|rig| {
                    let file = std::fs::OpenOptions::new().write(true).open(&state).unwrap();
                    let length = file.metadata().unwrap().len();
                    file.set_len(rig.rng.u64(0..length)).unwrap();
                })
                .await;
            }
            Fault::StateDeleted => {
                self.killed(|_| std::fs::remove_file(&state).unwrap()).await;
            }
            Fault::DiskFilled => {
                let Some(disk) = &self.disk else { return };
                let refused = generator.refused();
                disk.fill();
                // The space that is left may be enough for the rest of these events.
                let full = || async { generator.refused() > refused || generator.open() == 0 };
                wait_for("a full disk", 60, full).await;
                if self.rng.bool() {
                    // The router starts without free space, to deliver.
                    self.process = None;
                    self.launch().await;
                    let up = || async {
                        try_send(&self.world.admin, "GET", "/live", &[], b"")
                            .await
                            .is_some()
                    };
                    wait_for("a start on a full disk", 60, up).await;
                }
                self.disk.as_ref().unwrap().clear();
                self.ready().await;
            }
            Fault::FolderDeleted => {
                std::fs::remove_dir_all(self.journal()).unwrap();
                let ready = || async {
                    let answer = try_send(&self.world.admin, "GET", "/ready", &[], b"").await;
                    answer.is_some_and(|answer| answer.status == 503)
                };
                wait_for("the deleted folder to be noticed", 10, ready).await;
                // The router can still deliver the events that it acknowledged before.
                self.world.sandbox.set_faults(Faults::default());
                self.settled().await;
                let process = self.process.take().unwrap();
                process.signal("TERM");
                process.exit().await;
                self.start().await;
            }
        }
    }

    /// Waits until nothing is pending.
    async fn settled(&self) -> Status {
        let done = |status: &Status| status.sums_close && status.sinks.values().all(|sink| sink.pending == 0);
        self.process().status(&self.world.admin, done).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_to_names_disks_and_damaged_state() {
    let events = setting("CONSERVATION_EVENTS", 4_000);
    let kills = setting("CONSERVATION_KILLS", 4);
    let seed = setting("CONSERVATION_SEED", 1);
    // The capture must not lie on the disk that is filled.
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.jsonl");

    let mut rig = Rig::new(seed, &capture).await;
    let generator = Generator::start(&rig.world.listen, events, seed);
    // Each fault strikes before every fourth kill of the run.
    let mut faults: Vec<Fault> = (0..kills.div_ceil(4)).flat_map(|_| FAULTS).collect();
    rig.rng.shuffle(&mut faults);
    let share = events / (faults.len() as u64 + 1);
    for (at, fault) in (1..).zip(&faults) {
        // Now and then many acknowledged events are not yet delivered.
        let faulty = rig.rng.bool();
        rig.world.sandbox.set_faults(Faults {
            unavailable: faulty.then(Unavailable::always),
            ..Faults::default()
        });
        generator.allow(share * at);
        tokio::time::sleep(Duration::from_millis(rig.rng.u64(50..400))).await;
        println!("{fault:?}, destination {}", if faulty { "down" } else { "up" });
        rig.strike(*fault, &generator).await;
        let sent = || async { generator.open() == 0 };
        wait_for("the clients", 60, sent).await;
        rig.world.sandbox.set_faults(Faults::default());
        // Now and then pending events wait for the next fault.
        if rig.rng.bool() {
            rig.settled().await;
        }
    }
    generator.allow(events);
    generator.finished().await;
    let status = rig.settled().await;
    rig.process().signal("TERM");
    let exit = rig.process.take().unwrap().exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");

    let mut pinterest = Tally::new(capture, "event_id", same_at_pinterest);
    let archive = Tally::new(rig.world.path("archive.jsonl"), "messageId", same_in_archive);
    let mut archive = archive.of_killed_writer();
    let lines = (pinterest.catch_up(), archive.catch_up());
    let sent = generator.sent();
    let missing = |tally: &Tally, wanted: fn(u64) -> bool| -> Vec<u64> {
        let acknowledged = sent.acknowledged().filter(|number| wanted(*number));
        acknowledged.filter(|number| !tally.has(*number)).collect()
    };
    let (unarchived, undelivered) = (missing(&archive, |_| true), missing(&pinterest, is_order));
    assert!(
        unarchived.is_empty() && undelivered.is_empty(),
        "of {} acknowledged events {} are not in the archive and {} not at Pinterest: {unarchived:?} {undelivered:?}\n{status:#?}",
        sent.acknowledged().count(),
        unarchived.len(),
        undelivered.len(),
    );
    for tally in [&pinterest, &archive] {
        assert!(tally.numbers().all(|number| sent.was_sent(number)));
    }
    println!(
        "{} acknowledged of {}, 0 lost; Pinterest has {} in {} lines, the archive {} in {}; {}",
        sent.acknowledged().count(),
        sent.len(),
        pinterest.distinct(),
        lines.0,
        archive.distinct(),
        lines.1,
        generator.told()
    );
}
