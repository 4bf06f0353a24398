//! Warnings about settings that are accepted but probably not meant.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use signalbox_config::{Diagnostic, LoadedConfig, Origin, SourceEntry};
use signalbox_core::{BuildError, Hashes, SinkDeclarations};

use super::hashing;
use crate::delivery::SinkOptions;
use crate::rate_group;

/// Warnings and declarations of the built components.
#[derive(Default)]
pub(super) struct Declared {
    /// Warnings by the component's path in the file.
    pub(super) warnings: BTreeMap<String, Vec<BuildError>>,
    /// Hashing of each transform that hashes, by its name.
    pub(super) hashes: BTreeMap<String, Hashes>,
    /// Address of each source that listens, by its name.
    pub(super) listeners: BTreeMap<String, SocketAddr>,
    /// Declarations of each sink, by its name.
    pub(super) sinks: BTreeMap<String, SinkDeclarations>,
}

impl Declared {
    /// Keeps a component's warnings. A transform is built for each of its places, with the same warnings each time.
    pub(super) fn warn(&mut self, path: &str, warnings: Vec<BuildError>) {
        self.warnings.insert(path.to_owned(), warnings);
    }

    /// Returns the paths that these transforms leave plain by their settings; `None` if none of them hashes.
    pub(super) fn kept_plain(&self, through: &[String]) -> Option<Vec<String>> {
        let mut hashing = through.iter().filter_map(|name| self.hashes.get(name)).peekable();
        hashing.peek()?;
        Some(hashing.flat_map(|hashes| hashes.kept.iter().cloned()).collect())
    }
}

/// Lists the warnings of the loader, of the plugins in the order of the file, and about hashing.
pub(super) fn warnings(config: &LoadedConfig, declared: &Declared) -> Vec<Diagnostic> {
    let sources = config
        .sources
        .iter()
        .map(|entry| format!("sources.{}", entry.name));
    let transforms = config
        .transforms
        .iter()
        .map(|entry| format!("transforms.{}", entry.name));
    let sinks = config.sinks.iter().map(|entry| format!("sinks.{}", entry.name));
    let of_plugins = sources.chain(transforms).chain(sinks).flat_map(|path| {
        let warnings = declared.warnings.get(&path).into_iter().flatten();
        let told = |warning| config.origin.build_error(&path, warning);
        warnings.map(told).collect::<Vec<_>>()
    });
    config
        .warnings
        .iter()
        .cloned()
        .chain(of_plugins)
        .chain(hashing::warnings(config, declared))
        .collect()
}

/// Finds rate groups whose sinks have different limits.
pub(super) fn rate_groups(sinks: &[&SinkOptions], origin: &Origin) -> Vec<Diagnostic> {
    let mut groups: BTreeMap<&str, Vec<&SinkOptions>> = BTreeMap::new();
    for &sink in sinks {
        groups.entry(&sink.requests.rate_group).or_default().push(sink);
    }
    let mut told = Vec::new();
    for members in groups.values() {
        let lowest = members
            .iter()
            .fold(None, |lowest, one| rate_group::lower(lowest, one.requests.calls));
        let Some(lowest) = lowest else { continue };
        for sink in members.iter().filter(|sink| sink.requests.calls != Some(lowest)) {
            let holder = members.iter().find(|one| one.requests.calls == Some(lowest));
            let holder = holder.map(|one| one.name.to_string()).unwrap_or_default();
            let message = format!(
                "it shares its rate group with '{holder}', whose calls_per_minute is lower: {} counts for both together",
                lowest.limit()
            );
            let help = "set calls_per_minute alike, or give the sinks different rate_groups if the destination counts \
                        their calls apart";
            let path = format!("sinks.{}.calls_per_minute", sink.name);
            told.push(origin.diagnostic(&path, message, Some(help.to_owned())));
        }
    }
    told
}

/// Finds sinks that may make more calls than their destination takes.
pub(super) fn calls_above_limits(config: &LoadedConfig) -> Vec<Diagnostic> {
    let sinks = config.sinks.iter().filter_map(|entry| {
        let (calls, most) = (
            entry.runtime.calls_per_minute?,
            entry.config.defaults().calls_per_minute?,
        );
        let message =
            format!("{calls} calls are more than the {most} that the destination takes in a minute");
        let help = "it refuses the others, which are then sent again; take the setting out, or lower it";
        let path = format!("sinks.{}.calls_per_minute", entry.name);
        (calls > most).then(|| config.origin.diagnostic(&path, message, Some(help.to_owned())))
    });
    sinks.collect()
}

/// Finds sources whose events no enabled sink takes.
pub(super) fn unheard_sources(config: &LoadedConfig) -> Vec<Diagnostic> {
    let is_heard = |name: &String| {
        let mut enabled = config.sinks.iter().filter(|sink| sink.runtime.is_enabled());
        enabled.any(|sink| sink.runtime.inputs.contains(name))
    };
    let unheard = config.sources.iter().filter(|source| !is_heard(&source.name));
    let told = |source: &SourceEntry| {
        let message = "every sink that takes the events of this source is disabled: they are acknowledged and go nowhere";
        let help = "take enabled = false out of one of the sinks, or stop sending";
        let path = format!("sources.{}", source.name);
        config
            .origin
            .diagnostic(&path, message.to_owned(), Some(help.to_owned()))
    };
    unheard.map(told).collect()
}
