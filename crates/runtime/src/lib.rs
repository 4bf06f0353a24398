//! The engine: pipeline, delivery driver, ledger and telemetry.

mod backpressure;
mod checkpoints;
pub mod dead_letters;
pub mod debts;
pub mod delivery;
pub mod dry_run;
pub mod erase;
pub mod forget;
pub mod history;
pub mod hold;
pub mod identity;
mod intake;
pub mod journal;
pub mod ledger;
pub mod logs;
pub mod operate;
mod orphans;
pub mod pipeline;
pub mod plain_values;
pub mod probe;
pub mod rate_group;
pub mod routing;
pub mod running;
pub mod sockets;
mod source_notes;
pub mod telemetry;
pub mod unheard;
