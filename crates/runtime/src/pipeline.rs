//! Builds a pipeline from a configuration: every component built, every key checked.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use signalbox_core::limiter::Quota;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Hashes, Side, Sink, SinkDeclarations, SinkDefaults, Source,
    SourceDeclarations, Transform,
};

use signalbox_journal::{Named, Roster, Start};

use crate::debts::{Listeners, Listening};
use crate::delivery::{BatchLimits, RequestLimits, RetryPolicy, SinkOptions, Stage, WindowLimits};
use crate::rate_group;
use crate::routing::Route;
use signalbox_config::{
    AdminSettings, DeadLetterSettings, Diagnostics, InputsRemoved, JournalKind, JournalSettings,
    LoadedConfig, OnJournalFull, Origin, ShutdownSettings, SinkEntry, SinkRuntime, SourceEntry, StartAt,
    TelemetrySettings,
};

/// A pipeline that is built and not started: no port is open, nothing is written. `validate` stops here. Plugins may read
/// files that their settings name (a certificate), so that `validate` checks these too.
pub struct Pipeline {
    /// `[journal]`
    pub journal: JournalSettings,
    /// `[dead_letters]`
    pub dead_letters: DeadLetterSettings,
    /// `[admin]`
    pub admin: Option<AdminSettings>,
    /// `[telemetry]`
    pub telemetry: TelemetrySettings,
    /// `[shutdown]`
    pub shutdown: ShutdownSettings,
    /// The sources, in the order of the file.
    pub sources: Vec<BuiltSource>,
    /// The sinks, in the order of the file.
    pub sinks: Vec<BuiltSink>,
    /// Warnings about settings that are accepted but probably not meant, as text.
    pub warnings: Vec<String>,
}

/// A source with its transforms.
pub struct BuiltSource {
    /// Its name in the file.
    pub name: Arc<str>,
    /// The source's former name.
    pub was: Option<String>,
    /// Its `through`.
    pub transforms: Vec<Box<dyn Transform>>,
    /// Ready to start.
    pub source: Box<dyn Source>,
    /// Equal if a reload changes nothing about it or its transforms.
    pub fingerprint: u64,
}

/// A sink with its routing and transforms.
pub struct BuiltSink {
    /// The runtime's keys, complete.
    pub options: SinkOptions,
    /// Routing, transforms and the sink itself.
    pub stage: Stage,
    /// The sink's former name.
    pub was: Option<String>,
    /// The sink's starting point if the journal does not know it, and for inputs that are added.
    pub start: Start,
    /// Equal if a reload changes nothing about it or its transforms.
    pub fingerprint: u64,
}

impl Pipeline {
    /// Builds every component.
    ///
    /// # Errors
    /// Every setting that does not fit, with its place in the file.
    pub fn build(config: LoadedConfig) -> Result<Pipeline, Diagnostics> {
        let mut faults = Faults {
            origin: &config.origin,
            list: Vec::new(),
        };
        let mut declared = Declared::default();
        let sources = config
            .sources
            .iter()
            .filter_map(|entry| {
                let path = format!("sources.{}", entry.name);
                let name: Arc<str> = entry.name.as_str().into();
                let context = BuildContext {
                    name: name.clone(),
                    place: Side::Source,
                };
                let through = &entry.runtime.through;
                let transforms = faults.transforms(&config, &path, through, Side::Source, &mut declared);
                let source = faults.collect(&path, entry.config.build(&context))?;
                faults.named_sinks(entry, &source.declares, &config.sinks);
                declared.warn(&path, source.warnings);
                let fingerprint = fingerprint(&config, &path, &entry.runtime.through);
                Some(BuiltSource {
                    name,
                    was: entry.runtime.was.clone(),
                    transforms: transforms?,
                    source: source.component,
                    fingerprint,
                })
            })
            .collect();
        let sinks: Vec<BuiltSink> = config
            .sinks
            .iter()
            .filter_map(|entry| {
                let path = format!("sinks.{}", entry.name);
                let context = BuildContext {
                    name: entry.name.as_str().into(),
                    place: Side::Sink,
                };
                let through = &entry.runtime.through;
                let transforms = faults.transforms(&config, &path, through, Side::Sink, &mut declared);
                let sink = faults.collect(&path, entry.config.build(&context));
                let durable = config.journal.kind == JournalKind::Disk;
                let (sink, transforms) = (sink?, transforms?);
                let options = options(entry, &sink.declares, durable);
                declared.warn(&path, sink.warnings);
                declared.sinks.insert(entry.name.clone(), sink.declares);
                let sink: Arc<dyn Sink> = sink.component.into();
                let stage = Stage {
                    route: options.route.clone(),
                    transforms,
                    sink,
                };
                let start = match entry.runtime.start {
                    StartAt::End => Start::End,
                    StartAt::Beginning => Start::Beginning,
                };
                let fingerprint = fingerprint(&config, &path, &entry.runtime.through);
                Some(BuiltSink {
                    options,
                    stage,
                    was: entry.runtime.was.clone(),
                    start,
                    fingerprint,
                })
            })
            .collect();
        let faults = faults.list;
        if !faults.is_empty() {
            return Err(config.origin.diagnostics(faults));
        }
        let mut warnings = warnings(&config, &declared);
        warnings.extend(rate_groups(&sinks, &config.origin));
        Ok(Pipeline {
            journal: config.journal,
            dead_letters: config.dead_letters,
            admin: config.admin,
            telemetry: config.telemetry,
            shutdown: config.shutdown,
            sources,
            sinks,
            warnings,
        })
    }
}

