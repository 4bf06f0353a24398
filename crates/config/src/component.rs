//! Reads one component: its plugin, the runtime's keys, and the rest as the plugin's settings.

use serde::Deserialize;
use serde_json::Value as Json;
use signalbox_core::{PluginInfo, PluginKind, SinkDefaults};

use super::diagnostic::Finding;
use super::loaded::{SinkEntry, SourceEntry, TransformEntry};
use super::origin::Lines;
use super::settings::{SinkRuntime, SourceRuntime};
use super::tree::{Entry, Node, TextState, Value};
use super::walk::{Walked, missing_field, walk};
use super::{de, schema, suggest};

/// The components read so far.
#[derive(Default)]
pub(crate) struct Components {
    pub(crate) sources: Vec<SourceEntry>,
    pub(crate) transforms: Vec<TransformEntry>,
    pub(crate) sinks: Vec<SinkEntry>,
}

/// Reads the component in `entry` into `into`, or adds what is wrong with it to `findings`.
pub(crate) fn component(
    kind: PluginKind,
    entry: &Entry,
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
            if let (Some(Nothing {}), Some((plugin, config))) = parts(node, plugin, findings) {
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
                findings.extend(limits(node, &sink.runtime, &sink.config.defaults()));
                into.sinks.push(sink);
            }
        }
    }
}

/// The runtime's keys of a transform: none.
#[derive(Deserialize)]
struct Nothing {}

/// Reads the two parts of a component. What the walk along the schema finds is reported with what the reading fails
/// at; when the reading fails at nothing, the walk has nothing to say.
fn parts<'t, R, C>(
    node: &'t Node,
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

/// Which kind's runtime keys a struct holds.
trait RuntimeKeys {
    const KIND: Option<PluginKind>;
}

impl RuntimeKeys for SourceRuntime {
    const KIND: Option<PluginKind> = Some(PluginKind::Source);
}

impl RuntimeKeys for SinkRuntime {
    const KIND: Option<PluginKind> = Some(PluginKind::Sink);
}

impl RuntimeKeys for Nothing {
    const KIND: Option<PluginKind> = None;
}

/// Puts together what walking and reading say about one table, each thing once: the walk knows all keys, the reading
/// knows best what a value should be.
///
/// serde buffers the inside of an internally tagged enum, so that a failure there is placed at the enum; when the walk
/// found something within, that is the same and nearer.
pub(crate) fn merge(table: &Node, walked: Walked, failures: Vec<Finding>, findings: &mut Vec<Finding>) {
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

/// The plugin that `type` names. `Err(None)`: its interpolation failed, which is reported already.
fn find_plugin(kind: PluginKind, node: &Node) -> Result<&'static PluginInfo, Option<Finding>> {
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
    let Value::Text(text) = &entry.node.value else {
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

/// Least `batch.max_bytes`.
const LEAST_BYTES: u64 = 1_000;

/// Finds values of the runtime's keys that are outside their limits.
fn limits(node: &Node, keys: &SinkRuntime, defaults: &SinkDefaults) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &[&str], message: String, help: Option<&str>| {
        let found = path.iter().try_fold(node, |node, key| Some(&node.get(key)?.node));
        if let Some(found) = found {
            findings.push(Finding {
                help: help.map(str::to_owned),
                ..Finding::new(&found.path, found.at, message)
            });
        }
    };
    let zero = |span: Option<signalbox_core::HumanDuration>| span.is_some_and(|span| span.0.is_zero());
    if zero(keys.timeout) {
        wrong(&["timeout"], "must be longer than zero".into(), None);
    }
    if zero(keys.retry.initial_backoff) {
        wrong(
            &["retry", "initial_backoff"],
            "must be longer than zero".into(),
            None,
        );
    }
    if keys.retry.initial_backoff() > keys.retry.max_backoff() {
        let longest = keys.retry.max_backoff.is_some();
        let message = "'initial_backoff' must not be longer than 'max_backoff'";
        wrong(
            &["retry", if longest { "max_backoff" } else { "initial_backoff" }],
            message.into(),
            None,
        );
    }
    if keys
        .batch
        .max_events
        .is_some_and(|given| given.get() > defaults.max_events_ceiling)
    {
        let ceiling = defaults.max_events_ceiling;
        wrong(
            &["batch", "max_events"],
            format!("this type of sink takes at most {ceiling} records in a batch"),
            None,
        );
    }
    if keys.rate_group.as_ref().is_some_and(String::is_empty) {
        let help = Some("give it a name, or leave it out");
        wrong(&["rate_group"], "it must not be empty".into(), help);
    }
    if keys.batch.max_bytes.is_some_and(|given| given.0 < LEAST_BYTES) {
        let help = Some("set it to 100kB or more");
        wrong(
            &["batch", "max_bytes"],
            "no record fits into so few bytes".into(),
            help,
        );
    }
    findings
}
