//! The source.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use signalbox_core::{
    BuildContext, Event, Fate, Intake, Outlet, PluginKind, Reason, Refused, RefusedCause, RejectedInput,
    Side, Source, SourceConfig, SourceContext, StartError, plugins,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The runtime's side: refuses a number of times, then takes everything.
struct Double {
    events: Mutex<Vec<Value>>,
    sizes: Mutex<Vec<usize>>,
    rejected: Mutex<Vec<RejectedInput>>,
    refusals: Mutex<usize>,
    /// A permit for each call of `send`.
    called: Semaphore,
}

impl Double {
    /// Refuses the configured number of times.
    fn refuse_some(&self) -> Result<(), Refused> {
        let mut refusals = self.refusals.lock().unwrap();
        let Some(left) = refusals.checked_sub(1) else {
            return Ok(());
        };
        *refusals = left;
        Err(Refused {
            cause: RefusedCause::Full,
            retry_after: Duration::ZERO,
        })
    }
}

#[async_trait]
impl Intake for Double {
    async fn send(self: Arc<Self>, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        self.called.add_permits(1);
        self.refuse_some()?;
        self.sizes.lock().unwrap().push(events.len());
        let fates = vec![Fate::Accepted; events.len()];
        let events = events
            .iter()
            .map(|event| serde_json::from_str(&event.to_json()).unwrap());
        self.events.lock().unwrap().extend(events);
        Ok(fates)
    }

    async fn reject(self: Arc<Self>, rejected: Vec<RejectedInput>) -> Result<(), Refused> {
        self.refuse_some()?;
        self.rejected.lock().unwrap().extend(rejected);
        Ok(())
    }

    fn refuse(&self, _: u64, _: Reason) {}
}

fn double(refusals: usize) -> Arc<Double> {
    Arc::new(Double {
        events: Mutex::default(),
        sizes: Mutex::default(),
        rejected: Mutex::default(),
        refusals: Mutex::new(refusals),
        called: Semaphore::new(0),
    })
}

fn build(path: &Path) -> Box<dyn Source> {
    let config: Box<dyn SourceConfig> =
        serde_json::from_value(json!({"type": "file", "path": path.to_str().unwrap()})).unwrap();
    let context = BuildContext {
        name: "backfill".into(),
        place: Side::Source,
    };
    config.build(&context).unwrap().component
}

async fn run(path: &Path, double: &Arc<Double>, shutdown: &CancellationToken) -> Result<(), StartError> {
    let context = SourceContext {
        name: "backfill".into(),
        outlet: Outlet::new(double.clone()),
        shutdown: shutdown.clone(),
        checkpoints: signalbox_testkit::MemoryCheckpoints::default().shared(),
        vitals: Arc::default(),
        sockets: signalbox_testkit::NewSockets::shared(),
    };
    build(path).start(context).await?.await
}

fn file(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

const PAGE: &str = r#"{"type":"page","userId":"u","timestamp":"2025-01-01T00:00:00Z","sentAt":"2025-01-01T00:00:05Z","context":{"direct":true}}"#;

#[test]
fn it_is_listed_and_wants_a_path() {
    let listed = plugins();
    assert!(
        listed
            .iter()
            .any(|info| info.kind == PluginKind::Source && info.name == "file")
    );
    let parse = |settings| serde_json::from_value::<Box<dyn SourceConfig>>(settings);
    assert!(
        parse(json!({"type": "file"}))
            .unwrap_err()
            .to_string()
            .contains("path")
    );
    assert!(parse(json!({"type": "file", "path": "-", "x": 1})).is_err());
    let context = BuildContext {
        name: "backfill".into(),
        place: Side::Source,
    };
    let empty = parse(json!({"type": "file", "path": ""}))
        .unwrap()
        .build(&context);
    assert_eq!(empty.err().unwrap()[0].path, "path");
    assert!(
        parse(json!({"type": "file", "path": "-"}))
            .unwrap()
            .build(&context)
            .is_ok()
    );
}

#[tokio::test]
async fn events_are_completed_as_a_servers() {
    let double = double(0);
    run(
        file(format!("\u{feff}{PAGE}\r\n\n")).path(),
        &double,
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    let events = double.events.lock().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["timestamp"], "2025-01-01T00:00:00.000Z");
    assert_eq!(events[0]["originalTimestamp"], "2025-01-01T00:00:00.000Z");
    assert_eq!(events[0]["sentAt"], "2025-01-01T00:00:05.000Z");
    assert_eq!(events[0]["context"], json!({"direct": true}));
    assert_eq!(events[0]["messageId"].as_str().map(str::len), Some(36));
    assert!(events[0]["receivedAt"].is_string());
}

#[tokio::test]
async fn bad_lines_are_named_by_number_without_their_content() {
    let double = double(0);
    let mut text = format!("{PAGE}\n{{\"secret@example.com\"\n\n[1]\n").into_bytes();
    text.extend(b"{\"type\":\"page\",\"messageId\":\"m\"}\n\xff\n");
    text.extend("y".repeat(100_000).bytes());
    text.extend(format!("\n{PAGE}").bytes());
    run(file(text).path(), &double, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(double.events.lock().unwrap().len(), 2);
    let rejected = double.rejected.lock().unwrap();
    let told: Vec<_> = rejected
        .iter()
        .map(|input| {
            let line = input.reason.message().split(':').next().unwrap();
            (line, input.reason.code(), input.message_id.as_deref())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("line 2", "invalid_json", None),
            ("line 4", "not_an_object", None),
            ("line 5", "no_user_anon_id", Some("m")),
            ("line 6", "not_utf8", None),
            ("line 7", "event_too_large", None),
        ]
    );
    assert!(!format!("{rejected:?}").contains("secret"));
}

#[tokio::test]
async fn chunks_are_bounded_and_refused_ones_come_again() {
    let double = double(2);
    let text = format!("{PAGE}\n7\n").repeat(150);
    run(file(text).path(), &double, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(double.events.lock().unwrap().len(), 150);
    assert_eq!(double.rejected.lock().unwrap().len(), 150, "each only once");
    assert!(double.sizes.lock().unwrap().iter().all(|size| *size <= 100));
    assert!(double.called.available_permits() > 2);
}

#[tokio::test]
async fn unusable_lines_that_are_refused_come_again() {
    let double = double(2);
    run(file("7\n").path(), &double, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(double.rejected.lock().unwrap().len(), 1);
    assert_eq!(*double.refusals.lock().unwrap(), 0);
}

#[tokio::test]
async fn stopping_ends_it_in_the_middle() {
    let double = double(usize::MAX);
    let shutdown = CancellationToken::new();
    let file = file(PAGE.to_owned() + "\n");
    let stop = async {
        double.called.acquire().await.unwrap().forget();
        shutdown.cancel();
    };
    let (result, ()) = tokio::join!(run(file.path(), &double, &shutdown), stop);
    result.unwrap();
    assert!(double.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["missing.jsonl", "none*.jsonl", "[.jsonl"].map(|name| folder.path().join(name)) {
        let error = run(&path, &double(0), &CancellationToken::new())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(path.to_str().unwrap()) && error.contains("`path`"),
            "{error}"
        );
    }
}
