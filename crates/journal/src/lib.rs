//! The log between sources and sinks: one log, which each sink reads at its own pace.
//!
//! Sources append. When an append returns, its events are as safe as the kind of journal promises. Each sink reads with
//! its own cursor and commits its progress, so a dead destination delays no other sink. The journal may drop events once
//! every sink has settled them.
//!
//! [`MemoryJournal`] promises nothing across a restart. [`DiskJournal`] survives kill -9 and power loss from the
//! moment an append has returned.

mod arrivals;
mod asking;
mod checksum;
mod clock;
mod dead_letter;
mod dedup;
mod disk;
mod erasures;
mod error;
mod fs;
mod halt;
mod inputs;
mod journal;
mod letters;
mod log;
mod mappings;
mod memory;
mod mutex;
mod names;
#[cfg(feature = "nats")]
mod nats;
mod node;
mod panic_guard;
mod position;
mod progress;
mod ranges;
mod reader;
mod requeue;
mod seal;
mod sink_record;
mod state;
mod states;
mod tenure;
mod transfer;

pub use arrivals::Arrivals;
pub use asking::{Answers, Asked};
pub use dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterId, DeadLetterPage, DeadLetterQuota,
    DeadLetterSummary, LetterCounts, OnFull, Order, Page, SOURCE, StoredLetter,
};
pub use disk::{DiskJournal, DiskOptions};
pub use erasures::{
    ERASED, Erasure, ErasureList, ErasureResults, Erasures, HoldingFile, Index, LogHits, Subject, Wanted,
};
pub use error::{AppendError, JournalError, Refusing, TransferError};
pub use inputs::{Owed, Standing, Start, Subscription};
pub use journal::{Appended, Found, Journal, KeyUse, Log, Sealing, Usage};
pub use letters::{Letters, SendAgain, Taken};
pub use log::encode::encode_frame;
pub use log::frame::decode_frame;
pub use log::sealer::seal_frames;
pub use memory::MemoryJournal;
pub use names::{Named, Roster};
#[cfg(feature = "nats")]
pub use nats::monitoring::{MonitorAnswer, check_sync};
#[cfg(feature = "nats")]
pub use nats::{NatsJournal, NatsOptions, delete_journal};
pub use node::{Node, NodeReport};
pub use position::{Entry, Loss, Lost, Position};
pub use progress::{Commit, Open, Parked, Progress, RecordEnd, SourceTotals, Totals};
pub use reader::{Ahead, Read, Reader, Resumed, Returned};
pub use seal::error::SealError;
pub use seal::operator::{KeyId, Keys, new_key};
pub use state::compact::Compacted;
pub use states::{SinkState, States};
pub use tenure::{Group, Tenure, Tenures};
pub use transfer::{Copied, Transferred, copied, transfer};
