//! Places where a mapping does not do what it seems to say. Segment accepts all of them in silence.

use super::check::ordered;
use serde_json::{Map, Value as Json};
use std::fmt;

/// A doubtful place in a mapping; the mapping works all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingWarning {
    /// Keys from the root joined by `/`, beginning with `/`; list elements by their index.
    pub path: String,
    /// A stable code for counting.
    pub code: &'static str,
    /// What really happens.
    pub message: String,
}

impl fmt::Display for MappingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.message)
    }
}

/// Looks at a whole mapping.
pub(super) fn lint(mapping: &Json) -> Vec<MappingWarning> {
    let mut lint = Lint {
        path: Vec::new(),
        found: Vec::new(),
    };
    lint.value(mapping);
    lint.found
}

struct Lint {
    path: Vec<String>,
    found: Vec<MappingWarning>,
}

impl Lint {
    fn warn(&mut self, code: &'static str, message: impl Into<String>) {
        self.found.push(MappingWarning {
            path: format!("/{}", self.path.join("/")),
            code,
            message: message.into(),
        });
    }

    fn below(&mut self, key: &str, value: &Json) {
        self.path.push(key.to_owned());
        self.value(value);
        self.path.pop();
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.below(&index.to_string(), item);
                }
            }
            Json::Object(object) => {
                for (key, argument) in object.iter().filter(|(key, _)| key.starts_with('@')) {
                    self.path.push(key.clone());
                    self.directive(key, argument);
                    self.path.pop();
                }
                for (key, member) in ordered(object) {
                    // The text of these is a path or a template, looked at above.
                    let text =
                        member.is_string() && matches!(key, "@path" | "@template" | "@liquid" | "@literal");
                    if !text && key != "_metadata" {
                        self.below(key, member);
                    }
                }
            }
            Json::String(text) => self.raw_text(text),
            _ => {}
        }
    }

    fn raw_text(&mut self, text: &str) {
        // Inside the options of a directive short texts are patterns and separators.
        if text.contains("{{") {
            self.warn(
                "plain_template",
                "this text is sent as it is; to fill in `{{…}}` use @template",
            );
        } else if text.starts_with("$.")
            && self
                .path
                .iter()
                .rev()
                .nth(1)
                .is_none_or(|key| key != "@arrayPath")
        {
            self.warn(
                "plain_path",
                "this text is sent as it is; to take the value at this path use @path",
            );
        }
    }

    fn directive(&mut self, name: &str, argument: &Json) {
        match (name, argument) {
            ("@path", Json::String(path)) => self.event_path(path),
            ("@template", Json::String(text)) => self.template(text),
            ("@arrayPath", Json::Array(items)) => {
                if let Some(Json::String(path)) = items.first() {
                    self.event_path(path);
                }
            }
            ("@if", Json::Object(options)) => self.if_(options),
            ("@merge" | "@json", Json::Object(options)) => {
                for (key, lower) in [("direction", "left"), ("mode", "encode"), ("mode", "decode")] {
                    let given = options.get(key).and_then(Json::as_str).unwrap_or_default();
                    if given != lower && given.eq_ignore_ascii_case(lower) {
                        let message = format!("`{given}` is not understood; write `{lower}` in lower case");
                        self.warn("capitals", message);
                    }
                }
            }
            _ => {}
        }
    }

    fn event_path(&mut self, path: &str) {
        if path.starts_with("$[") {
            self.warn(
                "path_root",
                "`$[` is not understood: the path looks for a key named `$`; begin with `$.`",
            );
        } else if path.contains("[*]") || path.contains("..") || path.contains(".*") || path.contains("[?") {
            self.warn(
                "path_wildcard",
                "paths have no wildcards or filters; use @arrayPath for lists",
            );
        }
        if path.ends_with([',', ';', ':', ' ']) {
            self.warn(
                "path_punctuation",
                "the path ends in punctuation, which is taken for a part of the key",
            );
        }
    }

    fn template(&mut self, text: &str) {
        if text.contains("{{$.") || text.contains("{{ $.") {
            let message =
                "`$.` is not understood in templates: the placeholder is always empty; leave it away";
            self.warn("template_path", message);
        }
        if text.contains("{{{") {
            let message = "what triple braces insert is itself read as a template, so event data can reach other \
                           fields; use double braces";
            self.warn("triple_braces", message);
        }
        let mut places = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
        if places.any(|(place, _)| place.contains('|')) {
            self.warn(
                "template_filter",
                "templates have no filters: the placeholder is always empty",
            );
        }
    }

    fn if_(&mut self, options: &Map<String, Json>) {
        if options.get("else").is_some_and(is_falsy) {
            self.warn(
                "falsy_else",
                "this `else` value is dropped: false, 0, \"\" and null count as no `else`",
            );
        }
        if options.contains_key("blank") && !options.contains_key("exists") {
            self.warn(
                "blank_means_filled",
                "`blank` asks whether the value is *not* blank",
            );
        }
        let always = options
            .get("exists")
            .and_then(Json::as_object)
            .is_some_and(|exists| exists.contains_key("@template"));
        if always {
            self.warn(
                "always_exists",
                "a template always gives text, so the condition always holds; use `blank`",
            );
        }
        if options
            .get("then")
            .is_some_and(|then| options.get("else") == Some(then))
        {
            self.warn("same_branches", "`then` and `else` are the same");
        }
    }
}

fn is_falsy(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        _ => false,
    }
}
