//! The sink.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, from_value, json};
use signalbox_core::{
    Batch, BuildContext, BuildErrors, Built, Event, Outcome, Prepared, Receipt, Record, Side, Sink,
    SinkConfig, Verdict,
};

fn config(mut settings: Value) -> Result<Box<dyn SinkConfig>, serde_json::Error> {
    settings["type"] = "file".into();
    from_value(settings)
}

fn built(settings: Value) -> Result<Built<dyn Sink>, BuildErrors> {
    config(settings).unwrap().build(&BuildContext {
        name: "archive".into(),
        place: Side::Sink,
    })
}

fn build(settings: Value) -> Result<Box<dyn Sink>, BuildErrors> {
    built(settings).map(|built| built.component)
}

fn record(sink: &dyn Sink, text: &str) -> Arc<Record> {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 0,
    };
    let Prepared::Mapped(mut records) = sink.prepare(&Event::parse(text, receipt).unwrap()) else {
        panic!()
    };
    assert_eq!(records.len(), 1);
    Arc::new(records.remove(0).unwrap())
}

async fn deliver(sink: &dyn Sink, texts: &[&str]) -> Verdict {
    let records = texts.iter().map(|text| record(sink, text)).collect();
    sink.deliver(Batch::new(1, records)).await.into_parts().1
}

