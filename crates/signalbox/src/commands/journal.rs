//! `signalbox journal`

use signalbox_config::JournalKind;
use signalbox_journal::{Compacted, DiskJournal};
#[cfg(not(feature = "nats"))]
use signalbox_runtime::journal::{NATS_FEATURE, WITHOUT_NATS};

#[cfg(feature = "nats")]
use super::journal_move::run as move_to;
use super::load::load_for_operators;
use super::numbers::about;
#[cfg(not(feature = "nats"))]
use crate::cli::MoveArgs;
use crate::cli::{Config, JournalAction};
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) async fn run(action: JournalAction) -> Result<Code, Failure> {
    match action {
        JournalAction::Compact(args) => compact(&args).await,
        JournalAction::Move(args) => move_to(&args).await,
    }
}

async fn compact(args: &Config) -> Result<Code, Failure> {
    let settings = load_for_operators(&args.config)?;
    let elsewhere = match settings.journal.kind {
        JournalKind::Disk => None,
        JournalKind::Memory => Some("in memory"),
        JournalKind::Nats => Some("on NATS"),
    };
    if let Some(place) = elsewhere {
        return Err(format!("a journal {place} has no files to compact").into());
    }
    let folder = settings.journal.folder();
    let keys = signalbox_runtime::journal::keys(&settings.journal)?;
    let work = tokio::task::spawn_blocking(move || match DiskJournal::exists(&folder) {
        Ok(true) => DiskJournal::compact(&folder, keys.as_ref()),
        Ok(false) => Err(signalbox_journal::JournalError(format!(
            "there is no journal in {}: check [journal] path",
            folder.display()
        ))),
        Err(error) => Err(error),
    });
    match work.await {
        Ok(Ok(Compacted { before, after })) => {
            let (before, after) = (about(before), about(after));
            print(&format!("the state took {before} and takes {after}\n"));
            Ok(exit::OK)
        }
        Ok(Err(problem)) => Err(format!("journal: {problem}").into()),
        Err(_) => Err(Failure::Reported(exit::FAILED)),
    }
}

#[cfg(not(feature = "nats"))]
async fn move_to(_: &MoveArgs) -> Result<Code, Failure> {
    let remedy = signalbox_core::with_feature(NATS_FEATURE);
    Err(format!("{WITHOUT_NATS}; {remedy}").into())
}
