//! The running components that take part in a test.

use std::sync::Arc;

use crate::delivery::{SinkOptions, Stage};
use crate::intake::SourceIntake;
use crate::rate_group::RateGroup;

/// A running sink, as far as a test needs it.
#[derive(Clone)]
pub(crate) struct TestedSink {
    pub(crate) options: Arc<SinkOptions>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) rate_group: Arc<RateGroup>,
}

/// A running source, as far as a test needs it.
#[derive(Clone)]
pub(crate) struct TestedSource {
    pub(crate) intake: Arc<SourceIntake>,
    /// The names of its transforms.
    pub(crate) through: Arc<[Arc<str>]>,
}
