//! The router under test and what surrounds it.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_admin::Status;
use signalbox_sandbox::{Faults, SandboxConfig};

use super::generator::{Generator, PERSONAL, id, is_order, same_at_pinterest, same_in_archive};
use super::schedule::{Act, Phase};
use super::tally::Tally;
use super::{output, wait_for};
use crate::support::process::Process;
use crate::support::world::World;

/// `variant` changes Pinterest's settings, so that a reload has something to do.
fn config(variant: u64) -> String {
    format!(
        r#"
[admin]
listen = "${{ADMIN}}"
[shutdown]
deadline = "1s"
[journal]
max_bytes = "1MB"
[sources.shop]
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["${{WRITE_KEY}}"]
through = ["hash"]
[transforms.hash]
type = "hash_pii"
[sinks.archive]
type = "file"
inputs = ["shop"]
path = "${{FOLDER}}/archive.jsonl"
sync = false
batch.max_wait = "10ms"
[sinks.pinterest]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "${{PINTEREST}}"
ad_account_id = "549755885175"
conversion_token = "${{TOKEN}}"
timeout = "2s"
calls_per_minute = 1000000
batch.max_wait = "10ms"
batch.max_events = {}
retry = {{ initial_backoff = "10ms", max_backoff = "100ms" }}
"#,
        100 - variant % 2
    )
}

/// The commits of a process at its end, beside the events that Pinterest had by then.
struct Ended {
    killed: bool,
    /// Pinterest's lines by then.
    lines: usize,
    /// Events Pinterest had accepted and the journal did not call delivered.
    uncommitted: u64,
}

pub(super) struct Rig {
    pub(super) world: World,
    process: Option<Process>,
    variant: u64,
    pinterest: Tally,
    archive: Tally,
    ended: Vec<Ended>,
    deaf: Vec<Range<usize>>,
    retried: u64,
}

