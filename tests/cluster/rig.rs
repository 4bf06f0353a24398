//! Routers, NATS servers and destinations of one test.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use signalbox_admin::Status;
use signalbox_core::JournalKey;
use signalbox_sandbox::{Sandbox, SandboxConfig};
use signalbox_testkit::{Link, NatsCluster};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clients::Book;
use crate::events::is_order;
use crate::kinds::KINDS;
use crate::router::Router;
use crate::support::client::WRITE_KEY;

/// The most tests that run at a time.
const TURNS: u32 = 3;
static TURN: Semaphore = Semaphore::const_new(TURNS as usize);

/// The part of the machine that a test needs.
#[derive(Clone, Copy)]
pub(crate) enum Share {
    /// It runs beside two others.
    Third,
    /// It runs alone, since it measures CPU or uses all of it.
    Whole,
}

/// Waits for the test's turn, which lasts until the guard is dropped.
pub(crate) async fn turn(share: Share) -> SemaphorePermit<'static> {
    let permits = match share {
        Share::Third => 1,
        Share::Whole => TURNS,
    };
    TURN.acquire_many(permits).await.unwrap()
}

/// Settings of a test's cluster.
pub(crate) struct Options {
    pub(crate) share: Share,
    pub(crate) routers: usize,
    /// Bytes of events that the journal holds, below the 4 GB that the servers have.
    pub(crate) max_bytes: &'static str,
    /// Time for which a router may be silent.
    pub(crate) takeover: Duration,
    /// Lets the test cut the ways between the servers, and those of the routers to them.
    pub(crate) linked: bool,
    /// The tables of the sinks, which reach the sandbox at `${DESTINATION}`.
    pub(crate) sinks: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            share: Share::Third,
            routers: 3,
            max_bytes: "1GB",
            takeover: Duration::from_secs(10),
            linked: false,
            sinks: pinterest("pinterest", "calls_per_minute = 5000"),
        }
    }
}

/// Everything that one test runs. All of it ends when this is dropped.
pub(crate) struct Rig {
    pub(crate) routers: Vec<Router>,
    pub(crate) servers: NatsCluster,
    pub(crate) sandbox: Sandbox,
    folder: TempDir,
    _turn: SemaphorePermit<'static>,
}

/// The sink of Pinterest, with further settings.
pub(crate) fn pinterest(name: &str, settings: &str) -> String {
    let defaults = [
        r#"timeout = "2s""#,
        r#"retry = { initial_backoff = "50ms", max_backoff = "500ms" }"#,
    ];
    let defaults = defaults.into_iter().filter(|setting| {
        let key = setting.split_inclusive('=').next();
        key.is_some_and(|key| !settings.contains(key))
    });
    let settings = defaults.chain([settings]).collect::<Vec<_>>().join("\n");
    format!(
        r#"
[sinks.{name}]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "${{DESTINATION}}/v5"
ad_account_id = "549755885175"
conversion_token = "${{TOKEN}}"
rate_group = "{name}"
batch.max_wait = "10ms"
{settings}
"#
    )
}

impl Rig {
    /// Starts three servers and the routers, and waits until all serve; none without a NATS server.
    pub(crate) async fn start(options: Options) -> Option<Rig> {
        let turn = turn(options.share).await;
        if !NatsCluster::available() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let servers = match options.linked {
            true => NatsCluster::start_linked(3).await,
            false => NatsCluster::start(3).await,
        };
        let sandbox = SandboxConfig {
            capture: Some(folder.path().join("capture.jsonl")),
            any_age: true,
            ..SandboxConfig::default()
        };
        let sandbox = signalbox_sandbox::start(sandbox).await.unwrap();
        let config = folder.path().join("pipeline.toml");
        std::fs::write(&config, file(&servers, &options)).unwrap();
        let mut rig = Rig {
            routers: Vec::new(),
            servers,
            sandbox,
            folder,
            _turn: turn,
        };
        let destination = rig.sandbox.addr().to_string();
        for at in 0..options.routers {
            let servers = rig.servers.urls();
            let mut links = Vec::new();
            for server in servers.iter().filter(|_| options.linked) {
                let address = server.trim_start_matches("nats://").parse().unwrap();
                links.push(Link::start(address).await);
            }
            let folder = rig.folder.path();
            let router = Router::start(at, &config, folder, &destination, &servers, links).await;
            rig.routers.push(router);
        }
        rig.running().await;
        Some(rig)
    }

    /// The file that the sandbox writes accepted events to.
    pub(crate) fn capture(&self) -> PathBuf {
        self.folder.path().join("capture.jsonl")
    }

