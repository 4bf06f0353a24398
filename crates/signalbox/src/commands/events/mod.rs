//! `signalbox events`

mod lives;
mod records;

use signalbox_config::{HistoryEvents, OperatorSettings};
use signalbox_history::{Filter, Page, Reader};
use signalbox_journal::Subject;
use signalbox_runtime::history::{self, FindRequest, WantedId};
use signalbox_runtime::life::{self, LifeRequest, Lives, Sight};
use signalbox_runtime::operate::StatusSource as _;

pub(super) use records::amount;

use super::admin_client::AdminClient;
use super::erase::{STDIN, from_stdin};
use super::load::load_for_operators;
use super::names;
use crate::cli::EventsArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// The outcome of events that have none yet.
const PENDING: &str = "pending";

pub(crate) async fn run(args: &EventsArgs) -> Result<Code, Failure> {
    let id = wanted(args).map_err(|problem| Failure::Problem(exit::USAGE, problem))?;
    let filter = Filter {
        sink: args.sink.clone(),
        at_sinks: None,
        source: args.source.clone(),
        mapping: args.mapping.clone(),
        without_mapping: args.without_mapping.then_some(true),
        event_name: args.event_name.clone(),
        counted_name: args.counted_name.clone(),
        outcome: args.outcome.clone().filter(|outcome| outcome != PENDING),
        reason: args.reason.clone(),
        late: args.late.then_some(true),
        warning: args.warning.clone(),
        warning_path: args.warning_path.clone(),
        match_key: args.match_key.clone(),
        without_match_key: args.without_match_key.clone(),
        parameter: args.parameter,
        without_parameter: args.without_parameter,
        currency: args.currency.clone(),
        since: args.since,
        before: None,
    };
    let settings = load_for_operators(&args.config.config)?;
    let pending = args.outcome.as_deref() == Some(PENDING) && id.is_none() && args.place.is_none();
    if id.is_some() || args.place.is_some() || pending {
        let request = LifeRequest {
            id,
            pending,
            place: args.place.clone(),
            filter,
            again: args.sent,
        };
        return lives(args, &settings, request).await;
    }
    let request = FindRequest {
        id: None,
        filter,
        limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
        after: None,
    };
    let page: Page = AdminClient::with(&args.config.config, async |client, _| match client {
        AdminClient::Running(live) => live.post_json("/events", &request).await,
        AdminClient::Stopped(_) => history::find(&reader_of(&settings)?, &request),
    })
    .await?;
    tell_incomplete(&page.unread);
    if page.entries.is_empty() {
        tell(&nothing(args, &settings, NO_RECORD).await);
        return Ok(exit::FAILED);
    }
    print(&records::show(&page.entries, args.json)?);
    Ok(exit::OK)
}

/// Tells the lives of the events with an id.
async fn lives(
    args: &EventsArgs,
    settings: &OperatorSettings,
    request: LifeRequest,
) -> Result<Code, Failure> {
    let lives: Lives = AdminClient::with(&args.config.config, async |client, _| match client {
        AdminClient::Running(live) => live.post_json("/event", &request).await,
        AdminClient::Stopped(stopped) => {
            let sight = Sight {
                reader: reader_of(settings)?,
                journal: stopped.journal(),
                ledger: &stopped.ledger().await?,
                stage: &|_| None,
                running: false,
            };
            life::lives(sight, &request).await
        }
    })
    .await?;
    tell_incomplete(&lives.incomplete);
    if lives.events.is_empty() {
        let told = match (request.pending, lives.incomplete.is_empty()) {
            (true, _) => "no event is pending there",
            (false, true) => unknown(settings),
            (false, false) => "no such event was found in what could be read, and none is pending",
        };
        tell(&nothing(args, settings, told).await);
        return Ok(exit::FAILED);
    }
    print(&lives::show(&lives.events, args.json)?);
    if lives.more {
        tell("there are more events; --since and --sink choose a part of them");
    }
    Ok(exit::OK)
}

fn tell_incomplete(problems: &[String]) {
    for problem in problems {
        tell(&format!("note: the answer is not complete: {problem}"));
    }
}

/// The answer to conditions that no record meets.
const NO_RECORD: &str = "the history has no record that meets these conditions";

/// Says why nothing was found: a name that the pipeline and the history do not know, or else `told`.
async fn nothing(args: &EventsArgs, settings: &OperatorSettings, told: &str) -> String {
    let unknown = names::unknown_component(settings, args.sink.as_deref(), args.source.as_deref());
    let unknown = match (unknown, &args.mapping) {
        (None, Some(mapping)) => names::unknown_mapping(&args.config.config, settings, mapping).await,
        (unknown, _) => unknown,
    };
    unknown.unwrap_or_else(|| match settings.history.as_ref().map(|history| history.events) {
        Some(HistoryEvents::Failures) if told == NO_RECORD => {
            format!("{NO_RECORD}: [history] events = \"failures\" keeps those that were rejected or expired")
        }
        _ => told.to_owned(),
    })
}

/// Says why there is no such event.
fn unknown(settings: &OperatorSettings) -> &'static str {
    match settings.history.as_ref().map(|history| history.events) {
        Some(HistoryEvents::Failures) => {
            "the history knows no such event, and none is pending: it did not fail, as [history] events = \"failures\" keeps no \
             others, or it was erased, or is older than [history] keep, or it never arrived"
        }
        Some(HistoryEvents::All | HistoryEvents::Off) | None => {
            "the history knows no such event, and none is pending: it was erased, or is older than [history] keep, or it never \
             arrived"
        }
    }
}

/// Opens the history of a router that does not run.
pub(super) fn reader_of(settings: &OperatorSettings) -> Result<Reader, String> {
    let history = settings.history.as_ref().ok_or_else(|| {
        "this file keeps no history: [history] cannot be read, or is missing and the journal is in memory; add or mend the \
         table, and run the router"
            .to_owned()
    })?;
    history::reader(history, &settings.journal)
}

/// Reads the id that the command names.
fn wanted(args: &EventsArgs) -> Result<Option<WantedId>, String> {
    let readable = [
        args.message_id.clone().map(WantedId::MessageId),
        args.event_id.clone().map(WantedId::EventId),
        args.order_id.clone().map(WantedId::OrderId),
    ];
    if let Some(id) = readable.into_iter().flatten().next() {
        return Ok(Some(id));
    }
    type Make = fn(String) -> WantedId;
    let personal: [(&str, Subject, &Option<String>, Make); 3] = [
        ("--email", Subject::Email, &args.email, WantedId::Email),
        ("--phone", Subject::Phone, &args.phone, WantedId::Phone),
        ("--user-id", Subject::UserId, &args.user_id, WantedId::UserId),
    ];
    for (flag, subject, given, make) in personal {
        match given.as_deref() {
            None => {}
            Some(STDIN) => {
                let mut values = from_stdin(subject)?;
                let value = values.pop();
                return match (value, values.is_empty()) {
                    (Some(value), true) => Ok(Some(make(value))),
                    _ => Err(format!("standard input holds more than one {}", subject.name())),
                };
            }
            Some(_) => {
                return Err(format!(
                    "{flag} takes no value on the command line, where other users of the machine can read it and shells keep \
                     it: say {flag} - and give the value on standard input"
                ));
            }
        }
    }
    Ok(None)
}
