//! [`Status`] for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use signalbox_core::escape::plain;

use crate::nodes::NodeStatus;
use crate::status::{SealStatus, SinkStatus, SourceStatus, Status, sum};

const DROPPED: &str = "dead letters dropped to make room or for their age";

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
        let sources = self.sources.iter().map(|(name, source)| source_row(name, source));
        let head = "source received journalled duplicate filtered rejected refused";
        table(&mut out, head, sources.collect());
        let sinks = self.sinks.iter().map(|(name, sink)| sink_row(name, sink));
        let head = "sink journalled delivered filtered rejected expired pending retried state";
        table(&mut out, head, sinks.collect());
        let nodes = self.nodes.iter().map(node_row);
        table(&mut out, "router version silent drives", nodes.collect());
        let mut details = String::new();
        for node in &self.nodes {
            node_details(node, |what, text| line(&mut details, &node.name, what, text));
        }
        for (name, source) in &self.sources {
            source_details(source, |what, text| line(&mut details, name, what, text));
        }
        for (name, sink) in &self.sinks {
            sink_details(sink, |what, text| line(&mut details, name, what, text));
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
        if let Some(history) = &self.history {
            if let Some(failing) = &history.failing {
                let _ = writeln!(
                    details,
                    "The history cannot be kept, which costs no event: {}",
                    plain(failing)
                );
            }
            if let Some(missing) = history.missing() {
                let _ = writeln!(details, "The history {missing}.");
            }
        }
        for loss in self.history.iter().flat_map(|history| &history.losses) {
            let _ = writeln!(details, "The history lost a file, {}.", plain(&loss.dated()));
        }
        if let Some(failing) = self.audit.as_ref().and_then(|audit| audit.failing.as_deref()) {
            let _ = writeln!(
                details,
                "Acts of operators are refused, since they cannot be recorded: {}",
                plain(failing)
            );
        }
        if let Some(alerts) = &self.alerts
            && let Some(failing) = &alerts.failing
        {
            let wait = match alerts.waiting {
                1 => "1 message waits".to_owned(),
                messages => format!("{messages} messages wait"),
            };
            let _ = writeln!(
                details,
                "The webhook of [alerts] does not take messages, and {wait} for it: {}",
                plain(failing)
            );
        }
        if self.journal.behind_seconds > 0 {
            let _ = writeln!(
                details,
                "The journal's state has been waiting to be written for {} s; counts of dead letters are as old.",
                self.journal.behind_seconds
            );
        }
        if self.journal.erasures > 0 {
            let (some, them) = match self.journal.erasures {
                1 => ("1 erasure holds".to_owned(), "it"),
                count => (format!("{count} erasures hold"), "them"),
            };
            let _ = writeln!(
                details,
                "{some}, until the last file of events from before {them} is deleted."
            );
        }
        if let Some(seal) = &self.journal.seal {
            details.push_str(&seal_line(seal));
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

fn node_row(node: &NodeStatus) -> Vec<String> {
    let name = match node.own {
        true => format!("{} (this one)", node.name),
        false => node.name.clone(),
    };
    let drives = match node.drives.is_empty() {
        true => "-".to_owned(),
        false => node.drives.join(", "),
    };
    vec![
        name,
        node.version.clone(),
        format!("{} s", node.silent_seconds),
        drives,
    ]
}

fn node_details(node: &NodeStatus, mut say: impl FnMut(&str, Option<String>)) {
    let list = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
    say("its file differs in", list(&node.differs));
    let regrouped = list(&node.rate_group_differs);
    let regrouped = regrouped.map(|sinks| format!("{sinks}: its file has them in another rate group"));
    say("does not drive", regrouped);
    let declines = list(&node.declines);
    let declines = declines.map(|groups| format!("{groups}: it could not read the state of a sink"));
    say("gave back", declines);
}

fn source_details(source: &SourceStatus, mut say: impl FnMut(&str, Option<String>)) {
    say("filtered", codes(&source.filtered));
    say("rejected", codes(&source.rejected));
    say("refused", codes(&source.refused));
    say("left plain, looks personal", codes(&source.plain_values));
    say(DROPPED, some(source.dead_letters_dropped));
    say("runs on", source.runs_on.clone());
    for note in &source.notes {
        say("note", Some(note.clone()));
    }
}

fn sink_details(sink: &SinkStatus, mut say: impl FnMut(&str, Option<String>)) {
    say("filtered", codes(&sink.filtered));
    say("events that no mapping listens to", codes(&sink.unheard));
    say("rejected", codes(&sink.rejected));
    say("expired", codes(&sink.expired));
    say("pending of inputs no longer named", codes(&sink.removed_inputs));
    say("retried records", codes(&sink.records.retried));
    say("warnings", codes(&sink.records.warnings));
    let duplicate = some(sink.records.duplicate);
    say("not sent again, the destination has them", duplicate);
    say("late records", some(sink.records.late));
    say("too late to be attributed", some(sink.records.unattributed));
    say(DROPPED, some(sink.letters.dropped));
    let age = sink.oldest_pending_age_seconds;
    say("oldest pending", age.map(|age| format!("{age} s")));
    let held = sink.held.as_ref();
    let held = held.map(|hold| format!("{} ({}, cause: {})", hold.message, hold.code, hold.cause.code()));
    say("held", held);
    for note in &sink.notes {
        say("note", Some(note.clone()));
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
    row.push(sink_state(sink));
    row
}

/// Says in a word or two how a sink is.
fn sink_state(sink: &SinkStatus) -> String {
    let state = match (sink.disabled, &sink.held) {
        (true, _) => return "disabled".to_owned(),
        (false, Some(_)) => "held",
        (false, None) => "ok",
    };
    match (sink.elsewhere, &sink.driven_by) {
        (false, _) => state.to_owned(),
        (true, Some(node)) => format!("{state} on {node}"),
        (true, None) => "not driven".to_owned(),
    }
}

fn row(name: &str, numbers: &[u64]) -> Vec<String> {
    std::iter::once(plain(name).into_owned())
        .chain(numbers.iter().map(u64::to_string))
        .collect()
}

/// Appends a table with columns as wide as their widest cell: the first to the left, the others to the right. Blanks separate
/// the names in its head. Without rows nothing is appended.
pub fn table(out: &mut String, head: &str, rows: Vec<Vec<String>>) {
    table_of_texts(out, head, rows, 1);
}

/// Appends a table as [`table`] does, of which the first `texts` columns are to the left.
pub fn table_of_texts(out: &mut String, head: &str, rows: Vec<Vec<String>>, texts: usize) {
    if rows.is_empty() {
        return;
    }
    out.push('\n');
    let head: Vec<String> = head.split(' ').map(str::to_owned).collect();
    // A line feed in a cell would make a row of its own.
    let escaped = |row: &Vec<String>| row.iter().map(|cell| plain(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(escaped).collect();
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
            let gap = if column == 0 { "" } else { "  " };
            let _ = if column < texts {
                write!(text, "{gap}{cell:width$}")
            } else {
                write!(text, "{gap}{cell:>width$}")
            };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

/// Tells whether the journal is encrypted, and what of it is not.
fn seal_line(seal: &SealStatus) -> String {
    let plain = [
        ("events", seal.plain_event_bytes),
        ("ids", seal.plain_id_bytes),
        ("dead letters", seal.plain_dead_letter_bytes),
    ];
    let plain = plain.iter().filter(|(_, bytes)| *bytes > 0);
    let plain: Vec<String> = plain
        .map(|(what, bytes)| format!("{bytes} bytes of {what}"))
        .collect();
    let plain = plain.join(", ");
    let mut line = match (seal.sealed, plain.is_empty()) {
        (true, true) => "The journal is sealed".to_owned(),
        (true, false) => format!("The journal is sealed; in plain are still {plain}"),
        (false, true) => "The journal is in plain".to_owned(),
        (false, false) => format!("The journal is in plain: {plain}"),
    };
    let keys = seal.keys.iter().map(|(key, used)| match used.files {
        1 => format!("{key} (1 file)"),
        files => format!("{key} ({files} files)"),
    });
    let keys: Vec<String> = keys.collect();
    if !keys.is_empty() {
        let name = if keys.len() == 1 { "key" } else { "keys" };
        let _ = write!(line, "; its files need the {name} {}", keys.join(", "));
    }
    if seal.older_key_files > 0 {
        let _ = write!(line, "; {} of them are under an older key", seal.older_key_files);
    }
    if !seal.unneeded_keys.is_empty() {
        let keys = seal.unneeded_keys.join(", ");
        let _ = write!(
            line,
            "; no file needs {keys}, which journal.key need not list any more"
        );
    }
    if seal.set_aside_bytes > 0 {
        let _ = write!(
            line,
            "; {} bytes of unreadable files are set aside (*.corrupt)",
            seal.set_aside_bytes
        );
    }
    line + ".\n"
}

/// Lists counts by code; `None` if there are none.
fn codes(counts: &BTreeMap<String, u64>) -> Option<String> {
    let list = counts.iter().map(|(code, count)| format!("{count} {code}"));
    let list: Vec<String> = list.collect();
    (!list.is_empty()).then(|| list.join(", "))
}

fn some(count: u64) -> Option<String> {
    (count > 0).then(|| count.to_string())
}

fn line(out: &mut String, name: &str, what: &str, text: Option<String>) {
    if let Some(text) = text {
        let _ = writeln!(out, "{}: {what}: {}", plain(name), plain(&text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{HoldStatus, KeyStatus};

    #[test]
    fn the_state_names_the_router_that_drives_a_sink() {
        let held = Some(HoldStatus::default());
        let sink = |elsewhere, driven_by: Option<&str>, held: &Option<HoldStatus>| SinkStatus {
            elsewhere,
            driven_by: driven_by.map(str::to_owned),
            held: held.clone(),
            ..SinkStatus::default()
        };
        for (status, state) in [
            (sink(false, None, &None), "ok"),
            (sink(false, None, &held), "held"),
            (sink(true, Some("router-2"), &None), "ok on router-2"),
            (sink(true, Some("router-2"), &held), "held on router-2"),
            (sink(true, None, &None), "not driven"),
        ] {
            assert_eq!(sink_state(&status), state);
        }
    }

    #[test]
    fn a_router_that_cannot_drive_its_sinks_is_told_with_the_reason() {
        let said = |node: &NodeStatus| {
            let mut said = Vec::new();
            node_details(node, |what, text| {
                said.extend(text.map(|text| format!("{what}: {text}")));
            });
            said
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = NodeStatus {
            differs: names(&["sinks.ads", "sinks.web"]),
            rate_group_differs: names(&["ads", "web"]),
            declines: names(&["549755885175"]),
            ..NodeStatus::default()
        };
        assert_eq!(
            said(&node),
            [
                "its file differs in: sinks.ads, sinks.web",
                "does not drive: ads, web: its file has them in another rate group",
                "gave back: 549755885175: it could not read the state of a sink",
            ]
        );
        assert!(said(&NodeStatus::default()).is_empty());
    }

    #[test]
    fn the_line_about_the_seal_says_which_keys_are_needed() {
        let used = |files| KeyStatus {
            files,
            event_bytes: 4096,
        };
        let mut seal = SealStatus {
            sealed: true,
            keys: [("aa".to_owned(), used(1)), ("bb".to_owned(), used(3))].into(),
            older_key_files: 3,
            ..SealStatus::default()
        };
        assert_eq!(
            seal_line(&seal),
            "The journal is sealed; its files need the keys aa (1 file), bb (3 files); 3 of them are under an older key.\n"
        );
        seal.keys.remove("bb");
        (seal.older_key_files, seal.unneeded_keys) = (0, vec!["bb".to_owned()]);
        assert_eq!(
            seal_line(&seal),
            "The journal is sealed; its files need the key aa (1 file); no file needs bb, which journal.key need not list \
             any more.\n"
        );
    }
}
