//! Builds a pipeline from a configuration: every component built, every key checked.

mod hashing;
mod listeners;
mod options;
mod warnings;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use signalbox_config::{
    AdminSettings, AlertSettings, ComponentOutline, DeadLetterSettings, Diagnostic, Diagnostics,
    HistorySettings, JournalKind, JournalSettings, LoadedConfig, Origin, ShutdownSettings, SinkEntry,
    SourceEntry, StartAt, TelemetrySettings,
};
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Side, Sink, Source, SourceDeclarations, Transform,
};
use signalbox_journal::{Named, Roster, Start};

use self::options::options;
use self::warnings::{Declared, calls_above_limits, rate_groups, unheard_sources, warnings};
use crate::debts::{Listeners, Listening};
use crate::delivery::{SinkOptions, Stage};
use crate::journal::{NATS_FEATURE, WITHOUT_NATS};

/// A pipeline that is built and not started: no port is open, nothing is written. `validate` stops here. Plugins may read
/// files that their settings name (a certificate), so that `validate` checks these too.
pub struct Pipeline {
    /// `[journal]`
    pub journal: JournalSettings,
    /// `[dead_letters]`
    pub dead_letters: DeadLetterSettings,
    /// `[history]`, or the settings of a file without the table; `None` if there is no history.
    pub history: Option<HistorySettings>,
    /// `[admin]`
    pub admin: Option<AdminSettings>,
    /// `[alerts]`; without it no messages are sent.
    pub alerts: Option<AlertSettings>,
    /// `[telemetry]`
    pub telemetry: TelemetrySettings,
    /// `[shutdown]`
    pub shutdown: ShutdownSettings,
    /// The sources, in the order of the file.
    pub sources: Vec<BuiltSource>,
    /// The sinks that are delivered to, in the order of the file.
    pub sinks: Vec<BuiltSink>,
    /// The sinks with `enabled = false`, in the order of the file: built and checked, and not started.
    pub disabled: Vec<BuiltSink>,
    /// The components of the file as people may see them.
    pub components: Vec<ComponentOutline>,
    /// Warnings about settings that are accepted but probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// A source with its transforms.
pub struct BuiltSource {
    /// Its name in the file.
    pub name: Arc<str>,
    /// The source's former name.
    pub was: Option<String>,
    /// The name of the one router that runs it; `None` means every router.
    pub only_on: Option<Arc<str>>,
    /// Its `through`.
    pub transforms: Vec<Box<dyn Transform>>,
    /// The names of these.
    pub through: Vec<Arc<str>>,
    /// The paths that its hashing transforms leave plain by their settings; `None` if none hashes.
    pub kept_plain: Option<Vec<String>>,
    /// Ready to start.
    pub source: Box<dyn Source>,
    /// Equal if a reload changes nothing about it or its transforms.
    pub fingerprint: u64,
    /// Equal in the files of routers that share a journal, which may differ in the addresses that they listen on.
    pub common_fingerprint: u64,
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
                let listen = source.declares.listen;
                declared
                    .listeners
                    .extend(listen.map(|listen| (entry.name.clone(), listen)));
                declared.warn(&path, source.warnings);
                let print = |of: Print| fingerprint(&config, &path, through, of);
                Some(BuiltSource {
                    name,
                    was: entry.runtime.was.clone(),
                    only_on: entry.runtime.only_on.as_deref().map(Arc::from),
                    transforms: transforms?,
                    through: through.iter().map(|name| name.as_str().into()).collect(),
                    kept_plain: declared.kept_plain(through),
                    source: source.component,
                    fingerprint: print(Origin::fingerprint),
                    common_fingerprint: print(Origin::common_fingerprint),
                })
            })
            .collect();
        let sinks = config.sinks.iter().filter_map(|entry| {
            let path = format!("sinks.{}", entry.name);
            let context = BuildContext {
                name: entry.name.as_str().into(),
                place: Side::Sink,
            };
            let through = &entry.runtime.through;
            let transforms = faults.transforms(&config, &path, through, Side::Sink, &mut declared);
            let sink = faults.collect(&path, entry.config.build(&context));
            let durable = config.journal.is_durable();
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
            let fingerprint = fingerprint(&config, &path, through, Origin::fingerprint);
            let built = BuiltSink {
                options,
                stage,
                was: entry.runtime.was.clone(),
                start,
                fingerprint,
            };
            Some((entry.runtime.is_enabled(), built))
        });
        let (enabled, disabled): (Vec<_>, Vec<_>) = sinks.partition(|(enabled, _)| *enabled);
        let built = |sinks: Vec<(bool, BuiltSink)>| sinks.into_iter().map(|(_, sink)| sink).collect();
        let (sinks, disabled): (Vec<BuiltSink>, Vec<BuiltSink>) = (built(enabled), built(disabled));
        let mut faults = faults.list;
        faults.extend(hashing::errors(&config, &declared));
        faults.extend(listeners::errors(&config, &declared));
        faults.extend(missing_journal(&config));
        if !faults.is_empty() {
            return Err(config.origin.diagnostics(faults));
        }
        let mut warnings = warnings(&config, &declared);
        let options: Vec<&SinkOptions> = sinks.iter().map(|sink| &sink.options).collect();
        warnings.extend(rate_groups(&options, &config.origin));
        warnings.extend(calls_above_limits(&config));
        warnings.extend(unheard_sources(&config));
        Ok(Pipeline {
            journal: config.journal,
            dead_letters: config.dead_letters,
            history: config.history,
            admin: config.admin,
            alerts: config.alerts,
            telemetry: config.telemetry,
            shutdown: config.shutdown,
            sources,
            sinks,
            disabled,
            components: config.components,
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
        let sinks = |sinks: &[BuiltSink]| {
            let sinks = sinks.iter();
            sinks.map(|sink| named(&sink.options.name, &sink.was)).collect()
        };
        Roster {
            sources: sources.map(|source| named(&source.name, &source.was)).collect(),
            sinks: sinks(&self.sinks),
            disabled: sinks(&self.disabled),
        }
    }
}

impl Pipeline {
    /// Lists the sinks that are delivered to, and their inputs.
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

/// Returns an error if this build does not have the journal that the file names.
fn missing_journal(config: &LoadedConfig) -> Option<Diagnostic> {
    let missing = config.journal.kind == JournalKind::Nats && !cfg!(feature = "nats");
    missing.then(|| {
        let help = signalbox_core::with_feature(NATS_FEATURE);
        config
            .origin
            .diagnostic("journal.type", WITHOUT_NATS.to_owned(), Some(help))
    })
}

/// Computes the fingerprint of a component's settings and those of its transforms.
fn fingerprint(config: &LoadedConfig, component: &str, through: &[String], of: Print) -> u64 {
    let mut hasher = DefaultHasher::new();
    of(&config.origin, component).hash(&mut hasher);
    for name in through {
        of(&config.origin, &format!("transforms.{name}")).hash(&mut hasher);
    }
    hasher.finish()
}

/// Reads the fingerprint of a component of a file.
type Print = fn(&Origin, &str) -> Option<u64>;

/// Collects faults, so that one run reports all of them.
struct Faults<'a> {
    origin: &'a Origin,
    list: Vec<Diagnostic>,
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
