//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use signalbox_core::{HumanDuration, Parameters};
use signalbox_history::By;
use signalbox_runtime::logs::LogFormat;
use signalbox_runtime::operate::Where;
use signalbox_runtime::tap::MOST_RATE;
use signalbox_sandbox::Vendor;

/// A Segment-compatible event router: events from Segment SDKs in, conversions to advertising platforms out.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, after_help = crate::exit::HELP, propagate_version = true)]
pub(crate) struct Cli {
    /// Format of the log on standard error
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

impl Command {
    /// The log filter unless the environment sets one.
    pub(crate) fn log_filter(&self) -> &'static str {
        match self {
            // It prints its own report.
            Command::Demo(args) if !args.keep => "warn",
            // Its platforms fail on purpose.
            Command::Demo(_) => "error",
            _ => "info",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Go on until Ctrl-C, with visitors in the shop and a platform that sometimes fails, and print the address of the page
    /// that shows it all
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the router until a signal stops it (Ctrl-C or SIGTERM drain it; a second signal gives up at once; SIGHUP
    /// reads the configuration again)
    Run(RunArgs),
    /// Check a configuration without running it
    Validate(ValidateArgs),
    /// Show the records that events of files or standard input would make, one JSON object a line
    DryRun(DryRunArgs),
    /// Show the counts of received, delivered and pending events, of a running or a stopped router
    Status(StatusArgs),
    /// Show events that could not be delivered; retry, export or discard them
    #[command(name = "deadletters", subcommand)]
    DeadLetters(DeadLetterAction),
    /// Deliver a part of the journal to a sink again
    Replay(ReplayArgs),
    /// Send an event to its sinks once more, from the journal or the dead letters
    Resend(ResendArgs),
    /// Forget pending events of a source that a sink no longer listens to, or of a sink that is no longer in the file
    Forget(ForgetArgs),
    /// Show what became of an event: received, mapped, sent, answered; by an id, or the latest ones
    Events(Box<EventsArgs>),
    /// Count the records of the history, and add up their values, to compare with the platform's own numbers
    Report(ReportArgs),
    /// Show live events of a running router, one JSON object a line
    Tap(TapArgs),
    /// Show the rates, ages and holds of a running router, over and over
    Top(TopArgs),
    /// Erase what the journal holds of a person: by e-mail address, phone number or id, read from standard input
    Erase(EraseArgs),
    /// Maintain the files of a journal whose router does not run
    #[command(subcommand)]
    Journal(JournalAction),
    /// Serve stand-ins for the APIs of Pinterest, Meta and TikTok on this machine, to try pipelines without an account
    Sandbox(SandboxArgs),
    /// Run a whole pipeline once on this machine, with the sandbox as destination, and print the outcomes of its events
    Demo(DemoArgs),
    /// List the sources, transforms and sinks of this build, or the settings of one
    Plugins(PluginsArgs),
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
    /// Turn destinations from Segment's API (JSON) into sinks of a pipeline file
    ImportSegment(ImportSegmentArgs),
    /// Write a commented pipeline to start from, and a key for its journal beside it
    Init(InitArgs),
    /// Make a key that encrypts the journal
    Keygen(KeygenArgs),
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// The pipeline file (TOML)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Read the configuration again whenever the file changes
    #[arg(long)]
    pub(crate) watch_config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterAction {
    /// Count them by sink, reason and mapping: look at this first
    Summary(DeadLetterChoice),
    /// Print one line for each, the newest first
    List(DeadLetterListArgs),
    /// Print all details, with the kept parts of the events, the newest first
    Show(DeadLetterListArgs),
    /// Print the kept events as JSON lines, the oldest first
    Export(DeadLetterListArgs),
    /// Deliver the matching ones again, the oldest first, for instance after a mapping was fixed; a source's go through
    /// the source again
    Retry(DeadLetterListArgs),
    /// Remove the matching ones for good, the oldest first
    Discard(DeadLetterDiscardArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DeadLetterListArgs {
    #[command(flatten)]
    pub(crate) choice: DeadLetterChoice,
    #[command(flatten)]
    pub(crate) how_many: HowMany,
}

#[derive(Debug, Args)]
pub(crate) struct DeadLetterDiscardArgs {
    #[command(flatten)]
    pub(crate) list: DeadLetterListArgs,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct HowMany {
    /// At most N (default: 100 for list and show, else all that match)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "all")]
    pub(crate) limit: Option<u64>,
    /// All that match
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeadLetterChoice {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only of this sink (or `source:NAME`)
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Only with this reason code
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
    /// Only of this mapping
    #[arg(long, value_name = "NAME")]
    pub(crate) mapping: Option<String>,
    /// Only of the event with this messageId
    #[arg(long, value_name = "ID")]
    pub(crate) message_id: Option<String>,
    /// Only ones that ended at or after this: a time such as 2026-11-24T10:00:00Z, a date, or a duration back from now,
    /// such as 2h
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<i64>,
    /// Only ones that ended longer ago than this, for instance 1h or 2d
    #[arg(long, value_name = "DURATION", value_parser = HumanDuration::parse)]
    pub(crate) older_than: Option<HumanDuration>,
    /// Only the one with this id
    #[arg(long)]
    pub(crate) id: Option<u64>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalAction {
    /// Shrink the file of dead letters and parked events to its contents
    Compact(Config),
    /// Copy the contents of a disk journal into a journal on NATS that several routers share
    Move(MoveArgs),
}

#[derive(Debug, Args)]
#[command(after_help = MOVE_HELP)]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// The kind of the new journal, which the pipeline file of --config names
    #[arg(long, value_name = "KIND")]
    pub(crate) to: MoveTo,
    /// The pipeline file with the disk journal
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
}

/// A kind of journal into which another one can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MoveTo {
    /// On NATS servers
    Nats,
}

/// For the end of `journal move --help`.
const MOVE_HELP: &str = "\
No router may run with one of the two journals. The new one must be empty. The
command compares both at its end, and marks the folder of the disk journal, so
that no router delivers its events again. It may be interrupted and called
again.";

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// The sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: String,
    /// The beginning: a position, a time such as 2026-11-24T10:00:00Z, a date (from its beginning in UTC), or a
    /// duration back from now, such as 2h or 3d
    #[arg(long, value_name = "WHERE")]
    pub(crate) from: Where,
    /// The end, exclusively (default: the end of the journal)
    #[arg(long, value_name = "WHERE")]
    pub(crate) to: Option<Where>,
    /// Also send the records that the running sink remembers to have sent; the platform may drop them as duplicates by their
    /// event ids, and without such ids counts them twice
    #[arg(long)]
    pub(crate) again: bool,
    /// Only print the number of events
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = RESEND_HELP)]
pub(crate) struct ResendArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// The messageId of the event, or `-` for ids on standard input, one a line; may be given several times
    #[arg(long, value_name = "ID", required = true, allow_hyphen_values = true)]
    pub(crate) message_id: Vec<String>,
    /// Only to this sink (default: every sink that was owed the event)
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// For the end of `resend --help`.
const RESEND_HELP: &str = "\
The sinks send the event even if they have delivered it before, by their
present filters and mappings. A platform may still drop the copy as a duplicate
by its event id. Exit code 1: at least one event goes out nowhere.";

/// Unix milliseconds.
fn moment(text: &str) -> Result<i64, &'static str> {
    match text.parse() {
        Ok(Where::Time(at)) => Ok(at),
        Ok(Where::Position(_)) => Err("expected a time, not a position"),
        Err(_) => Err(
            "expected a time with its zone such as 2026-11-24T10:00:00Z, a date such as 2026-11-24 (from its beginning \
             in UTC), or a duration back from now such as 2h or 3d",
        ),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only events of this source
    #[arg(long, value_name = "NAME", required_unless_present = "sink")]
    pub(crate) source: Option<String>,
    /// Only events for this sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only records that ended at or after the hour of this moment: a time such as 2026-11-24T10:00:00Z, a date, or a
    /// duration back from now
    #[arg(long, value_name = "WHEN", value_parser = moment, default_value = "7d")]
    pub(crate) since: i64,
    /// Groups: of hour, day (both UTC), sink, mapping, event_name, outcome, reason
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', value_parser = column, default_values = ["sink", "event_name", "outcome"])]
    pub(crate) by: Vec<By>,
    /// Only of this sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A column of a report.
fn column(name: &str) -> Result<By, String> {
    By::named(name).ok_or_else(|| format!("expected one of {}", By::ALL.map(By::name).join(", ")))
}

#[derive(Debug, Args)]
#[group(id = "wanted", multiple = false, args = ["message_id", "event_id", "order_id", "email", "phone", "user_id", "place"])]
#[command(after_help = EVENTS_HELP)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// The event with this messageId
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) message_id: Option<String>,
    /// The records with this id at the destination
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) event_id: Option<String>,
    /// The events of this order
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) order_id: Option<String>,
    /// The events of the person with the e-mail address on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) email: Option<String>,
    /// The events of the person with the phone number on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) phone: Option<String>,
    /// The events of the person with the user id on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) user_id: Option<String>,
    /// The event of the record at this place of the history, as --json shows it
    #[arg(long, value_name = "PLACE")]
    pub(crate) place: Option<signalbox_history::Place>,
    /// Make what was sent again from the journal, and what the present mapping would make; a running router does it, and
    /// sends nothing
    #[arg(long, requires = "wanted")]
    pub(crate) sent: bool,
    /// Only at this sink, or at source:NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Only from this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Only by this mapping
    #[arg(long, value_name = "NAME")]
    pub(crate) mapping: Option<String>,
    /// Only without a mapping, such as those of events that ended before any
    #[arg(long, conflicts_with = "mapping")]
    pub(crate) without_mapping: bool,
    /// Only events of this name, their own or that at the destination
    #[arg(long, value_name = "NAME")]
    pub(crate) event_name: Option<String>,
    /// Only those that 'report' counts under this event_name: the name at the destination, else the event's own
    #[arg(long, value_name = "NAME")]
    pub(crate) counted_name: Option<String>,
    /// Only with this outcome: delivered, duplicate, filtered, rejected or expired; or the events that are pending
    #[arg(long, value_name = "OUTCOME", value_parser = ["delivered", "duplicate", "filtered", "rejected", "expired", "pending"])]
    pub(crate) outcome: Option<String>,
    /// Only with this reason code
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
    /// Only with a warning of this code
    #[arg(long, value_name = "CODE")]
    pub(crate) warning: Option<String>,
    /// Only with a warning about this field
    #[arg(long, value_name = "PATH")]
    pub(crate) warning_path: Option<String>,
    /// Only with this match key, such as email; of several, joined by commas, with at least one
    #[arg(long, value_name = "NAME")]
    pub(crate) match_key: Option<String>,
    /// Only without this match key; of several, joined by commas, without all of them
    #[arg(long, value_name = "NAME")]
    pub(crate) without_match_key: Option<String>,
    /// Only with this parameter: value, currency, order_id, contents, event_id or source_url; of several, joined by commas, with at
    /// least one
    #[arg(long, value_name = "NAME")]
    pub(crate) parameter: Option<Parameters>,
    /// Only without this parameter; of several, joined by commas, without all of them
    #[arg(long, value_name = "NAME")]
    pub(crate) without_parameter: Option<Parameters>,
    /// Only with a value in this currency, such as EUR
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// Only ones that were late at delivery
    #[arg(long)]
    pub(crate) late: bool,
    /// Only ones that ended at or after this: a time such as 2026-11-24T10:00:00Z, a date, or a duration back from now,
    /// such as 2d
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<i64>,
    /// At most N of the latest ones, without an id
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) limit: u64,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// For the end of `events --help`.
const EVENTS_HELP: &str = "\
Addresses, phone numbers and user ids never stand on the command line, which
other users of the machine can read and shells keep:
  signalbox events -c pipeline.toml --email - < address.txt
The exit status is 1 if the history knows no such event and none is pending.";

#[derive(Debug, Args)]
pub(crate) struct TapArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only at this source: events as they go into the journal
    #[arg(long, value_name = "NAME", conflicts_with = "sink")]
    pub(crate) source: Option<String>,
    /// Only at this sink: events as its mappings see them, and the records they become
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Only events that match, in the language of triggers: 'event = "Order Completed"'; `-` reads it from standard input,
    /// for one that names a person
    #[arg(long, value_name = "FQL", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,
    /// End after N events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// At most N events per second, the first ones of each; the number left out goes to standard error
    #[arg(long, value_name = "N/s", value_parser = per_second, default_value_t = signalbox_admin::TAP_RATE)]
    pub(crate) rate: u32,
    /// Show personal values as they are instead of hashed; needs the token of the admin address
    #[arg(long)]
    pub(crate) plain: bool,
}

/// A rate such as `10` or `10/s`.
fn per_second(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).trim().parse().ok();
    let number = number.filter(|rate| (1..=MOST_RATE).contains(rate));
    number.ok_or_else(|| format!("expected events per second from 1 to {MOST_RATE}, such as 10/s"))
}

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Time between two looks, over which rates are counted
    #[arg(long, value_name = "DURATION", value_parser = HumanDuration::parse, default_value = "1s")]
    pub(crate) interval: HumanDuration,
    /// Print the rates of one interval, and end
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
#[group(id = "subject", required = true, multiple = false, args = ["email", "phone", "user_id", "anonymous_id", "message_id"])]
#[command(after_help = ERASE_HELP)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// E-mail addresses, one a line on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) email: Option<String>,
    /// Phone numbers with their country code, one a line on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) phone: Option<String>,
    /// Ids of users, one a line on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) user_id: Option<String>,
    /// Anonymous ids, one a line on standard input
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub(crate) anonymous_id: Option<String>,
    /// The messageId of one event, or `-` for ids on standard input, one a line
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) message_id: Option<String>,
    /// Delete files of the journal that hold the events as soon as every sink has settled them, instead of keeping them for
    /// replay; older files go too
    #[arg(long)]
    pub(crate) purge: bool,
    /// Only count
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Erase; without it, or --dry-run, the command does nothing
    #[arg(long)]
    pub(crate) yes: bool,
    /// Take the journal's list of erasures as it is, after it was lost: for the first erasure that is repeated
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) list_lost: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// For the end of `erase --help`.
const ERASE_HELP: &str = "\
Values never stand on the command line, which other users of the machine can
read and shells keep:
  signalbox erase -c pipeline.toml --email - --dry-run < addresses.txt";

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Also list the pending events of the journal that this file no longer mentions; asks a running router, or opens
    /// the journal, and changes nothing
    #[arg(long)]
    pub(crate) against_journal: bool,
    /// Also ask each destination whether it would take deliveries now; delivers nothing
    #[arg(long)]
    pub(crate) probe: bool,
    /// Take warnings for errors: end with exit status 3 if there are any
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// Print one JSON object with all findings instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DryRunArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only this sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Treat the events as coming from this source (default: the first input of each sink)
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Files of events, folders or patterns such as "events/*.gz" (default: standard input). JSON lines, JSON over several
    /// lines, arrays of events and bodies of /v1/batch are read, and compressed by gzip, too
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<std::path::PathBuf>,
    /// Take events as they are, without the validation and completion of a source: those of a `file` sink or the journal
    #[arg(long)]
    pub(crate) raw: bool,
    /// End with exit status 1 if there are rejected records or events, or warnings
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(crate) fail_on: Vec<FailOn>,
}

