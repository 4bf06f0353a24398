//! The transform as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use signalbox_core::{BuildContext, BuildErrors, Event, Flow, Receipt, Side, Transform};
use signalbox_rate_limit as _;
use signalbox_testkit::{transform, transform_config};

fn build(place: Side, settings: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    transform("rate_limit", place, settings).map(|built| built.component)
}

fn errors(place: Side, settings: &str) -> Vec<(String, String)> {
    let errors = build(place, settings).err().unwrap();
    errors
        .into_iter()
        .map(|error| {
            (
                error.path.clone(),
                format!("{error}; {}", error.help.clone().unwrap_or_default()),
            )
        })
        .collect()
}

fn event(id: &str, user: &str) -> Event {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 1_764_000_000_000,
    };
    Event::parse(&format!(r#"{{"messageId":"{id}","userId":"{user}"}}"#), receipt).unwrap()
}

const ONE_AN_HOUR: &str = "limit = 1\nper = \"hour\"";

#[test]
fn on_a_sink_events_wait() {
    let limit = build(Side::Sink, ONE_AN_HOUR).unwrap();
    assert_eq!(limit.apply(&mut event("m1", "ada")), Flow::Pass);
    let Flow::NotBefore(second) = limit.apply(&mut event("m2", "ada")) else {
        panic!()
    };
    let Flow::NotBefore(third) = limit.apply(&mut event("m3", "ada")) else {
        panic!()
    };
    assert_eq!((third - second).as_secs(), 3600, "in line, not together");
    assert!(limit.only_paces());
}

#[test]
fn on_a_source_requests_are_refused() {
    let limit = build(Side::Source, ONE_AN_HOUR).unwrap();
    let request = |count: usize| -> Vec<Event> { (0..count).map(|_| event("m1", "ada")).collect() };
    assert_eq!(
        limit.admit(&mut request(0).iter()),
        Ok(()),
        "nothing is left of it, nothing is taken"
    );
    assert_eq!(limit.admit(&mut request(2).iter()), Ok(()));
    assert_eq!(limit.apply(&mut event("m1", "ada")), Flow::Pass);
    let after = limit.admit(&mut request(1).iter()).unwrap_err();
    assert!(
        after.as_secs() > 3600 && after.as_secs() <= 7200,
        "one owed, one to come"
    );
    assert!(limit.only_paces());
}

#[test]
fn dropping_works_on_both_sides_with_and_without_keys() {
    for place in [Side::Source, Side::Sink] {
        let settings = format!("{ONE_AN_HOUR}\non_exceeded = \"drop\"");
        let limit = build(place, &settings).unwrap();
        assert_eq!(limit.apply(&mut event("m1", "ada")), Flow::Pass);
        let Flow::Filtered(reason) = limit.apply(&mut event("m2", "bo")) else {
            panic!()
        };
        assert_eq!(reason.code(), "rate_limited");

        let limit = build(place, &format!("{settings}\nkey = \"{{{{ userId }}}}\"")).unwrap();
        assert_eq!(limit.apply(&mut event("m1", "ada")), Flow::Pass);
        assert_eq!(limit.apply(&mut event("m2", "bo")), Flow::Pass);
        assert!(matches!(limit.apply(&mut event("m3", "bo")), Flow::Filtered(_)));
        assert!(limit.only_paces());
    }
}

#[test]
fn each_place_has_its_own_quota() {
    let config = transform_config("rate_limit", ONE_AN_HOUR).unwrap();
    for name in ["pinterest", "archive"] {
        let context = BuildContext {
            name: name.into(),
            place: Side::Sink,
        };
        let limit = config.build(&context).unwrap().component;
        assert_eq!(limit.apply(&mut event("m1", "ada")), Flow::Pass);
    }
}

#[test]
fn settings_that_do_not_fit_are_told_with_a_remedy() {
    let wait = errors(Side::Source, &format!("{ONE_AN_HOUR}\non_exceeded = \"wait\""));
    assert_eq!(wait[0].0, "on_exceeded");
    assert!(wait[0].1.contains("use \"refuse\""), "{wait:?}");
    let refuse = errors(Side::Sink, &format!("{ONE_AN_HOUR}\non_exceeded = \"refuse\""));
    assert_eq!(refuse[0].0, "on_exceeded");
    assert!(refuse[0].1.contains("use \"wait\""), "{refuse:?}");

    for (settings, paths) in [
        ("limit = 0\nper = \"second\"", vec!["limit"]),
        ("limit = 5\nper = \"second\"\nburst = 0", vec!["burst"]),
        ("limit = 5\nper = \"second\"\nburst = 6", vec!["burst"]),
        ("limit = 5\nper = \"second\"\nkey = \"userId\"", vec!["key"]),
        ("limit = 5\nper = \"second\"\nmax_keys = 7", vec!["max_keys"]),
        (
            "limit = 0\nper = \"second\"\nkey = \"{{ a }}\"\nmax_keys = 0\non_exceeded = \"refuse\"",
            vec!["limit", "on_exceeded", "max_keys"],
        ),
    ] {
        let found: Vec<String> = errors(Side::Sink, settings)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert_eq!(found, paths, "{settings}");
    }
}

#[test]
fn settings_that_cannot_be_read_are_told() {
    for (settings, wanted) in [
        ("limit = 5", "missing field `per`"),
        (
            "limit = 5\nper = \"fortnight\"",
            "expected one of `second`, `minute`, `hour`",
        ),
        (
            "limit = 5\nper = \"second\"\nthreshold = 1",
            "unknown field `threshold`",
        ),
        ("limit = -5\nper = \"second\"", "invalid value"),
    ] {
        let error = transform_config("rate_limit", settings).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
