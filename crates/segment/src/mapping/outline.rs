//! Describes a mapping for people: its fields, and the paths of the event that each is taken from. It reads the JSON of the
//! mapping, so that the plan keeps only what evaluation needs.

use super::check::ordered;
use super::compile::{directive_of, falsy};
use serde_json::{Map, Value as Json};
use signalbox_core::FieldOutline;

/// The deepest object that is described member by member.
const DEPTH: usize = 8;

/// Describes the fields of a mapping. Objects that are no directive are described member by member, as are the members of
/// `@arrayPath`, with `[]` behind the list's path. A constant is not shown, since it may be a token of the receiver.
#[must_use]
pub fn outline(mapping: &Json) -> Vec<FieldOutline> {
    let mut fields = Vec::new();
    describe("", mapping, "", DEPTH, &mut fields);
    fields
}

/// Describes a mapping at a path. `within` is the path of the list whose items the mapping sees, ending in `[].`, or empty.
fn describe(path: &str, mapping: &Json, within: &str, depth: usize, fields: &mut Vec<FieldOutline>) {
    match mapping {
        Json::Null => return,
        Json::Object(object) if depth > 0 => match directive_of(object) {
            None => {
                for (key, member) in ordered(object) {
                    let path = match path {
                        "" => key.to_owned(),
                        path => format!("{path}.{key}"),
                    };
                    describe(&path, member, within, depth - 1, fields);
                }
                return;
            }
            Some(("@arrayPath", Json::Array(items))) => {
                if let (Some(root), Some(shape @ Json::Object(shape_of))) = (items.first(), items.get(1))
                    && !shape_of.is_empty()
                {
                    let root = root_path(root);
                    let within = format!("{within}{root}[].");
                    describe(&format!("{path}[]"), shape, &within, depth - 1, fields);
                    return;
                }
            }
            Some(_) => {}
        },
        _ => {}
    }
    fields.push(FieldOutline {
        field: path.to_owned(),
        sent_as: path.to_owned(),
        source: source(mapping, within),
        paths: paths(mapping, within),
        derived: String::new(),
    });
}

/// Returns the path of a list, or `…` if a directive works it out.
fn root_path(root: &Json) -> String {
    let path = match root {
        Json::String(path) => Some(path.as_str()),
        other => path_of(other),
    };
    path.map_or_else(|| "…".to_owned(), |path| plain(path).to_owned())
}

/// Describes in words where a value comes from.
fn source(mapping: &Json, within: &str) -> String {
    let Some((name, argument)) = mapping.as_object().and_then(directive_of) else {
        return match &*paths(mapping, within) {
            [] => "a fixed value".to_owned(),
            paths => format!("made of {}", listed(paths)),
        };
    };
    let one = |path: &str| format!("{within}{}", plain(path));
    match (name, argument) {
        ("@path", Json::String(path)) => one(path),
        ("@literal", argument) if argument.as_object().is_none() => "a fixed value".to_owned(),
        ("@literal", argument) => source(argument, within),
        ("@if", Json::Object(choice)) => choice_of(choice, within),
        ("@arrayPath", _) => format!("the list {}", listed(&paths(mapping, within))),
        ("@template" | "@liquid", _) => match &*paths(mapping, within) {
            [] => "a fixed text".to_owned(),
            paths => format!("a text with {}", listed(paths)),
        },
        _ => match &*paths(mapping, within) {
            [] => format!("worked out by {name}"),
            paths => format!("worked out by {name} of {}", listed(paths)),
        },
    }
}

/// Describes an `@if`. Chains that take the first path with a value are lists of paths.
fn choice_of(choice: &Map<String, Json>, within: &str) -> String {
    let condition = choice.get("exists").or_else(|| choice.get("blank"));
    let (then, otherwise) = (choice.get("then"), choice.get("else"));
    let otherwise = otherwise
        .filter(|otherwise| !falsy(Some(otherwise)))
        .map(|otherwise| source(otherwise, within));
    let asks_itself = then.is_some() && (then == condition || is_template_of(condition, then));
    let then = then.map_or_else(|| "nothing".to_owned(), |then| source(then, within));
    match (asks_itself, otherwise) {
        (true, None) => then,
        (true, Some(otherwise)) => format!("{then}, else {otherwise}"),
        (false, otherwise) => {
            let asked = condition.map(|condition| listed(&paths(condition, within)));
            let asked = asked.unwrap_or_default();
            let otherwise = otherwise.map(|otherwise| format!(", else {otherwise}"));
            format!("{then} if {asked} has a value{}", otherwise.unwrap_or_default())
        }
    }
}

