//! No value of the file is ever shown: a token in any wrong place stays out of every text.

use super::{PIPELINE, bad_with, env, good_with, pipeline};
use crate::load;

const CANARY: &str = "pina_canary.7Q";

/// Asserts that no result of the text shows the canary.
fn quiet(text: &str) -> String {
    let environment = env(&[("CANARY", CANARY), ("NUMBER", "918273645")]);
    let shown = match load("p.toml", text, &environment) {
        // Where it is right it is the plugin's to keep.
        Ok(config) => format!("{:?}", config.warnings),
        Err(errors) => format!("{errors}\n{errors:?}\n{:#?}", errors.as_slice()),
    };
    for secret in [CANARY, "918273645", "canary"] {
        assert!(!shown.contains(secret), "shown in\n{shown}\nfor\n{text}");
    }
    shown
}

#[test]
fn not_in_any_wrong_place() {
    // As written, and as interpolated.
    for value in [
        format!("\"{CANARY}\""),
        "\"${CANARY}\"".into(),
        "918273645".into(),
        "\"${NUMBER}\"".into(),
    ] {
        for key in [
            "test",
            "factor",
            "linger",
            "mappings",
            "careless",
            "batch",
            "retry",
            "concurrency",
            "timeout",
            "calls_per_minute",
            "on_journal_full",
            "retry_timeouts_of_offline",
            "through",
            "unknown",
            "batch.max_events",
            "batch.max_bytes",
            "batch.max_wait",
            "retry.for",
            "retry.unknown",
            "type.x",
        ] {
            for shape in [
                value.clone(),
                format!("[{value}]"),
                format!("{{ x = {value} }}"),
                format!("[{{ name = {value}, fields = {value}, otherwise = {value} }}]"),
            ] {
                quiet(&pipeline(&format!("{key} = {shape}\n")));
            }
        }
        quiet(&pipeline(&format!("token = {value}\n")));
        quiet(&PIPELINE.replace("\"web\"", &value));
        quiet(&PIPELINE.replace("\"probe_sink\"", &value));
        quiet(&PIPELINE.replace("\"probe_source\"", &value));
        quiet(&format!(
            "sinks = {value}\nsources = [{value}]\ntransforms.x = {value}\n"
        ));
        for section in [
            "journal.type",
            "journal.max_bytes",
            "admin.listen",
            "telemetry.otlp_endpoint",
            "telemetry.interval",
            "shutdown.deadline",
            "journal",
        ] {
            quiet(&format!("{section} = {value}\n{PIPELINE}"));
        }
        quiet(&format!(
            "{PIPELINE}[admin]\nlisten = \"1.2.3.4:5\"\nunknown = {value}\ntoken = {value}\n"
        ));
    }
    quiet(&pipeline(&format!(
        "otlp = 1\n[telemetry]\notlp_endpoint = \"http://u:{CANARY}@host\"\n"
    )));
}

#[test]
fn not_in_syntax_errors() {
    for broken in [
        format!("token = {CANARY}"),
        format!("token = \"{CANARY}"),
        format!("token = '''{CANARY}"),
        format!("token = \"{CANARY}\" \"{CANARY}\""),
        format!("token = \"\\q{CANARY}\""),
        format!("token = \"{CANARY}\"\ntoken = \"{CANARY}\""),
        format!("token = \"\"\"\n[\n{CANARY}\"\"\"\ntoken = 1"),
        format!("x = 918273645_\ny = [\"{CANARY}\" 1]\n"),
        format!("token = \"${{{CANARY}}}\""),
        format!("token = \"${{{CANARY}\""),
    ] {
        let shown = quiet(&pipeline(&broken));
        assert!(shown.contains("error"), "{shown}");
    }
}

#[test]
fn not_when_a_plugin_repeats_it() {
    let shown = quiet(&pipeline(&format!("careless = \"{CANARY}\"\n")));
    assert!(
        shown.contains("sinks.pin.careless: cannot use …: invalid digit found in string"),
        "{shown}"
    );
}

#[test]
fn not_what_a_default_or_a_file_holds() {
    let mut environment = env(&[]);
    environment.files = [("/s", CANARY)].into();
    let text = pipeline("linger = \"${file:/s}\"\ntest = \"${GONE:-pina_canary.7Q}\"\n");
    let errors = bad_with(&text, &environment).to_string();
    assert!(
        errors.contains("2 errors") && !errors.contains("canary"),
        "{errors}"
    );
    let config = good_with(&pipeline("token = \"${file:/s}\"\n"), &environment);
    assert!(!format!("{config:?}").contains("canary"));
}
