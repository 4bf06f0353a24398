//! `signalbox events`

use std::fmt::Write as _;

use jiff::Timestamp;
use signalbox_admin::{Query, Status};
use signalbox_config::{HistoryEvents, OperatorSettings};
use signalbox_core::escape::{plain_json, plain_lines};
use signalbox_history::{Entry, Filter, Page, Reader};
use signalbox_journal::Subject;
use signalbox_runtime::history::{self, FindRequest, WantedId};

use super::admin_client::AdminClient;
use super::erase::{STDIN, from_stdin};
use super::load::load_for_operators;
use super::numbers::thousands;
use crate::cli::EventsArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

pub(crate) async fn run(args: &EventsArgs) -> Result<Code, Failure> {
    let id = wanted(args).map_err(|problem| Failure::Problem(exit::USAGE, problem))?;
    let request = FindRequest {
        id,
        filter: Filter {
            sink: args.sink.clone(),
            outcome: args.outcome.clone(),
            reason: args.reason.clone(),
            since: args.since,
            ..Filter::default()
        },
        limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
        after: None,
    };
    let settings = load_for_operators(&args.config.config)?;
    let (page, pending) = AdminClient::with(&args.config.config, async |client, _| match client {
        AdminClient::Running(live) => {
            let page: Page = live.post_json("/events", &request).await?;
            let status = match request.id.is_some() || page.entries.is_empty() {
                true => Some(live.get::<Status>("/status", &Query::default()).await?),
                false => None,
            };
            let sink = args.sink.as_deref();
            let pending = status.map(|status| pending(&status, sink, &page.entries));
            Ok((page, pending.unwrap_or_default()))
        }
        AdminClient::Stopped(_) => {
            let reader = reader_of(&settings)?;
            Ok((history::find(&reader, &request)?, Vec::new()))
        }
    })
    .await?;
    for problem in &page.unread {
        tell(&format!("note: the history is not complete: {problem}"));
    }
    if page.entries.is_empty() {
        let history = settings.history.as_ref().map(|history| history.events);
        tell(match history {
            Some(HistoryEvents::Failures) => {
                "the history knows no such event: it did not fail, as [history] events = \"failures\" keeps no others, or it is \
                 still pending, or older than [history] keep, or it never arrived"
            }
            Some(HistoryEvents::All | HistoryEvents::Off) | None => {
                "the history knows no such event: it is still pending, or older than [history] keep, or it never arrived"
            }
        });
        pending.iter().for_each(|line| tell(line));
        return Ok(exit::FAILED);
    }
    print(&show(&page.entries, args.json)?);
    if !pending.is_empty() {
        tell("other sinks have pending events, and this one may be among them:");
        pending.iter().for_each(|line| tell(line));
    }
    Ok(exit::OK)
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

/// Lists the sinks with pending events that have ended no record of the wanted event, with the reason of their hold.
fn pending(status: &Status, wanted: Option<&str>, entries: &[Entry]) -> Vec<String> {
    let ended = |name: &str| entries.iter().any(|entry| entry.sink == name);
    let waiting = status.sinks.iter().filter(|(name, sink)| {
        sink.pending > 0 && wanted.is_none_or(|wanted| wanted == *name) && !ended(name)
    });
    let line = |(name, sink): (&String, &signalbox_admin::SinkStatus)| {
        let held = sink
            .held
            .as_ref()
            .map(|held| format!(", held because {}", held.message));
        let events = thousands(sink.pending);
        format!("  {name}: {events} pending{}", held.unwrap_or_default())
    };
    waiting.map(line).collect()
}

/// Writes the records. Reasons quote destinations, and names come from events: neither may command the terminal.
fn show(entries: &[Entry], json: bool) -> Result<String, String> {
    let mut out = String::new();
    if json {
        for entry in entries {
            let line = serde_json::to_string(entry).map_err(|error| error.to_string())?;
            out.push_str(&plain_json(&line));
            out.push('\n');
        }
        return Ok(out);
    }
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&life(entry));
    }
    Ok(plain_lines(&out).into_owned())
}