async fn delivered(sink: &dyn Sink, texts: &[&str]) {
    let verdict = deliver(sink, texts).await;
    let Verdict::Settled(outcomes) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(outcomes.len(), texts.len());
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

const ONE: &str = r#"{"messageId":"m1","n":1.50}"#;
const TWO: &str = r#"{"messageId":"m2","text":"a\nb"}"#;

#[tokio::test]
async fn each_event_is_a_line_and_old_lines_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    for sync in [true, false] {
        let sink = build(json!({ "path": path, "sync": sync })).unwrap();
        delivered(&*sink, &[ONE, TWO]).await;
        delivered(&*sink, &["{\n  \"messageId\": \"m1\",\n  \"n\": 1.50\n}"]).await;
        sink.close().await;
    }
    let once = format!("{ONE}\n{TWO}\n{ONE}\n");
    assert_eq!(read(&path), format!("{once}{once}"));
    let sink = build(json!({ "path": path })).unwrap();
    let made = record(&*sink, ONE);
    assert_eq!((&*made.mapping, made.dedup_key.as_deref()), ("archive", None));
    let framing = sink.framing();
    assert_eq!(
        framing.request + ONE.len() + framing.separator + TWO.len(),
        format!("{ONE}\n{TWO}\n").len()
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    delivered(&*build(json!({ "path": path })).unwrap(), &[ONE]).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o007, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn rotated_files_that_others_may_use_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [
        ("events.jsonl", 0o600),
        ("events.jsonl.1", 0o666),
        ("events.jsonl.2", 0o600),
        ("events.jsonl.10", 0o640),
        ("events.jsonl.gz", 0o666),
        ("events.jsonl.01", 0o666),
        ("other.jsonl.1", 0o666),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, "{}\n").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let notes = build(json!({ "path": folder.path().join("events.jsonl") }))
        .unwrap()
        .notes();
    let told: Vec<&str> = notes
        .iter()
        .map(|note| note.split_once(": ").unwrap().0)
        .collect();
    let named = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(
        told,
        [named("events.jsonl.1"), named("events.jsonl.10")],
        "{notes:?}"
    );
    assert!(notes[0].contains("mode 0666"), "{notes:?}");
}

#[tokio::test]
async fn rotates_by_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let sink = build(json!({ "path": path, "max_size": "30B", "keep": 1 })).unwrap();
    delivered(&*sink, &[ONE, ONE, TWO]).await;
    assert_eq!(read(&path), format!("{TWO}\n"));
    assert_eq!(read(&folder.path().join("events.jsonl.1")), format!("{ONE}\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_missing_folder_holds_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let path = missing.join("events.jsonl");
    let sink = build(json!({ "path": path })).unwrap();
    assert!(
        matches!(deliver(&*sink, &[ONE]).await, Verdict::Hold(reason) if reason.code() == "folder_missing")
    );
    assert_eq!(sink.probe().await.unwrap_err().code(), "folder_missing");
    fs::create_dir(&missing).unwrap();
    assert_eq!(sink.probe().await, Ok(()));
    assert!(!path.exists(), "a probe makes nothing");
    delivered(&*sink, &[ONE]).await;
    assert_eq!(sink.probe().await, Ok(()));
    assert_eq!(read(&path), format!("{ONE}\n"));
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let sink = build(json!({ "path": folder.path() })).unwrap();
    assert!(matches!(deliver(&*sink, &[ONE]).await, Verdict::Hold(reason) if reason.code() == "not_a_file"));
    assert_eq!(sink.probe().await.unwrap_err().code(), "not_a_file");
}

#[tokio::test]
async fn what_was_written_before_an_error_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    // The second line needs a rotation, which a folder in the place of the old file prevents.
    fs::create_dir(folder.path().join("events.jsonl.1")).unwrap();
    let sink = build(json!({ "path": path, "max_size": "30B", "keep": 1 })).unwrap();
    let Verdict::Settled(outcomes) = deliver(&*sink, &[ONE, TWO]).await else {
        panic!()
    };
    assert_eq!(outcomes[0], Outcome::delivered());
    assert!(matches!(
        &outcomes[1],
        Outcome::Retry { maybe_written: false, reason, .. } if reason.code() == "not_a_file"
    ));
    assert_eq!(read(&path), format!("{ONE}\n"));
}

#[test]
fn settings_are_checked() {
    let paths = |settings| -> Vec<String> {
        let errors = build(settings).err().unwrap();
        errors.into_iter().map(|error| error.path).collect()
    };
    assert_eq!(
        paths(json!({ "path": "/", "max_size": "0B", "keep": 0 })),
        ["path", "max_size", "keep"]
    );
    assert_eq!(paths(json!({ "path": "a", "keep": 3 })), ["keep"]);
    let error = config(json!({ "path": "a", "rotate": true })).unwrap_err();
    assert!(error.to_string().contains("unknown field `rotate`"), "{error}");
    assert!(config(json!({})).is_err());
}

#[tokio::test]
async fn each_file_that_rotation_deletes_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let sink = build(json!({ "path": path, "max_size": "10B", "keep": 1 })).unwrap();
    // Each file holds one line: the fourth is in `path`, the third in `path.1`, and two are gone.
    let verdict = deliver(&*sink, &[ONE, TWO, ONE, TWO]).await;
    let Verdict::Settled(outcomes) = verdict else {
        panic!("{verdict:?}")
    };
    let codes = outcomes.iter().map(|outcome| match outcome {
        Outcome::Delivered { warning } => warning.as_ref().map(|warning| warning.code().to_owned()),
        other => panic!("{other:?}"),
    });
    let codes: Vec<String> = codes.flatten().collect();
    assert_eq!(codes, ["rotated_file_deleted", "rotated_file_deleted"]);
    assert_eq!(outcomes.len(), 4);
    assert_eq!(read(&path), format!("{TWO}\n"));
    // Without another rotation nothing more is deleted.
    let roomy = build(json!({ "path": path, "max_size": "1MB", "keep": 1 })).unwrap();
    let verdict = deliver(&*roomy, &[ONE]).await;
    let Verdict::Settled(outcomes) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(outcomes, [Outcome::delivered()]);
}

#[test]
fn rotation_that_deletes_without_being_told_to_is_a_warning() {
    let warned = |settings: Value| {
        let warnings = built(settings).unwrap().warnings;
        warnings.into_iter().map(|one| one.path).collect::<Vec<_>>()
    };
    assert_eq!(warned(json!({ "path": "a", "max_size": "1MB" })), ["max_size"]);
    assert!(warned(json!({ "path": "a", "max_size": "1MB", "keep": 5 })).is_empty());
    assert!(warned(json!({ "path": "a" })).is_empty());
}
