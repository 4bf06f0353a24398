use proptest::prelude::*;

use super::*;

const BODY: &str = r#" {"writeKey" : "k","sentAt":"2026-03-01T12:00:10Z","context":{"a":[1,"}"]},
        "batch": [{"a":"{[\\\"]}","b":[{},[{}],-1.5e3,true]} ,{"c":"\ud83d\\"},
        {"a":"é\u00e9","a":null},{}], "integrations":{"All":false},"other":[[],"\n"]} "#;

/// An event's text, if it parses, and the length of its source.
type Rendered = (Option<String>, usize);

/// Renders the parts for comparison with the slow path.
fn rendered(parts: &BatchParts<'_>) -> (Option<Vec<Rendered>>, [Option<String>; 5]) {
    let events = parts.batch.as_ref().map(|batch| match batch {
        Batch::Events(events) => events,
        Batch::TooMany => panic!("not events"),
    });
    let json = |document: &Document| {
        let mut written = Vec::new();
        document.root().write_to(&mut written);
        String::from_utf8(written).unwrap()
    };
    let event = |event: &Element<'_>| {
        let text = match event {
            Element::Text(text, _) => Document::parse(text).ok().as_ref().map(json),
            Element::Parsed(read, _) => Some(json(&read.document)),
        };
        (text, event.len())
    };
    let [first, second] = parts.keys;
    let members = [first, second, parts.sent, parts.context, parts.integrations];
    (
        events.map(|events| events.iter().map(event).collect()),
        members.map(|text| text.map(str::to_owned)),
    )
}

fn agrees(body: &str) -> bool {
    let Some(fast) = BatchParts::read_fast(body) else {
        return false;
    };
    let slow = BatchParts::read(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(rendered(&fast), rendered(&slow), "{body}");
    true
}

#[test]
fn what_it_reads_is_what_the_other_reads() {
    assert!(agrees(BODY));
    for at in 0..200 {
        // Moves strings, escapes and ends of events to every position of a block.
        assert!(agrees(&format!("{}{BODY}", " ".repeat(at))));
    }
    assert!(agrees(r#"{"batch":[]}"#));
    for length in [MAX_EVENT_BYTES - 8, MAX_EVENT_BYTES + 1] {
        assert!(agrees(&format!(
            r#"{{"batch":[{{"a":"{}"}}]}}"#,
            "x".repeat(length)
        )));
    }
}

#[test]
fn it_leaves_the_rest_to_the_other() {
    for body in [
        "",
        "[]",
        "null",
        r#"{"batch":[]} x"#,
        r#"{"batch":[{}"#,
        r#"{"batch":[{}}"#,
        r#"{"batch":[{},]}"#,
        r#"{"batch":[,{}]}"#,
        r#"{"batch":[{}{}]}"#,
        r#"{"batch":[{]]}"#,
        r#"{"batch":[1]}"#,
        r#"{"batch":[{},"x"]}"#,
        r#"{"batch":{}}"#,
        r#"{"batch":{{}]}"#,
        r#"{"batch":}"#,
        r#"{"batch":[],"batch":[{}]}"#,
        r#"{"batch":[{}],"x":}"#,
        r#"{"batch":[{}],}"#,
        r#"{"batch":[{"a":"
"}]}"#,
        r#"{"batch":[{"a":"\x"}]}"#,
        r#"{"\u0062atch":[{}]}"#,
    ] {
        assert!(BatchParts::read_fast(body).is_none(), "{body}");
    }
    let deep = format!(r#"{{"batch":[{{"a":{}{}}}]}}"#, "[".repeat(200), "]".repeat(200));
    assert!(BatchParts::read_fast(&deep).is_none() && BatchParts::read(&deep).is_ok());
    let many = format!(r#"{{"batch":[{{}}{}]}}"#, ",{}".repeat(MAX_BATCH_EVENTS));
    assert!(BatchParts::read_fast(&many).is_none());
    let large = format!(r#"{{"batch":[{{"a":"{}\q"}}]}}"#, "x".repeat(MAX_EVENT_BYTES));
    assert!(BatchParts::read_fast(&large).is_none() && BatchParts::read(&large).is_err());
}

proptest! {
    #[test]
    fn changed_bodies_are_read_alike_or_left_to_the_other(
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(b"\"\\{}[],:0-.eEu1 ntx\n\x00")),
            0..4,
        ),
        removed in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
        pad in 0usize..70,
    ) {
        let mut body: Vec<u8> = [vec![b' '; pad], BODY.as_bytes().to_vec()].concat();
        for at in removed {
            body.remove(at.index(body.len()));
        }
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        agrees(&String::from_utf8_lossy(&body));
    }
}
