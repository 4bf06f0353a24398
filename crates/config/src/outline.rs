//! The components of a file as people may see them: names, wiring and settings, without secrets.

use serde_json::{Map, Value as Json};
use signalbox_core::{PluginKind, plugins};

use super::loaded::{SinkEntry, SourceEntry, TransformEntry};
use super::schema;
use super::tree::{TextState, TomlNode, TomlValue};

/// Longest chain of `$ref`s that is followed.
const LONGEST_CHAIN: usize = 16;

/// A component as people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentOutline {
    /// Its kind.
    pub kind: PluginKind,
    /// Its name in the file.
    pub name: String,
    /// Its `type`.
    pub plugin: &'static str,
    /// The sources that a sink listens to.
    pub inputs: Vec<String>,
    /// The names of its transforms.
    pub through: Vec<String>,
    /// False for a sink with `enabled = false`.
    pub enabled: bool,
    /// The settings that the file gives, in its order, without `type`.
    pub settings: Vec<SettingOutline>,
}

/// A setting as people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingOutline {
    /// Its path below the component.
    pub path: String,
    /// The value as TOML writes it. `None` if it is not shown: a secret by the schema, a text with an interpolated part, or a
    /// part that no schema describes.
    pub value: Option<String>,
}

/// Describes the components of a file, in the order of kinds and of the file.
pub(crate) fn outlines(
    root: &TomlNode,
    sources: &[SourceEntry],
    transforms: &[TransformEntry],
    sinks: &[SinkEntry],
) -> Vec<ComponentOutline> {
    let mut all = Vec::new();
    let mut add = |kind: PluginKind, name: &str, plugin: &'static str| {
        let table = root.get(schema::table_of(kind));
        let node = table.and_then(|table| table.node.get(name));
        all.push(ComponentOutline {
            kind,
            name: name.to_owned(),
            plugin,
            inputs: Vec::new(),
            through: Vec::new(),
            enabled: true,
            settings: node
                .map(|entry| settings(kind, plugin, &entry.node))
                .unwrap_or_default(),
        });
        all.len() - 1
    };
    let mut wiring = Vec::new();
    for source in sources {
        let at = add(PluginKind::Source, &source.name, source.plugin);
        wiring.push((at, Vec::new(), source.runtime.through.clone(), true));
    }
    for transform in transforms {
        add(PluginKind::Transform, &transform.name, transform.plugin);
    }
    for sink in sinks {
        let at = add(PluginKind::Sink, &sink.name, sink.plugin);
        let keys = &sink.runtime;
        wiring.push((at, keys.inputs.clone(), keys.through.clone(), keys.is_enabled()));
    }
    for (at, inputs, through, enabled) in wiring {
        if let Some(one) = all.get_mut(at) {
            (one.inputs, one.through, one.enabled) = (inputs, through, enabled);
        }
    }
    all
}

fn settings(kind: PluginKind, plugin: &str, node: &TomlNode) -> Vec<SettingOutline> {
    let known = plugins();
    let info = known.iter().find(|info| info.kind == kind && info.name == plugin);
    let Some(schema) = info.map(|info| schema::component(info)) else {
        return Vec::new();
    };
    let describe = Describe { root: &schema };
    let mut found = Vec::new();
    describe.table("", node, Some(&schema), &mut found);
    found.retain(|setting| setting.path != "type");
    found
}

struct Describe<'s> {
    root: &'s Json,
}

impl<'s> Describe<'s> {
    fn table(&self, path: &str, node: &TomlNode, schema: Option<&'s Json>, found: &mut Vec<SettingOutline>) {
        let object = schema.and_then(|schema| self.resolve(schema));
        for entry in node.entries() {
            let path = match path {
                "" => entry.key.clone(),
                path => format!("{path}.{}", entry.key),
            };
            let known = object.and_then(|object| {
                let properties = object.get("properties").and_then(|known| known.get(&entry.key));
                properties.or_else(|| object.get("additionalProperties").filter(|rest| rest.is_object()))
            });
            self.setting(path, &entry.node, known, found);
        }
    }

    fn setting(
        &self,
        path: String,
        node: &TomlNode,
        schema: Option<&'s Json>,
        found: &mut Vec<SettingOutline>,
    ) {
        let is_shown = schema.is_some_and(|schema| self.is_public(schema));
        match &node.value {
            TomlValue::Table(_) if is_shown => self.table(&path, node, schema, found),
            TomlValue::List(items) if items.iter().any(|item| matches!(item.value, TomlValue::Table(_))) => {
                let value = Some(format!("{} entries", items.len()));
                found.push(SettingOutline { path, value });
            }
            _ => {
                let value = if is_shown { text(node) } else { None };
                found.push(SettingOutline { path, value });
            }
        }
    }

    /// Returns true if the schema describes the value and calls no part of it a secret.
    fn is_public(&self, schema: &'s Json) -> bool {
        let Some(object) = self.resolve(schema) else {
            return false;
        };
        if object.get("writeOnly") == Some(&Json::Bool(true)) {
            return false;
        }
        let alternatives = ["anyOf", "oneOf"]
            .iter()
            .filter_map(|key| object.get(*key)?.as_array());
        let alternatives: Vec<&Json> = alternatives.flatten().collect();
        let items = object.get("items");
        let described = ["type", "const", "enum", "properties"]
            .iter()
            .any(|key| object.contains_key(*key));
        (described || !alternatives.is_empty())
            && alternatives.iter().all(|one| self.is_public(one))
            && items.is_none_or(|items| self.is_public(items))
    }

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
}

/// Writes a value; `None` if a part of it is interpolated, or it is a table.
fn text(node: &TomlNode) -> Option<String> {
    Some(match &node.value {
        TomlValue::Text(text) if text.state == TextState::Literal => {
            format!("\"{}\"", text.text.escape_debug())
        }
        TomlValue::Text(_) | TomlValue::Table(_) => return None,
        TomlValue::Integer(number) => number.to_string(),
        TomlValue::Float(number) => number.to_string(),
        TomlValue::Bool(truth) => truth.to_string(),
        TomlValue::Date(text) => text.clone(),
        TomlValue::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(text).collect();
            format!("[{}]", items?.join(", "))
        }
    })
}
