//! The `signalbox` command.

// Plugins register themselves when they are linked; nothing else names them.
use signalbox_plugins as _;

mod cli;
mod commands;
mod demo;
mod exit;
mod router;
mod sockets;
mod terminal;

use std::borrow::Cow;

use clap::Parser as _;
use signalbox_core::escape::plain_lines;

fn main() -> std::process::ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version are no errors; anything else is a mistake on the command line.
            let code = if told.use_stderr() { exit::USAGE } else { exit::OK };
            let text = told.render().to_string();
            match plain_lines(&text) {
                // A reader that went away (`| head`) is no error.
                Cow::Borrowed(_) => drop(told.print()),
                // The message repeats an argument that would command the terminal.
                Cow::Owned(text) => eprint!("{text}"),
            }
            return code.into();
        }
    };
    if let Err(problem) = signalbox_runtime::logs::init(cli.log_format(), cli.command.log_filter()) {
        eprintln!("signalbox: {problem}");
        return exit::USAGE.into();
    }
    // Both rustls users (the HTTP client and the telemetry exporter) take the process's provider; a second
    // installation is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("signalbox: the async runtime cannot start: {error}");
            return exit::FAILED.into();
        }
    };
    let code = runtime.block_on(commands::run(cli.command));
    // A blocking read of standard input cannot be cancelled; do not wait for it.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    code.into()
}
