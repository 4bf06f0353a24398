//! The settings of files without mistakes.

use std::num::{NonZeroU32, NonZeroUsize};

use signalbox_core::HumanDuration;

use super::{PIPELINE, good, pipeline};
use crate::{JournalKind, OnFull, OnJournalFull, Position, SinkRuntime};

#[test]
fn the_smallest_pipeline_has_the_defaults() {
    let config = good(PIPELINE);
    assert_eq!(
        (
            config.journal.kind,
            config.journal.limit(),
            config.journal.folder()
        ),
        (JournalKind::Disk, 10_000_000_000, "signalbox-journal".into())
    );
    assert_eq!(config.admin, None);
    assert_eq!(
        (config.telemetry.otlp_endpoint, config.telemetry.interval),
        (None, HumanDuration::from_secs(60))
    );
    assert_eq!(config.shutdown.deadline, HumanDuration::from_secs(25));
    assert!(config.warnings.is_empty() && config.transforms.is_empty());
    let [source] = config.sources.as_slice() else {
        panic!("one source")
    };
    assert_eq!((source.name.as_str(), source.plugin), ("web", "probe_source"));
    assert_eq!(source.position, Position { line: 1, column: 1 });
    let [sink] = config.sinks.as_slice() else {
        panic!("one sink")
    };
    assert_eq!((sink.name.as_str(), sink.plugin), ("pin", "probe_sink"));
    assert_eq!(
        sink.runtime,
        SinkRuntime {
            inputs: vec!["web".into()],
            ..SinkRuntime::default()
        }
    );
    assert_eq!(
        sink.runtime.retry.initial_backoff(),
        HumanDuration::from_millis(500)
    );
    assert_eq!(sink.runtime.retry.max_backoff(), HumanDuration::from_secs(60));
    assert!(format!("{:?}", sink.config).contains("account: \"a1\""));
}

#[test]
fn every_key_arrives() {
    let config = good(
        r#"
[journal]
type = "memory"
max_bytes = "1GB"
[admin]
listen = "0.0.0.0:9090"
token = "t"
[telemetry]
otlp_endpoint = "http://127.0.0.1:4318"
interval = "10s"
[shutdown]
deadline = "5s"

[sources.web]
type = "probe_source"
through = ["hash", "limit"]
write_keys = ["k1", "k2"]
port = 8080

[transforms.hash]
type = "probe_transform"
rules = "nothing"
[transforms.limit]
type = "probe_transform"

# The type need not come first.
[sinks.pin]
account = "a1"
test = true
factor = 2
linger = "1m 30s"
inputs = ["web"]
through = ["limit"]
integration = "Pinterest"
consent_categories = ["ads"]
batch = { max_events = 1000, max_bytes = "2MB", max_wait = "500ms" }
retry = { for = "24h", initial_backoff = "1s", max_backoff = "5m" }
concurrency = 2
timeout = "30s"
calls_per_minute = 5000
on_journal_full = "dead_letter_oldest"
retry_timeouts_of_offline = false
mappings = [{ name = "m", fields = ["a"], otherwise = "omit" }, { name = "n", otherwise = { value = { text = "x" } } }]
type = "probe_sink"
"#,
    );
    assert_eq!(config.sources[0].runtime.through, ["hash", "limit"]);
    assert_eq!(
        config
            .transforms
            .iter()
            .map(|one| one.name.as_str())
            .collect::<Vec<_>>(),
        ["hash", "limit"]
    );
    assert!(format!("{:?}", config.transforms[0].config).contains("Nothing"));
    let keys = &config.sinks[0].runtime;
    assert_eq!(keys.integration.as_deref(), Some("Pinterest"));
    assert_eq!(keys.batch.max_events.map(NonZeroUsize::get), Some(1000));
    assert_eq!(keys.batch.max_wait, Some(HumanDuration::from_millis(500)));
    assert_eq!(keys.retry.window, Some(HumanDuration::from_secs(86_400)));
    assert_eq!(keys.calls_per_minute.map(NonZeroU32::get), Some(5000));
    assert_eq!(keys.on_journal_full, OnJournalFull::DeadLetterOldest);
    assert_eq!(keys.retry_timeouts_of_offline, Some(false));
    let settings = format!("{:?}", config.sinks[0].config);
    for part in [
        "factor: Some(2.0)",
        "linger: Some(1m 30s)",
        "otherwise: Some(Value { text: \"x\" })",
    ] {
        assert!(settings.contains(part), "{part} in {settings}");
    }
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let config = good(&pipeline(
        "[journal]\ntype = \"memory\"\npath = \"/tmp/j\"\n[telemetry]\ninterval = \"1s\"\n",
    ));
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "journal.path: has no effect: only a disk journal has it\n  --> p.toml:9:8",
            "telemetry.interval: has no effect without 'otlp_endpoint'\n  --> p.toml:11:12",
        ]
    );
}

#[test]
fn a_quota_of_dead_letters_without_a_choice_is_as_it_was_and_a_warning() {
    let read = |table: &str| {
        let config = good(&pipeline(&format!(
            "[dead_letters]
{table}
"
        )));
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        (
            config.dead_letters.on_full(),
            warnings.join(
                "
",
            ),
        )
    };
    assert_eq!(read(""), (OnFull::HoldSink, String::new()));
    let (old, warning) = read("max_bytes = \"5MB\"");
    assert_eq!(old, OnFull::DropOldest);
    assert!(
        warning.starts_with("dead_letters.max_bytes: without 'on_full' the oldest")
            && warning.contains("hold_sink"),
        "{warning}"
    );
    for (word, meant) in [
        ("hold_sink", OnFull::HoldSink),
        ("drop_oldest", OnFull::DropOldest),
    ] {
        let table = format!(
            "max_bytes = \"5MB\"
on_full = \"{word}\""
        );
        assert_eq!(read(&table), (meant, String::new()));
    }
}

#[test]
fn places_are_kept() {
    let config = good(&pipeline("retry.for = \"1h\"\n"));
    let at = |path: &str| config.origin.locate(path).map(|at| (at.line, at.column));
    assert_eq!(at("sinks.pin"), Some((3, 1)));
    assert_eq!(at("sinks.pin.inputs[0]"), Some((5, 11)));
    assert_eq!(at("sinks.pin.retry.for"), Some((7, 13)));
    assert_eq!(at("sinks.pin.batch.max_wait"), Some((3, 1)));
    assert_eq!(at("nowhere.at.all"), None);
    assert_eq!(config.origin.file(), "p.toml");
}

#[test]
fn files_of_routers_may_differ_in_the_address_that_a_source_listens_on() {
    let prints = |listen: &str, more: &str| {
        let text = pipeline("").replace(
            "type = \"probe_source\"\n",
            &format!("type = \"probe_source\"\nlisten = \"{listen}\"\n{more}"),
        );
        let config = good(&text);
        let of = |component: &str| {
            let origin = &config.origin;
            (
                origin.fingerprint(component),
                origin.common_fingerprint(component),
            )
        };
        (of("sources.web"), of("sinks.pin"))
    };
    let ((whole, common), sink) = prints("127.0.0.1:1", "");
    let ((other_whole, other_common), other_sink) = prints("127.0.0.1:2", "");
    assert!(common.is_some() && common == other_common && sink == other_sink);
    assert_ne!(whole, other_whole);
    let ((_, changed), _) = prints("127.0.0.1:1", "was = \"site\"\n");
    assert_ne!(common, changed);
}
