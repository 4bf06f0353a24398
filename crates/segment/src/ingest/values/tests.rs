use super::*;

/// Cuts a text that comes in pieces of a length, and returns the line and text of each value; `…` marks a text that may go
/// on, `?` one that was too long.
fn cut_by(text: &str, piece: usize) -> Vec<(u64, String)> {
    let (mut splitter, mut values) = (Splitter::new(Place::default()), Vec::new());
    for bytes in text.as_bytes().chunks(piece) {
        splitter.feed(bytes, &mut values);
    }
    let end = splitter.end(&mut values);
    assert_eq!(end.offset, text.len() as u64);
    assert_eq!(end.lines, text.matches('\n').count() as u64);
    values.into_iter().map(shown).collect()
}

fn shown(value: Value) -> (u64, String) {
    let text = value
        .text
        .map_or("?".to_owned(), |text| String::from_utf8_lossy(&text).into_owned());
    let compact: String = text.split('\n').map(str::trim).collect();
    (value.line, compact + if value.ended { "" } else { "…" })
}

/// Cuts a text in several ways, which must not matter, also when reading stops behind each value and begins again there.
fn cut(text: &str) -> Vec<(u64, String)> {
    let whole = cut_by(text, usize::MAX);
    for piece in [1, 2, 7] {
        assert_eq!(cut_by(text, piece), whole, "in pieces of {piece} bytes");
    }
    let mut resumed = Vec::new();
    let mut from = Place::default();
    loop {
        let (mut splitter, mut values) = (Splitter::new(from), Vec::new());
        splitter.feed(&text.as_bytes()[from.offset as usize..], &mut values);
        splitter.end(&mut values);
        let Some(first) = values.into_iter().next() else {
            break;
        };
        from = first.end;
        resumed.push(shown(first));
    }
    assert_eq!(resumed, whole, "resumed behind each value");
    whole
}

fn values(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|(line, text)| (*line, (*text).to_owned()))
        .collect()
}

#[test]
fn each_line_is_a_value() {
    assert_eq!(
        cut("\n{\"a\":1}\r\n\n{\"b\"\nno event\n[1]\n{\"c\":2}"),
        values(&[
            (2, "{\"a\":1}"),
            (4, "{\"b\""),
            (5, "no event"),
            (6, "[1]"),
            (7, "{\"c\":2}…")
        ])
    );
    assert_eq!(cut(""), values(&[]));
    assert_eq!(cut(" \n\n"), values(&[]));
    assert_eq!(cut("no event\n{}\n"), values(&[(1, "no event"), (2, "{}")]));
}

#[test]
fn values_go_over_lines() {
    let pretty = "\u{feff}{\n  \"a\": [\n    {\"}\\\"\": 1}\n  ]\n}\n{\n  \"b\": 2\n} {\"c\":3}\n";
    assert_eq!(
        cut(pretty),
        values(&[
            (1, "{\"a\": [{\"}\\\"\": 1}]}"),
            (6, "{\"b\": 2}"),
            (8, "{\"c\":3}")
        ])
    );
}

#[test]
fn lists_hold_values() {
    assert_eq!(
        cut("[{\"a\":1},\n 7, [2], \"x\"\n]\n[{\"b\":2}]\n{\"c\":3}"),
        values(&[
            (1, "{\"a\":1}"),
            (2, "7"),
            (2, "[2]"),
            (2, "\"x\""),
            (4, "{\"b\":2}"),
            (5, "{\"c\":3}")
        ])
    );
    assert_eq!(
        cut("[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": 2\n  }\n]\n"),
        values(&[(2, "{\"a\": 1}"), (5, "{\"b\": 2}")])
    );
    assert_eq!(cut("[]"), values(&[]));
}

