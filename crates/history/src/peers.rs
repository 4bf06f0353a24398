//! The histories of other routers that share the journal. Each router keeps the records of what it delivered itself, and any of
//! them answers for all.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::filter::Filter;
use crate::ids::{IdHash, IdKeys};
use crate::page::Page;
use crate::place::Place;
use crate::report::{Report, Reported};

/// A question of one router to the history of another. It carries keyed hashes of ids, never the ids. A router refuses a
/// question with members that it does not know: it would answer another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// The records with one of these ids.
    Find {
        /// The keyed hashes.
        ids: Vec<u64>,
        /// The name of the newest key.
        key: u64,
        /// The conditions.
        filter: Filter,
    },
    /// The latest records.
    Latest {
        /// The conditions.
        filter: Filter,
        /// The place after which the list goes on.
        after: Option<Place>,
        /// Most records in the answer.
        limit: usize,
    },
    /// The record at a place.
    At(Place),
    /// Sums.
    Report(Report),
    /// The removal of ids, with those of the records that ended until a moment (Unix milliseconds).
    Erase {
        /// The keyed hashes.
        ids: Vec<u64>,
        /// The name of the newest key.
        key: u64,
        /// The moment.
        until: i64,
    },
}

/// The answer to a [`Question`]. Later versions may add members, which have defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Question::Find`] and [`Question::Latest`].
    Page(Page),
    /// To [`Question::At`]; `None` if the record is no longer kept.
    Entry(Option<Box<Entry>>),
    /// To [`Question::Report`].
    Report(Reported),
    /// To [`Question::Erase`]: the records that lost their ids, `None` of a history without records.
    Erased(Option<u64>),
}

/// The answer of a router, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The router's name.
    pub router: String,
    /// The answer, or a sentence.
    pub answer: Result<Answer, String>,
}

impl Answered {
    /// Returns the sentence about a router that gave no answer of use.
    pub(crate) fn missing(router: &str, why: &str) -> String {
        format!("the records of router '{router}' are missing: {why}")
    }
}

/// The way to the histories of the other routers.
pub trait Peers: Send + Sync {
    /// Returns the name of this router.
    fn own(&self) -> Arc<str>;

    /// Asks each other router for which `question` has one. Blocks until all have answered, or for some seconds.
    fn ask(&self, question: &dyn Fn(&str) -> Option<Question>) -> Vec<Answered>;
}

impl Question {
    /// Asks for the records with one of these ids.
    pub(crate) fn find(ids: &[IdHash], keys: &IdKeys, filter: &Filter) -> Question {
        Question::Find {
            ids: ids.iter().map(|id| id.0).collect(),
            key: keys.name(),
            filter: filter.clone(),
        }
    }

    /// Asks for the removal of these ids from records that ended until a moment (Unix milliseconds).
    #[must_use]
    pub fn erase(ids: &[IdHash], keys: &IdKeys, until: i64) -> Question {
        Question::Erase {
            ids: ids.iter().map(|id| id.0).collect(),
            key: keys.name(),
            until,
        }
    }
}
