//! The settings of a pipeline file: the accepted ones, and the error for each mistake.

use std::num::NonZeroU32;

use serde_json::Value as Json;
use signalbox_core::{BuildContext, BuildError, Built, Prepared, Side, Sink, SinkConfig};
use signalbox_pinterest_conversions::PinterestConversionsConfig;
use signalbox_segment::settings::Findings;
use signalbox_testkit::golden::event;

use crate::support::body;

const ACCOUNT: &str = "ad_account_id = \"549755885175\"\nconversion_token = \"pina_secret\"\n";

fn built(settings: &str) -> Result<Built<dyn Sink>, Vec<BuildError>> {
    let config: PinterestConversionsConfig = toml::from_str(settings).unwrap();
    config.build(&BuildContext {
        name: "pin".into(),
        place: Side::Sink,
    })
}

fn build(settings: &str) -> Result<Box<dyn Sink>, Vec<BuildError>> {
    built(settings).map(|built| built.component)
}

/// The errors as `path: message`, with what helps behind.
fn errors(more: &str) -> Vec<String> {
    let errors = build(&format!("{ACCOUNT}{more}")).err().unwrap();
    errors
        .iter()
        .map(|error| format!("{error} | {}", error.help.clone().unwrap_or_default()))
        .collect()
}

/// Returns the mapping names and records that the sink makes of an event.
fn made(more: &str, json: &str) -> Vec<(String, Json)> {
    let sink = build(&format!("{ACCOUNT}{more}")).unwrap_or_else(|errors| panic!("{errors:?}"));
    match sink.prepare(&event(json).unwrap()) {
        Prepared::Mapped(results) => results
            .into_iter()
            .map(|result| {
                let record = result.unwrap();
                (record.mapping.to_string(), body(&record))
            })
            .collect(),
        _ => Vec::new(),
    }
}

const ORDER: &str = r#"{"type":"track","event":"Order Completed","messageId":"m1","timestamp":"2026-03-02T09:02:02Z",
    "userId":"u1","properties":{"order_id":"W-1","subtotal":5,"value":9,"email":"ivy@example.com"}}"#;

#[test]
fn the_token_for_scores_is_checked_and_never_shown() {
    for token in ["", " ", "pina_X\\n", "two words"] {
        let found = errors(&format!("eqs_token = \"{token}\""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("eqs_token: ") && !found[0].contains("words"),
            "{found:?}"
        );
    }
    let settings = format!("{ACCOUNT}eqs_token = \"pina_eqs\"");
    let config: PinterestConversionsConfig = toml::from_str(&settings).unwrap();
    let mut findings = Findings::default();
    let vendor = config.vendor(&mut findings).unwrap();
    assert!(!format!("{config:?} {vendor:?}").contains("pina_"));
}

#[test]
fn the_account_is_checked() {
    for (account, token, path) in [
        ("\"\"", "t", "ad_account_id"),
        ("\"12a\"", "t", "ad_account_id"),
        ("\"1234567890123456789\"", "t", "ad_account_id"),
        ("\"../users/1?x=\"", "t", "ad_account_id"),
        ("-5", "t", "ad_account_id"),
        ("\"1\"", "", "conversion_token"),
        ("\"1\"", " ", "conversion_token"),
        ("\"1\"", "pina_X\\n", "conversion_token"),
        ("\"1\"", "two words", "conversion_token"),
    ] {
        let settings = format!("ad_account_id = {account}\nconversion_token = \"{token}\"");
        let errors = build(&settings).err().unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].path, path);
        assert!(token.len() < 3 || !format!("{errors:?}").contains(token));
    }
    assert!(build("ad_account_id = 549755885175\nconversion_token = \"t\"").is_ok());
    for base in [
        "ftp://x.example",
        "nothing",
        "https://a:b@x.example",
        "https://x.example/?a=b",
    ] {
        assert!(errors(&format!("base_url = \"{base}\""))[0].starts_with("base_url: "));
    }
}

