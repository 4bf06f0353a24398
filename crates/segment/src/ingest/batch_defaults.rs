//! The parts of a batch that all its events share.

use signalbox_core::{Document, Kind, Node};

use crate::time::Millis;

/// The values a batch gives once for all its events.
#[derive(Default)]
pub(super) struct BatchDefaults {
    /// An object with `context` and `integrations`, so that its depth is what it will be inside an event.
    pub(super) document: Option<Document>,
    pub(super) sent: Option<Millis>,
}

impl BatchDefaults {
    /// A member that is an object with something in it.
    pub(super) fn object(&self, key: &str) -> Option<Node<'_>> {
        self.document
            .as_ref()?
            .root()
            .get(key)
            .filter(|node| node.kind() == Kind::Object && !node.is_empty())
    }
}
