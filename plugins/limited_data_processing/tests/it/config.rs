//! Settings, good and bad.

use signalbox_core::Side;
use signalbox_testkit::transform_config;

use crate::{DO_NOT_SELL, build};

#[test]
fn settings_that_do_not_fit_are_told_together() {
    let settings = r#"
        opted_out = [
            {}, { path = "a", consent_category = "b" }, { path = "$." }, { path = "a", is = true, equals = "b" },
            { path = "a", equals = " " }, { consent_category = "" }, { consent_category = "a", is = true }, { path = "fine" },
            { signal = "gpc", path = "a" }, { signal = "gpc", is = true }, { signal = "gpp" },
        ]
        states = ["CA", "Bavaria", "new york"]
        country = "DE"
        state_paths = []
        country_paths = ["a.country", ""]
        on_incomplete = "drop"
        on_unknown_state = "filter"
    "#;
    let errors = build(Side::Sink, settings).err().unwrap();
    let paths: Vec<&str> = errors.iter().map(|error| &*error.path).collect();
    assert_eq!(
        paths,
        [
            "opted_out.0",
            "opted_out.1",
            "opted_out.2.path",
            "opted_out.3",
            "opted_out.4.equals",
            "opted_out.5.consent_category",
            "opted_out.6",
            "opted_out.8",
            "opted_out.9",
            "states.1",
            "country",
            "state_paths",
            "country_paths.1",
            "on_incomplete",
        ]
    );
    let errors = build(Side::Source, "opted_out = []\nstates = []").err().unwrap();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|error| error.help.is_some()));
}

#[test]
fn settings_that_cannot_be_read_are_told() {
    for (settings, wanted) in [
        ("", "missing field `opted_out`"),
        ("opted_out = [{ paths = \"a\" }]", "unknown field `paths`"),
        (
            &format!("{DO_NOT_SELL}on_incomplete = \"ignore\""),
            "expected one of `reject`, `drop`, `send`",
        ),
        (
            &format!("{DO_NOT_SELL}on_unknown_state = \"ignore\""),
            "expected one of `reject`, `filter`, `send`, `flag`",
        ),
        (
            "opted_out = [{ signal = \"tcf\" }]",
            "expected one of `gpc`, `us_privacy`, `gpp`, `opt_out_type`",
        ),
        (&format!("{DO_NOT_SELL}state = \"CA\""), "unknown field `state`"),
    ] {
        let error = transform_config("limited_data_processing", settings)
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
