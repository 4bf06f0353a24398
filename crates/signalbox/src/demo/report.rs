//! The report of the demo.

use std::fmt::Write as _;

use serde_json::Value;
use signalbox_admin::Status;
use signalbox_sandbox::{Sandbox, Vendor};

use super::events::opted_out_order;

/// Longest text that is shown whole.
const LONGEST: usize = 60;

/// Returns the report, and true if every sum closes.
pub(crate) fn render(status: &Status, sandbox: &Sandbox, sent: u64, archived: u64) -> (String, bool) {
    let mut out = status.render_human();
    out.push_str("\nOne order, of the customer in California who opted out, as each platform got it (hashes shortened):\n");
    for vendor in Vendor::ALL {
        let _ = writeln!(out, "\n{}", vendor.title());
        for event in sandbox
            .events_of(vendor)
            .iter()
            .filter_map(|text| opted_out(text))
        {
            members(&mut out, "", &event);
        }
    }
    out.push_str("\nThe sums:\n");
    let checks = checks(status, sandbox, sent, archived);
    for (text, holds) in &checks {
        let _ = writeln!(out, "  {} {text}", if *holds { "ok " } else { "NO " });
    }
    (out, checks.iter().all(|(_, holds)| *holds))
}

fn checks(status: &Status, sandbox: &Sandbox, sent: u64, archived: u64) -> Vec<(String, bool)> {
    let received: u64 = status.sources.values().map(|source| source.received).sum();
    let delivered = |sink: &str| status.sinks.get(sink).map_or(0, |sink| sink.records.delivered);
    let pending: u64 = status.sinks.values().map(|sink| sink.pending).sum();
    let mut checks = vec![
        (format!("sent {sent} = received {received}"), sent == received),
        (
            "every source's and every sink's numbers add up".to_owned(),
            status.sums_close,
        ),
        (format!("pending {pending} = 0"), pending == 0),
    ];
    for vendor in Vendor::ALL {
        let (delivered, counts) = (delivered(vendor.name()), sandbox.counts_of(vendor));
        checks.push((
            format!(
                "delivered to {} {delivered} = accepted by it {}, {} flagged for limited data processing",
                vendor.title(),
                counts.accepted,
                counts.ldp_complete
            ),
            delivered == counts.accepted
                && delivered > 0
                && counts.ldp_complete > 0
                && counts.ldp_incomplete == 0,
        ));
    }
    let delivered = delivered("archive");
    checks.push((
        format!("delivered to the archive {delivered} = lines in it {archived}"),
        delivered == archived && archived > 0,
    ));
    checks
}

/// Reads a delivered event; `None` unless it is the order of the customer in California who opted out.
fn opted_out(event: &str) -> Option<Value> {
    let event: Value = serde_json::from_str(event).ok()?;
    (event["event_id"] == opted_out_order()).then_some(event)
}

/// Writes a line for each member, with its path.
fn members(out: &mut String, path: &str, value: &Value) {
    match value {
        Value::Object(members_of) => {
            for (key, value) in members_of {
                let dot = if path.is_empty() { "" } else { "." };
                members(out, &format!("{path}{dot}{key}"), value);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                members(out, &format!("{path}[{index}]"), item);
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(short).collect();
            let _ = writeln!(out, "  {path:<40} [{}]", items.join(", "));
        }
        other => {
            let _ = writeln!(out, "  {path:<40} {}", short(other));
        }
    }
}

/// Returns JSON on a line, with hashes and long texts cut short.
fn short(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let most = if is_hash { 8 } else { LONGEST };
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => value.to_string(),
    }
}
