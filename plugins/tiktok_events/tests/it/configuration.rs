//! The settings of a pipeline file: the accepted ones, and the error for each mistake.

use signalbox_core::SinkConfig;
use signalbox_tiktok_events::TikTokEventsConfig;

use crate::support::build;

const WEB: &str = "pixel_code = \"C4\"\n";

/// The errors as `path: message`, with what helps behind.
fn errors(settings: &str) -> Vec<String> {
    let errors = build(settings).err().unwrap_or_default();
    let told =
        |error: &signalbox_core::BuildError| format!("{error} | {}", error.help.clone().unwrap_or_default());
    errors.iter().map(told).collect()
}

#[test]
fn each_source_needs_its_id() {
    for (source, setting) in [
        ("web", "pixel_code"),
        ("app", "tiktok_app_id"),
        ("offline", "offline_event_set_id"),
        ("crm", "crm_event_set_id"),
    ] {
        let settings = format!("event_source = \"{source}\"\n");
        let missing = errors(&settings);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(
            missing[0].starts_with(&format!("{setting}: is needed")),
            "{missing:?}"
        );
        assert_eq!(errors(&format!("{settings}{setting} = \" \"")).len(), 1);
        for id in ["\"71\"", "71"] {
            assert_eq!(errors(&format!("{settings}{setting} = {id}")), [""; 0]);
        }
    }
}

#[test]
fn ids_of_other_sources_have_no_effect() {
    for (more, wanted) in [
        ("crm_event_set_id = 71", None),
        (
            "tiktok_app_id = 71",
            Some("tiktok_app_id: has no effect, since event_source is web"),
        ),
    ] {
        let warnings = build(&format!("{WEB}{more}")).unwrap().warnings;
        let found = warnings.first().map(ToString::to_string);
        assert_eq!(found.as_deref(), wanted);
    }
}

#[test]
fn each_mistake_is_named() {
    for (setting, wanted) in [
        ("crm_event_set_id = \"7 1\"", "crm_event_set_id: holds blanks"),
        ("base_url = \"ftp://x.example\"", "base_url: "),
        ("max_age = \"0s\"", "max_age: must be longer than 0 seconds"),
        (
            "test_event_code = \" \"",
            "test_event_code: must not be empty | leave it out",
        ),
        (
            "partner_name = \"\"",
            "partner_name: must not be empty | leave it out",
        ),
        ("presets = [\"Purchas\"]", "presets.0: "),
    ] {
        let errors = errors(&format!("{WEB}{setting}"));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with(wanted), "{setting}: {errors:?}");
    }
}

#[test]
fn a_token_is_checked_and_never_shown() {
    for token in ["", " ", "tt_SECRET\\n", "tt_SE CRET"] {
        let config: TikTokEventsConfig = toml::from_str(&format!("{WEB}access_token = \"{token}\"")).unwrap();
        let errors = config.build(&crate::support::context()).err().unwrap();
        assert_eq!(errors.len(), 1, "{token}: {errors:?}");
        assert_eq!(errors[0].path, "access_token");
        assert!(!format!("{errors:?} {config:?}").contains("SE"));
    }
}

#[test]
fn test_events_are_told_at_load() {
    let built = build(&format!("{WEB}test_event_code = \"TEST1\"")).unwrap();
    assert_eq!(built.warnings.len(), 1);
    assert_eq!(built.warnings[0].path, "test_event_code");
    assert!(build(WEB).unwrap().warnings.is_empty());
}

#[test]
fn presets_do_not_suit_a_crm_system() {
    for (more, warned) in [("", 1), ("presets = \"none\"", 0)] {
        let built = build(&format!("event_source = \"crm\"\ncrm_event_set_id = 71\n{more}")).unwrap();
        let told = built.warnings.iter().map(ToString::to_string);
        let found = told.filter(|warning| warning.starts_with("presets: have standard names"));
        assert_eq!(found.count(), warned, "{more}");
    }
}

#[test]
fn sinks_of_one_token_share_a_rate_limit() {
    let group = |more: &str| {
        build(&format!("{WEB}{more}"))
            .unwrap()
            .declares
            .rate_group
            .unwrap()
    };
    assert_eq!(group(""), group("event_source = \"app\"\ntiktok_app_id = 71"));
    assert_ne!(group(""), group("base_url = \"https://tiktok.example\""));
    assert!(!group("").contains("tt_TEST_TOKEN"));
}

#[test]
fn a_sink_is_named_as_at_segment() {
    for (source, name) in [
        ("web", "TikTok Conversions"),
        ("crm", "TikTok Conversions"),
        ("app", "TikTok App Events"),
        ("offline", "TikTok Offline Conversions"),
    ] {
        let settings = format!("access_token = \"t\"\nevent_source = \"{source}\"");
        let config: TikTokEventsConfig = toml::from_str(&settings).unwrap();
        assert_eq!(config.defaults().integration, Some(name));
    }
}

#[test]
fn the_letter_case_of_an_id_needs_the_plain_one() {
    let built = |more: &str| build(&format!("{WEB}{more}")).unwrap().declares.reads;
    assert_eq!(built(""), []);
    let reads = built("external_id_case = \"lower\"");
    let read = &reads[0];
    assert_eq!(
        (&*read.setting, &*read.event_path),
        ("external_id_case", "userId")
    );
}

#[test]
fn the_version_stands_in_one_place() {
    let warnings = |url: &str| build(&format!("{WEB}base_url = \"{url}\"")).unwrap().warnings;
    assert_eq!(warnings("http://127.0.0.1:9900/tiktok"), []);
    let doubt = warnings("https://business-api.tiktok.com/open_api/v1.3").remove(0);
    assert!(
        doubt.to_string().starts_with("base_url: has a version"),
        "{doubt}"
    );
}

#[test]
fn fields_of_a_group_that_is_not_chosen_are_refused() {
    let refused = |fields: &str| {
        errors(&format!(
            "{WEB}[[mappings]]\npreset = \"Search\"\nfields = {{ {fields} }}"
        ))
    };
    let city = "\"travel_fields.city\" = \"Rome\"";
    let found = refused(city);
    assert!(
        found[0].contains("since the mapping has no event_spec_type"),
        "{found:?}"
    );
    assert!(
        found[0].contains("set event_spec_type = \"travel_fields\""),
        "{found:?}"
    );
    let found = refused(&format!("event_spec_type = \"vehicle_fields\", {city}"));
    assert!(
        found[0].contains("since event_spec_type is \"vehicle_fields\""),
        "{found:?}"
    );
}
