//! The audit log as HTML.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;
use signalbox_admin::{AuditEntry, AuditResult};

use super::AuditLog;
use crate::words::{self, link};

pub(super) fn audit(log: &AuditLog) -> Markup {
    html! {
        h1 { "Audit log" }
        p {
            "Every change that somebody made through this address or that it refused, and every sign-in. No line holds an \
             event, an id or a token."
        }
        @if !log.kept {
            p.state.attention {
                span.badge.attention { "Not kept" }
                " This router's journal is in memory, so it keeps no audit log. Set audit in [admin] to the path of a file, and \
                 restart it."
            }
        }
        @if let Some(failing) = &log.failing {
            p.state.trouble {
                span.badge.trouble { "Trouble" }
                " Changes are refused, since they cannot be recorded: " (failing) ". Make room on the disk, and see that the \
                 folder is there and may be written to."
            }
        }
        @if log.kept { (lines(log)) }
    }
}

fn lines(log: &AuditLog) -> Markup {
    html! {
        @if log.entries.is_empty() {
            p { "Nothing is recorded here." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Audit log" {
                table {
                    caption.hidden { "Changes and sign-ins, the newest first" }
                    thead {
                        tr {
                            th scope="col" { "When" }
                            th scope="col" { "Who" }
                            th scope="col" { "From" }
                            th scope="col" { "What" }
                            th scope="col" { "Sink" }
                            th scope="col" { "Details" }
                            th scope="col" { "Result" }
                        }
                    }
                    tbody { @for entry in &log.entries { (line(entry)) } }
                }
            }
        }
        @if let Some(next) = log.next {
            p { a href=(link("audit", &[("before", &next.to_string())])) { "Earlier lines" } }
        }
    }
}

fn line(entry: &AuditEntry) -> Markup {
    let result = entry.result.unwrap_or_else(|| AuditResult::of(entry.status));
    let class = if result == AuditResult::Done {
        "good"
    } else {
        "trouble"
    };
    let reason = entry
        .reason
        .as_deref()
        .map(|reason| format!(" {}", reason.replace('_', " ")));
    html! {
        tr {
            td {
                @match entry.at.parse::<Timestamp>() {
                    Ok(at) => (words::time(at.as_millisecond())),
                    Err(_) => (entry.at),
                }
            }
            td {
                @match &entry.who { Some(who) => (who), None => em { "not known" } }
                @if let Some(role) = entry.role { " (" (role.name()) ")" }
            }
            td { (entry.from) }
            th scope="row" { (what(&entry.action)) }
            td { (entry.sink.as_deref().unwrap_or("–")) }
            td { (details(entry)) }
            td {
                span class={ "badge " (class) } { (result.word()) }
                " " span.note { (entry.status) (reason.unwrap_or_default()) }
            }
        }
    }
}

/// Returns the words for an action; one that has none shows as the log has it.
fn what(action: &str) -> &str {
    match action {
        "sign_in" => "Sign-in",
        "sign_out" => "Sign-out",
        "retry" => "Dead letters tried again",
        "discard" => "Dead letters discarded",
        "forget" => "Pending events forgotten",
        "erase" => "A person erased",
        "replay" => "Events replayed",
        "resend" => "Events sent again",
        "send_test_event" => "Test event sent",
        "reload" => "Configuration read again",
        other => other,
    }
}

/// Lists the facts: `matched 3, retried 2`.
fn details(entry: &AuditEntry) -> String {
    let shown = entry.facts.iter().map(|(what, value)| {
        let what = what.replace('_', " ");
        match value {
            Value::Number(number) => match number.as_u64() {
                Some(number) => format!("{what} {}", words::number(number)),
                None => format!("{what} {number}"),
            },
            Value::String(word) => format!("{what} {}", word.replace('_', " ")),
            other => format!("{what} {other}"),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entry: Value) -> AuditLog {
        AuditLog {
            kept: true,
            failing: None,
            entries: vec![serde_json::from_value(entry).unwrap()],
            next: Some(12),
        }
    }

    #[test]
    fn a_line_says_who_did_what() {
        let shown = audit(&log(serde_json::json!({
            "n": 12, "at": "2026-11-29T21:12:36.512Z", "who": "<on-call>", "role": "operator", "from": "10.0.0.7",
            "action": "discard", "sink": "pinterest", "facts": {"matched": 1_200, "mode": "dry_run"}, "status": 200,
        })))
        .into_string();
        for part in [
            "2026-11-29 21:12:36 UTC",
            "&lt;on-call&gt; (operator)",
            "Dead letters discarded",
            "matched 1\u{202f}200, mode dry run",
            ">done<",
            "/ui/audit?before=12",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn a_sign_in_that_failed_has_no_name() {
        let shown = audit(&log(serde_json::json!({
            "n": 1, "at": "2026-11-29T21:12:36Z", "from": "10.0.0.7", "action": "sign_in", "status": 401,
        })))
        .into_string();
        assert!(
            shown.contains("not known") && shown.contains(">refused<"),
            "{shown}"
        );
        let shown = audit(&log(serde_json::json!({
            "n": 2, "at": "2026-11-29T21:12:36Z", "from": "10.0.0.7", "action": "reload", "status": 500, "result": "failed",
            "reason": "internal_server_error",
        })))
        .into_string();
        assert!(
            shown.contains(">failed<") && shown.contains("500 internal server error"),
            "{shown}"
        );
    }
}