impl Pipeline {
    /// Lists the names of the components, for the journal.
    pub fn roster(&self) -> Roster {
        let named = |name: &str, was: &Option<String>| Named {
            name: name.to_owned(),
            was: was.clone(),
        };
        let sources = self.sources.iter();
        let sinks = self.sinks.iter();
        Roster {
            sources: sources.map(|source| named(&source.name, &source.was)).collect(),
            sinks: sinks.map(|sink| named(&sink.options.name, &sink.was)).collect(),
        }
    }
}

impl Pipeline {
    /// Lists the sinks and their inputs.
    pub fn listeners(&self) -> Listeners {
        let sink = |sink: &BuiltSink| {
            let inputs = sink.options.inputs.iter().map(ToString::to_string).collect();
            let filters = sink.options.filter_removed;
            (sink.options.name.to_string(), Listening { inputs, filters })
        };
        Listeners {
            roster: self.roster(),
            sinks: self.sinks.iter().map(sink).collect(),
        }
    }
}

/// Computes the fingerprint of a component's settings and those of its transforms.
fn fingerprint(config: &LoadedConfig, component: &str, through: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    config.origin.fingerprint(component).hash(&mut hasher);
    for name in through {
        config
            .origin
            .fingerprint(&format!("transforms.{name}"))
            .hash(&mut hasher);
    }
    hasher.finish()
}

/// Warnings and declarations of the built components.
#[derive(Default)]
struct Declared {
    /// Warnings by the component's path in the file.
    warnings: BTreeMap<String, Vec<BuildError>>,
    /// Hashing of each transform that hashes, by its name.
    hashes: BTreeMap<String, Hashes>,
    /// Declarations of each sink, by its name.
    sinks: BTreeMap<String, SinkDeclarations>,
}

impl Declared {
    /// Keeps a component's warnings. A transform is built for each of its places, with the same warnings each time.
    fn warn(&mut self, path: &str, warnings: Vec<BuildError>) {
        self.warnings.insert(path.to_owned(), warnings);
    }
}

/// Lists the warnings of the loader, of the plugins in the order of the file, and about hashing.
fn warnings(config: &LoadedConfig, declared: &Declared) -> Vec<String> {
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
        let told = |warning| config.origin.build_error(&path, warning).to_string();
        warnings.map(told).collect::<Vec<_>>()
    });
    config
        .warnings
        .iter()
        .map(ToString::to_string)
        .chain(of_plugins)
        .chain(hashing(config, declared))
        .collect()
}

/// Finds rate groups whose sinks have different limits.
fn rate_groups(sinks: &[BuiltSink], origin: &Origin) -> Vec<String> {
    let mut groups: BTreeMap<&str, Vec<&SinkOptions>> = BTreeMap::new();
    for sink in sinks {
        groups
            .entry(&sink.options.requests.rate_group)
            .or_default()
            .push(&sink.options);
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
            told.push(
                origin
                    .diagnostic(&path, message, Some(help.to_owned()))
                    .to_string(),
            );
        }
    }
    told
}

/// Finds sinks that do not agree with the hashing before them: its rules differ, so that the same person has two hashes, or
/// a setting needs a plain value that is hashed by then.
fn hashing(config: &LoadedConfig, declared: &Declared) -> Vec<String> {
    let mut told = Vec::new();
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
        let hashing = config
            .transforms
            .iter()
            .filter(|entry| names.contains(&&entry.name));
        for (name, hashes) in
            hashing.filter_map(|entry| Some((&entry.name, declared.hashes.get(&entry.name)?)))
        {
            let mut tell = |below: &str, message: String, help: &str| {
                let path = signalbox_config::join(&format!("sinks.{}", sink.name), below);
                told.push(
                    config
                        .origin
                        .diagnostic(&path, message, Some(help.to_owned()))
                        .to_string(),
                );
            };
            if let Some(rules) = declares.hashing_rules.filter(|rules| *rules != hashes.rules) {
                tell(
                    "",
                    format!(
                        "it hashes by the rules '{rules}', but '{name}' before it by '{}'",
                        hashes.rules
                    ),
                    "set the transform's rules and the sink's compat alike, or the same person has two hashes",
                );
            }
            for read in &declares.reads {
                let inside = |path: &String| {
                    *path == read.event_path || read.event_path.starts_with(&format!("{path}."))
                };
                if hashes.paths.iter().any(inside) {
                    tell(
                        &read.setting,
                        format!(
                            "it reads '{}', which '{name}' has hashed by then",
                            read.event_path
                        ),
                        "ask for something that is not personal, or exempt the path (keep) in the transform",
                    );
                }
            }
        }
    }
    told
}