    /// Where clients send events.
    pub(crate) fn listen(&self) -> Vec<String> {
        self.routers.iter().map(|router| router.listen.clone()).collect()
    }

    /// Waits until every router serves.
    pub(crate) async fn running(&self) {
        for router in &self.routers {
            router.running().await;
        }
    }

    /// Waits until a router drives the sink, and returns its number.
    pub(crate) async fn owner(&self, sink: &str) -> usize {
        self.wait(60, "an owner", async |rig| {
            for (at, router) in rig.routers.iter().enumerate() {
                let status = router.status().await;
                if status.is_some_and(|status| !status.sinks[sink].elsewhere) {
                    return Some(at);
                }
            }
            None
        })
        .await
    }

    /// Waits until the routers have settled every event, and returns the status of each.
    pub(crate) async fn settled(&self, seconds: u64) -> Vec<Status> {
        self.wait(seconds, "all events to be settled", async |rig| {
            let mut all = Vec::new();
            for router in &rig.routers {
                let status = router.status().await?;
                let pending: u64 = status.sinks.values().map(|sink| sink.pending).sum();
                if pending > 0 || !status.sums_close {
                    return None;
                }
                all.push(status);
            }
            // Those of the drivers are current, the others follow.
            let counts = |status: &Status| {
                let sinks = status.sinks.iter();
                let counts = sinks.map(|(name, sink)| (name.clone(), sink.journalled, sink.delivered));
                counts.collect::<Vec<_>>()
            };
            all.iter()
                .all(|status| counts(status) == counts(&all[0]))
                .then_some(all)
        })
        .await
    }

    /// Asserts that the sandbox has every acknowledged event that is one for Pinterest, each as it was sent.
    pub(crate) fn nothing_is_lost(&self, book: &Book) {
        let mut tally = KINDS[0].tally(&self.capture());
        tally.catch_up();
        let acknowledged = book.acknowledged.iter();
        let lost: Vec<&u64> = acknowledged
            .filter(|number| is_order(**number) && !tally.has(**number))
            .collect();
        assert!(lost.is_empty(), "acknowledged and nowhere: {lost:?}");
    }

    /// Waits until the answer is there.
    ///
    /// # Panics
    /// After these seconds, with the logs of all routers.
    pub(crate) async fn wait<T>(
        &self,
        seconds: u64,
        what: &str,
        mut ask: impl AsyncFnMut(&Rig) -> Option<T>,
    ) -> T {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(answer) = ask(self).await {
                return answer;
            }
            assert!(
                Instant::now() < end,
                "waited {seconds} s in vain for {what}\n{}",
                self.shown().await
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Describes each router's sinks and the end of its log, for a test that fails.
    pub(crate) async fn shown(&self) -> String {
        let mut text = String::new();
        for router in &self.routers {
            text.push_str(&format!("\n== {}\n", router.node));
            if let Some(status) = router.status().await {
                text.push_str(&format!("ready: {}, {:?}\n", status.ready, status.not_ready));
                for (name, sink) in &status.sinks {
                    text.push_str(&format!(
                        "{name}: journalled {}, delivered {}, filtered {:?}, rejected {:?}, expired {:?}, pending {}, \
                         elsewhere {}, driven by {:?}, held {:?}, attempts {}\n",
                        sink.journalled,
                        sink.delivered,
                        sink.filtered,
                        sink.rejected,
                        sink.expired,
                        sink.pending,
                        sink.elsewhere,
                        sink.driven_by,
                        sink.held,
                        sink.requests.attempts
                    ));
                }
            }
            let log = router.log();
            let lines: Vec<&str> = log.lines().collect();
            text.push_str(&lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        text
    }
}

/// The pipeline file of all routers.
fn file(servers: &NatsCluster, options: &Options) -> String {
    let key = JournalKey::new([7; 32]).to_text();
    format!(
        r#"
[admin]
listen = "${{ADMIN}}"
[shutdown]
deadline = "5s"

[journal]
type = "nats"
servers = ["${{SERVER_1}}", "${{SERVER_2}}", "${{SERVER_3}}"]
monitor = {:?}
key = "{}"
cache = "${{CACHE}}"
max_bytes = "{}"
[journal.cluster]
node = "${{NODE}}"
takeover = "{}s"

[sources.shop]
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["{WRITE_KEY}"]
through = ["hash"]
[transforms.hash]
type = "hash_pii"
rules = ["pinterest", "meta", "tiktok"]
{}
"#,
        servers.monitors(),
        key,
        options.max_bytes,
        options.takeover.as_secs(),
        options.sinks
    )
}
