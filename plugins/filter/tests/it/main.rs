//! The transform as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use signalbox_core::{BuildErrors, Built, Flow, Side, Transform};
use signalbox_filter as _;
use signalbox_testkit::{event, transform, transform_config};

fn built(settings: &str) -> Result<Built<dyn Transform>, BuildErrors> {
    transform("filter", Side::Sink, settings)
}

fn build(settings: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    built(settings).map(|built| built.component)
}

/// Returns true if an event goes on; asserts that it is unchanged.
fn passes(filter: &dyn Transform, json: &str) -> bool {
    let mut event = event(json);
    let flow = filter.apply(&mut event);
    assert_eq!(event.to_json(), json);
    match flow {
        Flow::Pass => true,
        Flow::Filtered(reason) => {
            assert_eq!(reason.code(), "filter");
            assert!(reason.message().ends_with("the trigger of 'filter'"), "{reason}");
            false
        }
        other => panic!("{other:?}"),
    }
}

const ORDER: &str = r#"{"type":"track","event":"Order Completed","properties":{"total":12.50}}"#;
const PAGE: &str = r#"{"type":"page","name":"Home"}"#;

#[test]
fn what_matches_goes_on() {
    let filter = build(r#"trigger = 'type = "track" and properties.total > 10'"#).unwrap();
    assert!(passes(&*filter, ORDER));
    assert!(!passes(&*filter, PAGE));
    assert!(!passes(&*filter, &ORDER.replace("12.50", "7")));
}

#[test]
fn inverted_what_matches_does_not() {
    let filter = build("trigger = 'event = \"Order Completed\"'\ninvert = true").unwrap();
    assert!(!passes(&*filter, ORDER));
    assert!(passes(&*filter, PAGE));
}

#[test]
fn a_trigger_that_cannot_be_evaluated_lets_nothing_pass() {
    for settings in ["", "invert = true"] {
        let settings = format!("trigger = 'type = \"track\" and lowercase(\"X\") = \"x\"'\n{settings}");
        let filter = build(&settings).unwrap();
        assert!(!passes(&*filter, ORDER), "{settings}");
        assert!(!built(&settings).unwrap().warnings.is_empty());
    }
}

#[test]
fn a_trigger_that_is_none_is_an_error() {
    let errors = build("trigger = 'type !=\"page\"'").err().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].path, "trigger");
    assert!(errors[0].message.ends_with("(line 1, column 6)"), "{errors:?}");
    for (settings, wanted) in [
        ("", "missing field `trigger`"),
        ("trigger = 'type = \"track\"'\nnot = true", "unknown field `not`"),
    ] {
        let error = transform_config("filter", settings).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_trigger_that_means_something_else_is_told() {
    let told = |trigger: &str| built(&format!("trigger = '{trigger}'")).unwrap().warnings;
    assert!(told("type = \"track\"").is_empty());
    let warnings = told("type = \"track\" OR event = \"A\"");
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].path, "trigger");
    assert_eq!(
        warnings[0].help.as_deref(),
        Some("what is really asked: type = \"track\" and event = \"A\"")
    );
}
