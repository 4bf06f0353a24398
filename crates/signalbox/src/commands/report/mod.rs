//! `signalbox report`

mod narrow;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use signalbox_admin::{Query, Status, table_of_texts};
use signalbox_core::escape::{csv_cell, plain_json, plain_lines};
use signalbox_history::{By, Report, Reported, Sum, VALUE_TOO_LARGE};
use signalbox_runtime::history;

use super::admin_client::AdminClient;
use super::events::{amount, reader_of};
use super::load::load_for_operators;
use super::names;
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
        details: true,
    };
    if let Some(by) = request.repeated() {
        let problem = format!("--by names the column {} twice", by.name());
        return Err(Failure::Problem(exit::USAGE, problem));
    }
    let settings = load_for_operators(&args.config.config)?;
    let reported: Reported = AdminClient::with(&args.config.config, async |client, _| match client {
        AdminClient::Running(live) => {
            let reported = live.post_json("/report", &request).await?;
            let status: Status = live.get("/status", &Query::default()).await?;
            let history = status.history.unwrap_or_default();
            for lost in history.lost_sums() {
                tell(&format!("note: the answer is not complete: {lost}"));
            }
            if let Some(failing) = history.failing {
                tell(&format!("note: newer records are missing: {failing}"));
            }
            Ok(reported)
        }
        AdminClient::Stopped(_) => history::report(&reader_of(&settings)?, &request),
    })
    .await?;
    let Reported { sums, unread } = reported;
    for missing in unread {
        tell(&format!("note: the answer is not complete: {missing}"));
    }
    if sums.is_empty() {
        if let Some(unknown) = names::unknown_component(&settings, args.sink.as_deref(), None) {
            tell(&unknown);
            return Ok(exit::FAILED);
        }
        tell("the history holds no records of this time");
    }
    // Names come from events: they must not command the terminal.
    if args.json {
        for sum in &sums {
            print(&format!("{}\n", plain_json(&in_json(&args.by, sum).to_string())));
        }
    } else if args.csv {
        print(&in_csv(&args.by, &sums));
    } else {
        let (table, cut) = in_table(&args.by, &sums);
        print(&plain_lines(table.trim_start()));
        if cut {
            tell("note: names are shortened to fit; --csv and --json have them whole");
        }
    }
    if let Some(note) = beyond(&sums) {
        tell(&note);
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

/// Tells how many records have a value that the sums lack.
fn beyond(sums: &[Sum]) -> Option<String> {
    let of = |sum: &Sum| -> i64 {
        let counts = sum.warnings.iter();
        let counts = counts.filter(|(warning, _)| warning.split(' ').next() == Some(VALUE_TOO_LARGE));
        counts.map(|(_, count)| count).sum()
    };
    let records: i64 = sums.iter().map(of).sum();
    let (records, verb) = match records {
        ..1 => return None,
        1 => ("1 record".to_owned(), "has"),
        _ => (format!("{} records", thousands(records.unsigned_abs())), "have"),
    };
    Some(format!(
        "note: {records} {verb} a value too large for the history (9,223,372,036,855 and more), which the sums lack"
    ))
}

/// Writes the table. True if names are shortened, so that its lines fit a terminal.
fn in_table(by: &[By], sums: &[Sum]) -> (String, bool) {
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
    let mut rows: Vec<Vec<String>> = rows.collect();
    let cut = narrow::fit(&head, &mut rows, by.len());
    let mut out = String::new();
    table_of_texts(&mut out, &head.join(" "), rows, by.len());
    (out, cut)
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
        let (text, cut) = in_table(&by, &sums());
        assert!(text.contains("1,234") && text.contains("72.05"), "{text}");
        assert!(!cut);
        let json = in_json(&by, &sums()[0]);
        assert_eq!(
            (&json["day"], &json["event_name"], &json["value"]),
            (&json!("2026-11-29"), &json!("checkout"), &json!("72.05"))
        );
    }

    #[test]
    fn values_without_room_are_told_below() {
        let mut sums = sums();
        assert_eq!(beyond(&sums), None);
        sums[0].warnings = [("value_too_large value".to_owned(), 1), ("late x".to_owned(), 7)].into();
        let told = beyond(&sums).unwrap();
        assert!(told.starts_with("note: 1 record has a value too large"), "{told}");
        sums[1].warnings = [("value_too_large value".to_owned(), 1_499)].into();
        let told = beyond(&sums).unwrap();
        assert!(told.starts_with("note: 1,500 records have"), "{told}");
    }
}
