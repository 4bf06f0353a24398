//! Settings of components, and the components built from them together with warnings and declarations to the runtime.
//! Settings are compiled once for all three.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::{HumanDuration, Sink, Source, Transform};

/// A source's settings in the pipeline file.
#[typetag::deserialize(tag = "type")]
pub trait SourceConfig: fmt::Debug + Send + Sync {
    /// Builds the source. Opens and spawns nothing: `validate` builds too.
    ///
    /// # Errors
    /// Every setting that does not fit.
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Source>, BuildErrors>;

    /// Returns true if all routers that share a journal may run the source at once, as one that listens. Returns false for a
    /// source that reads from one machine, such as a file: each router would take its events. Default: true.
    fn is_shared(&self) -> bool {
        true
    }
}

/// A transform's settings.
#[typetag::deserialize(tag = "type")]
pub trait TransformConfig: fmt::Debug + Send + Sync {
    /// Builds the transform for one place in the pipeline; each place has its own state.
    ///
    /// # Errors
    /// Every setting that does not fit, or does not fit this place.
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Transform>, BuildErrors>;
}

/// A sink's settings.
#[typetag::deserialize(tag = "type")]
pub trait SinkConfig: fmt::Debug + Send + Sync {
    /// Builds the sink. Does no network I/O.
    ///
    /// # Errors
    /// Every setting that does not fit.
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors>;

    /// Returns the runtime's keys for a pipeline file that does not set them.
    fn defaults(&self) -> SinkDefaults;
}

/// Defaults and ceilings of the runtime's keys for one kind of sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkDefaults {
    /// Name of the sink in an event's `integrations` object; `None` means the sink's own name.
    pub integration: Option<&'static str>,
    /// Records in a batch.
    pub max_events: usize,
    /// Maximum value of `max_events`.
    pub max_events_ceiling: usize,
    /// Bytes of a request's body.
    pub max_bytes: u64,
    /// Longest wait of a batch's first record for others.
    pub max_wait: HumanDuration,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Attempts in any 60 seconds; `None` sets no limit.
    pub calls_per_minute: Option<NonZeroU32>,
    /// Time for one request and its answer.
    pub timeout: HumanDuration,
    /// Time for retries of a record, counted from its first attempt; time on hold does not count.
    pub retry_for: HumanDuration,
    /// Age of an event at delivery beyond which its record counts as late; `None` counts none.
    pub late_after: Option<HumanDuration>,
    /// Age of an event at delivery beyond which the destination no longer attributes it; `None` counts none.
    pub unattributed_after: Option<HumanDuration>,
    /// Time for which a delivered key ([`Record::dedup_key`](crate::Record::dedup_key)) is not sent again; `None` sends
    /// every record.
    pub duplicate_window: Option<HumanDuration>,
    /// If true, a record that may have been written is sent again though the destination may count it twice
    /// ([`Resend::MayDuplicate`](crate::Resend::MayDuplicate)).
    pub retry_maybe_duplicates: bool,
}

/// A sink that posts JSON in batches: 100 records or 1 MB in a request, one second of waiting, two requests under way,
/// 30 seconds for each, a day of retries, no limit on calls. Records count as late after an hour, and keys are not
/// remembered.
impl Default for SinkDefaults {
    fn default() -> Self {
        SinkDefaults {
            integration: None,
            max_events: 100,
            max_events_ceiling: 10_000,
            max_bytes: 1_000_000,
            max_wait: HumanDuration::from_secs(1),
            concurrency: 2,
            calls_per_minute: None,
            timeout: HumanDuration::from_secs(30),
            retry_for: HumanDuration::from_secs(24 * 3600),
            late_after: Some(HumanDuration::from_secs(3600)),
            unattributed_after: None,
            duplicate_window: None,
            retry_maybe_duplicates: true,
        }
    }
}

/// The place in the pipeline for which a component is built.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// Name of the component in the pipeline file.
    pub name: Arc<str>,
    /// Side of the journal on which the component runs.
    pub place: Side,
}

/// A side of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before the journal: on a source.
    Source,
    /// After the journal: on a sink.
    Sink,
}

/// A kind of component, with the declarations its settings make to the runtime.
pub trait Component {
    /// Declarations to the runtime. The default declares nothing.
    type Declarations: Default;
}

impl Component for dyn Source {
    type Declarations = SourceDeclarations;
}

impl Component for dyn Transform {
    type Declarations = TransformDeclarations;
}

impl Component for dyn Sink {
    type Declarations = SinkDeclarations;
}

/// A component built from its settings.
#[must_use]
pub struct Built<C: Component + ?Sized> {
    /// The component, not started yet.
    pub component: Box<C>,
    /// Settings that are accepted but probably not meant: a condition that lets more through than it seems to, a value
    /// that is never used. Logged when the file is loaded; they stop nothing.
    pub warnings: Vec<BuildError>,
    /// Declarations to the runtime.
    pub declares: C::Declarations,
}

