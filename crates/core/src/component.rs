//! Sources, transforms and sinks: the traits plugins implement, and the configuration that builds them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{Batch, Checkpoints, Event, HumanDuration, Outlet, Prepared, Reason, Report, Vitals};

/// Takes events in and hands them to its [`Outlet`].
#[async_trait]
pub trait Source: Send {
    /// Opens what it listens on or reads from, and returns the work as a future. The future ends when
    /// `context.shutdown` is cancelled (after answering what it has taken in) or when there is nothing more to
    /// read.
    ///
    /// # Errors
    /// [`StartError`] if a port or file cannot be opened; nothing has been started then.
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError>;
}

/// The running work of a source; an error ends the source, not the process.
pub type SourceTask = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send>>;

/// What a source is given when it starts.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// Its name in the pipeline file.
    pub name: Arc<str>,
    /// Where its events go.
    pub outlet: Outlet,
    /// Cancelled when it shall stop.
    pub shutdown: CancellationToken,
    /// Where it gets listening sockets from.
    pub sockets: Arc<dyn Sockets>,
    /// The source's checkpoints, which last over restarts.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// The place where the source reports numbers that only it knows.
    pub vitals: Arc<Vitals>,
}

/// Listening sockets that outlive the source using them, so that a reload or a restart refuses no connection:
/// a source asks here instead of binding itself.
pub trait Sockets: fmt::Debug + Send + Sync {
    /// A non-blocking listening socket on this address: another handle of the one that is open already (kept
    /// from before a reload, or inherited from the process manager), else a new one.
    ///
    /// # Errors
    /// Of the operating system, when it has to be opened.
    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener>;
}

/// Why a component could not start or go on: what was tried, what went wrong, what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Looks at one event and changes it, or decides that it goes no further. Synchronous and pure: no waiting,
/// no I/O; it never makes, merges or reorders events.
pub trait Transform: Send + Sync {
    /// Decides on a request as a whole, before [`apply`](Transform::apply) looks at its events. Only sources call this,
    /// once for each request, with those of its events that the earlier transforms let pass. Default: admits every
    /// request.
    ///
    /// # Errors
    /// The time after which the client may send it again: the request is refused, and nothing of it is stored.
    fn admit(&self, _request: &mut dyn Iterator<Item = &Event>) -> Result<(), Duration> {
        Ok(())
    }

    /// Looks at an event. Called once for each, and again after the time of a [`Flow::NotBefore`].
    fn apply(&self, event: &mut Event) -> Flow;

    /// Whether `dry-run` leaves it out, since it only decides when something is sent.
    fn only_paces(&self) -> bool {
        false
    }
}

/// What a transform decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Goes on.
    Pass,
    /// Not wanted here: counted by reason, no dead letter.
    Filtered(Reason),
    /// Cannot go on: a dead letter.
    Rejected(Reason),
    /// Ask again then. On a sink only: the runtime sets the event aside, others go on.
    NotBefore(Instant),
}

/// Delivers records to a destination.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Makes records of an event. Pure; called again after a restart or a `reencode`.
    fn prepare(&self, event: &Event) -> Prepared;

    /// Sends a batch once and reports on each record. The runtime owns everything else: batching, pacing,
    /// time-out, retry, bisecting, holding. A panic counts as [`Batch::isolate`].
    async fn deliver(&self, batch: Batch) -> Report;

    /// Asks the destination whether deliveries can work now, without delivering anything. Called while held,
    /// and by `validate --probe`.
    ///
    /// # Errors
    /// The reason why not.
    async fn probe(&self) -> Result<(), Reason>;

    /// Bytes that a request adds to its records, for exact `max_bytes`.
    fn framing(&self) -> Framing {
        Framing::default()
    }

    /// Sentences about what the sink has learnt while running (a property it now leaves out), for status.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Called once after the last delivery, to flush and close.
    async fn close(&self) {}
}

/// Bytes around and between records in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Framing {
    /// Once a request.
    pub request: usize,
    /// Between two records.
    pub separator: usize,
}

/// A source's settings, as the pipeline file has them.
#[typetag::deserialize(tag = "type")]
pub trait SourceConfig: fmt::Debug + Send + Sync {
    /// Builds the source. Opens and spawns nothing: `validate` builds too.
    ///
    /// # Errors
    /// Every setting that does not fit.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Source>, BuildErrors>;

