//! The console as the pipeline file builds it.

use serde_json::{Value, from_value, json};
use signalbox_console::{ConsoleConfig, Target};
use signalbox_core::{BuildContext, Framing, Side, SinkConfig};

fn config(settings: Value) -> Result<Box<dyn SinkConfig>, serde_json::Error> {
    from_value(settings)
}

#[test]
fn builds_from_its_type_alone() {
    let config = config(json!({ "type": "console" })).unwrap();
    let context = BuildContext {
        name: "look".into(),
        place: Side::Sink,
    };
    let sink = config.build(&context).unwrap().component;
    let lines = Framing {
        request: 1,
        separator: 1,
    };
    assert_eq!(sink.framing(), lines);
    assert_eq!(config.defaults().concurrency, 1, "lines keep their order");
}

#[test]
fn settings_are_checked() {
    let stderr: ConsoleConfig = from_value(json!({ "target": "stderr" })).unwrap();
    assert_eq!(stderr.target, Target::Stderr);
    for (settings, wanted) in [
        (
            json!({ "type": "console", "colour": true }),
            "unknown field `colour`",
        ),
        (
            json!({ "type": "console", "target": "printer" }),
            "expected `stdout` or `stderr`",
        ),
    ] {
        let error = config(settings).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
