//! Records as a table for spreadsheets.

use signalbox_core::escape::csv_cell;
use signalbox_history::Entry;

use crate::words::short;

const COLUMNS: &str = "ended_at,received_at,happened_at,source,sink,mapping,event,event_name,action_source,outcome,reason,\
    message,attempts,status,late,currency,message_id,event_id,order_id,request_id,warnings,match_keys,parameters,value";

/// Writes records as CSV with a head, by RFC 4180.
pub(super) fn write(entries: &[Entry]) -> String {
    let mut out = format!("{COLUMNS}\r\n");
    for entry in entries {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let time = |at| short(at, "%Y-%m-%dT%H:%M:%SZ");
        let warnings: Vec<String> = entry
            .warnings
            .iter()
            .map(|warning| format!("{} {}", warning.code, warning.path))
            .collect();
        let status = entry.attempts.last().and_then(|attempt| attempt.status);
        let cells = [
            time(entry.ended_at),
            time(entry.received_at),
            time(entry.happened_at),
            entry.source.clone(),
            entry.sink.clone(),
            text(&entry.mapping),
            entry.event.clone(),
            text(&entry.event_name),
            text(&entry.action_source),
            entry.outcome.clone(),
            text(&entry.reason),
            text(&entry.message),
            entry.attempts.len().to_string(),
            status.map(|status| status.to_string()).unwrap_or_default(),
            entry.late.to_string(),
            text(&entry.currency),
            text(&entry.message_id),
            text(&entry.event_id),
            text(&entry.order_id),
            text(&entry.request_id),
            warnings.join("; "),
            entry.match_keys.join("; "),
            entry.parameters.clone().unwrap_or_default().join("; "),
        ];
        for cell in &cells {
            out.push_str(&csv_cell(cell));
            out.push(',');
        }
        // A number, which may be negative.
        if let Some(value) = entry.value_millionths {
            out.push_str(&amount(value));
        }
        out.push_str("\r\n");
    }
    out
}

/// Writes millionths as a decimal number.
fn amount(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let digits = format!("{:07}", millionths.unsigned_abs());
    let (whole, rest) = digits.split_at(digits.len() - 6);
    let kept = rest.trim_end_matches('0').len().max(2);
    format!("{sign}{whole}.{}", &rest[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_row_of_which_nothing_is_calculated() {
        let entry: Entry = serde_json::from_value(serde_json::json!({
            "place": "rows-2026-11-29.db:7", "ended_at": 1_795_953_602_000_i64, "received_at": 1_795_953_601_000_i64,
            "happened_at": 1_795_953_540_000_i64, "source": "web", "sink": "ads", "event": "=HYPERLINK(\"x\")",
            "outcome": "delivered", "attempts": [{"at": 1, "millis": 95, "status": 200, "result": "delivered"}],
            "warnings": [{"code": "late", "path": "x"}], "match_keys": ["email", "phone"],
            "parameters": ["value", "currency"], "value_millionths": -72_050_000,
            "currency": "EUR", "bytes": 640, "late": false, "order_id": "-A,7"
        }))
        .unwrap();
        let table = write(&[entry]);
        let (head, row) = table.split_once("\r\n").unwrap();
        let columns: Vec<&str> = head.split(',').collect();
        assert!(
            row.starts_with(
                "2026-11-29T12:00:02Z,2026-11-29T12:00:01Z,2026-11-29T11:59:00Z,web,ads,,\"'=HYPERLINK"
            ),
            "{row}"
        );
        assert!(row.contains(",delivered,,,1,200,false,EUR,,,\"'-A,7\","), "{row}");
        assert!(
            row.ends_with("late x,email; phone,value; currency,-72.05\r\n"),
            "{row}"
        );
        assert_eq!((columns.len(), columns.last()), (24, Some(&"value")));
        assert_eq!(
            [amount(0), amount(1), amount(1_500_000)],
            ["0.00", "0.000001", "1.50"]
        );
    }
}
