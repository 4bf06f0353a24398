//! Checks that sinks agree with the hashing of transforms before them.

use signalbox_config::{Diagnostic, LoadedConfig, SinkEntry};
use signalbox_core::privacy::meaning_at;
use signalbox_core::{Hashes, SinkDeclarations};

use super::warnings::Declared;

/// A sink and a transform before it that hashes.
struct Pair<'a> {
    sink: &'a SinkEntry,
    declares: &'a SinkDeclarations,
    transform: &'a str,
    hashes: &'a Hashes,
}

/// Returns each sink with each of the hashing transforms that its events pass.
fn pairs<'a>(config: &'a LoadedConfig, declared: &'a Declared) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for sink in &config.sinks {
        let Some(declares) = declared.sinks.get(&sink.name) else {
            continue;
        };
        let sources = config
            .sources
            .iter()
            .filter(|source| sink.runtime.inputs.contains(&source.name));
        let through = sources
            .flat_map(|source| &source.runtime.through)
            .chain(&sink.runtime.through);
        let mut names: Vec<&String> = through.collect();
        names.sort();
        names.dedup();
        let passed = config
            .transforms
            .iter()
            .filter(|entry| names.contains(&&entry.name));
        pairs.extend(passed.filter_map(|entry| {
            Some(Pair {
                sink,
                declares,
                transform: &entry.name,
                hashes: declared.hashes.get(&entry.name)?,
            })
        }));
    }
    pairs
}

/// Finds sinks whose hashing rules no transform before them follows: their personal fields would be left out of every
/// event.
pub(super) fn errors(config: &LoadedConfig, declared: &Declared) -> Vec<Diagnostic> {
    let pairs = pairs(config, declared);
    let lacks = |pair: &Pair<'_>| {
        let rules = pair.declares.hashing_rules?;
        (!pair.hashes.rules.contains(&rules)).then_some(rules)
    };
    let error = |pair: &Pair<'_>| {
        let rules = lacks(pair)?;
        let made = quoted(&pair.hashes.rules);
        let transform = pair.transform;
        let message = format!(
            "it needs hashes by the rules '{rules}', and the transform '{transform}' before it hashes by {made}"
        );
        let help = if pair.hashes.offered.contains(&rules) {
            // One line that serves all sinks behind the transform.
            let others = pairs.iter().filter(|other| other.transform == transform);
            let mut all = pair.hashes.rules.clone();
            for missing in others.filter_map(lacks) {
                if pair.hashes.offered.contains(&missing) && !all.contains(&missing) {
                    all.push(missing);
                }
            }
            format!("write rules = {all:?} in [transforms.{transform}]")
        } else {
            format!(
                "no transform hashes by these rules: take '{transform}' out of `through`, or set the sink's compat to the \
                 vendor's own rules"
            )
        };
        let path = format!("sinks.{}", pair.sink.name);
        Some(config.origin.diagnostic(&path, message, Some(help)))
    };
    pairs.iter().filter_map(error).collect()
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// Finds settings and fields of sinks that need a plain value which is hashed by then.
pub(super) fn warnings(config: &LoadedConfig, declared: &Declared) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for pair in pairs(config, declared) {
        let transform = pair.transform;
        let sink = format!("sinks.{}", pair.sink.name);
        let mut tell = |path: &str, message: String, help: String| {
            told.push(config.origin.diagnostic(path, message, Some(help)));
        };
        let hashed = |event_path: &str| {
            let inside = |path: &String| {
                event_path
                    .strip_prefix(path.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            pair.hashes.paths.iter().any(inside)
        };
        for read in pair.declares.reads.iter().filter(|read| hashed(&read.event_path)) {
            tell(
                &signalbox_config::join(&sink, &read.setting),
                format!(
                    "it reads '{}', which '{transform}' has hashed by then",
                    read.event_path
                ),
                "ask for something that is not personal, or exempt the path (keep) in the transform"
                    .to_owned(),
            );
        }
        let plain = pair.declares.plain_fields.iter();
        let plain: Vec<_> = plain
            .filter(|plain| plain.paths.iter().any(|path| hashed(path)))
            .collect();
        if plain.is_empty() || pair.hashes.plain_is_chosen {
            continue;
        }
        let fields: Vec<&str> = plain.iter().map(|plain| &*plain.field).collect();
        let mut paths: Vec<&str> = plain
            .iter()
            .flat_map(|plain| &plain.paths)
            .map(|path| &**path)
            .collect();
        paths.retain(|path| hashed(path));
        paths.sort_unstable();
        paths.dedup();
        tell(
            &sink,
            format!(
                "the destination takes {} as plain text, which '{transform}' has hashed by then, so the sink leaves these \
                 fields out",
                quoted(&fields)
            ),
            format!(
                "write in [transforms.{transform}] keep = [] to accept that, or to send them keep = {paths:?}"
            ),
        );
    }
    told.extend(uncovered(config, declared));
    told
}

/// Finds mappings that fill a personal field from a path that no hashing transform of a source covers: the value is stored
/// plain, though the source is meant to hash.
fn uncovered(config: &LoadedConfig, declared: &Declared) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for sink in &config.sinks {
        let Some(declares) = declared.sinks.get(&sink.name) else {
            continue;
        };
        for source in config
            .sources
            .iter()
            .filter(|source| sink.runtime.inputs.contains(&source.name))
        {
            let through = &source.runtime.through;
            let hashing: Vec<(&String, &Hashes)> = through
                .iter()
                .filter_map(|name| declared.hashes.get_key_value(name))
                .collect();
            let Some((transform, _)) = hashing.first() else {
                continue;
            };
            for read in &declares.personal_reads {
                if hashing.iter().any(|(_, hashes)| covers(hashes, &read.event_path)) {
                    continue;
                }
                let path = signalbox_config::join(&format!("sinks.{}", sink.name), &read.setting);
                let message = format!(
                    "it reads a personal value from '{}', which '{transform}' of the source '{}' leaves plain",
                    read.event_path, source.name
                );
                let help = format!(
                    "name the path in `paths` of [transforms.{transform}], or in its `keep` if it is meant to stay plain"
                );
                told.push(config.origin.diagnostic(&path, message, Some(help)));
            }
        }
    }
    told
}

/// Returns true if a transform hashes a path, or leaves it plain by its settings.
fn covers(hashes: &Hashes, path: &str) -> bool {
    /// Ids of events and of visitors, which name no person.
    const NOT_PERSONAL: [&str; 2] = ["anonymousId", "messageId"];
    let path = path.replace('[', ".").replace(']', "");
    let inside = |above: &String| {
        let rest = path.strip_prefix(above.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    NOT_PERSONAL.contains(&path.as_str())
        || hashes.paths.iter().chain(&hashes.kept).any(inside)
        || hashes.by_meaning && meaning_at(&path).is_some()
}