/// A kind of result that makes `dry-run` fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FailOn {
    /// Rejected records and events
    Rejected,
    /// Warnings
    Warnings,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Listen address; loopback only
    #[arg(long, default_value = "127.0.0.1:9900")]
    pub(crate) listen: SocketAddr,
    /// Play only these vendors: pinterest, meta, tiktok (default: all)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) vendor: Vec<Vendor>,
    /// Write each accepted event to this file, one a line, exactly as received
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
    /// Take only this token; `meta=TOKEN` sets the token of one vendor (default: any)
    #[arg(long)]
    pub(crate) token: Vec<String>,
    /// Take only this ad account of Pinterest (default: any)
    #[arg(long, value_name = "ID")]
    pub(crate) ad_account_id: Option<String>,
    /// Take only this pixel or dataset of Meta (default: any)
    #[arg(long, value_name = "ID")]
    pub(crate) pixel_id: Option<String>,
    /// Take only this event source of TikTok (default: any)
    #[arg(long, value_name = "ID")]
    pub(crate) event_source_id: Option<String>,
    /// Take this name of an event at Pinterest beside its own; may be repeated
    #[arg(long = "custom-event", value_name = "NAME")]
    pub(crate) custom_events: Vec<String>,
    /// Refuse the field that Pinterest's published OpenAPI does not list, though vendors send it in production
    #[arg(long)]
    pub(crate) strict_openapi: bool,
    /// Refuse properties that the pages of Meta and TikTok do not list, though they take them
    #[arg(long)]
    pub(crate) strict: bool,
    /// Take events of any age; Meta refuses them after 7 days
    #[arg(long)]
    pub(crate) any_age: bool,
    /// Faults to begin with, as JSON; PUT /_sandbox/faults changes them
    #[arg(long, value_name = "JSON")]
    pub(crate) faults: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PluginsArgs {
    /// Show the settings of this one
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = importable_destinations())]
pub(crate) struct ImportSegmentArgs {
    /// JSON of one or several destinations and their subscriptions, one page of an answer or several in each file; `-` reads
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(default_value = "signalbox.toml")]
    pub(crate) path: PathBuf,
    /// Deliver to these vendors only: pinterest, meta, tiktok (default: all)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) vendor: Vec<Vendor>,
    /// Kind of journal: on the disk of one router, or on NATS servers, which several routers share
    #[arg(long, value_name = "KIND", default_value = "disk")]
    pub(crate) journal: StarterJournal,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// A kind of journal that `init` offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StarterJournal {
    /// On disk
    Disk,
    /// On NATS servers
    Nats,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Write the key to this new file, which only its owner may read (default: print it)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A sentence with the names of the destinations that can be imported.
pub(crate) fn importable_destinations() -> String {
    let names = signalbox_core::segment_imports()
        .into_iter()
        .flat_map(|import| (import.destinations)());
    let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    format!(
        "Segment's destinations that can be imported: {}",
        names.join(", ")
    )
}
