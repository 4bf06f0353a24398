//! `signalbox deadletters`

use std::fmt::Write as _;

use serde_json::{Value, json};
use signalbox_journal::DeadLetterFilter;
use signalbox_runtime::admin::{StatusSource as _, describe_dead_letter};

use super::desk::{Desk, confirmed};
use crate::cli::{DeadLetterAction, DeadLetterChoice};
use crate::exit::{self, Code};

pub(crate) async fn run(action: DeadLetterAction) -> Code {
    let (DeadLetterAction::List(choice)
    | DeadLetterAction::Show(choice)
    | DeadLetterAction::Retry(choice)
    | DeadLetterAction::Export(choice)
    | DeadLetterAction::Discard(choice)) = &action;
    let (desk, names) = match Desk::open(&choice.config.config).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    if let Some(unknown) = choice.sink.as_ref().filter(|name| !names.contains(name)) {
        // It may have been there once, and its dead letters still are.
        eprintln!(
            "note: the configuration has no '{unknown}'; it has {}",
            names.join(", ")
        );
    }
    let result = act(&action, choice, &desk).await;
    desk.close().await;
    match result {
        Ok(text) => {
            super::print(&text);
            exit::OK
        }
        Err(problem) => {
            eprintln!("signalbox: {problem}");
            exit::FAILED
        }
    }
}

async fn act(action: &DeadLetterAction, choice: &DeadLetterChoice, desk: &Desk) -> Result<String, String> {
    match action {
        DeadLetterAction::List(_) => {
            let letters = list(choice, desk, false).await?;
            Ok(if choice.json {
                lines(&letters)
            } else {
                table(&letters, choice.limit)
            })
        }
        DeadLetterAction::Show(_) => {
            let letters = list(choice, desk, true).await?;
            Ok(if choice.json {
                lines(&letters)
            } else {
                letters.iter().map(|l| format!("{l:#}\n")).collect()
            })
        }
        DeadLetterAction::Export(_) => {
            let letters = list(choice, desk, true).await?;
            let events: Vec<Value> = letters
                .into_iter()
                .map(|mut l| l["event"].take())
                .filter(|event| !event.is_null())
                .collect();
            Ok(lines(&events))
        }
        DeadLetterAction::Retry(_) => {
            let told = take(choice, desk, true).await?;
            Ok(if choice.json {
                lines(std::slice::from_ref(&told))
            } else {
                retried(&told, desk)
            })
        }
        DeadLetterAction::Discard(_) => {
            if !confirmed("Dead letters that match are removed for good.", choice.yes) {
                return Ok(String::new());
            }
            let told = take(choice, desk, false).await?;
            Ok(if choice.json {
                lines(&[told])
            } else {
                format!("{} removed\n", told["removed"])
            })
        }
    }
}

fn filter(choice: &DeadLetterChoice) -> DeadLetterFilter {
    let older = |span: signalbox_core::Span| {
        let millis = i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX);
        jiff::Timestamp::now().as_millisecond().saturating_sub(millis)
    };
    DeadLetterFilter {
        component: choice.sink.clone(),
        reason: choice.reason.clone(),
        before: choice.older_than.map(older),
        id: choice.id,
    }
}

fn query(filter: &DeadLetterFilter) -> Vec<(&'static str, String)> {
    let DeadLetterFilter {
        component,
        reason,
        before,
        id,
    } = filter;
    let pairs = [
        ("sink", component.clone()),
        ("reason", reason.clone()),
        ("before", before.map(|at| at.to_string())),
        ("id", id.map(|id| id.to_string())),
    ];
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

async fn list(choice: &DeadLetterChoice, desk: &Desk, payload: bool) -> Result<Vec<Value>, String> {
    let filter = filter(choice);
    match desk {
        Desk::Running(live) => {
            let mut query = query(&filter);
            query.push(("limit", choice.limit.to_string()));
            if payload {
                query.push(("payload", "1".to_owned()));
            }
            let mut answer = live.ask(false, "/dead_letters", &query).await?;
            match answer["dead_letters"].take() {
                Value::Array(letters) => Ok(letters),
                _ => Err("the router's answer lists no dead letters; is it another version?".to_owned()),
            }
        }
        Desk::Stopped(stopped) => {
            let letters = stopped.dead_letters(&filter, choice.limit).await?;
            Ok(letters
                .iter()
                .map(|(id, letter)| describe_dead_letter(*id, letter, payload))
                .collect())
        }
    }
}

async fn take(choice: &DeadLetterChoice, desk: &Desk, retry: bool) -> Result<Value, String> {
    let filter = filter(choice);
    match desk {
        Desk::Running(live) => {
            let path = if retry {
                "/dead_letters/retry"
            } else {
                "/dead_letters/discard"
            };
            live.ask(true, path, &query(&filter)).await
        }
        Desk::Stopped(stopped) => {
            let taken = if retry {
                stopped.retry(filter).await?
            } else {
                stopped.discard(filter).await?
            };
            Ok(json!({
                "removed": taken.removed,
                "from_journal": taken.from_journal,
                "from_letter": taken.from_letter,
                "without_payload": taken.without_payload,
            }))
        }
    }
}

fn retried(told: &Value, desk: &Desk) -> String {
    let mut out = format!(
        "{} to be delivered again: {} from the journal, {} from what the dead letter keeps\n",
        told["removed"], told["from_journal"], told["from_letter"]
    );
    if told["without_payload"] != 0 {
        let _ = writeln!(
            out,
            "{} stay: nothing is left of their events",
            told["without_payload"]
        );
    }
    if matches!(desk, Desk::Stopped(_)) && told["removed"] != 0 {
        out.push_str("The router is not running; they go out when it starts.\n");
    }
    out
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

fn table(letters: &[Value], limit: usize) -> String {
    if letters.is_empty() {
        return "no dead letters match\n".to_owned();
    }
    let mut out = String::new();
    for letter in letters {
        let text = |key: &str| letter[key].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            out,
            "{:>6}  {}  {:<14} {:<22} {:<18} {}  {}",
            letter["id"].to_string(),
            text("last_at").get(..19).unwrap_or_default(),
            text("sink"),
            text("reason"),
            text("mapping"),
            text("message_id"),
            text("message"),
        );
    }
    if letters.len() == limit {
        let _ = writeln!(out, "(the newest {limit}; --limit shows more)");
    }
    out
}
