//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use signalbox_runtime::logs::LogFormat;

/// A Segment-compatible event router: events from Segment SDKs in, conversions to advertising platforms out.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, after_help = crate::exit::HELP, propagate_version = true)]
pub(crate) struct Cli {
    /// How logs are written to standard error
    #[arg(long, global = true, value_enum, default_value_t = Logs::Auto)]
    log_format: Logs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Logs {
    /// Text on a terminal, JSON otherwise
    Auto,
    /// Text
    Human,
    /// One JSON object a line
    Json,
}

impl Cli {
    pub(crate) fn log_format(&self) -> LogFormat {
        match self.log_format {
            Logs::Auto => LogFormat::Auto,
            Logs::Human => LogFormat::Human,
            Logs::Json => LogFormat::Json,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the router until it is told to stop (Ctrl-C or SIGTERM drain it; a second signal gives up at once)
    Run(Config),
    /// Check a configuration without running it
    Validate(Validate),
    /// Show what would be sent for events read from standard input, one JSON object a line
    DryRun(DryRun),
    /// Serve a stand-in for the Pinterest Conversions API on this machine, to try pipelines without an account
    Sandbox(Sandbox),
    /// Run the whole thing once on this machine, with the sandbox as destination, and print what became of the events
    Demo,
    /// List the sources, transforms and sinks of this build, or the settings of one
    Plugins(Plugins),
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
    /// Write a commented pipeline to start from
    Init(Init),
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// The pipeline file (TOML)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Also ask each destination whether it would take deliveries now; delivers nothing
    #[arg(long)]
    pub(crate) probe: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DryRun {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only this sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Treat the events as coming from this source (default: the first input of each sink)
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Where to listen; loopback only
    #[arg(long, default_value = "127.0.0.1:9900")]
    pub(crate) listen: SocketAddr,
    /// Write each accepted event to this file, one a line, exactly as received
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
    /// Take only this bearer token (default: any)
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Take only this ad account id (default: any)
    #[arg(long, value_name = "ID")]
    pub(crate) ad_account_id: Option<String>,
    /// Refuse what Pinterest's published OpenAPI does not list, though vendors send it in production
    #[arg(long)]
    pub(crate) strict_openapi: bool,
    /// Faults to begin with, as JSON; PUT /_sandbox/faults changes them
    #[arg(long, value_name = "JSON")]
    pub(crate) faults: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Plugins {
    /// Show the settings of this one
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write it
    #[arg(default_value = "signalbox.toml")]
    pub(crate) path: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}