/// Tells the life of one record.
fn life(entry: &Entry) -> String {
    let mut out = String::new();
    let mut line = |what: &str, text: String| {
        // A String takes everything.
        let _ = writeln!(out, "  {what:<10} {text}");
    };
    let id = |name: &str, id: &Option<String>| id.as_ref().map(|id| format!("{name} {id}"));
    let library = entry.library.as_ref().map(|library| format!("by {library}"));
    let position = entry
        .position
        .map(|position| format!("journal position {position}"));
    line(
        "received",
        joined([
            Some(time(entry.received_at)),
            Some(format!("from {}", entry.source)),
            library,
            id("messageId", &entry.message_id),
            position,
        ]),
    );
    if entry.happened_at != entry.received_at {
        let age = span(entry.received_at - entry.happened_at);
        line("happened", format!("{}, {age}", time(entry.happened_at)));
    }
    if let Some(mapping) = &entry.mapping {
        let keys =
            (!entry.match_keys.is_empty()).then(|| format!("match keys {}", entry.match_keys.join(", ")));
        let bytes = (entry.bytes > 0).then(|| format!("{} bytes", thousands(entry.bytes.into())));
        line(
            "mapped",
            joined([
                Some(format!("by {mapping}")),
                entry.event_name.as_ref().map(|name| format!("to {name}")),
                entry.action_source.clone(),
                worth(entry),
                id("order", &entry.order_id),
                id("event_id", &entry.event_id),
                keys,
                bytes,
            ]),
        );
    }
    for warning in &entry.warnings {
        line("warning", format!("{} {}", warning.code, warning.path));
    }
    for (number, attempt) in entry.attempts.iter().enumerate() {
        let status = attempt
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        let text = format!(
            "{}, attempt {}: {status} after {} ms, {}",
            time(attempt.at),
            number + 1,
            attempt.millis,
            attempt.result
        );
        line("sent", text);
    }
    let reason = entry.reason.as_ref().map(|code| match &entry.message {
        Some(message) => format!("{message} ({code})"),
        None => code.clone(),
    });
    let late = entry.late.then(|| "late".to_owned());
    let request = id("request", &entry.request_id);
    line(
        &entry.outcome,
        joined([Some(time(entry.ended_at)), late, request, reason]),
    );
    format!("{} at {}\n{out}", entry.event, entry.sink)
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn worth(entry: &Entry) -> Option<String> {
    let amount = amount(entry.value_millionths?);
    let currency = entry.currency.as_deref().unwrap_or_default();
    Some(format!("{amount} {currency}").trim_end().to_owned())
}

/// Writes millionths of a currency as an amount with at least two digits behind the point.
pub(super) fn amount(value: i64) -> String {
    const UNIT: u64 = 1_000_000;
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.unsigned_abs() / UNIT, value.unsigned_abs() % UNIT);
    let digits = format!("{rest:06}");
    let cut = digits.trim_end_matches('0').len().max(2);
    format!("{sign}{whole}.{}", &digits[..cut])
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().to_string()
}

/// Tells how long before its receipt an event happened.
fn span(millis: i64) -> String {
    if millis < 0 {
        return "after its receipt by this machine's clock".to_owned();
    }
    match millis / 1_000 {
        seconds @ 0..120 => format!("{seconds} s before"),
        seconds @ 120..7_200 => format!("{} min before", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h before", seconds / 3_600),
        seconds => format!("{} days before", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        serde_json::from_value(serde_json::json!({
            "place": "rows-2026-11-29.db:7", "ended_at": 1_795_953_602_000_i64, "received_at": 1_795_953_601_000_i64,
            "happened_at": 1_795_953_540_000_i64, "source": "web", "library": "analytics.js 2.1", "position": 7, "sink": "ads",
            "mapping": "Checkout", "event": "Order \u{1b}[31mCompleted", "event_name": "checkout", "action_source": "web",
            "outcome": "delivered", "reason": null, "message": null,
            "attempts": [{"at": 1_795_953_601_900_i64, "millis": 95, "status": 200, "result": "delivered"}],
            "request_id": "r-1", "warnings": [{"code": "late", "path": "x"}], "match_keys": ["email"],
            "value_millionths": 72_050_000, "currency": "EUR", "batch": 3, "batch_records": 2, "bytes": 640, "late": false,
            "message_id": "m-7", "event_id": "e-7", "order_id": "A-7"
        }))
        .unwrap()
    }

    #[test]
    fn the_life_of_a_record_is_told_in_its_order_and_commands_no_terminal() {
        let told = show(&[entry()], false).unwrap();
        assert!(!told.contains('\u{1b}'), "{told}");
        let words = [
            "at ads",
            "received   2026-11-29T12:00:01Z, from web, by analytics.js 2.1, messageId m-7, journal position 7",
            "happened   2026-11-29T11:59:00Z, 61 s before",
            "mapped     by Checkout, to checkout, web, 72.05 EUR, order A-7, event_id e-7, match keys email, 640 bytes",
            "warning    late x",
            "attempt 1: 200 after 95 ms, delivered",
            "delivered  2026-11-29T12:00:02Z, request r-1",
        ];
        let places: Vec<_> = words
            .iter()
            .map(|word| told.find(word).unwrap_or_else(|| panic!("{word}: {told}")))
            .collect();
        assert!(places.is_sorted(), "{told}");
    }

    #[test]
    fn amounts_are_shown_with_their_digits() {
        for (value, expected) in [
            (72_050_000, "72.05"),
            (-500_000, "-0.50"),
            (1_234_567, "1.234567"),
            (0, "0.00"),
        ] {
            let entry = Entry {
                value_millionths: Some(value),
                currency: None,
                ..entry()
            };
            assert_eq!(worth(&entry).as_deref(), Some(expected));
        }
    }
}
