//! Finds all unknown keys, missing keys and values of a wrong kind under a table, by a walk along its JSON Schema.
//!
//! serde stops at the first error; the walk does not. It understands the schemas that schemars makes of our structs and
//! skips everything else: reading decides if a value is accepted, never the walk.

use serde_json::{Map, Value as Json};
use signalbox_core::child_path;

use super::diagnostic::Finding;
use super::suggest;
use super::tree::{TextState, TomlNode, TomlText, TomlValue};

/// Longest chain of `$ref`s that is followed.
const LONGEST_CHAIN: usize = 16;

/// The findings of a walk.
#[derive(Default)]
pub(crate) struct Walked {
    pub(crate) keys: Vec<Finding>,
    pub(crate) values: Vec<Finding>,
}

/// Walks `node` along `schema`, whose `$defs` are at its root.
pub(crate) fn walk(node: &TomlNode, schema: &Json) -> Walked {
    let mut walker = Walker {
        root: schema,
        found: Walked::default(),
    };
    walker.value(node, schema);
    walker.found
}

struct Walker<'s> {
    root: &'s Json,
    found: Walked,
}

impl<'s> Walker<'s> {
    fn resolve(&self, mut schema: &'s Json) -> Option<&'s Map<String, Json>> {
        for _ in 0..LONGEST_CHAIN {
            let object = schema.as_object()?;
            match object.get("$ref").and_then(Json::as_str) {
                Some(reference) => schema = self.root.pointer(reference.strip_prefix('#')?)?,
                None => return Some(object),
            }
        }
        None
    }

    /// The tree is at most 64 deep and each step into the schema follows one into the tree, but for alternatives
    /// within alternatives, which only a schema written by hand could chain.
    fn value(&mut self, node: &TomlNode, schema: &'s Json) {
        if matches!(&node.value, TomlValue::Text(text) if text.state == TextState::Failed) {
            return;
        }
        let Some(object) = self.resolve(schema) else {
            return;
        };
        if let Some(alternatives) = alternatives(object) {
            return self.choose(node, alternatives);
        }
        if let Some(names) = constants(object) {
            return self.constant(node, &names);
        }
        let types = types(object);
        if !types.is_empty() && !types.iter().any(|name| accepts(name, node)) {
            self.mismatch(node, &wanted(object, &types));
            return;
        }
        match &node.value {
            TomlValue::Table(_) => self.table(node, object),
            TomlValue::List(items) => {
                if let Some(schema) = object.get("items") {
                    items.iter().for_each(|item| self.value(item, schema));
                }
            }
            _ => {}
        }
    }

    fn mismatch(&mut self, node: &TomlNode, wanted: &str) {
        let message = format!("expected {wanted}, found {}", node.kind());
        self.found.values.push(Finding::new(&node.path, node.at, message));
    }

    fn constant(&mut self, node: &TomlNode, names: &[&str]) {
        match &node.value {
            TomlValue::Text(text) if names.contains(&text.text.as_str()) => {}
            TomlValue::Text(text) => {
                let (expected, hint) = (names.iter().copied(), names.iter().copied());
                let message = format!(
                    "unknown value{}{}",
                    suggest::expected(expected),
                    suggest::hint(&text.text, hint)
                );
                self.found.values.push(Finding::new(&node.path, node.at, message));
            }
            _ => self.mismatch(node, "a string"),
        }
    }

    fn table(&mut self, node: &TomlNode, object: &'s Map<String, Json>) {
        // Schemas of any other form are skipped.
        if ["allOf", "patternProperties", "if", "not"]
            .iter()
            .any(|key| object.contains_key(*key))
        {
            return;
        }
        let properties = object.get("properties").and_then(Json::as_object);
        let rest = object.get("additionalProperties");
        for entry in node.entries() {
            match (properties.and_then(|known| known.get(&entry.key)), rest) {
                (Some(schema), _) => self.value(&entry.node, schema),
                (None, Some(Json::Bool(false))) => {
                    let known: Vec<&str> = properties
                        .into_iter()
                        .flat_map(|known| known.keys())
                        .map(String::as_str)
                        .collect();
                    let mut finding = unknown_field(&entry.node.path, entry.at, &entry.key, &known);
                    if let Some(inner) = properties.and_then(|known| self.lives_in(known, &entry.key)) {
                        finding.help = Some(format!("'{}' belongs in '{inner}'", entry.key));
                    }
                    self.found.keys.push(finding);
                }
                (None, Some(schema)) => self.value(&entry.node, schema),
                (None, None) => {}
            }
        }
        let required = object.get("required").and_then(Json::as_array);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            if node.get(key).is_none() {
                let about = properties
                    .and_then(|known| known.get(key))
                    .and_then(|schema| self.about(schema));
                self.found.keys.push(missing_field(node, key, about));
            }
        }
    }