/// Collects faults, so that one run reports all of them.
struct Faults<'a> {
    origin: &'a Origin,
    list: Vec<signalbox_config::Diagnostic>,
}

impl Faults<'_> {
    fn collect<T>(&mut self, component: &str, result: Result<T, BuildErrors>) -> Option<T> {
        result
            .map_err(|errors| {
                self.list.extend(
                    errors
                        .iter()
                        .map(|error| self.origin.build_error(component, error)),
                );
            })
            .ok()
    }

    /// Checks that each sink named in a source's settings exists and listens to the source.
    fn named_sinks(&mut self, source: &SourceEntry, declares: &SourceDeclarations, sinks: &[SinkEntry]) {
        for (path, name) in &declares.named_sinks {
            let listens = |sink: &SinkEntry| sink.name == *name && sink.runtime.inputs.contains(&source.name);
            if !sinks.iter().any(listens) {
                let error = BuildError::new(
                    path,
                    format!("no sink with this name listens to '{}'", source.name),
                )
                .help("name a sink whose `inputs` has this source");
                let component = format!("sources.{}", source.name);
                self.list.push(self.origin.build_error(&component, &error));
            }
        }
    }

    /// Builds the transforms named by a `through` for this place.
    fn transforms(
        &mut self,
        config: &LoadedConfig,
        component: &str,
        through: &[String],
        place: Side,
        declared: &mut Declared,
    ) -> Option<Vec<Box<dyn Transform>>> {
        let mut built = Vec::new();
        let mut whole = true;
        for name in through {
            let entry = config.transforms.iter().find(|entry| entry.name == *name)?;
            let context = BuildContext {
                name: name.as_str().into(),
                place,
            };
            match entry.config.build(&context) {
                Ok(transform) => {
                    declared.warn(&format!("transforms.{name}"), transform.warnings);
                    if let Some(hashes) = transform.declares.hashes {
                        declared.hashes.insert(name.clone(), hashes);
                    }
                    built.push(transform.component);
                }
                Err(errors) => {
                    whole = false;
                    for mut error in errors {
                        error.message = format!("{} (used by {component})", error.message);
                        let diagnostic = self.origin.build_error(&format!("transforms.{name}"), &error);
                        self.list.push(diagnostic);
                    }
                }
            }
        }
        whole.then_some(built)
    }
}

/// Completes the runtime's keys of a sink with the plugin's defaults. The loader has checked their limits.
fn options(entry: &SinkEntry, declares: &SinkDeclarations, durable: bool) -> SinkOptions {
    let defaults: SinkDefaults = entry.config.defaults();
    let keys: &SinkRuntime = &entry.runtime;
    let max_events = keys.batch.max_events.map_or(defaults.max_events, |n| n.get());
    let max_bytes = keys.batch.max_bytes.map_or(defaults.max_bytes, |size| size.0);
    let calls = keys.calls_per_minute.or(defaults.calls_per_minute);
    let rate_group = keys.rate_group.clone().or_else(|| declares.rate_group.clone());
    let concurrency = keys.concurrency.map_or(defaults.concurrency, |n| n.get());
    let integration = keys
        .integration
        .clone()
        .or(defaults.integration.map(str::to_owned));
    SinkOptions {
        name: entry.name.as_str().into(),
        inputs: keys.inputs.iter().map(|name| name.as_str().into()).collect(),
        filter_removed: keys.inputs_removed == InputsRemoved::Filter,
        mappings: declares.mappings.iter().cloned().collect(),
        orphan: false,
        route: Route {
            sink: entry.name.clone(),
            integration: integration.unwrap_or_else(|| entry.name.clone()),
            consent_categories: keys.consent_categories.clone(),
        },
        batch: BatchLimits {
            max_events,
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            max_wait: keys.batch.max_wait.unwrap_or(defaults.max_wait).0,
        },
        requests: RequestLimits {
            concurrency,
            timeout: keys.timeout.unwrap_or(defaults.timeout).0,
            calls: calls.map(Quota::per_minute),
            rate_group: rate_group
                .unwrap_or_else(|| format!("sinks.{}", entry.name))
                .into(),
        },
        retry: RetryPolicy {
            window: keys.retry.window.unwrap_or(defaults.retry_for).0,
            initial: keys.retry.initial_backoff().0,
            max: keys.retry.max_backoff().0,
            maybe_duplicates: keys
                .retry_timeouts_of_offline
                .unwrap_or(defaults.retry_maybe_duplicates),
        },
        late_after: defaults.late_after.map(|age| age.0),
        duplicate_window: defaults.duplicate_window.map(|window| window.0),
        durable,
        hold: keys.hold,
        shed_when_full: keys.on_journal_full == OnJournalFull::DeadLetterOldest,
        // Enough for every request under way and the next ones; the rest waits in the journal.
        window: WindowLimits {
            events: max_events.saturating_mul(concurrency + 2).max(1_000),
            // The same in bytes; an event is released once its records are made.
            bytes: usize::try_from(max_bytes)
                .unwrap_or(usize::MAX)
                .saturating_mul(concurrency + 2),
        },
    }
}
