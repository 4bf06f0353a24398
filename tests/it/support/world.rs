//! All that a pipeline touches: a stand-in for Pinterest, a webhook's receiver, a folder, addresses.

use std::path::PathBuf;

use serde_json::Value;
use signalbox_sandbox::{Sandbox, SandboxConfig};
use signalbox_testkit::{Act, Server};
use tempfile::TempDir;

use super::client::WRITE_KEY;
use super::free_port;

/// The conversion token in these tests; as long as Pinterest's are.
pub(crate) const TOKEN: &str = "zqtoken5e1c0a7f93b24d68a1f0c3e97b5d2846";

/// The surroundings of one test.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) hook: Server,
    pub(crate) folder: TempDir,
    /// Where the source listens.
    pub(crate) listen: String,
    /// The admin address.
    pub(crate) admin: String,
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
            listen: format!("127.0.0.1:{}", free_port()),
            admin: format!("127.0.0.1:{}", free_port()),
        }
    }

    /// What pipeline files of these tests may put in.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        [
            ("LISTEN", self.listen.clone()),
            ("ADMIN", self.admin.clone()),
            ("WRITE_KEY", WRITE_KEY.to_owned()),
            ("PINTEREST", self.sandbox.base_url()),
            ("TOKEN", TOKEN.to_owned()),
            ("HOOK", self.hook.url()),
            ("FOLDER", self.folder.path().display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
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

    /// What Pinterest accepted.
    pub(crate) fn accepted(&self) -> Vec<Value> {
        self.sandbox
            .events()
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }

    /// What the file sink wrote.
    pub(crate) fn archived(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("archive.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the webhook's receiver got, retries included.
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
