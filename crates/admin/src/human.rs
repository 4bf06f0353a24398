//! [`Status`] for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use signalbox_core::escape::plain;

use crate::status::{SinkStatus, SourceStatus, Status, sum};

impl Status {
    /// Tables and sentences for a terminal, without colours; ends with a newline.
    #[must_use]
    pub fn render_human(&self) -> String {
        let state = match &self.not_ready {
            None => "ready".to_owned(),
            Some(reason) => format!("not ready: {}", plain(reason)),
        };
        let mut out = format!(
            "Signalbox {}, up {} s, {state}\n",
            self.version, self.uptime_seconds
        );
        table(
            &mut out,
            &[
                "source",
                "received",
                "journalled",
                "duplicate",
                "filtered",
                "rejected",
                "refused",
            ],
            self.sources
                .iter()
                .map(|(name, source)| source_row(name, source))
                .collect(),
        );
        table(
            &mut out,
            &[
                "sink",
                "journalled",
                "delivered",
                "filtered",
                "rejected",
                "expired",
                "pending",
                "retried",
                "state",
            ],
            self.sinks
                .iter()
                .map(|(name, sink)| sink_row(name, sink))
                .collect(),
        );
        let mut details = String::new();
        for (name, source) in &self.sources {
            codes(&mut details, name, "filtered", &source.filtered);
            codes(&mut details, name, "rejected", &source.rejected);
            codes(&mut details, name, "refused", &source.refused);
            dropped(&mut details, name, source.dead_letters_dropped);
        }
        for (name, sink) in &self.sinks {
            codes(&mut details, name, "filtered", &sink.filtered);
            codes(&mut details, name, "rejected", &sink.rejected);
            codes(&mut details, name, "expired", &sink.expired);
            codes(
                &mut details,
                name,
                "pending of inputs no longer named",
                &sink.removed_inputs,
            );
            codes(&mut details, name, "retried records", &sink.records.retried);
            codes(&mut details, name, "warnings", &sink.records.warnings);
            line(
                &mut details,
                name,
                "not sent again, the destination has them",
                (sink.records.duplicate > 0).then(|| sink.records.duplicate.to_string()),
            );
            line(
                &mut details,
                name,
                "late records",
                (sink.records.late > 0).then(|| sink.records.late.to_string()),
            );
            dropped(&mut details, name, sink.letters.dropped);
            line(
                &mut details,
                name,
                "oldest pending",
                sink.oldest_pending_age_seconds.map(|age| format!("{age} s")),
            );
            line(
                &mut details,
                name,
                "held",
                sink.held
                    .as_ref()
                    .map(|r| format!("{} ({}, cause: {})", r.message, r.code, r.cause.code())),
            );
            sink.notes
                .iter()
                .for_each(|note| line(&mut details, name, "note", Some(note.clone())));
        }
        for orphan in &self.orphans {
            let told = format!(
                "{} pending; last configured {}",
                orphan.pending, orphan.last_opened
            );
            line(&mut details, &orphan.name, "no longer configured", Some(told));
        }
        for (sink, events) in self.journal.may_come_again.iter().flatten() {
            let told = format!("{events} events, since the journal's state was lost");
            line(&mut details, sink, "may come again", Some(told));
        }
        if self.journal.behind_seconds > 0 {
            let _ = writeln!(
                details,
                "The journal's state has been waiting to be written for {} s; counts of dead letters are as old.",
                self.journal.behind_seconds
            );
        }
        if !details.is_empty() {
            out.push('\n');
            out.push_str(&details);
        }
        out.push_str(if self.sums_close {
            "\nThe sums close.\n"
        } else {
            "\nThe sums do not close.\n"
        });
        out
    }
}

fn source_row(name: &str, source: &SourceStatus) -> Vec<String> {
    let numbers = [
        source.received,
        source.journalled,
        source.duplicate,
        sum(&source.filtered),
        sum(&source.rejected),
        sum(&source.refused),
    ];
    row(name, &numbers)
}

fn sink_row(name: &str, sink: &SinkStatus) -> Vec<String> {
    let numbers = [
        sink.journalled,
        sink.delivered,
        sum(&sink.filtered),
        sum(&sink.rejected),
        sum(&sink.expired),
        sink.pending,
        sum(&sink.records.retried),
    ];
    let mut row = row(name, &numbers);
    row.push(if sink.held.is_some() { "held" } else { "ok" }.to_owned());
    row
}

fn row(name: &str, numbers: &[u64]) -> Vec<String> {
    std::iter::once(plain(name).into_owned())
        .chain(numbers.iter().map(u64::to_string))
        .collect()
}

/// Columns as wide as their widest cell: names to the left, the rest to the right.
fn table(out: &mut String, head: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    out.push('\n');
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let all = || std::iter::once(&head).chain(&rows);
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            all()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in all() {
        let mut text = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing into a string cannot fail.
            let _ = match column {
                0 => write!(text, "{cell:width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

fn codes(out: &mut String, name: &str, what: &str, counts: &BTreeMap<String, u64>) {
    let list: Vec<String> = counts
        .iter()
        .map(|(code, count)| format!("{count} {code}"))
        .collect();
    line(out, name, what, (!list.is_empty()).then(|| list.join(", ")));
}

fn dropped(out: &mut String, name: &str, count: u64) {
    let told = (count > 0).then(|| count.to_string());
    line(out, name, "dead letters dropped to make room", told);
}

fn line(out: &mut String, name: &str, what: &str, text: Option<String>) {
    if let Some(text) = text {
        let _ = writeln!(out, "{}: {what}: {}", plain(name), plain(&text));
    }
}
