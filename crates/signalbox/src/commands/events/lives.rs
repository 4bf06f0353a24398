//! The lives of events as lines for people.

use signalbox_core::escape::{plain_json, plain_lines};
use signalbox_runtime::life::{Again, Field, Life, SinkLife};

use super::records::{end, happened, id, joined, line, time, warned};

/// Writes lives. Reasons quote destinations, and names come from events: neither may command the terminal.
pub(super) fn show(lives: &[Life], json: bool) -> Result<String, String> {
    let mut out = String::new();
    if json {
        for life in lives {
            let line = serde_json::to_string(life).map_err(|error| error.to_string())?;
            out.push_str(&plain_json(&line));
            out.push('\n');
        }
        return Ok(out);
    }
    for (index, life) in lives.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        tell(&mut out, life);
    }
    Ok(plain_lines(&out).into_owned())
}

fn tell(out: &mut String, life: &Life) {
    out.push_str(if life.event.is_empty() {
        "an event"
    } else {
        &life.event
    });
    out.push('\n');
    line(
        out,
        "received",
        &joined([
            Some(time(life.received_at)),
            Some(format!("from {}", life.source)),
            life.library.as_ref().map(|library| format!("by {library}")),
            id("messageId", life.message_id.as_ref()),
            id("order", life.order_id.as_ref()),
        ]),
    );
    happened(out, life.happened_at, life.received_at);
    line(out, "journal", &life.journalled);
    for record in &life.at_source {
        end(out, &record.entry, &record.told);
    }
    for sink in &life.sinks {
        tell_sink(out, sink);
    }
}

fn tell_sink(out: &mut String, sink: &SinkLife) {
    out.push_str(&format!("at {}\n", sink.sink));
    for record in &sink.records {
        end(out, &record.entry, &record.told);
        if let Some(sent) = &record.sent {
            line(out, "record", &sent.told);
            fields(out, &sent.fields);
        }
    }
    if let Some(pending) = &sink.pending {
        let since = pending
            .first_attempt
            .map(|at| format!("tried since {}: ", time(at)));
        line(
            out,
            "pending",
            &format!("{}{}", since.unwrap_or_default(), pending.told),
        );
    } else if sink.records.is_empty() {
        line(out, "settled", &sink.told);
    }
    if let Some(again) = &sink.again {
        tell_again(out, again);
    }
}

fn tell_again(out: &mut String, again: &Again) {
    line(out, "now", &again.told);
    for made in &again.records {
        if let Some(rejected) = &made.rejected {
            line(out, "rejected", &format!("by {}: {rejected}", made.mapping));
        }
        for warning in &made.warnings {
            warned(out, warning);
        }
        fields(out, &made.fields);
    }
}

fn fields(out: &mut String, fields: &[Field]) {
    for field in fields {
        let hash = if field.personal { " (hash)" } else { "" };
        line(out, "", &format!("{} = {}{hash}", field.path, field.value));
    }
}
