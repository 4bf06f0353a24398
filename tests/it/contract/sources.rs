//! Sources: every event is handed over once and acknowledged only then; slow and full intakes are felt; stops lose
//! nothing.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use signalbox_core::{BuildContext, Side, Sockets, Source, SourceConfig};
use signalbox_testkit::OneSocket;
use signalbox_testkit::contract::source::{Feed, check};

use crate::support::client::{WRITE_KEY, basic, try_send};

/// The sources that this file checks.
pub(super) const CHECKED: [&str; 2] = ["file", "segment_http"];

/// A source as a pipeline file would build it.
fn build(plugin: &str, mut settings: Value) -> Box<dyn Source> {
    settings["type"] = plugin.into();
    let config: Box<dyn SourceConfig> = serde_json::from_value(settings).unwrap();
    let context = BuildContext {
        name: "under_test".into(),
        place: Side::Source,
    };
    config.build(&context).unwrap().component
}

/// A client that posts a batch until it is answered with 200, as SDKs do.
struct Client(Arc<OneSocket>);

#[async_trait]
impl Feed for Client {
    fn build(&self) -> Box<dyn Source> {
        build(
            "segment_http",
            json!({ "listen": "127.0.0.1:0", "write_keys": [WRITE_KEY] }),
        )
    }

    fn sockets(&self) -> Arc<dyn Sockets> {
        self.0.clone()
    }

    async fn send(&self, texts: &[String]) {
        let address = self.0.address().unwrap().to_string();
        let key = basic(WRITE_KEY);
        let headers = [("authorization", key.as_str())];
        let body = format!("{{\"batch\":[{}]}}", texts.join(","));
        let post = || try_send(&address, "POST", "/v1/batch", &headers, body.as_bytes());
        while post().await.is_none_or(|answer| answer.status != 200) {
            // The pause of a client that tries again.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn segment_http() {
    check("segment_http", &Client(OneSocket::open().unwrap())).await;
}

/// A file that grows.
struct Growing(PathBuf);

#[async_trait]
impl Feed for Growing {
    fn build(&self) -> Box<dyn Source> {
        build("file", json!({ "path": self.0 }))
    }

    async fn send(&self, texts: &[String]) {
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(&self.0)
            .unwrap();
        for text in texts {
            writeln!(file, "{text}").unwrap();
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn file() {
    let folder = tempfile::tempdir().unwrap();
    check("file", &Growing(folder.path().join("in.jsonl"))).await;
}
