//! Filters of HTML.

use super::call::{Call, Filtered, Named};

const ENTITIES: [(char, &str); 5] = [
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('"', "&#34;"),
    ('\'', "&#39;"),
];

pub(super) const FILTERS: &[Named] = &[
    ("escape", |call| call.made(&escaped(call.text()))),
    ("xml_escape", |call| call.made(&escaped(call.text()))),
    ("escape_once", |call| call.made(&escaped(&unescaped(call.text())))),
    ("strip_html", strip_html),
];

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match ENTITIES.iter().find(|(known, _)| *known == c) {
            Some((_, entity)) => out.push_str(entity),
            None => out.push(c),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = ENTITIES.iter().find(|(_, entity)| rest.starts_with(entity));
        let (c, length) = entity.map_or(('&', 1), |(c, entity)| (*c, entity.len()));
        out.push(c);
        rest = &rest[length..];
    }
    out + rest
}

/// Removes scripts, styles, comments and tags. An opening without its end stays.
fn strip_html(call: Call<'_>) -> Filtered<'_> {
    const BLOCKS: [(&str, &str); 4] = [
        ("<script", "</script>"),
        ("<style", "</style>"),
        ("<!--", "-->"),
        ("<", ">"),
    ];
    let mut rest = call.text();
    let mut out = String::with_capacity(rest.len());
    // A block that was not closed once will not be closed further on.
    let mut closed = [true; BLOCKS.len()];
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut behind = None;
        for ((open, close), closed) in BLOCKS.iter().zip(&mut closed) {
            if !*closed || !rest.starts_with(open) {
                continue;
            }
            behind = rest[open.len()..]
                .find(close)
                .map(|at| open.len() + at + close.len());
            if behind.is_some() {
                break;
            }
            *closed = false;
        }
        match behind {
            Some(behind) => rest = &rest[behind..],
            None => break,
        }
    }
    call.made(&(out + rest))
}
