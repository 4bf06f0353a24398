//! All that a pipeline touches: a stand-in for Pinterest, a webhook's receiver, a folder, addresses.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use signalbox_core::JournalKey;
use signalbox_sandbox::{Sandbox, SandboxConfig, Vendor};
use signalbox_testkit::{Act, Server};
use tempfile::TempDir;

use super::client::WRITE_KEY;
use super::process::{Process, command};

/// The conversion token in these tests; as long as Pinterest's are.
pub(crate) const TOKEN: &str = "zqtoken5e1c0a7f93b24d68a1f0c3e97b5d2846";

/// An address on loopback: port 0 until a listener has opened it, from then on with the port that it got.
#[derive(Default)]
pub(crate) struct Address(OnceLock<String>);

impl Address {
    /// Keeps the address that a listener got, for later listeners too.
    pub(crate) fn is(&self, address: impl ToString) {
        self.0.set(address.to_string()).unwrap();
    }

    /// Reads the address from the first line of a log that says so.
    fn learn(&self, log: &str, told: &str) {
        let line = log.lines().find(|line| line.contains(told));
        let Some((_, rest)) = line.and_then(|line| line.split_once("127.0.0.1:")) else {
            return;
        };
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        self.0.get_or_init(|| format!("127.0.0.1:{port}"));
    }
}

impl Deref for Address {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.get().map_or("127.0.0.1:0", String::as_str)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// The surroundings of one test.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) hook: Server,
    pub(crate) folder: TempDir,
    /// Where the source listens.
    pub(crate) listen: Address,
    /// The admin address.
    pub(crate) admin: Address,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(SandboxConfig::default()).await
    }

    pub(crate) async fn with(config: SandboxConfig) -> World {
        World {
            sandbox: signalbox_sandbox::start(config).await.unwrap(),
            hook: Server::start(Act::reply(200, "")).await,
            folder: tempfile::tempdir().unwrap(),
            listen: Address::default(),
            admin: Address::default(),
        }
    }

    /// Returns the variables of these tests' pipeline files.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        [
            ("LISTEN", self.listen.to_string()),
            ("ADMIN", self.admin.to_string()),
            ("WRITE_KEY", WRITE_KEY.to_owned()),
            ("PINTEREST", self.sandbox.base_url()),
            ("META", self.sandbox.base_url_of(Vendor::Meta)),
            ("TIKTOK", self.sandbox.base_url_of(Vendor::TikTok)),
            ("TOKEN", TOKEN.to_owned()),
            ("HOOK", self.hook.url()),
            ("JOURNAL_KEY", JournalKey::new([7; 32]).to_text()),
            ("FOLDER", self.folder.path().display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Starts `signalbox run` with this pipeline file.
    pub(crate) async fn router(&self, config: &Path) -> Process {
        self.router_with(config, &self.variables()).await
    }

    /// Starts [`World::router`] with these variables.
    pub(crate) async fn router_with(&self, config: &Path, variables: &[(String, String)]) -> Process {
        let arguments = ["run", "--config", config.to_str().unwrap()];
        self.spawn(&mut command(&arguments, variables)).await
    }

    /// Starts a router, and learns the addresses of the first one.
    pub(crate) async fn spawn(&self, command: &mut Command) -> Process {
        let process = Process::spawn(command);
        self.learn(&process).await;
        process
    }

    /// Waits until the first router's log tells the ports that the system gave to it, or the process has ended. Later
    /// routers get the same ports.
    pub(crate) async fn learn(&self, router: &Process) {
        if self.listen.0.get().is_none() || self.admin.0.get().is_none() {
            router.running().await;
            let log = router.stderr();
            self.listen.learn(&log, "listening for Segment SDKs");
            self.admin.learn(&log, "the admin address is open");
        }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the events that Pinterest accepted.
    pub(crate) fn accepted(&self) -> Vec<Value> {
        self.sandbox
            .events()
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }

    /// Returns the events that the file sink wrote.
    pub(crate) fn archived(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("archive.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the events that the file sink wrote, where kills may have cut lines off: such a line ends where the next one begins,
    /// and its event comes again.
    pub(crate) fn archived_despite_kills(&self) -> Vec<Value> {
        let bytes = std::fs::read(self.path("archive.jsonl")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.lines().map(serde_json::from_str);
        whole
            .filter(|line| !line.as_ref().is_err_and(serde_json::Error::is_eof))
            .map(Result::unwrap)
            .collect()
    }

    /// Returns the events that the webhook's receiver got, retries included.
    pub(crate) fn hooked(&self) -> Vec<Value> {
        let bodies = self
            .hook
            .seen()
            .into_iter()
            .filter(|seen| seen.head.starts_with("POST"));
        bodies
            .flat_map(|seen| serde_json::from_slice::<Vec<Value>>(&seen.body).unwrap())
            .collect()
    }
}

/// A shop's events to Pinterest, a file and a webhook. `top` goes before everything, `source` into the source's table,
/// `pinterest` into Pinterest's.
pub(crate) fn shop(top: &str, source: &str, pinterest: &str) -> String {
    format!(
        r#"{top}
[sources.shop]
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["${{WRITE_KEY}}"]
{source}

[sinks.archive]
type = "file"
inputs = ["shop"]
path = "${{FOLDER}}/archive.jsonl"
sync = false
batch.max_wait = "10ms"

[sinks.hook]
type = "webhook"
inputs = ["shop"]
url = "${{HOOK}}/events"
batch.max_wait = "10ms"
retry = {{ initial_backoff = "10ms", max_backoff = "50ms" }}

[sinks.pinterest]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "${{PINTEREST}}"
ad_account_id = "549755885175"
conversion_token = "${{TOKEN}}"
retry.initial_backoff = "10ms"
retry.max_backoff = "100ms"
batch.max_wait = "20ms"
{pinterest}
"#
    )
}
