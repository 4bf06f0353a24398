//! Warns about misleading parts of a mapping, whose effect differs from their look. Segment accepts all of them
//! silently.

use super::check::ordered;
use serde_json::Value as Json;
use std::fmt;

/// A doubtful part of a mapping, which works all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingWarning {
    /// Keys from the root joined by `/`, beginning with `/`; list elements by their index.
    pub path: String,
    /// A stable code for counting.
    pub code: &'static str,
    /// Description of the actual behaviour.
    pub message: String,
}

impl fmt::Display for MappingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.message)
    }
}

/// Looks for doubtful parts in the argument of a directive.
pub(super) type LintFn = fn(&mut Lint, &Json);

/// Returns the warnings of a whole mapping. `find` returns a directive's lint by its name.
pub(super) fn lint(mapping: &Json, find: fn(&str) -> Option<LintFn>) -> Vec<MappingWarning> {
    let mut lint = Lint {
        path: Vec::new(),
        found: Vec::new(),
        find,
    };
    lint.value(mapping);
    lint.found
}

/// A lint under way.
pub(super) struct Lint {
    path: Vec<String>,
    found: Vec<MappingWarning>,
    find: fn(&str) -> Option<LintFn>,
}

impl Lint {
    /// Adds a warning at the current path.
    pub(super) fn warn(&mut self, code: &'static str, message: impl Into<String>) {
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
                    if let Some(lint) = (self.find)(key) {
                        self.path.push(key.clone());
                        lint(self, argument);
                        self.path.pop();
                    }
                }
                for (key, member) in ordered(object) {
                    // These texts are paths or templates, which the directives' lints look at.
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
        // Short texts in the options of a directive are patterns and separators.
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

    /// Warns about words that a directive reads in lower case only.
    pub(super) fn capitals(&mut self, options: &Json, key: &str, words: &[&str]) {
        let given = options.get(key).and_then(Json::as_str).unwrap_or_default();
        for lower in words {
            if given != *lower && given.eq_ignore_ascii_case(lower) {
                let message = format!("`{given}` is not understood; write `{lower}` in lower case");
                self.warn("capitals", message);
            }
        }
    }

    /// Warns about paths that only look like JSONPath.
    pub(super) fn event_path(&mut self, path: &str) {
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
}
