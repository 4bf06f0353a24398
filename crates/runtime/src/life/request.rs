//! The request for lives, and the router that answers it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_history::{Filter, Place, Reader};
use signalbox_journal::Journal;

use crate::delivery::Stage;
use crate::history::WantedId;
use crate::ledger::Ledger;

/// Most events in an answer.
pub const MOST_EVENTS: usize = 50;
/// A search for events and their lives. `Debug` shows no value.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifeRequest {
    /// The id to find.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<WantedId>,
    /// The place of a record in the history, instead of an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// True to list pending events instead, the oldest ones of the log first.
    pub pending: bool,
    /// Conditions on the records. With any but the sink's name, pending events are left out.
    pub filter: Filter,
    /// True to make records again: the sent ones, and those of the present mappings.
    pub again: bool,
}

impl std::fmt::Debug for LifeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LifeRequest")
            .field("id", &self.id.is_some())
            .field("place", &self.place)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// A router as the search sees it.
pub struct Sight<'a> {
    /// Its history.
    pub reader: Reader,
    /// Its journal.
    pub journal: &'a dyn Journal,
    /// Its counts, with the holds of its sinks.
    pub ledger: &'a Ledger,
    /// The steps of a running sink.
    pub stage: &'a (dyn Fn(&str) -> Option<Arc<Stage>> + Sync),
    /// False for a router that does not run.
    pub running: bool,
}
