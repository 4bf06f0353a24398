//! The settings of a pipeline file: the accepted ones, and the error for each mistake.

use signalbox_core::SinkConfig;
use signalbox_meta_conversions::MetaConversionsConfig;

use crate::support::{ACCOUNT, build, context};

/// The errors as `path: message`, with what helps behind.
fn errors(more: &str) -> Vec<String> {
    let errors = build(more).err().unwrap_or_default();
    errors
        .iter()
        .map(|error| format!("{error} | {}", error.help.clone().unwrap_or_default()))
        .collect()
}

#[test]
fn the_account_is_checked() {
    for (account, token, path) in [
        ("\"\"", "t", "pixel_id"),
        ("\"1234\"", "t", "pixel_id"),
        ("\"12345a\"", "t", "pixel_id"),
        ("\"123456789012345678901\"", "t", "pixel_id"),
        ("\"../users/1?x=\"", "t", "pixel_id"),
        ("-50000", "t", "pixel_id"),
        ("\"12345\"", "", "access_token"),
        ("\"12345\"", "EAAG_X\\n", "access_token"),
    ] {
        let settings = format!("pixel_id = {account}\naccess_token = \"{token}\"");
        let config: MetaConversionsConfig = toml::from_str(&settings).unwrap();
        let errors = config.build(&context()).err().unwrap();
        assert_eq!(errors.len(), 1, "{account}: {errors:?}");
        assert_eq!(errors[0].path, path);
        assert!(token.len() < 3 || !format!("{errors:?}").contains(token));
    }
    assert!(build("").is_ok());
}

#[test]
fn each_mistake_is_named() {
    for (setting, wanted) in [
        ("base_url = \"ftp://x.example\"", "base_url: "),
        (
            "api_version = \"26\"",
            "api_version: is no version of the Graph API | write it as \"v26.0\"",
        ),
        (
            "test_event_code = \"TEST1\"",
            "test_event_code: Meta does not throw test events away: they count for targeting and measurement | set \
             test_events_count = true",
        ),
        (
            "test_event_code = \" \"\ntest_events_count = true",
            "test_event_code: must have 1 to 64 bytes",
        ),
        (
            "partner_agent = \"12345\"",
            "partner_agent: must be fewer than 23 characters with at least two letters",
        ),
        ("partner_agent = \"an-agent-of-23-letters!\"", "partner_agent: "),
    ] {
        let errors = errors(setting);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with(wanted), "{setting}: {errors:?}");
    }
    assert_eq!(
        errors("test_event_code = \"TEST1\"\ntest_events_count = true"),
        [""; 0]
    );
    assert_eq!(
        errors("partner_agent = \"signalbox\"\napi_version = \"v27.0\""),
        [""; 0]
    );
}

#[test]
fn sinks_of_one_dataset_share_a_rate_limit() {
    let group = |more: &str| build(more).unwrap().declares.rate_group.unwrap();
    assert_eq!(group(""), "https://graph.facebook.com/1203948576120394");
    assert_eq!(group("api_version = \"v25.0\""), group(""));
    assert_ne!(group("base_url = \"http://127.0.0.1:9900\""), group(""));
}

#[test]
fn the_runtime_s_keys_have_meta_s_defaults() {
    let config: MetaConversionsConfig = toml::from_str(ACCOUNT).unwrap();
    let defaults = config.defaults();
    assert_eq!(
        (
            defaults.max_events,
            defaults.max_events_ceiling,
            defaults.max_bytes
        ),
        (1000, 1000, 2_000_000)
    );
    let hours = |time: Option<signalbox_core::HumanDuration>| time.map(|time| time.0.as_secs() / 3600);
    assert_eq!(
        [
            defaults.late_after,
            defaults.unattributed_after,
            defaults.duplicate_window
        ]
        .map(hours),
        [Some(2), Some(24), Some(48)]
    );
}

#[test]
fn fields_that_segment_leaves_to_its_users_are_asked_for() {
    let warnings = |more: &str| -> Vec<String> {
        let built = build(&format!("compat = \"segment\"\n{more}")).unwrap();
        built.warnings.iter().map(ToString::to_string).collect()
    };
    let found = warnings("");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("no mapping of the required \"action_source\""),
        "{found:?}"
    );
    let mapping =
        "presets = \"none\"\n[[mappings]]\npreset = \"Purchase\"\nfields = { action_source = \"website\" }";
    assert_eq!(warnings(mapping), [""; 0]);
}

#[test]
fn the_letter_case_of_an_id_needs_the_plain_one() {
    let reads = |more: &str| build(more).unwrap().declares.reads.len();
    assert_eq!((reads(""), reads("external_id = \"plain\"")), (0, 0));
    let declares = build("external_id = \"sha256-lower\"").unwrap().declares;
    let read = &declares.reads[0];
    assert_eq!((&*read.setting, &*read.event_path), ("external_id", "userId"));
}

#[test]
fn the_version_stands_in_one_place() {
    let warnings = |more: &str| build(more).unwrap().warnings;
    assert_eq!(warnings("base_url = \"http://127.0.0.1:9900/\""), []);
    let doubt = warnings("base_url = \"https://graph.facebook.com/v25.0/\"").remove(0);
    assert!(
        doubt.to_string().starts_with("base_url: has a version"),
        "{doubt}"
    );
}
