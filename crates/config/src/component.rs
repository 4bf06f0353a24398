//! Reads one component: its plugin, the runtime's keys, and the rest as the plugin's settings.

use serde::Deserialize;
use serde_json::Value as Json;
use signalbox_core::{PluginInfo, PluginKind};

use super::diagnostic::Finding;
use super::loaded::{SinkEntry, SourceEntry, TransformEntry};
use super::origin::Lines;
use super::settings::{SinkRuntime, SourceRuntime};
use super::tree::{TextState, TomlEntry, TomlNode, TomlValue};
use super::walk::{Walked, missing_field, walk};
use super::{de, schema, suggest};

/// The components read so far.
#[derive(Default)]
pub(crate) struct Components {
    pub(crate) sources: Vec<SourceEntry>,
    pub(crate) transforms: Vec<TransformEntry>,
    pub(crate) sinks: Vec<SinkEntry>,
}

/// Reads the component in `entry` into `into`, or adds its mistakes to `findings`.
pub(crate) fn component(
    kind: PluginKind,
    entry: &TomlEntry,
    lines: &Lines<'_>,
    into: &mut Components,
    findings: &mut Vec<Finding>,
) {
    let node = &entry.node;
    let plugin = match find_plugin(kind, node) {
        Ok(plugin) => Some(plugin),
        Err(finding) => {
            findings.extend(finding);
            None
        }
    };
    let (name, position) = (entry.key.clone(), lines.position(node.at));
    match kind {
        PluginKind::Source => {
            if let (Some(runtime), Some((plugin, config))) = parts::<SourceRuntime, _>(node, plugin, findings)
            {
                into.sources.push(SourceEntry {
                    name,
                    plugin,
                    position,
                    runtime,
                    config,
                });
            }
        }
        PluginKind::Transform => {
            if let (Some(NoKeys {}), Some((plugin, config))) = parts(node, plugin, findings) {
                into.transforms.push(TransformEntry {
                    name,
                    plugin,
                    position,
                    config,
                });
            }
        }
        PluginKind::Sink => {
            if let (Some(runtime), Some((plugin, config))) = parts::<SinkRuntime, _>(node, plugin, findings) {
                let sink = SinkEntry {
                    name,
                    plugin,
                    position,
                    runtime,
                    config,
                };
                let faults = sink.runtime.faults(&sink.config.defaults());
                findings.extend(faults.into_iter().filter_map(|fault| node.finding(fault)));
                into.sinks.push(sink);
            }
        }
    }
}

/// The runtime's keys of a transform: none.
#[derive(Deserialize)]
struct NoKeys {}

