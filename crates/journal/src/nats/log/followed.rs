//! The follower's results.

use std::time::Instant;

use super::blocks::Blocks;
use super::marks::Marks;

/// The follower's results.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The newest sequence. Frames up to it are counted, and their duplicates marked.
    pub(super) to: u64,
    /// The newest sequence whose ids were learnt: after a restart they are read again, and nothing else is.
    pub(super) learnt_to: u64,
    pub(super) blocks: Blocks,
    pub(super) marks: Marks,
    /// The newest moment of storing, Unix milliseconds.
    pub(super) stored: i64,
    /// The moment of the last care for the ids.
    pub(super) tended: Option<Instant>,
}
