//! The members of a batch that apply to all its events.

use signalbox_core::{Document, Kind, Node, Warning};

use crate::time::Millis;

/// Values that a batch gives once for all its events.
#[derive(Default)]
pub(super) struct BatchDefaults {
    /// An object with `context` and `integrations`, which gives them the depth that they will have in an event.
    pub(super) document: Option<Document>,
    pub(super) sent: Option<Millis>,
    /// Warnings about the batch outside of its events, which each event gets.
    pub(super) warnings: Vec<Warning>,
}

impl BatchDefaults {
    /// Returns a member that is an object and not empty.
    pub(super) fn object(&self, key: &str) -> Option<Node<'_>> {
        self.document
            .as_ref()?
            .root()
            .get(key)
            .filter(|node| node.kind() == Kind::Object && !node.is_empty())
    }
}