#[test]
fn defaults_of_the_runtime() {
    let config: PinterestConversionsConfig = toml::from_str(ACCOUNT).unwrap();
    let defaults = config.defaults();
    assert_eq!(defaults.integration, Some("Pinterest Conversions API"));
    assert_eq!(
        (
            defaults.max_events,
            defaults.max_events_ceiling,
            defaults.max_bytes
        ),
        (1000, 1000, 2_000_000)
    );
    assert_eq!(defaults.calls_per_minute, NonZeroU32::new(5000));
    assert!(!format!("{config:?}").contains("pina_secret"));
}

#[test]
fn calls_are_counted_by_account_and_address() {
    let group = |more: &str| {
        let built = built(&format!("{ACCOUNT}{more}")).unwrap();
        built.declares.rate_group.unwrap()
    };
    let usual = "https://api.pinterest.com/v5/ad_accounts/549755885175";
    assert_eq!(group(""), usual);
    assert_eq!(
        group("test = true\nbase_url = \"https://API.pinterest.com/v5/\""),
        usual
    );
    assert_eq!(
        group("base_url = \"http://127.0.0.1:9900/v5\""),
        "http://127.0.0.1:9900/v5/ad_accounts/549755885175"
    );
}

#[test]
fn presets_are_chosen_by_name() {
    assert_eq!(made("", ORDER)[0].0, "Checkout");
    assert_eq!(made("presets = [\"checkout\"]", ORDER).len(), 1);
    assert_eq!(made("presets = [\"Page Visit\"]", ORDER).len(), 0);
    assert_eq!(made("presets = \"none\"", ORDER).len(), 0);
    assert_eq!(
        errors("presets = [\"Checkuot\", \"Lead\", \"lead\"]"),
        [
            "presets.0: no preset has this name | did you mean \"Checkout\"?",
            "presets.2: this preset is there already | "
        ]
    );
    assert!(toml::from_str::<PinterestConversionsConfig>(&format!("{ACCOUNT}presets = \"some\"")).is_err());
}

#[test]
fn the_advertisers_own_events_have_names() {
    let own = "custom_events = [\"book_a_fitting\"]\n";
    let mapping = |name: &str| {
        format!(
            "[[mappings]]\nname = \"own\"\ntrigger = \"event = \\\"Order Completed\\\"\"\n[mappings.fields]\nevent_name = {name}\n"
        )
    };
    let found = |settings: &str| {
        let made = made(settings, ORDER);
        made.into_iter()
            .find(|(name, _)| name == "own")
            .map(|(_, sent)| sent["event_name"].clone())
    };
    assert_eq!(
        found(&format!("{own}{}", mapping("\"book_a_fitting\""))),
        Some("book_a_fitting".into())
    );
    assert_eq!(
        found(&format!("{own}{}", mapping("\"checkout\""))),
        Some("checkout".into())
    );
    for (settings, path) in [
        (mapping("\"book_a_fitting\""), "mappings.0.fields.event_name: "),
        (
            format!("{own}{}", mapping("\"book_a_fiting\"")),
            "mappings.0.fields.event_name: ",
        ),
        (format!("{own}compat = \"segment\""), "custom_events: "),
        (
            "custom_events = [\"checkout\"]".to_owned(),
            "custom_events.0: is one of Pinterest's own",
        ),
        (
            "custom_events = [\"\"]".to_owned(),
            "custom_events.0: must be a name",
        ),
        (
            "custom_events = [\"a \"]".to_owned(),
            "custom_events.0: must be a name",
        ),
        (
            "custom_events = [\"a\", \"a\"]".to_owned(),
            "custom_events.1: is there already",
        ),
    ] {
        let errors = errors(&settings);
        assert!(
            errors.len() == 1 && errors[0].starts_with(path),
            "{settings}: {errors:?}"
        );
    }
    let of_event = mapping("{ \"@path\" = \"$.properties.name\" }");
    let named = |name: &str| {
        ORDER.replace(
            "\"properties\":{",
            &format!("\"properties\":{{\"name\":\"{name}\","),
        )
    };
    assert!(ORDER.contains("\"properties\":{"));
    let settings = format!("presets = \"none\"\n{own}{of_event}");
    assert_eq!(made(&settings, &named("book_a_fitting")).len(), 1);
    let sink = build(&format!("{ACCOUNT}{settings}")).unwrap_or_else(|errors| panic!("{errors:?}"));
    let Prepared::Mapped(results) = sink.prepare(&event(&named("other")).unwrap()) else {
        panic!("no mapping listens")
    };
    let rejection = results.into_iter().next().and_then(Result::err).unwrap();
    assert_eq!(rejection.reason.code(), "invalid_field");
}