/// Returns true if the condition is a template of the path that is then taken, as in `{{properties.total}}`.
fn is_template_of(condition: Option<&Json>, then: Option<&Json>) -> bool {
    let text = condition.and_then(|condition| condition.get("@template")?.as_str());
    let placeholder = text.and_then(|text| text.strip_prefix("{{")?.strip_suffix("}}"));
    let path = then.and_then(path_of).map(plain);
    placeholder.is_some() && placeholder.map(str::trim) == path
}

fn path_of(mapping: &Json) -> Option<&str> {
    mapping.get("@path")?.as_str()
}

fn plain(path: &str) -> &str {
    path.strip_prefix("$.").unwrap_or(path)
}

fn listed(paths: &[String]) -> String {
    match paths {
        [] => "a fixed value".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns the paths that a mapping reads, each once, in the order of its text.
fn paths(mapping: &Json, within: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(mapping, within, &mut found);
    found
}

fn collect(mapping: &Json, within: &str, found: &mut Vec<String>) {
    let mut add = |path: &str| {
        let path = format!("{within}{}", plain(path));
        if !found.contains(&path) {
            found.push(path);
        }
    };
    match mapping {
        Json::Object(object) => match directive_of(object) {
            Some(("@path", Json::String(path))) => add(path),
            Some((name @ ("@template" | "@liquid"), argument @ Json::String(_))) => {
                for path in super::reads(name, argument) {
                    add(&path);
                }
            }
            Some(("@arrayPath", Json::Array(items))) => match items.first() {
                Some(Json::String(path)) => add(path),
                Some(root) => collect(root, within, found),
                None => {}
            },
            _ => {
                for (_, member) in ordered(object) {
                    collect(member, within, found);
                }
            }
        },
        Json::Array(items) => {
            for item in items {
                collect(item, within, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(mapping: &Json) -> Vec<(String, String, String)> {
        let fields = outline(mapping).into_iter();
        fields
            .map(|field| (field.field, field.source, field.paths.join(" ")))
            .collect()
    }

    #[test]
    fn fields_tell_their_paths() {
        let path = |path: &str| json!({ "@path": path });
        for (mapping, source, paths) in [
            (path("$.properties.total"), "properties.total", "properties.total"),
            (json!("checkout"), "a fixed value", ""),
            (json!(7), "a fixed value", ""),
            (json!({ "@literal": "x" }), "a fixed value", ""),
            (
                json!({ "@if": { "exists": path("$.a"), "then": path("$.a"), "else": { "@if": { "blank": path("$.b"), "then": path("$.b"), "else": "c" } } } }),
                "a, else b, else a fixed value",
                "a b",
            ),
            (
                json!({ "@if": { "blank": { "@template": "{{ a.b }}" }, "then": path("$.a.b") } }),
                "a.b",
                "a.b",
            ),
            (
                json!({ "@if": { "exists": path("$.a"), "then": path("$.b"), "else": 0 } }),
                "b if a has a value",
                "a b",
            ),
            (
                json!({ "@template": "Hi {{a}} {{b}}" }),
                "a text with a and b",
                "a b",
            ),
            (json!({ "@template": "Hi" }), "a fixed text", ""),
            (
                json!({ "@case": { "operator": "lower", "value": path("$.a") } }),
                "worked out by @case of a",
                "a",
            ),
            (json!({ "@arrayPath": ["$.a"] }), "the list a", "a"),
            (json!([path("$.a"), 1]), "made of a", "a"),
        ] {
            let rows = rows(&json!({ "x": mapping }));
            assert_eq!(
                rows,
                [("x".to_owned(), source.to_owned(), paths.to_owned())],
                "{mapping}"
            );
        }
    }

    #[test]
    fn objects_and_items_of_lists_are_described_member_by_member() {
        let mapping = json!({
            "user": { "email": { "@path": "$.traits.email" }, "none": null },
            "items": { "@arrayPath": ["$.properties.products", { "id": { "@path": "$.sku" }, "kind": "shop" }] },
        });
        let row =
            |field: &str, source: &str, paths: &str| (field.to_owned(), source.to_owned(), paths.to_owned());
        assert_eq!(
            rows(&mapping),
            [
                row("user.email", "traits.email", "traits.email"),
                row(
                    "items[].id",
                    "properties.products[].sku",
                    "properties.products[].sku"
                ),
                row("items[].kind", "a fixed value", ""),
            ]
        );
    }

    #[test]
    fn no_constant_is_shown() {
        let mapping = json!({ "token": "hunter2", "list": ["hunter2"], "deep": { "@merge": { "objects": [{ "a": "hunter2" }] } } });
        assert!(!format!("{:?}", outline(&mapping)).contains("hunter2"));
    }
}