    /// Returns the first sentence of a setting's description.
    fn about(&self, schema: &'s Json) -> Option<&'s str> {
        let own = schema.get("description").and_then(Json::as_str);
        let text = own.or_else(|| self.resolve(schema)?.get("description")?.as_str())?;
        let end = text.find(". ").or_else(|| text.find(".\n")).unwrap_or(text.len());
        let line = text.get(..end)?.lines().next()?;
        Some(line.trim().trim_end_matches('.'))
    }

    /// Returns the neighbouring table with `key`, if exactly one has it.
    fn lives_in(&self, properties: &'s Map<String, Json>, key: &str) -> Option<&'s str> {
        let mut found = None;
        for (name, schema) in properties {
            let Some(object) = self.resolve(schema) else {
                continue;
            };
            let inner = match alternatives(object) {
                Some(several) => several
                    .iter()
                    .find_map(|one| self.resolve(one)?.get("properties")),
                None => object.get("properties"),
            };
            if inner.is_some_and(|inner| inner.get(key).is_some()) {
                if found.is_some() {
                    return None;
                }
                found = Some(name.as_str());
            }
        }
        found
    }

    /// Walks the intended one of several alternatives, if it is recognisable.
    fn choose(&mut self, node: &TomlNode, alternatives: &'s [Json]) {
        let mut several: Vec<(&'s Json, &'s Map<String, Json>)> = Vec::new();
        for schema in alternatives {
            let Some(object) = self.resolve(schema) else {
                return;
            };
            if types(object) != ["null"] {
                several.push((schema, object));
            }
        }
        if let [(only, _)] = several.as_slice() {
            return self.value(node, only);
        }
        let names: Option<Vec<&str>> = several
            .iter()
            .map(|(_, object)| constants(object))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat());
        if let Some(names) = names {
            return self.constant(node, &names);
        }
        if several
            .iter()
            .any(|(_, object)| types(object).is_empty() && constants(object).is_none())
        {
            return;
        }
        let fits = |object: &Map<String, Json>| match constants(object) {
            Some(_) => matches!(node.value, TomlValue::Text(_)),
            None => types(object).iter().any(|name| accepts(name, node)),
        };
        let fitting: Vec<_> = several.iter().filter(|(_, object)| fits(object)).collect();
        match fitting.as_slice() {
            [] => {
                let kinds: Vec<String> = several
                    .iter()
                    .map(|(_, object)| wanted(object, &types(object)))
                    .collect();
                self.mismatch(node, &either(kinds));
            }
            [(only, _)] => self.value(node, only),
            many => self.choose_table(node, many),
        }
    }

    /// Walks an enum with data, recognised by a tag within the table or by its single key.
    fn choose_table(&mut self, node: &TomlNode, several: &[&(&'s Json, &'s Map<String, Json>)]) {
        let properties = |object: &'s Map<String, Json>| object.get("properties").and_then(Json::as_object);
        let Some(first) = several.first().and_then(|(_, object)| properties(object)) else {
            return;
        };
        let tag_of = |object: &'s Map<String, Json>, key: &str| {
            properties(object).and_then(|known| known.get(key)?.get("const")?.as_str())
        };
        let tag = first
            .keys()
            .find(|key| several.iter().all(|(_, object)| tag_of(object, key).is_some()));
        if let Some(tag) = tag {
            let names: Vec<&str> = several
                .iter()
                .filter_map(|(_, object)| tag_of(object, tag))
                .collect();
            let Some(entry) = node.get(tag) else {
                self.found.keys.push(missing_field(node, tag, None));
                return;
            };
            let TomlValue::Text(TomlText { text, .. }) = &entry.node.value else {
                return self.mismatch(&entry.node, "a string");
            };
            match several
                .iter()
                .find(|(_, object)| tag_of(object, tag) == Some(text))
            {
                Some((_, object)) => self.table(node, object),
                None => self.constant(&entry.node, &names),
            }
            return;
        }
        let meant = several.iter().find(|(_, object)| {
            node.entries()
                .iter()
                .any(|entry| properties(object).is_some_and(|known| known.contains_key(&entry.key)))
        });
        let externally_tagged = several
            .iter()
            .all(|(_, object)| properties(object).is_some_and(|known| known.len() == 1));
        if let (Some((_, object)), true) = (meant, externally_tagged) {
            self.table(node, object);
        }
    }
}

