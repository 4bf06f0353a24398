//! The fates of events: a record of each end, and sums by the hour, in SQLite files that operators may open with their
//! own tools. docs/history.md describes the files.
//!
//! Drivers take what the history needs of a record when they make it ([`Draft`]), add records up and pack them when they end
//! ([`Notes`]), and hand them to a [`History`], which never lets them wait: its thread
//! writes, and a record too many is dropped and counted. A history that cannot be written costs no event and says so in its
//! [`Health`].
//!
//! ```text
//! drivers ──notes──▶ queue ──▶ thread ──▶ sums.db      sums by hour, sink, mapping, name, outcome, reason, currency
//!                                    ├──▶ rows-DAY.db  a row for each record, unless only sums are kept
//!                                    └──▶ newest ids in memory ──a segment at a time──▶ rows-DAY.db
//! ```
//!
//! A [`Reader`] searches the files beside the thread. Where several routers share a journal ([`Peers`]), it also asks the others,
//! and makes one answer of all.

mod answers;
mod blocks;
mod checks;
mod clock;
mod db;
mod draft;
mod entry;
mod files;
mod filter;
mod hashed;
mod health;
mod history;
mod horizon;
mod ids;
mod kept_ids;
mod key_file;
mod limits;
mod losses;
mod merge;
mod notes;
mod older;
mod open_file;
mod open_ids;
mod packed;
mod packing;
mod page;
mod peers;
mod place;
mod read_sums;
mod reader;
mod record;
mod report;
mod rows;
mod schema;
mod sum_tables;
mod sums;
mod tallies;
mod text;
mod untold;
mod watched;

pub use db::Trouble;
pub use draft::{Draft, DraftBuffer};
pub use entry::Entry;
pub use filter::Filter;
pub use health::Health;
pub use history::{Ended, EraseError, History};
pub use ids::{Checksum, IdHash, IdKeys, IdKind, Ids, KeyError, People};
pub use key_file::{KeyFile, KeyFileError, NewKey, key_file_of};
pub use limits::{Keep, Settings};
pub use losses::Loss;
pub use notes::Notes;
pub use page::Page;
pub use peers::{Answer, Answered, Peers, Question};
pub use place::{After, Place};
pub use reader::{MOST, Reader};
pub use record::{Attempt, End, Made, Outcome, Record, VALUE_TOO_LARGE, Warned};
pub use report::{By, Report, Reported, Sum};
pub use tallies::LATENCY_BUCKETS;
pub use text::{AttemptEntry, WarningEntry};
