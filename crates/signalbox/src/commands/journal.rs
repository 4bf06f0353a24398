//! `signalbox journal`

use signalbox_config::{self as config, JournalKind, ProcessEnvironment};
use signalbox_journal::{Compacted, DiskJournal};

use super::complain;
use super::numbers::about;
use crate::cli::JournalAction;
use crate::exit::{self, Code};

pub(crate) async fn run(action: JournalAction) -> Code {
    let JournalAction::Compact(args) = action;
    let settings = match config::load_for_operators(&args.config, &ProcessEnvironment) {
        Ok(settings) => settings,
        Err(diagnostics) => {
            super::tell(&diagnostics.to_string());
            return exit::CONFIG;
        }
    };
    if settings.journal.kind == JournalKind::Memory {
        complain("a journal in memory has no files to compact");
        return exit::FAILED;
    }
    let folder = settings.journal.folder();
    let work = tokio::task::spawn_blocking(move || match DiskJournal::exists(&folder) {
        Ok(true) => DiskJournal::compact(&folder),
        Ok(false) => Err(signalbox_journal::JournalError(format!(
            "there is no journal in {}: check [journal] path",
            folder.display()
        ))),
        Err(error) => Err(error),
    });
    match work.await {
        Ok(Ok(Compacted { before, after })) => {
            let (before, after) = (about(before), about(after));
            super::print(&format!("the state took {before} and takes {after}\n"));
            exit::OK
        }
        Ok(Err(problem)) => {
            complain(&format!("journal: {problem}"));
            exit::FAILED
        }
        Err(_) => exit::FAILED,
    }
}
