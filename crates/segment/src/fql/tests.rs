use super::*;
use proptest::prelude::*;
use signalbox_core::Document;

fn codes(text: &str) -> Vec<&'static str> {
    Trigger::parse(text)
        .unwrap()
        .warnings()
        .iter()
        .map(|warning| warning.code)
        .collect()
}

#[test]
fn plain_triggers_have_no_warnings() {
    for text in [
        r#"type = "track""#,
        r#"type = "track" and event = "Order Completed" and properties.total >= 100"#,
        r#"(type = "page" or type = "screen") and userId != null"#,
        r#"!contains(event, "Viewed") and match(traits.email, "*@corp.dk")"#,
        r#"properties.first = true and context.app.build > 3"#,
    ] {
        assert_eq!(codes(text), [""; 0], "{text}");
    }
}

#[test]
fn what_is_read_against_its_look_is_reported() {
    for (text, code) in [
        (
            r#"type = "a" and event = "b" or event = "c""#,
            "mixed_conjunctions",
        ),
        (r#"type = "a" OR event = "b""#, "ignored_conjunction"),
        (r#"type = "a" AND event = "b""#, "ignored_conjunction"),
        ("type = 'track'", "single_quotes"),
        (r#"not type = "track""#, "ignored_negation"),
        (r#"!(type = "track")"#, "ignored_negation"),
        (r#"type = "track" and anonymousId = "x""#, "ignored_field"),
        (r#"match(event, "Completed")"#, "match_without_star"),
        (r#"match(event, "*x*")"#, "plain_wildcard"),
        (
            r#"type = "track" and (contains(event, "A") or event = "B")"#,
            "function_in_group",
        ),
        ("properties.n >=5", "odd_value"),
        (r#"type in ["a"]"#, "unknown_operator"),
        ("type =", "odd_value"),
        ("event != null", "null_as_text"),
        ("properties.x != true", "always_holds"),
        (r#"type = "track" and contains(type, "a")"#, "ignored_function"),
        (r#"type = "a"and event = "b""#, "glued_string"),
        (r#"type = "track" and lowercase("X") = "x""#, "empty_group"),
        (r#"properties = null"#, "bare_root"),
        (r#"type.foo = "track""#, "ignored_path"),
        (r#"type = "a" or "b""#, "ignored_token"),
        (r#"properties.n > "abc""#, "never_holds"),
    ] {
        assert!(codes(text).contains(&code), "{text}: {:?}", codes(text));
    }
}

#[test]
fn errors_and_warnings_name_the_place() {
    let error = Trigger::parse("type = \"track\"\n  and event~ = 5").unwrap_err();
    assert_eq!((error.line, error.column), (2, 12));
    let trigger = Trigger::parse("type = \"track\" and\nevent = 'x'").unwrap();
    let warning = &trigger.warnings()[0];
    assert_eq!((warning.line, warning.column), (2, 9));
}

#[test]
fn an_unclosed_heap_of_parentheses_is_refused_quickly() {
    assert!(Trigger::parse(&"(".repeat(100_000)).is_err());
    assert!(Trigger::parse(&format!("{}{}", "(".repeat(50_000), ")".repeat(50_000))).is_err());
}

proptest! {
    #[test]
    fn reading_and_asking_never_panics(text in "[a-z !=<>\"'().,*\\\\0-9é-]{0,40}", head in "(type|event|properties\\.a|contains\\(event,)?") {
        let event = Document::parse(r#"{"type":"track","event":"é","properties":{"a":[1,"b"]}}"#).unwrap();
        if let Ok(trigger) = Trigger::parse(&format!("{head} {text}")) {
            let _ = trigger.matches(event.root());
            let _ = trigger.meaning();
        }
    }

    #[test]
    fn what_is_written_back_means_the_same(value in "[A-Za-z *]{0,6}", number in -1000i32..1000, any: bool) {
        let word = if any { "or" } else { "and" };
        let text = format!("event = \"{value}\" {word} properties.n >= {number} {word} properties.a != null");
        let meaning = Trigger::parse(&text).unwrap().meaning().unwrap();
        prop_assert_eq!(Trigger::parse(&meaning).unwrap().meaning().unwrap(), meaning);
    }
}
