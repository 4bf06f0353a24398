//! Which quota an event counts against.

use std::hash::{BuildHasher, Hasher, RandomState};

use signalbox_core::{Event, Kind, Node, Path};

/// A key template, of which only the paths matter: the text around them is the same for every event.
#[derive(Debug)]
pub(crate) struct KeyTemplate {
    paths: Vec<Path>,
    /// Keyed anew in every process, so keys cannot be computed outside, neither to read nor to collide them.
    hasher: RandomState,
}

impl KeyTemplate {
    /// Reads `"{{ userId }}"` or `"{{ context.app.name }}/{{ userId }}"`.
    pub(crate) fn parse(text: &str) -> Result<KeyTemplate, &'static str> {
        let mut paths = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            if before.contains("}}") {
                return Err("'}}' without '{{' before it");
            }
            let (path, after) = behind.split_once("}}").ok_or("'{{' without '}}' behind it")?;
            let path = Path::new(path.trim());
            if path.is_empty() || path.steps().any(|step| step.contains(['{', '}'])) {
                return Err("there must be one path between '{{' and '}}'");
            }
            paths.push(path);
            rest = after;
        }
        if rest.contains("}}") {
            return Err("'}}' without '{{' before it");
        }
        if paths.is_empty() {
            return Err("it names no path, so every event would have the same key");
        }
        Ok(KeyTemplate {
            paths,
            hasher: RandomState::new(),
        })
    }

    /// The event's key, hashed; `None` if one of the paths leads to nothing: missing, null, an empty text, an object
    /// or an array. A number and a text that read alike are one key.
    pub(crate) fn of(&self, event: &Event) -> Option<u64> {
        let mut hasher = self.hasher.build_hasher();
        for path in &self.paths {
            let part = scalar(event.get(path)?)?;
            hasher.write_usize(part.len());
            hasher.write(part.as_bytes());
        }
        Some(hasher.finish())
    }
}

fn scalar(node: Node<'_>) -> Option<&str> {
    match node.kind() {
        Kind::String => node.as_str().filter(|text| !text.is_empty()),
        Kind::Number => node.number_text(),
        Kind::Bool => Some(if node.as_bool()? { "true" } else { "false" }),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn event(text: &str) -> Event {
        let receipt = Receipt {
            source: "site".into(),
            received_at: 0,
        };
        Event::parse(text, receipt).unwrap()
    }

    #[test]
    fn keys_tell_values_apart() {
        let key = KeyTemplate::parse("{{ userId }}/{{$.context.app.name}}").unwrap();
        let of = |user: &str, app: &str| {
            key.of(&event(&format!(
                r#"{{"userId":{user},"context":{{"app":{{"name":{app}}}}}}}"#
            )))
        };
        assert!(of("\"a\"", "\"x\"").is_some());
        assert_eq!(of("\"1\"", "true"), of("1", "\"true\""));
        for (one, other) in [
            (("\"a\"", "\"x\""), ("\"b\"", "\"x\"")),
            (("\"ab\"", "\"c\""), ("\"a\"", "\"bc\"")),
        ] {
            assert_ne!(of(one.0, one.1), of(other.0, other.1));
        }
        for nothing in ["null", "\"\"", "{}", "[1]"] {
            assert_eq!(of(nothing, "\"x\""), None, "{nothing}");
        }
        assert_eq!(key.of(&event(r#"{"userId":"a"}"#)), None);
    }

    #[test]
    fn templates_that_cannot_be_meant() {
        for text in [
            "userId",
            "",
            "{{ userId",
            "userId }}",
            "{{ }}",
            "}}{{ a }}",
            "{{{ a }}}",
            "{{ a {{ b }}",
        ] {
            assert!(KeyTemplate::parse(text).is_err(), "{text}");
        }
    }
}
