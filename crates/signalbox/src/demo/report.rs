//! The report of the demo.

use std::fmt::Write as _;

use serde_json::Value;
use signalbox_admin::Status;
use signalbox_sandbox::Sandbox;

/// Returns the report, and true if every sum closes.
pub(crate) fn render(status: &Status, sandbox: &Sandbox, sent: u64, archived: u64) -> (String, bool) {
    let mut out = status.render_human();
    let counts = sandbox.counts();
    let received: u64 = status.sources.values().map(|source| source.received).sum();
    let delivered = |sink: &str| status.sinks.get(sink).map_or(0, |sink| sink.records.delivered);
    let pending: u64 = status.sinks.values().map(|sink| sink.pending).sum();
    let checks = [
        (format!("sent {sent} = received {received}"), sent == received),
        (
            "every source's and every sink's numbers add up".to_owned(),
            status.sums_close,
        ),
        (format!("pending {pending} = 0"), pending == 0),
        (
            format!(
                "delivered to Pinterest {} = accepted by it {}",
                delivered("pinterest"),
                counts.accepted
            ),
            delivered("pinterest") == counts.accepted && counts.accepted > 0,
        ),
        (
            format!(
                "delivered to the archive {} = lines in it {archived}",
                delivered("archive")
            ),
            delivered("archive") == archived && archived > 0,
        ),
        (
            format!(
                "flagged for Limited Data Processing {} (all complete)",
                counts.ldp_complete
            ),
            counts.ldp_complete > 0 && counts.ldp_incomplete == 0,
        ),
    ];
    if let Some(event) = flagged(sandbox) {
        let _ = write!(
            out,
            "\nOne delivered event, of the customer in California who opted out:\n{event:#}\n"
        );
    }
    out.push_str("\nThe sums:\n");
    for (text, holds) in &checks {
        let _ = writeln!(out, "  {} {text}", if *holds { "ok " } else { "NO " });
    }
    (out, checks.iter().all(|(_, holds)| *holds))
}

/// The delivered order of the customer in California who opted out.
fn flagged(sandbox: &Sandbox) -> Option<Value> {
    sandbox
        .events()
        .iter()
        .filter_map(|text| serde_json::from_str::<Value>(text).ok())
        .find(|event| event["event_name"] == "checkout" && event["custom_data"]["opt_out_type"] == "LDP")
}
