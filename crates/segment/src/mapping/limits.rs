//! Bounds on mappings and on the texts they make.

/// How deep a mapping may nest. Segment has no limit and overflows its stack near 1,900; real mappings nest 6 deep.
pub const MAX_DEPTH: usize = 100;

/// The longest text, in bytes, one directive may make of an event; longer is a run-time error. Keeps hostile events
/// from growing quadratically through templates, replacements and flattened keys.
pub const MAX_TEXT: usize = 1 << 20;