impl Built<dyn Source> {
    /// Wraps a source without warnings and declarations.
    pub fn source(source: impl Source + 'static) -> Built<dyn Source> {
        Built::new(Box::new(source))
    }
}

impl Built<dyn Transform> {
    /// Wraps a transform without warnings and declarations.
    pub fn transform(transform: impl Transform + 'static) -> Built<dyn Transform> {
        Built::new(Box::new(transform))
    }
}

impl Built<dyn Sink> {
    /// Wraps a sink without warnings and declarations.
    pub fn sink(sink: impl Sink + 'static) -> Built<dyn Sink> {
        Built::new(Box::new(sink))
    }
}

impl<C: Component + ?Sized> Built<C> {
    fn new(component: Box<C>) -> Built<C> {
        Built {
            component,
            warnings: Vec::new(),
            declares: C::Declarations::default(),
        }
    }

    /// Sets the warnings.
    pub fn warnings(self, warnings: Vec<BuildError>) -> Built<C> {
        Built { warnings, ..self }
    }

    /// Sets the declarations.
    pub fn declares(self, declares: C::Declarations) -> Built<C> {
        Built { declares, ..self }
    }
}

/// Declarations of a source.
#[derive(Debug, Default)]
pub struct SourceDeclarations {
    /// Sinks that settings name, each with the path of its setting. A sink that does not exist, or does not listen to
    /// this source, is an error: its events would go nowhere.
    pub named_sinks: Vec<(String, String)>,
    /// Address that the source listens on, if it does. Two components with one address are an error.
    pub listen: Option<SocketAddr>,
}

/// Declarations of a transform.
#[derive(Debug, Default)]
pub struct TransformDeclarations {
    /// Hashing that the transform does. A sink after it must follow the same rules, and cannot compare hashed values.
    pub hashes: Option<Hashes>,
}

/// Declarations of a sink.
#[derive(Debug, Default)]
pub struct SinkDeclarations {
    /// The name of the account at the destination on which this sink calls. Sinks with the same name share one
    /// `calls_per_minute`; `None` means that the sink shares its account with no other.
    pub rate_group: Option<String>,
    /// The name of the normalising rules by which the sink hashes itself, if it does. A transform before it that hashes by
    /// other rules alone is an error.
    pub hashing_rules: Option<&'static str>,
    /// Fields that the destination wants plain, each with the paths of the event that fill it.
    pub plain_fields: Vec<PlainField>,
    /// Names of the sink's mappings, each with a fingerprint of its contents without the name. The journal recognises a
    /// renamed mapping by the fingerprint and does not send its records again. Without any, only names are compared.
    pub mappings: Vec<(String, String)>,
    /// Paths of the event whose plain values the sink compares or writes into texts, each with its setting.
    pub reads: Vec<PlainRead>,
    /// Paths of the event from which mappings of the settings fill personal fields, each with its setting.
    pub personal_reads: Vec<PlainRead>,
}

/// Hashing that a transform does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// The names of the normalising rules; the payload holds the hashes of the first.
    pub rules: Vec<&'static str>,
    /// The names of all rules that the transform can follow.
    pub offered: &'static [&'static str],
    /// The paths, with dots.
    pub paths: Vec<String>,
    /// True if values are found by the meaning of their keys too ([`privacy::meaning_at`](crate::privacy::meaning_at)).
    pub by_meaning: bool,
    /// The paths that stay plain by the settings, with everything below them.
    pub kept: Vec<String>,
    /// True if the settings say which paths stay plain, so that no warning need ask for that.
    pub plain_is_chosen: bool,
}

/// A personal field that a destination wants plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainField {
    /// The name in mappings.
    pub field: String,
    /// The paths of the event that fill it, with dots.
    pub paths: Vec<String>,
}

/// A setting that needs a plain value of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRead {
    /// Path of the setting below the component, for instance `mappings.0.trigger`.
    pub setting: String,
    /// Path of the value in the event, with dots.
    pub event_path: String,
}

/// Appends a key to the path of a setting. A key that needs quotes in TOML is quoted, with control characters escaped.
pub fn child_path(path: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let dot = if path.is_empty() { "" } else { "." };
    if bare {
        format!("{path}{dot}{key}")
    } else {
        format!("{path}{dot}{key:?}")
    }
}

/// A setting that does not fit, or one that is probably not meant (see [`Built::warnings`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// Path below the component, for instance `mappings.0.trigger`; empty for the component itself.
    pub path: String,
    /// The fault; never the value.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
}

impl BuildError {
    /// Creates an error about a setting.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> BuildError {
        BuildError {
            path: path.into(),
            message: message.into(),
            help: None,
        }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> BuildError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// All settings of a component that do not fit; never empty.
pub type BuildErrors = Vec<BuildError>;
