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

fn told(list: &[BuildError]) -> Vec<String> {
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
    let told = told(&findings.errors);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
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