#[test]
fn a_mapping_stands_in_its_presets_place() {
    let found = made(
        r#"
        [[mappings]]
        preset = "Checkout"
        unset = ["user_data.external_id"]
        [mappings.fields]
        "custom_data_2.value" = { "@path" = "$.properties.subtotal" }
        opt_out = true
        "#,
        ORDER,
    );
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].1["custom_data"],
        serde_json::json!({ "value": "5", "order_id": "W-1" })
    );
    assert_eq!(found[0].1["opt_out"], true);
    assert_eq!(found[0].1["user_data"]["external_id"], Json::Null);
    assert!(made("[[mappings]]\npreset = \"Checkout\"\nenabled = false", ORDER).is_empty());
}

#[test]
fn a_mapping_from_scratch() {
    let found = made(
        r#"
        [[mappings]]
        name = "Big order"
        trigger = 'type = "track" and properties.value > 5'
        [mappings.fields]
        event_name = "custom"
        action_source = "offline"
        "#,
        ORDER,
    );
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Checkout", "Big order"]);
    assert_eq!(found[1].1["event_name"], "custom");
    assert_eq!(found[1].1["action_source"], "offline");
    assert_eq!(found[1].1["custom_data"]["value"], "9");
}

#[test]
fn a_whole_mapping_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.json");
    let settings = format!(
        "[[mappings]]\npreset = \"Checkout\"\nfields_file = '{}'\n",
        file.display()
    );
    assert_eq!(
        errors(&settings)[0],
        "mappings.0.fields_file: cannot be read: entity not found | "
    );
    std::fs::write(&file, "{\"a\": }").unwrap();
    assert_eq!(
        errors(&settings)[0],
        "mappings.0.fields_file: is not JSON (line 1, column 7) | "
    );
    std::fs::write(
        &file,
        r#"{"data_format":"latest","event_name":"checkout","action_source":"web","event_time":{"@path":"$.timestamp"},
            "event_id":{"@path":"$.messageId"},"user_data":{"email":{"@path":"$.properties.email"}},"batch_size":10}"#,
    )
    .unwrap();
    let found = made(&settings, ORDER);
    assert_eq!(found[0].1["user_data"].as_object().unwrap().len(), 1);
    assert_eq!(found[0].1["custom_data"], Json::Null);
    assert!(
        errors(&format!("{settings}fields = {{ opt_out = true }}"))[0]
            .starts_with("mappings.0.fields_file: ")
    );
}

