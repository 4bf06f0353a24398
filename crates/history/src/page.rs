//! The answer of a search: some of the records, the newest first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::place::After;

/// A page of records, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The records.
    pub entries: Vec<Entry>,
    /// The point at which the next page begins; `None` at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<After>,
    /// Files, those included that were lost, and routers whose records are missing in the answer, with the reason; and files of an
    /// older version whose records do not tell of the parameters that the filter asks for. In an answer of several routers, a file
    /// stands behind the name of its router.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

impl Page {
    /// Adds the name of the router that keeps the files.
    pub(crate) fn of_router(mut self, router: &str) -> Page {
        for told in &mut self.unread {
            *told = format!("router '{router}': {told}");
        }
        self
    }
}
