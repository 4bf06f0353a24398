//! One file for each command.

mod admin_client;
mod dead_letters;
mod dry_run;
mod erase;
mod events;
mod forget;
mod import_segment;
mod init;
mod journal;
#[cfg(feature = "nats")]
mod journal_move;
mod keygen;
mod load;
mod names;
mod numbers;
mod plugins;
mod progress;
mod replay;
mod report;
mod resend;
pub(crate) mod run;
mod sandbox;
mod status;
mod tap;
mod top;
mod validate;

use crate::cli::Command;
use crate::exit::{self, Code, Failure};

/// Runs a command, and reports why it failed.
pub(crate) async fn run(command: Command) -> Code {
    // The future is as large as that of the largest command.
    Box::pin(carry_out(command)).await.unwrap_or_else(Failure::report)
}

async fn carry_out(command: Command) -> Result<Code, Failure> {
    match command {
        Command::Run(args) => Box::pin(run::run(&args)).await,
        Command::Validate(args) => validate::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::DeadLetters(args) => dead_letters::run(args).await,
        Command::Replay(args) => replay::run(&args).await,
        Command::Resend(args) => resend::run(&args).await,
        Command::Forget(args) => forget::run(&args).await,
        Command::Erase(args) => erase::run(&args).await,
        Command::Events(args) => events::run(&args).await,
        Command::Report(args) => report::run(&args).await,
        Command::Tap(args) => tap::run(&args).await,
        Command::Top(args) => top::run(&args).await,
        Command::Journal(args) => journal::run(args).await,
        Command::DryRun(args) => dry_run::run(&args),
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Demo(args) => crate::demo::run(args.keep).await,
        Command::Plugins(args) => plugins::run(args.name.as_deref()),
        Command::Schema => {
            crate::terminal::print(&format!("{:#}\n", signalbox_config::schema()));
            Ok(exit::OK)
        }
        Command::ImportSegment(args) => import_segment::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Keygen(args) => keygen::run(&args),
    }
}
