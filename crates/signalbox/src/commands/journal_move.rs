//! `signalbox journal move`

use signalbox_config::OperatorSettings;
use signalbox_runtime::journal::{MoveStep, Place, move_to_nats};

use super::load::load_for_operators;
use super::progress;
use crate::cli::{MoveArgs, MoveTo};
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(super) async fn run(args: &MoveArgs) -> Result<Code, Failure> {
    let MoveTo::Nats = args.to;
    let place = |settings: OperatorSettings| Place {
        journal: settings.journal,
        dead_letters: settings.dead_letters,
    };
    let (from, to) = (
        place(load_for_operators(&args.from)?),
        place(load_for_operators(&args.config.config)?),
    );
    let folder = from.journal.folder();
    let bar = progress::bar("events", async { Ok(0) }).await?;
    let mut told = String::new();
    let moved = move_to_nats(from, to, |step| {
        match step {
        MoveStep::Anew(why) => told.push_str(&format!(
            "an earlier call was interrupted, and its copy could not go on: {why}. It is deleted, and the copy was made anew from the \
             old journal, which kept everything\n"
        )),
        MoveStep::Copied { events, all } => {
            bar.set_length(all);
            bar.set_position(events);
        }
    }
    });
    let moved = moved.await;
    bar.finish_and_clear();
    match moved? {
        None => told.push_str("the contents had been copied already\n"),
        Some(done) => {
            if done.resumed > 0 {
                told.push_str(&format!(
                    "an earlier call was interrupted: the copy went on behind the {} events that it had written\n",
                    done.resumed
                ));
            }
            told.push_str(&format!(
                "copied; both journals agree: events {}, pending deliveries {}, sinks {}, dead letters {}\n",
                done.events, done.pending, done.sinks, done.dead_letters
            ));
            if done.erased > 0 {
                told.push_str(&format!(
                    "left out, since they are erased: deliveries {}\n",
                    done.erased
                ));
            }
            if done.lost > 0 {
                told.push_str(&format!(
                    "unreadable in the old journal, and counted as rejected (journal_unreadable): deliveries {}\n",
                    done.lost
                ));
            }
        }
    }
    print(&format!(
        "{told}{} is marked as moved: no router delivers from it any more\n",
        folder.display()
    ));
    Ok(exit::OK)
}
