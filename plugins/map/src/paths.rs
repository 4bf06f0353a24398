//! Keys that are paths: `"properties.value"` means the member `value` of the member `properties`.

use serde_json::{Map, Value as Json};
use signalbox_core::{BuildError, BuildErrors};
use signalbox_segment::settings::child;

/// Fields whose keys are members, and where they came from.
pub(crate) struct Expanded {
    pub(crate) fields: Map<String, Json>,
    /// For each key with dots: the path of its value now, and the path of the setting it is written in.
    moved: Vec<(String, String)>,
}

impl Expanded {
    /// The path of the setting for a path in the expanded fields.
    pub(crate) fn setting(&self, path: &str) -> Option<String> {
        self.moved.iter().find_map(|(now, written)| {
            let rest = path.strip_prefix(now.as_str())?;
            (rest.is_empty() || rest.starts_with('.')).then(|| format!("{written}{rest}"))
        })
    }
}

/// Puts keys with dots where their paths lead. A mapping that is one directive stays as it is.
pub(crate) fn expand(fields: Map<String, Json>, path: &str, errors: &mut BuildErrors) -> Expanded {
    let mut expanded = Map::new();
    let mut moved = Vec::new();
    if fields.keys().any(|key| key.starts_with('@')) {
        return Expanded { fields, moved };
    }
    for (key, value) in fields {
        let steps: Vec<&str> = key
            .strip_prefix("$.")
            .unwrap_or(&key)
            .split('.')
            .filter(|step| !step.is_empty())
            .collect();
        if steps.len() > 1 {
            let now = steps
                .iter()
                .fold(path.to_owned(), |path, step| child(&path, step));
            moved.push((now, child(path, &key)));
        }
        let problem = match steps.split_last() {
            None => Some("is no path"),
            Some((last, parents)) => put(&mut expanded, parents, last, value),
        };
        if let Some(problem) = problem {
            errors.push(BuildError::new(child(path, &key), problem));
        }
    }
    Expanded {
        fields: expanded,
        moved,
    }
}

/// Puts a value; says why it cannot.
fn put(into: &mut Map<String, Json>, parents: &[&str], last: &str, value: Json) -> Option<&'static str> {
    const TAKEN: &str = "another key maps this member, or one around it, already";
    let mut into = into;
    for parent in parents {
        let below = into
            .entry(*parent)
            .or_insert_with(|| Json::Object(Map::new()))
            .as_object_mut()
            .filter(|members| !members.keys().any(|key| key.starts_with('@')));
        into = match below {
            Some(below) => below,
            None => return Some(TAKEN),
        };
    }
    if into.contains_key(last) {
        return Some(TAKEN);
    }
    into.insert(last.to_owned(), value);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expanded(fields: Json) -> (Json, Vec<String>) {
        let Json::Object(fields) = fields else { panic!() };
        let mut errors = Vec::new();
        let expanded = expand(fields, "fields", &mut errors);
        (
            Json::Object(expanded.fields),
            errors.into_iter().map(|error| error.path).collect(),
        )
    }

    #[test]
    fn keys_with_dots_are_paths() {
        let fields = json!({ "$.a.b": 1, "a": { "c.d": 2 }, "e": 3 });
        assert_eq!(expanded(fields).1, ["fields.a"], "a is there already");
        let fields = json!({ "a": { "c.d": 2 }, "a.b": 1, "e": 3 });
        let expected = json!({ "a": { "c.d": 2, "b": 1 }, "e": 3 });
        assert_eq!(expanded(fields), (expected, vec![]));
        let directive = json!({ "@path": "$.a.b" });
        assert_eq!(expanded(directive.clone()), (directive, vec![]));
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        let fields = json!({ "a": { "@path": "$.x" }, "a.b": 1, "c": 2, "c.d": 3, "$.": 4, "": 5 });
        assert_eq!(
            expanded(fields).1,
            ["fields.\"a.b\"", "fields.\"c.d\"", "fields.\"$.\"", "fields.\"\""]
        );
    }
}