/// Creates the finding for an unknown key.
pub(crate) fn unknown_field(path: &str, at: usize, key: &str, known: &[&str]) -> Finding {
    let expected = suggest::expected(known.iter().copied());
    let hint = suggest::hint(key, known.iter().copied());
    Finding::new(
        path,
        at,
        format!("unknown field '{}'{expected}{hint}", key.escape_debug()),
    )
}

/// Creates the finding for a missing key, placed at the table.
pub(crate) fn missing_field(table: &TomlNode, key: &str, about: Option<&str>) -> Finding {
    let finding = Finding::new(
        child_path(&table.path, key),
        table.at,
        format!("missing field '{key}'"),
    );
    match about {
        Some(about) if !about.is_empty() => finding.help(format!("{key}: {about}")),
        _ => finding,
    }
}

fn alternatives(object: &Map<String, Json>) -> Option<&[Json]> {
    object
        .get("oneOf")
        .or_else(|| object.get("anyOf"))
        .and_then(Json::as_array)
        .map(Vec::as_slice)
}

/// Returns the strings of an `enum` or a `const`, if the schema is nothing else.
fn constants(object: &Map<String, Json>) -> Option<Vec<&str>> {
    if let Some(one) = object.get("const") {
        return one.as_str().map(|one| vec![one]);
    }
    // `null` stands for an absent setting, which TOML cannot write.
    let names = object.get("enum")?.as_array()?;
    names
        .iter()
        .filter(|name| !name.is_null())
        .map(Json::as_str)
        .collect()
}

fn types(object: &Map<String, Json>) -> Vec<&str> {
    match object.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn accepts(name: &str, node: &TomlNode) -> bool {
    let interpolated = match &node.value {
        TomlValue::Text(text) if text.state != TextState::Literal => Some(text.text.trim()),
        _ => None,
    };
    match (name, &node.value) {
        ("string", TomlValue::Text(_) | TomlValue::Date(_))
        | ("integer" | "number", TomlValue::Integer(_))
        | ("number", TomlValue::Float(_))
        | ("boolean", TomlValue::Bool(_))
        | ("array", TomlValue::List(_))
        | ("object", TomlValue::Table(_)) => true,
        ("integer", _) => interpolated.is_some_and(|text| text.parse::<i128>().is_ok()),
        ("number", _) => interpolated.is_some_and(|text| text.parse::<f64>().is_ok()),
        ("boolean", _) => interpolated.is_some_and(|text| matches!(text, "true" | "false")),
        // Reading judges values of unknown types.
        (name, _) => !["string", "array", "object", "null"].contains(&name),
    }
}

/// Names the kinds of value that a schema accepts, with its example if it has one.
fn wanted(object: &Map<String, Json>, types: &[&str]) -> String {
    let example = object
        .get("examples")
        .and_then(Json::as_array)
        .and_then(|all| all.first()?.as_str());
    let kinds = types
        .iter()
        .filter(|name| **name != "null")
        .map(|name| match *name {
            "string" => match (object.get("format").and_then(Json::as_str), example) {
                (Some("duration"), Some(example)) => format!("a duration such as {example:?}"),
                (_, Some(example)) => format!("a string such as {example:?}"),
                _ => "a string".to_owned(),
            },
            "integer" => "an integer".to_owned(),
            "number" => "a number".to_owned(),
            "boolean" => "a boolean".to_owned(),
            "array" => "a list".to_owned(),
            "object" => "a table".to_owned(),
            other => other.to_owned(),
        });
    either(kinds.collect())
}

fn either(mut kinds: Vec<String>) -> String {
    kinds.sort_unstable();
    kinds.dedup();
    match kinds.pop() {
        None => "something else".to_owned(),
        Some(last) if kinds.is_empty() => last,
        Some(last) => format!("{} or {last}", kinds.join(", ")),
    }
}
