//! A source that is started several times.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use signalbox_core::{BuildContext, Side, SourceConfig, SourceContext, StartError};
use signalbox_testkit::{IntakeDouble, MemoryCheckpoints, NewSockets};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// One source, started several times.
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) checkpoints: MemoryCheckpoints,
}

/// The result of one start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) users: Vec<String>,
    pub(crate) ids: Vec<String>,
    pub(crate) rejected: Vec<String>,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig {
            folder: tempfile::tempdir().unwrap(),
            checkpoints: MemoryCheckpoints::default(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Replaces a file by another one, with another inode.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        self.write("draft", text);
        fs::rename(self.path("draft"), self.path(name)).unwrap();
    }

    /// Starts the source and lets it read to the end.
    pub(crate) async fn read(&self, name: &str) -> Read {
        self.read_with(name, false).await
    }

    pub(crate) async fn read_with(&self, name: &str, read_again: bool) -> Read {
        let intake = IntakeDouble::default();
        self.start(&self.path(name), read_again, &intake, &CancellationToken::new())
            .await;
        read_by(&intake)
    }

    pub(crate) async fn start(
        &self,
        path: &Path,
        read_again: bool,
        intake: &IntakeDouble,
        shutdown: &CancellationToken,
    ) {
        self.try_start(path, read_again, intake, shutdown).await.unwrap();
    }

    pub(crate) async fn try_start(
        &self,
        path: &Path,
        read_again: bool,
        intake: &IntakeDouble,
        shutdown: &CancellationToken,
    ) -> Result<(), StartError> {
        let config: Box<dyn SourceConfig> =
            serde_json::from_value(json!({"type": "file", "path": path, "read_again": read_again})).unwrap();
        let place = BuildContext {
            name: "backfill".into(),
            place: Side::Source,
        };
        let context = SourceContext {
            name: "backfill".into(),
            outlet: intake.outlet(),
            shutdown: shutdown.clone(),
            sockets: NewSockets::shared(),
            checkpoints: self.checkpoints.shared(),
            vitals: std::sync::Arc::default(),
        };
        let source = config.build(&place).unwrap().component;
        source.start(context).await?.await
    }
}

pub(crate) fn read_by(intake: &IntakeDouble) -> Read {
    let events = intake.events();
    let text = |event: &signalbox_core::Event, key: &str| {
        event
            .root()
            .get(key)
            .and_then(|node| node.as_str().map(str::to_owned))
    };
    Read {
        users: events.iter().filter_map(|event| text(event, "userId")).collect(),
        ids: events
            .iter()
            .filter_map(|event| text(event, "messageId"))
            .collect(),
        rejected: intake
            .rejected()
            .iter()
            .map(|input| input.reason.message().to_owned())
            .collect(),
    }
}

/// Builds lines without `messageId`.
pub(crate) fn lines(users: &[&str]) -> String {
    users
        .iter()
        .map(|user| format!("{{\"type\":\"page\",\"userId\":\"{user}\"}}\n"))
        .collect()
}
