//! `signalbox report`

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use signalbox_admin::table;
use signalbox_core::escape::{csv_cell, plain_json, plain_lines};
use signalbox_history::{By, Report, Sum};
use signalbox_runtime::history;

use super::admin_client::AdminClient;
use super::events::{amount, reader_of};
use super::load::load_for_operators;
use super::numbers::thousands;
use crate::cli::ReportArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// The columns behind the groups.
const COLUMNS: [&str; 4] = ["records", "late", "value", "currency"];

pub(crate) async fn run(args: &ReportArgs) -> Result<Code, Failure> {
    let request = Report {
        since: Some(args.since),
        sink: args.sink.clone(),
        by: args.by.clone(),
        details: args.json,
    };
    let settings = load_for_operators(&args.config.config)?;
    let sums: Vec<Sum> = AdminClient::with(&args.config.config, async |client, _| match client {
        AdminClient::Running(live) => live.post_json("/report", &request).await,
        AdminClient::Stopped(_) => history::report(&reader_of(&settings)?, &request),
    })
    .await?;
    // Names come from events: they must not command the terminal.
    if args.json {
        for sum in &sums {
            print(&format!("{}\n", plain_json(&in_json(&args.by, sum).to_string())));
        }
    } else if args.csv {
        print(&in_csv(&args.by, &sums));
    } else if sums.is_empty() {
        tell("the history holds no records of this time");
    } else {
        print(&plain_lines(in_table(&args.by, &sums).trim_start()));
    }
    Ok(exit::OK)
}

/// Returns the cells of a sum's groups. Hours and days become times.
fn groups<'s>(by: &'s [By], sum: &'s Sum) -> impl Iterator<Item = String> + 's {
    by.iter().zip(&sum.group).map(|(by, cell)| {
        let at = || Timestamp::from_millisecond(cell.parse().ok()?).ok();
        match by {
            By::Hour => at().map_or_else(|| cell.clone(), |at| at.to_string()),
            By::Day => at().map_or_else(|| cell.clone(), |at| at.strftime("%Y-%m-%d").to_string()),
            _ => cell.clone(),
        }
    })
}

fn in_json(by: &[By], sum: &Sum) -> Value {
    let names = by.iter().map(|by| by.name().to_owned());
    let mut object: Map<String, Value> = names.zip(groups(by, sum).map(Value::from)).collect();
    let Sum {
        group: _,
        currency,
        count,
        value_millionths,
        valued,
        attempts,
        bytes,
        late,
        match_keys,
        parameters,
        warnings,
        latency,
    } = sum;
    let rest = json!({
        "records": count, "late": late, "value": amount(*value_millionths), "currency": currency, "valued": valued,
        "attempts": attempts, "bytes": bytes, "match_keys": match_keys,
        "parameters": parameters, "warnings": warnings, "latency_seconds": latency,
    });
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    Value::Object(object)
}

fn in_table(by: &[By], sums: &[Sum]) -> String {
    let head: Vec<&str> = by.iter().map(|by| by.name()).chain(COLUMNS).collect();
    let rows = sums.iter().map(|sum| {
        // An empty cell would look like a shifted row.
        let mut row: Vec<String> = groups(by, sum)
            .map(|cell| if cell.is_empty() { "-".to_owned() } else { cell })
            .collect();
        let count = |number: i64| thousands(u64::try_from(number).unwrap_or(0));
        let value = (sum.valued > 0).then(|| amount(sum.value_millionths));
        row.extend([
            count(sum.count),
            count(sum.late),
            value.unwrap_or_default(),
            sum.currency.clone(),
        ]);
        row
    });
    let mut out = String::new();
    table(&mut out, &head.join(" "), rows.collect());
    out
}

fn in_csv(by: &[By], sums: &[Sum]) -> String {
    let head = by.iter().map(|by| by.name()).chain(COLUMNS);
    let mut out = format!("{}\r\n", head.collect::<Vec<_>>().join(","));
    for sum in sums {
        let value = (sum.valued > 0).then(|| amount(sum.value_millionths));
        let cells = groups(by, sum).map(|cell| csv_cell(&cell)).chain([
            sum.count.to_string(),
            sum.late.to_string(),
            value.unwrap_or_default(),
            csv_cell(&sum.currency),
        ]);
        out.push_str(&cells.collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums() -> Vec<Sum> {
        let sum = |group: [&str; 2], currency: &str, count, value| Sum {
            group: group.map(str::to_owned).to_vec(),
            currency: currency.to_owned(),
            count,
            value_millionths: value,
            valued: i64::from(value != 0),
            ..Sum::default()
        };
        vec![
            sum(["1795910400000", "checkout"], "EUR", 1_234, 72_050_000),
            sum(["1795910400000", "=HYPERLINK(\"x\")"], "", 2, 0),
        ]
    }

    #[test]
    fn a_report_is_written_in_three_forms() {
        let by = [By::Day, By::EventName];
        let csv = in_csv(&by, &sums());
        assert_eq!(
            csv,
            "day,event_name,records,late,value,currency\r\n\
             2026-11-29,checkout,1234,0,72.05,EUR\r\n\
             2026-11-29,\"'=HYPERLINK(\"\"x\"\")\",2,0,,\r\n"
        );
        let text = in_table(&by, &sums());
        assert!(text.contains("1,234") && text.contains("72.05"), "{text}");
        let json = in_json(&by, &sums()[0]);
        assert_eq!(
            (&json["day"], &json["event_name"], &json["value"]),
            (&json!("2026-11-29"), &json!("checkout"), &json!("72.05"))
        );
    }
}
