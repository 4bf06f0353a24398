//! One file for each command.

mod admin_client;
mod dead_letters;
mod dry_run;
mod forget;
mod import_segment;
mod init;
mod journal;
mod numbers;
mod plugins;
mod progress;
mod replay;
mod run;
mod sandbox;
mod status;
mod validate;

use std::io::Write as _;
use std::path::Path;

use signalbox_config::{self as config, ProcessEnvironment};
use signalbox_core::escape::plain_lines;
use signalbox_runtime::pipeline::Pipeline;

use crate::cli::Command;
use crate::exit::{self, Code};

pub(crate) async fn run(command: Command) -> Code {
    match command {
        Command::Run(args) => run::run(&args).await,
        Command::Validate(args) => validate::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::DeadLetters(args) => dead_letters::run(args.action).await,
        Command::Replay(args) => replay::run(&args).await,
        Command::Forget(args) => forget::run(&args).await,
        Command::Journal(args) => journal::run(args.action).await,
        Command::DryRun(args) => dry_run::run(&args),
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Demo => crate::demo::run().await,
        Command::Plugins(args) => plugins::run(args.name.as_deref()),
        Command::Schema => {
            print(&format!("{:#}\n", config::schema()));
            exit::OK
        }
        Command::ImportSegment(args) => import_segment::run(&args),
        Command::Init(args) => init::run(&args),
    }
}

/// Loads and builds a pipeline; tells what is wrong on standard error.
pub(crate) fn load(path: &Path) -> Result<Pipeline, Code> {
    let pipeline = config::load_file(path, &ProcessEnvironment)
        .and_then(Pipeline::build)
        .map_err(|diagnostics| {
            tell(&diagnostics.to_string());
            exit::CONFIG
        })?;
    for warning in &pipeline.warnings {
        tell(&format!("warning: {warning}"));
    }
    Ok(pipeline)
}

/// Prints to standard output; false once the reader has gone (`| head`), which is no error.
pub(crate) fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Reports something on standard error, in a form that cannot command the terminal.
pub(crate) fn tell(text: &str) {
    eprintln!("{}", plain_lines(text));
}

/// Reports on standard error why a command ends, in a form that cannot command the terminal.
pub(crate) fn complain(problem: &str) {
    eprintln!("signalbox: {}", plain_lines(problem));
}
