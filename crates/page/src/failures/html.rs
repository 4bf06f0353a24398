//! Failures as HTML.

use maud::{Markup, html};
use signalbox_admin::Caller;
use signalbox_journal::SOURCE;

use super::data::{Failures, Group, Hour, Query, Sample};
use crate::chart::{self, Column};
use crate::words::{self, counted, link, whole_link};

pub(super) fn failures(view: &Failures, query: &Query, caller: &Caller) -> Markup {
    let narrowed = query.sink.is_some() || query.reason.is_some() || query.mapping.is_some();
    html! {
        h1 {
            @if view.letters == 0 { "No failures" } @else { (counted(view.letters, "failure is kept", "failures are kept")) }
        }
        p {
            "A failure is an event that a platform will never take as it is, or that could not be delivered to it in time. \
             It is kept as a dead letter until it is retried or discarded."
            @if narrowed { " " a href="/ui/failures" { "Show all failures" } "." }
        }
        @if view.dropped > 0 {
            p.note { (counted(view.dropped, "older dead letter was", "older dead letters were")) " dropped to make room or for their age." }
        }
        @if view.behind_seconds > 0 {
            p.note { "Newer dead letters have been waiting to be written for " (words::span(view.behind_seconds)) "." }
        }
        @if let Some(unread) = &view.unread {
            p.note { (unread) }
        }
        @for group in &view.groups { (shown(view, group, query, caller)) }
        @if view.more_groups > 0 {
            p { (counted(view.more_groups, "smaller group is", "smaller groups are")) " not shown. The overview leads to the failures of each sink; or retry and discard the larger groups first." }
        }
        @if view.letters > 0 && query.payload != Some(1) {
            p {
                a href=(whole_link("failures", [
                    ("sink", query.sink.as_deref()),
                    ("reason", query.reason.as_deref()),
                    ("mapping", query.mapping.as_deref()),
                    ("payload", Some("1")),
                ])) { "Show the kept parts of the sampled events" }
            }
        }
    }
}

fn shown(view: &Failures, group: &Group, query: &Query, caller: &Caller) -> Markup {
    // An empty mapping chooses the events that failed before any.
    let only = [
        ("sink", &group.sink),
        ("reason", &group.reason),
        ("mapping", &group.mapping),
    ];
    let only = whole_link("failures", only.map(|(key, value)| (key, Some(&**value))));
    let what = match group.sink.strip_prefix(SOURCE) {
        Some(source) => format!("source {source}"),
        None => format!("sink {}", group.sink),
    };
    html! {
        article.card aria-label={ (group.reason) ", " (what) } {
            h2 {
                a href=(only) { (counted(group.letters, "event", "events")) } ": " code { (group.reason) } ", " (what)
                @if !group.mapping.is_empty() { ", mapping " (group.mapping) }
            }
            p.note { "From " (words::time(group.oldest)) " to " (words::time(group.newest)) "." }
            p { strong { "What to do: " } (group.remedy) }
            @if !group.words.is_empty() {
                h3 { "In these words" }
                ul { @for words in &group.words { li { (words.message) " (" (words::number(words.letters)) " of the newest)" } } }
            }
            @if group.trend.iter().any(|hour| hour.records > 0) { (trend(group)) }
            (samples(group, query))
            @if caller.may_act() && let Some(up_to) = view.up_to { (acts(group, &what, up_to)) }
        }
    }
}

fn trend(group: &Group) -> Markup {
    let column = |hour: &Hour| Column {
        label: words::short(hour.begin, "%H:%M"),
        counts: vec![(hour.records, hour.rows.clone())],
    };
    let columns: Vec<Column> = group.trend.iter().map(column).collect();
    let title = format!("{} in the last 24 hours, by the hour", group.reason);
    chart::columns(&title, &[("failed", "bad")], &columns)
}

fn samples(group: &Group, query: &Query) -> Markup {
    let label = format!("Newest events with {}", group.reason);
    html! {
        @if !group.samples.is_empty() {
            h3 { "The newest" }
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table {
                    caption.hidden { (label) }
                    thead { tr { th scope="col" { "Event" } th scope="col" { "Source" } th scope="col" { "Failed at" } th.number scope="col" { "Attempts" } } }
                    tbody {
                        @for sample in &group.samples {
                            tr {
                                th scope="row" { (event_link(sample)) }
                                td { (sample.source) }
                                td { (words::time(sample.ended_at)) }
                                td.number { (words::number(sample.attempts.into())) }
                            }
                        }
                    }
                }
            }
            @if query.payload == Some(1) {
                @for sample in &group.samples {
                    @if let Some(event) = &sample.event {
                        details { summary { "Event " (sample.message_id) } pre { (serde_json::to_string_pretty(event).unwrap_or_default()) } }
                    } @else {
                        p.note { "Nothing of the event " (sample.message_id) " is kept." }
                    }
                }
            }
        }
    }
}

fn event_link(sample: &Sample) -> Markup {
    html! {
        @if sample.message_id.is_empty() { "an event without an id" } @else {
            a href=(link("event", &[("message_id", &sample.message_id)])) { (sample.message_id) }
        }
    }
}

fn acts(group: &Group, what: &str, up_to: u64) -> Markup {
    let events = counted(group.letters, "event", "events");
    let retry = format!("Deliver {events} with {} of {what} again?", group.reason);
    let discard = format!(
        "Remove {events} with {} of {what} for good? They will never be delivered.",
        group.reason
    );
    html! {
        form.fields data-act method="post" action="/api/failures/retry" {
            input type="hidden" name="sink" value=(group.sink);
            input type="hidden" name="reason" value=(group.reason);
            input type="hidden" name="mapping" value=(group.mapping);
            input type="hidden" name="up_to" value=(up_to) data-type="number";
            button data-confirm=(retry) { "Retry " (events) }
            button.danger formaction="/api/failures/discard" data-confirm=(discard) { "Discard " (events) }
        }
    }
}
