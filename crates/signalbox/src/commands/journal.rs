//! `signalbox journal`

use signalbox_config::JournalKind;
use signalbox_journal::{Compacted, DiskJournal};

use super::load::load_for_operators;
use super::numbers::about;
use crate::cli::JournalAction;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) async fn run(action: JournalAction) -> Result<Code, Failure> {
    let JournalAction::Compact(args) = action;
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
