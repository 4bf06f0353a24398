//! The contract of Signalbox: events, records and outcomes, and the promises of sources, transforms and sinks. This
//! crate does no I/O, and plugins need no other one (but the HTTP kit).
//!
//! The way of an event: a [`Source`] parses it and hands it to its [`Outlet`]; [`Transform`]s process it in series;
//! each [`Sink`] prepares [`Record`]s of it, gets [`Batch`]es of them, and returns a [`Report`].

mod answer;
mod batch;
mod byte_slab;
mod checkpoints;
mod component;
mod config;
pub mod escape;
mod event;
mod explain;
mod facts;
mod hash;
mod import;
mod journal_key;
pub mod json;
pub mod limiter;
mod mask;
mod match_keys;
mod nearest;
mod opt_out;
mod outlet;
mod parts;
pub mod privacy;
mod private;
mod rating;
mod reason;
mod record;
mod registry;
mod secret;
mod summary;
mod test_event;
mod units;
mod vitals;

pub use answer::Answer;
pub use batch::{Batch, Outcome, Report, Response, Verdict};
pub use byte_slab::ByteSlab;
pub use checkpoints::Checkpoints;
pub use component::{Flow, Framing, Sink, Sockets, Source, SourceContext, SourceTask, StartError, Transform};
pub use config::{
    BuildContext, BuildError, BuildErrors, Built, Component, Hashes, PlainField, PlainRead, Side, SinkConfig,
    SinkDeclarations, SinkDefaults, SourceConfig, SourceDeclarations, TransformConfig, TransformDeclarations,
    child_path,
};
pub use event::{Event, EventError, Receipt};
pub use explain::{Clause, FieldOutline, Firing, MappingOutline, Standing};
pub use facts::{Facts, HashedPath, LimitedDataProcessing};
pub use hash::Sha256Hex;
pub use import::{ImportError, Imported, Imports, SegmentImport, segment_imports};
pub use journal_key::{JournalKey, KeyFault};
pub use json::{Document, Kind, Node, NodeId, ParseError, Path, Scalar};
pub use mask::mask;
pub use match_keys::MatchKeys;
pub use nearest::nearest;
pub use opt_out::{OptOutSignal, Signalled};
pub use outlet::{Fate, Intake, Outlet, Refused, RefusedCause, RejectedInput};
pub use parts::{Parts, Spot};
pub use private::{PRIVATE_FILE, PRIVATE_FOLDER, exposed};
pub use rating::{Identifier, NoScore, ParameterScore, Rated, RatedKey, Score, Scoring};
pub use reason::{NO_TRIGGER_MATCHED, Reason, Warning, may_be_address, redact};
pub use record::{Prepared, Record, Rejection, Resend};
pub use registry::{OptionalPlugin, PluginInfo, PluginKind, absent_plugins, plugins, with_feature};
pub use secret::Secret;
pub use summary::{Money, Parameter, Parameters, Summary};
pub use test_event::{RequestText, TestFailure, TestMode, TestReply};
pub use units::{HumanDuration, Size};
pub use vitals::Vitals;

/// Re-exports for the macros of this crate.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
    pub use schemars;
}