#[test]
fn mistakes_are_told_with_their_place() {
    let found = errors(
        r#"
        [[mappings]]
        [[mappings]]
        preset = "Checkout"
        trigger = 'type !="page"'
        [[mappings]]
        preset = "Lead"
        unset = ["event_id", "user_data.mail"]
        [mappings.fields]
        email = { "@path" = "$.x" }
        currency = "EUR"
        opt_out = "maybe"
        event_name = "purchase"
        "custom_data_2.value" = "a lot"
        "device_info.colour" = "red"
        user_data = { emial = { "@path" = "$.x" } }
        [[mappings]]
        preset = "Search"
        fields = { event_source_url = { "@pat" = "$.x" }, "custom_data_2.search_string" = { "@replace" = { value = "a", pattern = "too long a pattern" } } }
        [[mappings]]
        trigger = 'type = "track"'
        "#,
    );
    let all = found.join("\n");
    for expected in [
        "mappings.0.trigger: a mapping needs a preset or a trigger",
        "mappings.1.trigger: ",
        "(line 1, column 6)",
        "mappings.2.fields.email: no field has this name | did you mean \"user_data.email\"?",
        "mappings.2.fields.currency: no field has this name | did you mean \"custom_data_2.currency\"?",
        "mappings.2.fields.opt_out: Opt Out must be a boolean but it was a string.",
        "mappings.2.fields.event_name: Event Name must be one of: ",
        "mappings.2.fields.\"custom_data_2.value\": Value must be a number but it was a string.",
        "mappings.2.fields.\"device_info.colour\": no field has this name",
        "mappings.2.fields.user_data.emial: no field has this name | did you mean \"user_data.email\"?",
        "mappings.2.unset.1: no field has this name | did you mean \"user_data.email\"?",
        "mappings.2.fields: the required field \"event_id\" has no mapping",
        "mappings.3.fields.event_source_url",
        "mappings.3.fields.\"custom_data_2.search_string\".\"@replace\".pattern: ",
        "mappings.4.fields: the required field \"event_name\" has no mapping",
    ] {
        assert!(all.contains(expected), "{expected}\n--\n{all}");
    }
    assert!(
        !all.contains("a lot") && !all.contains("maybe"),
        "values are never shown: {all}"
    );
}

#[test]
fn names_are_unique() {
    let mapping =
        "[[mappings]]\nname = \"A\"\ntrigger = 'type = \"page\"'\nfields = { event_name = \"lead\" }\n";
    assert!(errors(&mapping.repeat(2))[0].starts_with("mappings.1.name: another mapping has this name"));
    assert!(
        errors("[[mappings]]\npreset = \"lead\"\nname = \"Checkout\"")[0].starts_with("mappings.0.name: ")
    );
}

#[test]
fn what_is_doubtful_is_told_at_load() {
    let settings = format!(
        "{ACCOUNT}[[mappings]]\npreset = \"Lead\"\ntrigger = 'type = \"track\" OR event = \"Generate Lead\"'\n"
    );
    let warnings = built(&settings).unwrap().warnings;
    assert_eq!(warnings[0].path, "mappings.0.trigger");
    let help = warnings.last().unwrap().help.clone().unwrap();
    assert!(
        help.contains("type = \"track\" and event = \"Generate Lead\""),
        "{help}"
    );
    let own = "[mappings.fields]\n\"user_data.email\" = { \"@if\" = { blank = { \"@path\" = \"$.a\" }, then = \"b\" } }";
    let warnings = built(&format!("{settings}{own}")).unwrap().warnings;
    assert_eq!(warnings[1].path, "mappings.0.fields.\"user_data.email\".\"@if\"");
    assert_eq!(warnings.len(), 2);
    // The defaults are not in doubt.
    assert_eq!(built(ACCOUNT).unwrap().warnings, []);
    for (settings, path) in [
        ("presets = \"none\"", "presets"),
        ("partner_name = \"Acme\"", "partner_name"),
        ("base_url = \"http://127.0.0.1:9900\"", "base_url"),
        ("base_url = \"http://127.0.0.1:9900/vendor/\"", "base_url"),
    ] {
        let built = built(&format!("{ACCOUNT}{settings}")).unwrap();
        assert_eq!(built.warnings[0].path, path);
    }
}

/// The record of one mapping of Checkout with these fields.
fn checkout(fields: &str) -> Json {
    let settings = format!("[[mappings]]\npreset = \"Checkout\"\n{fields}");
    made(&settings, ORDER).pop().unwrap().1
}

