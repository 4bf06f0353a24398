use super::*;
use serde_json::json;

fn list(mappings: serde_json::Value) -> Vec<MappingConfig> {
    serde_json::from_value(mappings).unwrap()
}

fn compiled(mappings: serde_json::Value) -> (Vec<Configured>, Findings) {
    let read = |file: &std::path::Path| match file.to_str() {
        Some("good.json") => Ok(r#"{ "id": { "@path": "$.messageId" } }"#.to_owned()),
        Some("bad.json") => Ok("{\n  oops".to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let mut findings = Findings::default();
    let compiled = compile_mappings(&list(mappings), "mappings", &read, &mut findings);
    (compiled, findings)
}

fn printed(list: &[BuildError]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn mappings_are_compiled_in_order() {
    let (made, findings) = compiled(json!([
        { "trigger": "type = \"page\"" },
        { "name": "off", "enabled": false },
        { "name": "from a file", "fields_file": "good.json" },
        { "fields": ["literal", { "@path": "$.event" }] },
    ]));
    assert!(
        findings.errors.is_empty() && findings.warnings.is_empty(),
        "{findings:?}"
    );
    let names: Vec<_> = made.iter().map(|mapping| &*mapping.name).collect();
    assert_eq!(names, ["mapping 1", "from a file", "mapping 4"]);
    let parts: Vec<_> = made
        .iter()
        .map(|mapping| (mapping.trigger.is_some(), mapping.mapping.is_some()))
        .collect();
    assert_eq!(parts, [(true, false), (false, true), (false, true)]);
}

#[test]
fn mistakes_are_told_with_their_path() {
    let (made, findings) = compiled(json!([
        { "name": " ", "trigger": "type !=\"page\"" },
        { "enabled": false, "fields": { "a b": [1], "user": { "@pat": "$.x" } } },
        { "fields_file": "bad.json" },
        { "fields_file": "none.json" },
        { "fields_file": "good.json", "fields": {} },
        { "name": "A" },
        { "name": "A" },
    ]));
    assert_eq!(made.len(), 2);
    let expected = [
        "mappings.0.name: must not be empty",
        "mappings.0.trigger: ",
        "mappings.1.fields.user: has an invalid directive",
        "mappings.2.fields_file: is not JSON (line 2, column 3)",
        "mappings.3.fields_file: cannot be read: entity not found",
        "mappings.4.fields_file: holds the whole mapping",
        "mappings.6.name: another mapping has this name",
    ];
    let printed = printed(&findings.errors);
    assert_eq!(printed.len(), expected.len(), "{printed:#?}");
    for (line, expected) in printed.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn doubts_are_told_with_their_path_and_what_is_meant() {
    let (_, findings) = compiled(json!([{
        "trigger": "type = 'track' or event = \"A\" and event = \"B\"",
        "fields": { "who": { "name of": { "@template": "{{$.userId}}" } } },
    }]));
    assert!(findings.errors.is_empty(), "{findings:?}");
    let last = findings.warnings.len() - 1;
    assert!(last > 1);
    assert!(
        findings.warnings[..last]
            .iter()
            .all(|one| one.path == "mappings.0.trigger")
    );
    let meaning = findings.warnings[last - 1].help.as_deref().unwrap();
    assert!(meaning.starts_with("what is really asked: "), "{meaning}");
    assert_eq!(
        findings.warnings[last].path,
        "mappings.0.fields.who.\"name of\".\"@template\""
    );
}

#[test]
fn a_trigger_that_says_what_it_means_has_no_doubts() {
    let mut findings = Findings {
        warnings: vec![BuildError::new("other", "from before")],
        ..Findings::default()
    };
    assert!(trigger("type = \"track\"", "trigger", &mut findings).is_some());
    assert_eq!(findings.warnings, [BuildError::new("other", "from before")]);
    assert!(trigger("", "trigger", &mut findings).is_none());
    assert_eq!(findings.errors[0].path, "trigger");
}

#[test]
fn debug_shows_no_value() {
    let mappings = list(json!([{ "name": "a", "fields": { "key": "hunter2" } }]));
    assert!(!format!("{mappings:?}").contains("hunter2"));
}

#[test]
fn keys_are_written_as_toml_wants_them() {
    assert_eq!(child("", "fields"), "fields");
    assert_eq!(child("a.0", "user_data.email"), "a.0.\"user_data.email\"");
    assert_eq!(child("a", "@path"), "a.\"@path\"");
}

const GUIDE: &str = include_str!("../../../../docs/mappings.md");

#[test]
fn the_guide_tells_of_every_doubt() {
    let triggers = [
        (
            "type = \"a\" or type = \"b\" and type = \"c\"",
            "mixed_conjunctions",
        ),
        ("type = \"a\" OR type = \"b\"", "ignored_conjunction"),
        ("not type = \"a\"", "ignored_negation"),
        ("type = \"a\" and anonymousId = \"x\"", "ignored_field"),
        ("event = 'x'", "single_quotes"),
        ("match(event, \"Order\")", "match_without_star"),
        ("match(event, \"*a*\")", "plain_wildcard"),
        ("properties.x != true", "always_holds"),
        ("properties.x > \"a\"", "never_holds"),
        ("name < null", "never_holds"),
        ("properties.total >=5", "odd_value"),
        ("event = \"x\"and name = \"b\"", "glued_string"),
        ("event = 5", "number_as_text"),
        ("event = null", "null_as_text"),
        ("event.name = \"x\"", "ignored_path"),
        ("properties = \"x\"", "bare_root"),
        ("(contains(event, \"a\") or name = \"b\")", "function_in_group"),
        ("type = \"a\" and lowercase(\"x\") = \"x\"", "empty_group"),
        ("type = \"a\" and contains(type, \"x\")", "ignored_function"),
        ("type = \"a\" \"b\"", "ignored_token"),
        ("type = \"a\")", "stray_parenthesis"),
        ("type in \"a\"", "unknown_operator"),
    ];
    for (text, code) in triggers {
        let trigger = Trigger::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let codes: Vec<_> = trigger.warnings().iter().map(|warning| warning.code).collect();
        assert!(codes.contains(&code), "{text}: {codes:?}");
        assert!(GUIDE.contains(&format!("`{code}`")), "{code}");
    }
    let mappings = [
        (json!("$.a"), "plain_path"),
        (json!("{{a}}"), "plain_template"),
        (json!({ "@path": "$['a']" }), "path_root"),
        (json!({ "@path": "$.a[*]" }), "path_wildcard"),
        (json!({ "@path": "$.a," }), "path_punctuation"),
        (json!({ "@template": "{{$.a}}" }), "template_path"),
        (json!({ "@template": "{{a | upcase}}" }), "template_filter"),
        (json!({ "@template": "{{{a}}}" }), "triple_braces"),
        (
            json!({ "@if": { "exists": { "@path": "$.a" }, "then": 1, "else": 0 } }),
            "falsy_else",
        ),
        (
            json!({ "@if": { "blank": { "@path": "$.a" }, "then": 1 } }),
            "blank_means_filled",
        ),
        (
            json!({ "@if": { "exists": { "@template": "{{a}}" }, "then": 1 } }),
            "always_exists",
        ),
        (
            json!({ "@if": { "exists": { "@path": "$.a" }, "then": 1, "else": 1 } }),
            "same_branches",
        ),
        (
            json!({ "@merge": { "objects": [], "direction": "LEFT" } }),
            "capitals",
        ),
    ];
    for (fields, code) in mappings {
        let mapping = Mapping::compile(&json!({ "x": fields })).unwrap();
        let codes: Vec<_> = mapping.warnings().iter().map(|warning| warning.code).collect();
        assert!(codes.contains(&code), "{fields}: {codes:?}");
        assert!(GUIDE.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn what_the_guide_shows_as_triggers_says_what_it_means() {
    let (_, rest) = GUIDE.split_once("## Triggers\n\n```text\n").unwrap();
    let (examples, _) = rest.split_once("```").unwrap();
    assert_eq!(examples.lines().count(), 6);
    for text in examples.lines() {
        assert_eq!(Trigger::parse(text).unwrap().warnings(), [], "{text}");
    }
}
