//! `signalbox erase`

use std::fmt::Write as _;
use std::io::Read as _;

use signalbox_config::OperatorSettings;
use signalbox_journal::{Journal, Subject};
use signalbox_runtime::erase::{EraseRequest, Erased, wanted};
use signalbox_runtime::history;
use signalbox_runtime::journal::LostErasures;
use signalbox_runtime::operate::StatusSource as _;

use super::admin_client::AdminClient;
use super::load::load_for_operators;
use super::numbers::thousands;
use crate::cli::EraseArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

/// The argument that stands for standard input.
pub(super) const STDIN: &str = "-";
/// The most bytes of standard input.
const MOST: u64 = 1_000_000;

pub(crate) async fn run(args: &EraseArgs) -> Result<Code, Failure> {
    let usage = |problem: String| Failure::Problem(exit::USAGE, problem);
    if !args.yes && !args.dry_run {
        let told = "erase cannot be undone, and reads its values from where it could ask: look with --dry-run, then say --yes";
        return Err(usage(told.to_owned()));
    }
    let (subject, values) = values(args).map_err(usage)?;
    // The router checks them too, but a wrong value need not travel there.
    wanted(subject, &values).map_err(usage)?;
    let request = EraseRequest {
        subject,
        values,
        dry_run: args.dry_run,
        purge: args.purge,
    };
    let settings = load_for_operators(&args.config.config)?;
    let lost = if args.list_lost {
        LostErasures::Accepted
    } else {
        LostErasures::Refused
    };
    AdminClient::with_lost(&args.config.config, lost, async |client, _| {
        let erased: Erased = match client {
            AdminClient::Running(_) if args.list_lost => {
                return Err(
                    "the router runs, so its list of erasures is there: say it without --list-lost".into(),
                );
            }
            AdminClient::Running(live) => live.post_json("/erase", &request).await?,
            AdminClient::Stopped(stopped) => {
                let mut erased = stopped.erase(&request).await?;
                erased.history = history_of_stopped(&settings, stopped.journal(), &request).await?;
                erased
            }
        };
        if args.json {
            let json = serde_json::to_string(&erased).map_err(|error| error.to_string())?;
            print(&format!("{json}\n"));
        } else {
            print(&told(&erased, args));
        }
        Ok(exit::OK)
    })
    .await
}

/// Erases in the history of a router that does not run, whose journal this command holds open. `None` if there is no history, or one of
/// sums alone.
async fn history_of_stopped(
    settings: &OperatorSettings,
    opened: &dyn Journal,
    request: &EraseRequest,
) -> Result<Option<u64>, String> {
    let settings = settings
        .history
        .as_ref()
        .map(|history| (history, &settings.journal));
    let Some((history, journal)) =
        settings.filter(|(history, _)| !request.dry_run && history.folder().exists())
    else {
        return Ok(None);
    };
    let history = history::open(history, journal)?;
    let erased = history::erase(&history, opened, request).await?;
    tokio::task::spawn_blocking(move || history.close())
        .await
        .map_err(|_| "the history could not be closed".to_owned())?;
    Ok(erased.records)
}

/// Reads the values of the one kind that the command names.
fn values(args: &EraseArgs) -> Result<(Subject, Vec<String>), String> {
    let named = [
        ("--email", Subject::Email, &args.email),
        ("--phone", Subject::Phone, &args.phone),
        ("--user-id", Subject::UserId, &args.user_id),
        ("--anonymous-id", Subject::AnonymousId, &args.anonymous_id),
        ("--message-id", Subject::MessageId, &args.message_id),
    ];
    let given = named
        .into_iter()
        .find_map(|(flag, subject, given)| Some((flag, subject, given.as_deref()?)));
    match given {
        Some((_, subject, STDIN)) => Ok((subject, from_stdin(subject)?)),
        Some((_, Subject::MessageId, id)) => Ok((Subject::MessageId, vec![id.to_owned()])),
        Some((flag, ..)) => Err(format!(
            "{flag} takes no value on the command line, where other users of the machine can read it and shells keep it: \
             say {flag} - and give the values on standard input, one a line"
        )),
        None => Err(
            "name what is erased: --email -, --phone -, --user-id -, --anonymous-id - or --message-id ID"
                .to_owned(),
        ),
    }
}

/// Reads standard input to its end, one value a line.
pub(super) fn from_stdin(subject: Subject) -> Result<Vec<String>, String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST + 1).read_to_string(&mut text);
    read.map_err(|error| format!("standard input cannot be read: {error}"))?;
    if text.len() as u64 > MOST {
        return Err(format!("standard input is longer than {} bytes", thousands(MOST)));
    }
    // Spreadsheets put a byte order mark before the first value, which would be part of an id.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let values: Vec<String> = lines.map(str::to_owned).collect();
    if values.is_empty() {
        return Err(format!(
            "standard input holds no {}: give one a line",
            subject.name()
        ));
    }
    Ok(values)
}

/// Writes the result, or the forecast, for people.
fn told(erased: &Erased, args: &EraseArgs) -> String {
    let sum = |counts: &std::collections::BTreeMap<String, u64>| counts.values().sum::<u64>();
    let would = if erased.dry_run { "would be " } else { "" };
    let mut out = String::new();
    let mut line = |text: String| {
        // A String takes everything.
        let _ = writeln!(out, "{text}");
    };
    if let Some(id) = erased.erasure {
        line(format!(
            "erasure {id} of {} values is recorded: no event from before is delivered any more",
            thousands(erased.values)
        ));
    }
    line(format!(
        "dead letters {would}removed: {}",
        thousands(erased.dead_letters)
    ));
    line(format!(
        "parked events {would}removed: {}",
        thousands(sum(&erased.parked))
    ));
    line(format!("events in the log: {}", thousands(erased.events)));
    for (sink, count) in &erased.pending {
        let ends = if erased.dry_run { "would end" } else { "end" };
        line(format!(
            "  {sink}: {} pending ones {ends} as filtered (erased)",
            thousands(*count)
        ));
    }
    for (sink, count) in &erased.settled {
        line(format!(
            "  {sink}: {} may have been delivered; ask the destination to delete them",
            thousands(*count)
        ));
    }
    if let Some(records) = erased.history {
        line(format!(
            "records of the history that lost their ids: {}",
            thousands(records)
        ));
    }
    for router in &erased.unreached {
        line(format!(
            "  not yet erased in the history of router {router}; it erases by itself as soon as it can"
        ));
    }
    if let Some(at) = erased.searched_to {
        line(format!(
            "the log was counted up to position {at} only; the erasure covers the rest too"
        ));
    }
    if erased.files_deleted > 0 {
        line(format!(
            "files of the journal deleted: {}",
            thousands(erased.files_deleted)
        ));
    }
    for file in &erased.files {
        let until = match (file.settled, args.purge && !erased.dry_run) {
            (_, true) if !file.settled => "until every sink has settled it".to_owned(),
            (_, true) => "for some seconds more".to_owned(),
            (settled, false) => {
                let newest = jiff::Timestamp::from_millisecond(file.newest).unwrap_or_default();
                let also = if settled {
                    ""
                } else {
                    " and until every sink has settled it"
                };
                format!("for `retain` after {newest:.0}{also}; --purge ends it sooner")
            }
        };
        line(format!(
            "the file {} holds {} of the events {until}",
            file.name,
            thousands(file.events)
        ));
    }
    out
}