/// Reads the two parts of a component. If reading fails, a walk along the schema adds its findings; if reading succeeds,
/// the walk is skipped.
fn parts<'t, R, C>(
    node: &'t TomlNode,
    plugin: Option<&'static PluginInfo>,
    findings: &mut Vec<Finding>,
) -> (Option<R>, Option<(&'static str, C)>)
where
    R: Deserialize<'t> + RuntimeKeys,
    C: Deserialize<'t>,
{
    let keys = R::KIND.and_then(schema::runtime_keys);
    let keys = keys
        .as_ref()
        .and_then(|schema| schema.get("properties"))
        .and_then(Json::as_object);
    let (own, rest): (Vec<_>, Vec<_>) = node
        .entries()
        .iter()
        .partition(|entry| keys.is_some_and(|keys| keys.contains_key(&entry.key)));

    let mut failures = Vec::new();
    let mut failed = false;
    let mut note = |failure: Option<Finding>| {
        failed = true;
        failures.extend(failure);
    };
    let runtime = de::read::<R>(node, own).map_err(&mut note).ok();
    let config = plugin.and_then(|plugin| {
        let config = de::read_tagged::<C>(node, rest).map_err(&mut note).ok()?;
        Some((plugin.name, config))
    });
    if failed {
        let walked = plugin
            .map(|plugin| walk(node, &schema::component(plugin)))
            .unwrap_or_default();
        merge(node, walked, failures, findings);
    }
    (runtime, config)
}

/// The kind of component whose runtime keys a struct holds.
trait RuntimeKeys {
    const KIND: Option<PluginKind>;
}

impl RuntimeKeys for SourceRuntime {
    const KIND: Option<PluginKind> = Some(PluginKind::Source);
}

impl RuntimeKeys for SinkRuntime {
    const KIND: Option<PluginKind> = Some(PluginKind::Sink);
}

impl RuntimeKeys for NoKeys {
    const KIND: Option<PluginKind> = None;
}

/// Merges the findings of the walk and of reading about one table, without repeating any: the walk knows all keys, and
/// reading knows best the form of a value.
///
/// serde buffers the inside of an internally tagged enum, so reading places a failure there at the enum. A finding of the
/// walk within the enum is the same failure with a better place.
pub(crate) fn merge(table: &TomlNode, walked: Walked, failures: Vec<Finding>, findings: &mut Vec<Finding>) {
    let same = |list: &[Finding], one: &Finding| list.iter().any(|other| other.path == one.path);
    let nearer = |one: &Finding| {
        let within = |path: &str| {
            path.strip_prefix(one.path.as_str())
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        one.path != table.path
            && walked
                .keys
                .iter()
                .chain(&walked.values)
                .any(|other| within(&other.path))
    };
    let failures: Vec<Finding> = failures
        .into_iter()
        .filter(|one| !same(&walked.keys, one) && !nearer(one))
        .collect();
    findings.extend(
        walked
            .values
            .into_iter()
            .filter(|one| !same(&failures, one) && !same(&walked.keys, one)),
    );
    findings.extend(walked.keys);
    findings.extend(failures);
}

/// Finds the plugin that `type` names. `Err(None)`: its interpolation failed, which is reported already.
fn find_plugin(kind: PluginKind, node: &TomlNode) -> Result<&'static PluginInfo, Option<Finding>> {
    let plugins = signalbox_core::plugins();
    let names = || {
        plugins
            .iter()
            .filter(|plugin| plugin.kind == kind)
            .map(|plugin| plugin.name)
    };
    let Some(entry) = node.get("type") else {
        let mut finding = missing_field(node, "type", None);
        finding.message.push_str(&suggest::expected(names()));
        return Err(Some(finding));
    };
    let finding = |message: String| Finding::new(&entry.node.path, entry.node.at, message);
    let TomlValue::Text(text) = &entry.node.value else {
        return Err(Some(finding(format!(
            "expected a string, found {}",
            entry.node.kind()
        ))));
    };
    if text.state == TextState::Failed {
        return Err(None);
    }
    if let Some(found) = plugins
        .iter()
        .find(|plugin| plugin.kind == kind && plugin.name == text.text)
    {
        return Ok(found);
    }
    let mut absent = signalbox_core::absent_plugins().into_iter();
    if let Some(absent) = absent.find(|plugin| plugin.kind == kind && plugin.name == text.text) {
        let message = format!("this build of Signalbox has no {} '{}'", kind.name(), absent.name);
        let help = signalbox_core::with_feature(absent.feature);
        return Err(Some(finding(message).help(help)));
    }
    if let Some(other) = plugins.iter().find(|plugin| plugin.name == text.text) {
        let message = format!(
            "'{}' is a {}, not a {}",
            other.name,
            other.kind.name(),
            kind.name()
        );
        let table = schema::table_of(other.kind);
        return Err(Some(
            finding(message).help(format!("it belongs in a table [{table}.NAME]")),
        ));
    }
    let (expected, hint) = (suggest::expected(names()), suggest::hint(&text.text, names()));
    Err(Some(finding(format!(
        "unknown type of {}{expected}{hint}",
        kind.name()
    ))))
}