impl Rig {
    pub(super) async fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("capture.jsonl");
        let world = World::with(SandboxConfig {
            capture: Some(capture.clone()),
            ..SandboxConfig::default()
        })
        .await;
        let world = World { folder, ..world };
        let archive = world.path("archive.jsonl");
        let mut rig = Rig {
            world,
            process: None,
            variant: 0,
            pinterest: Tally::new(capture, "event_id", same_at_pinterest),
            archive: Tally::new(archive, "messageId", same_in_archive),
            ended: Vec::new(),
            deaf: Vec::new(),
            retried: 0,
        };
        rig.write(&config(0));
        rig.start().await;
        rig
    }

    fn write(&self, text: &str) {
        self.world.write("p.toml", text);
    }

    fn config(&self) -> String {
        self.world.path("p.toml").display().to_string()
    }

    async fn start(&mut self) {
        let process = self.world.router(Path::new(&self.config())).await;
        process.status(&self.world.admin, |status| status.ready).await;
        self.process = Some(process);
    }

    /// Lets the clients send and the router suffer.
    pub(super) async fn phase(&mut self, phase: &Phase, generator: &Generator) {
        let mut rng = fastrand::Rng::with_seed(phase.seed);
        let began = Instant::now();
        let from = self.pinterest.catch_up();
        let mut faults = phase.faults.clone();
        if phase.poison {
            let next = generator.next();
            faults.poison_event_ids = (next..next + 40)
                .filter(|n| is_order(*n))
                .step_by(15)
                .map(id)
                .collect();
        }
        self.world.sandbox.set_faults(faults);
        generator.allow(phase.allowed);
        let refused = generator.refused();
        for act in &phase.acts {
            // In the middle of deliveries, if the faults let any through.
            let end = Instant::now() + Duration::from_millis(400);
            while self.pinterest.catch_up() == from && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            tokio::time::sleep(Duration::from_millis(rng.u64(0..15))).await;
            self.act(*act).await;
        }
        if phase.until_full {
            wait_for("a full journal", 60, || async { generator.refused() > refused }).await;
        }
        // Long enough that something is delivered, and not longer than the faults let anything through.
        let enough = |at: Instant| {
            let time = at.elapsed();
            time > Duration::from_millis(300) && generator.open() == 0 || time > Duration::from_secs(2)
        };
        while !enough(began) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.world.sandbox.set_faults(Faults::default());
        if phase.deaf {
            let to = self.pinterest.catch_up();
            self.deaf.push(from..to);
        }
        for act in &phase.after {
            self.act(*act).await;
        }
    }

    pub(super) async fn act(&mut self, act: Act) {
        let Some(process) = &mut self.process else { return };
        match act {
            Act::Kill => {
                // Dropping kills.
                self.process = None;
                self.gone(true).await;
                self.start().await;
            }
            Act::Terminate => {
                process.signal("TERM");
                if let Some(process) = self.process.take() {
                    let exit = process.exit().await;
                    assert_eq!(exit.code, Some(0), "{exit:?}");
                }
                self.gone(false).await;
                self.start().await;
            }
            Act::Reload => {
                self.variant += 1;
                self.write(&config(self.variant));
                self.reload("the new configuration runs").await;
            }
            Act::ReloadInvalid => {
                self.write(&config(self.variant).replace("type = \"file\"", "type = \"fiel\""));
                self.reload("the new configuration is not used").await;
                self.write(&config(self.variant));
            }
            Act::RetryDeadLetters => {
                let arguments = [
                    "deadletters",
                    "retry",
                    "--config",
                    &self.config(),
                    "--sink",
                    "pinterest",
                    "--json",
                ];
                let told: Value =
                    serde_json::from_str(&output(&arguments, &self.world.variables()).await).unwrap();
                assert_eq!(told["without_payload"], 0, "{told}");
                self.retried += told["removed"].as_u64().unwrap();
            }
        }
    }

    async fn reload(&self, answer: &str) {
        let Some(process) = &self.process else { return };
        let count = || process.stderr().matches(answer).count();
        let before = count();
        process.signal("HUP");
        wait_for(answer, 60, || async { count() > before }).await;
    }

    /// Checks the files of a process that has ended: its sums close, and every event called delivered is at Pinterest.
    async fn gone(&mut self, killed: bool) {
        let status = self.offline().await;
        assert!(status.sums_close, "{status:#?}");
        let lines = self.pinterest.catch_up();
        let (there, delivered) = (self.pinterest.distinct(), status.sinks["pinterest"].delivered);
        assert!(
            delivered <= there,
            "{delivered} are called delivered, {there} are there"
        );
        self.ended.push(Ended {
            killed,
            lines,
            uncommitted: there - delivered,
        });
    }

    async fn offline(&self) -> Status {
        let arguments = ["status", "--config", &self.config(), "--json"];
        serde_json::from_str(&output(&arguments, &self.world.variables()).await).unwrap()
    }

    /// Waits until nothing is pending.
    pub(super) async fn settled(&self) -> Status {
        let process = self.process.as_ref().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let status = process.status(&self.world.admin, |_| true).await;
            let pending: u64 = status.sinks.values().map(|sink| sink.pending).sum();
            if status.sums_close && pending == 0 {
                return status;
            }
            assert!(Instant::now() < end, "{status:#?}\n{}", process.stderr());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the router in order, and returns the status by its files.
    pub(super) async fn stop(&mut self) -> Status {
        let process = self.process.take().unwrap();
        process.signal("TERM");
        let exit = process.exit().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
        self.pinterest.catch_up();
        self.archive.catch_up();
        self.offline().await
    }

    pub(super) async fn dead_letters(&self) -> Vec<Value> {
        let arguments = [
            "deadletters",
            "list",
            "--config",
            &self.config(),
            "--json",
            "--limit",
            "10000000",
        ];
        let text = output(&arguments, &self.world.variables()).await;
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// No file of the journal holds a personal value, though it holds the events.
    pub(super) fn no_plaintext(&self) {
        let mut found = false;
        let mut folders = vec![self.world.path("signalbox-journal")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read(&path).unwrap().to_ascii_lowercase();
                found |= memchr::memmem::find(&text, b"conserved-").is_some();
                for value in PERSONAL {
                    assert!(
                        memchr::memmem::find(&text, value.as_bytes()).is_none(),
                        "{value} in {}",
                        path.display()
                    );
                }
            }
        }
        assert!(found, "the events are not where they were looked for");
    }

    /// Finds the cause of each second copy at Pinterest; tells how many there are of each.
    pub(super) fn explain(&self) -> String {
        let (mut all, mut deaf) = (0, 0);
        let mut restarts = vec![0; self.ended.len()];
        for (before, copy) in self.pinterest.copies() {
            all += 1;
            if self.deaf.iter().any(|range| range.contains(&before)) {
                deaf += 1;
                continue;
            }
            // A process ended in between, and had not noted down that the first copy was delivered.
            let end = self.ended.iter().position(|ended| before < ended.lines);
            let end = end.filter(|end| self.ended[*end].lines <= copy);
            let end = end.unwrap_or_else(|| panic!("no cause for the copy of line {before} in line {copy}"));
            restarts[end] += 1;
        }
        let (mut killed, mut stopped) = (0, 0);
        for (copies, ended) in restarts.iter().zip(&self.ended) {
            assert!(*copies <= ended.uncommitted, "{copies} of {}", ended.uncommitted);
            *(if ended.killed { &mut killed } else { &mut stopped }) += copies;
        }
        format!(
            "{all}: {deaf} accepted without an answer that could be read, {killed} not noted down at one of {} kills \
             (by kill: {restarts:?}), {stopped} in flight when a stop's deadline came",
            self.kills()
        )
    }

    pub(super) fn kills(&self) -> u64 {
        self.ended.iter().filter(|ended| ended.killed).count() as u64
    }

    pub(super) fn retried(&self) -> u64 {
        self.retried
    }

    pub(super) fn pinterest(&self) -> &Tally {
        &self.pinterest
    }

    pub(super) fn archive(&self) -> &Tally {
        &self.archive
    }
}
