//! The router under test and what surrounds it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_admin::Status;
use signalbox_sandbox::{Faults, SandboxConfig};

use super::destinations::Destination;
use super::events::{PERSONAL, id, is_order, same_in_archive};
use super::generator::Generator;
use super::kinds::KINDS;
use super::schedule::{Act, Phase};
use super::tally::Tally;
use super::{output, wait_for};
use crate::support::pipeline::{ADMIN, ALL_RULES, archive, hashing};
use crate::support::process::Process;
use crate::support::world::World;

fn config(variant: u64) -> String {
    let sinks: String = KINDS.iter().map(|kind| kind.table(variant)).collect();
    let journal = "[journal]\nmax_bytes = \"1MB\"\n";
    [ADMIN, journal, &hashing(ALL_RULES), &archive(), &sinks].concat()
}

pub(super) struct Rig {
    pub(super) world: World,
    process: Option<Process>,
    variant: u64,
    destinations: [Destination; KINDS.len()],
    archive: Tally,
    /// For each process that ended: true if it was killed.
    killed: Vec<bool>,
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
            destinations: KINDS.each_ref().map(|kind| Destination::new(kind, &capture)),
            archive: Tally::new(archive, "messageId", same_in_archive).of_killed_writer(),
            killed: Vec::new(),
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
        let from = self.lines();
        let buries = phase.steps.iter().any(|step| step.buries);
        let buried = if buries { self.letters().await } else { Vec::new() };
        for (destination, step) in self.destinations.iter().zip(&phase.steps) {
            let mut faults = step.faults.clone();
            if step.poison {
                let next = generator.next();
                let orders = (next..next + 40).filter(|n| is_order(*n));
                faults.poison_event_ids = orders.step_by(15).map(id).collect();
            }
            self.world.sandbox.set_faults_of(destination.kind.vendor, faults);
        }
        generator.allow(phase.allowed);
        let refused = generator.refused();
        for act in &phase.acts {
            // In the middle of deliveries, if the faults let any through.
            let end = Instant::now() + Duration::from_millis(400);
            while self.lines() == from && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            tokio::time::sleep(Duration::from_millis(rng.u64(0..15))).await;
            self.act(*act).await;
        }
        if buries {
            let more = || async {
                let mut letters = self.letters().await.into_iter().zip(&buried).zip(&phase.steps);
                letters.all(|((now, then), step)| now > *then || !step.buries)
            };
            wait_for("new dead letters", 60, more).await;
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
        for ((destination, step), from) in self.destinations.iter_mut().zip(&phase.steps).zip(from) {
            if step.deaf {
                let to = destination.tally.catch_up();
                destination.deaf.push(from..to);
            }
        }
        for act in &phase.after {
            self.act(*act).await;
        }
    }

    /// Returns the number of dead letters of each sink.
    async fn letters(&self) -> Vec<u64> {
        let Some(process) = &self.process else {
            return Vec::new();
        };
        let status = process.status(&self.world.admin, |_| true).await;
        let sinks = KINDS.iter().map(|kind| status.sinks[kind.sink()].letters.kept);
        sinks.collect()
    }

    /// Returns the number of lines of each vendor.
    fn lines(&mut self) -> [usize; KINDS.len()] {
        self.destinations
            .each_mut()
            .map(|destination| destination.tally.catch_up())
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
                let config = self.config();
                let variables = self.world.variables();
                for destination in &mut self.destinations {
                    let sink = destination.kind.sink();
                    let arguments = [
                        "deadletters",
                        "retry",
                        "--config",
                        &config,
                        "--sink",
                        sink,
                        "--json",
                    ];
                    let told: Value = serde_json::from_str(&output(&arguments, &variables).await).unwrap();
                    assert_eq!(told["without_payload"], 0, "{told}");
                    destination.retried += told["removed"].as_u64().unwrap();
                }
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

    /// Checks the files of a process that has ended: sums close, and events called delivered are at the vendors.
    async fn gone(&mut self, killed: bool) {
        let status = self.offline().await;
        assert!(status.sums_close, "{status:#?}");
        for destination in &mut self.destinations {
            destination.process_ended(status.sinks[destination.kind.sink()].delivered);
        }
        self.killed.push(killed);
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
        self.lines();
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
                // The journal removes files that every sink has read.
                let Ok(text) = std::fs::read(&path) else { continue };
                let text = text.to_ascii_lowercase();
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

    pub(super) fn kills(&self) -> u64 {
        self.killed.iter().filter(|killed| **killed).count() as u64
    }

    pub(super) fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// Tells the causes of the second copies at a vendor.
    pub(super) fn explain(&self, destination: &Destination) -> String {
        destination.explain(&self.killed)
    }

    pub(super) fn archive(&self) -> &Tally {
        &self.archive
    }
}