#[test]
fn a_broken_value_costs_itself_only() {
    // The first line is cut off.
    for broken in ["{\"a\":", "{\"a\":\"x", "{\"a\":1,", "{\"a\":{"] {
        let lines = format!("{broken}\n{{\"b\":2}}\n{{\"c\":3}}\nno event\n{{\"d\":4}}\n");
        let rest = values(&[
            (2, "{\"b\":2}"),
            (3, "{\"c\":3}"),
            (4, "no event"),
            (5, "{\"d\":4}"),
        ]);
        let cut = cut(&lines);
        assert_eq!(cut[0], (1, broken.to_owned()), "{cut:?}");
        assert_eq!(cut[1..], rest[..], "{broken}");
    }
    assert_eq!(
        cut("{\"a\":\n{\"b\":2}\n"),
        values(&[(1, "{\"a\":"), (2, "{\"b\":2}")])
    );
    // A batch that is still being written is not broken.
    assert_eq!(
        cut("{\"batch\":[\n{\"b\":2},\n{\"c\":3}\n"),
        values(&[(1, "{\"batch\":[{\"b\":2},{\"c\":3}…")])
    );
    // One in the middle of a list, with and without indentation.
    let list = "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": \n  },\n  {\n    \"c\": [\n  },\n  {\n    \"d\": 4\n  }\n]\n";
    assert_eq!(
        cut(list),
        values(&[(2, "{\"a\": 1}"), (5, "{\"b\":}"), (8, "{"), (11, "{\"d\": 4}")])
    );
    let list = "[\n{\"a\":1},\n{\"b\":\"x},\n{\"c\":3}\n]\n{\"d\":4}\n";
    assert_eq!(
        cut(list),
        values(&[
            (2, "{\"a\":1}"),
            (3, "{\"b\":\"x},"),
            (4, "{\"c\":3}"),
            (6, "{\"d\":4}")
        ])
    );
}

#[test]
fn numbers_that_are_none_break_nothing() {
    assert_eq!(
        cut("{\n\"a\": NaN\n}\n{\n\"b\": -Infinity}\n"),
        values(&[(1, "{\"a\": NaN}"), (4, "{\"b\": -Infinity}")])
    );
}

#[test]
fn the_end_of_a_growing_input_may_go_on() {
    assert_eq!(
        cut("{\n  \"a\": 1\n}\n{\n  \"b\": "),
        values(&[(1, "{\"a\": 1}"), (4, "{\"b\":…")])
    );
    assert_eq!(
        cut("[{\"a\":1},{\"b\""),
        values(&[(1, "{\"a\":1}"), (1, "{\"b\"…")])
    );
}

#[test]
fn values_too_long_are_not_kept() {
    let long = "x".repeat(MAX_VALUE_BYTES);
    let lines = format!("{{}}\n{{\"{long}\n{{\"b\":2}}\n");
    let read = cut_by(&lines, 1 << 16);
    assert_eq!(read, values(&[(1, "{}"), (2, "?"), (3, "{\"b\":2}")]));
    let list = format!("[{{\"a\":1}},{{\"b\":\"{long}\"}},{{\"c\":3}}]");
    assert_eq!(
        cut_by(&list, 1 << 16),
        values(&[(1, "{\"a\":1}"), (1, "?"), (1, "{\"c\":3}")])
    );
    let spread = format!(
        "{{\n\"a\": 1}}\n{{\n  \"b\": [\n{}\n{{\"c\":3}}\n",
        "    7,\n".repeat(MAX_VALUE_BYTES / 6)
    );
    assert_eq!(
        cut_by(&spread, 1 << 16),
        values(&[
            (1, "{\"a\": 1}"),
            (3, "?"),
            (MAX_VALUE_BYTES as u64 / 6 + 6, "{\"c\":3}")
        ])
    );
    // A list on one line may be longer than a value.
    let list = format!("[{}0]", "{\"a\":1},".repeat(MAX_VALUE_BYTES / 4));
    assert_eq!(cut_by(&list, 1 << 16).len(), MAX_VALUE_BYTES / 4 + 1);
}
