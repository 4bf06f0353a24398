//! The mistake in a template.

/// A mistake in a template, which fails whenever it is evaluated: the message.
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);