#[test]
fn fields_of_another_format_go_to_the_same_field_of_the_chosen_one() {
    let sent = checkout("fields = { \"custom_data.value\" = { \"@path\" = \"$.properties.subtotal\" } }");
    assert_eq!(sent["custom_data"]["value"], "5");
    assert_eq!(sent["custom_data"]["order_id"], "W-1");
    let sent = checkout("fields = { custom_data = { order_id = \"a\" } }");
    assert_eq!(sent["custom_data"], serde_json::json!({ "order_id": "a" }));
    let sent = checkout("fields = { app_name = \"Shop\", os_version = \"17\" }");
    assert_eq!(
        (&sent["app_info"]["app_name"], &sent["device_info"]["os_version"]),
        (&"Shop".into(), &"17".into())
    );
    let sent = checkout("fields = { \"custom_data.contents\" = [{ id = \"b\" }] }");
    assert_eq!(sent["custom_data"]["contents"][0]["id"], "b");
    let legacy = "data_format = \"legacy\"";
    let sent = checkout(&format!(
        "fields = {{ {legacy}, \"custom_data_2.value\" = 3, \"app_info.app_name\" = \"Shop\", contents = [{{ id = \"b\" }}] }}"
    ));
    assert_eq!(
        (&sent["custom_data"]["value"], &sent["app_name"]),
        (&"3".into(), &"Shop".into())
    );
    assert_eq!(sent["custom_data"]["contents"][0]["id"], "b");
    // The same mapping for both formats is no contradiction, and each event may choose.
    let sent = checkout("fields = { \"custom_data.value\" = 3, \"custom_data_2.value\" = 3 }");
    assert_eq!(sent["custom_data"]["value"], "3");
    let sent = checkout(
        "fields = { data_format = { \"@template\" = \"latest\" }, \"custom_data.value\" = 3, \"custom_data_2.value\" = 4 }",
    );
    assert_eq!(sent["custom_data"]["value"], "4");
}

#[test]
fn fields_that_the_chosen_format_lacks_are_refused() {
    let refused = |fields: &str| errors(&format!("[[mappings]]\npreset = \"Checkout\"\n{fields}")).join("\n");
    let own = refused("fields = { event_name = \"quiz\" }");
    assert!(
        own.contains("The names in `custom_events` are taken as well"),
        "{own}"
    );
    let unknown = refused("fields = { \"custom_data.nonsense\" = 5 }");
    assert!(
        unknown.contains("no field has this name") && !unknown.contains('\n'),
        "{unknown}"
    );
    for (fields, told) in [
        (
            "fields = { device_brand = \"x\" }",
            "mappings.0.fields.device_brand: is never sent, since data_format is \"latest\" | did you mean \"device_info.brand\"?",
        ),
        (
            "fields = { data_format = \"legacy\", \"device_info.locale\" = \"x\" }",
            "mappings.0.fields.\"device_info.locale\": is never sent, since data_format is \"legacy\" | ",
        ),
        (
            "fields = { \"custom_data.value\" = 1, \"custom_data_2.value\" = 2 }",
            "which sends \"custom_data_2.value\", and the mapping says otherwise",
        ),
        (
            "unset = [\"custom_data_2\"]\nfields = { \"custom_data.value\" = 1 }",
            "which sends \"custom_data_2.value\", and the mapping says otherwise",
        ),
        (
            "fields = { \"custom_data.search_string\" = { \"@pat\" = \"$.x\" } }",
            "mappings.0.fields.\"custom_data.search_string\"",
        ),
    ] {
        let found = refused(fields);
        assert!(found.contains(told), "{told}\n--\n{found}");
    }
    // Segment ignores such a field, and so does the sink, with a warning.
    let ignored = "compat = \"segment\"\n[[mappings]]\npreset = \"Checkout\"\nfields = { action_source = \"web\", \"custom_data.value\" = 1 }";
    let warnings = built(&format!("{ACCOUNT}{ignored}")).unwrap().warnings;
    let place = "mappings.0.fields.\"custom_data.value\"";
    let warning = warnings.iter().find(|warning| warning.path == place).unwrap();
    assert!(warning.help.as_ref().unwrap().contains("\"custom_data_2.value\""));
}