    /// The sinks that settings name, each with the path of its setting. One that does not exist, or does not
    /// listen to this source, is an error: its events would go nowhere. Default none.
    fn named_sinks(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What the settings say but probably do not mean: a condition that lets more through than it seems to, a value
    /// that is never used. Each with its path, told when the file is loaded; nothing stops. Default none.
    fn warnings(&self) -> Vec<BuildError> {
        Vec::new()
    }
}

/// A transform's settings.
#[typetag::deserialize(tag = "type")]
pub trait TransformConfig: fmt::Debug + Send + Sync {
    /// Builds the transform for one place in the pipeline; each place has a state of its own.
    ///
    /// # Errors
    /// Every setting that does not fit, or does not fit this place.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transform>, BuildErrors>;

    /// What the settings say but probably do not mean: a condition that lets more through than it seems to, a value
    /// that is never used. Each with its path, told when the file is loaded; nothing stops. Default none.
    fn warnings(&self) -> Vec<BuildError> {
        Vec::new()
    }

    /// What it hashes, if it does: a sink behind it must know these rules, and cannot compare what is hashed.
    fn hashes(&self) -> Option<Hashes> {
        None
    }
}

/// A sink's settings.
#[typetag::deserialize(tag = "type")]
pub trait SinkConfig: fmt::Debug + Send + Sync {
    /// Builds the sink. No network.
    ///
    /// # Errors
    /// Every setting that does not fit.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Sink>, BuildErrors>;

    /// What the runtime's keys are when the pipeline file does not say.
    fn defaults(&self) -> SinkDefaults;

    /// What the settings say but probably do not mean: a condition that lets more through than it seems to, a value
    /// that is never used. Each with its path, told when the file is loaded; nothing stops. Default none.
    fn warnings(&self) -> Vec<BuildError> {
        Vec::new()
    }

    /// The name of the account at the destination on which this sink calls. Sinks with the same name share one
    /// `calls_per_minute`; `None` means that nobody else calls on its account.
    fn rate_group(&self) -> Option<String> {
        None
    }

    /// The name of the normalising rules by which it hashes itself (`pinterest`, `segment`), if it does.
    fn hashing_rules(&self) -> Option<&'static str> {
        None
    }

    /// The sink's mappings by name, each with a fingerprint of its contents without the name: the journal recognises a
    /// renamed mapping by it and does not send again what the mapping has sent. Default: none, so that only names are
    /// compared.
    fn mappings(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Paths of the event whose plain values it compares or writes into texts, each with the setting that does.
    fn reads(&self) -> Vec<PlainRead> {
        Vec::new()
    }
}

/// What a transform hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// The name of the normalising rules: `pinterest` or `segment`.
    pub rules: &'static str,
    /// The paths, with dots.
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

/// Defaults and ceilings of the runtime's keys for one kind of sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkDefaults {
    /// Its name in an event's `integrations` object; `None` means the sink's own name.
    pub integration: Option<&'static str>,
    /// Records in a batch.
    pub max_events: usize,
    /// Most that `max_events` may be set to.
    pub max_events_ceiling: usize,
    /// Bytes of a request's body.
    pub max_bytes: u64,
    /// How long the first record of a batch waits for others.
    pub max_wait: HumanDuration,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Attempts in any 60 seconds; `None` is no limit.
    pub calls_per_minute: Option<u32>,
    /// Time for one request and its answer.
    pub timeout: HumanDuration,
    /// How long a record is retried, counted from its first attempt; time on hold does not count.
    pub retry_for: HumanDuration,
}

/// Where something is built.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// The component's name in the pipeline file.
    pub name: Arc<str>,
    /// The side of the journal the component stands on.
    pub place: Side,
}

/// A side of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it: on a source.
    Source,
    /// After it: on a sink.
    Sink,
}

/// A setting that does not fit, or one in doubt (see `warnings` of the config traits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// Path below the component, for instance `mappings.0.trigger`; empty for the component itself.
    pub path: String,
    /// What is wrong; never the value.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl BuildError {
    /// An error about a setting.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> BuildError {
        BuildError {
            path: path.into(),
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do about it.
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
