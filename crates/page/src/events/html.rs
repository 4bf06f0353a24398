//! The events as HTML.

use maud::{Markup, html};
use signalbox_core::Parameter;
use signalbox_history::{Entry, Outcome};
use signalbox_runtime::life::{Life, SinkLife, outcome};

use super::query::{PENDING, Query};
use super::{Choices, Events, NOT_FOUND, UNKNOWN};
use crate::words::{self, link};

pub(super) fn events(view: &Events, query: &Query) -> Markup {
    html! {
        h1 { "Events" }
        section aria-labelledby="search" {
            h2 #search { "Find an event" }
            (search(query))
        }
        @for problem in &view.incomplete { p.note { strong { "Not complete: " } (problem) } }
        @if query.id().is_some() { (found(view)) }
        @else if query.wants_pending() { (pending(view, query)) }
        @else { (latest(view, query)) }
    }
}

fn search(query: &Query) -> Markup {
    let ids = [
        ("order_id", "Order id", &query.order_id),
        ("message_id", "messageId", &query.message_id),
        ("event_id", "Event id at the platform", &query.event_id),
    ];
    html! {
        div.pair {
            @for (name, title, value) in ids {
                form action="/ui/events/search" method="post" data-show {
                    input type="hidden" name="kind" value=(name);
                    div.fields {
                        label { (title) input name="value" value=[value.as_deref()] required autocomplete="off" spellcheck="false"; }
                        button { "Find" }
                    }
                }
            }
            form action="/ui/events/search" method="post" data-show {
                div.fields {
                    label {
                        "Person by"
                        select name="kind" {
                            option value="email" { "e-mail address" }
                            option value="phone" { "phone number" }
                            option value="user_id" { "user id" }
                        }
                    }
                    label { "Value" input name="value" required autocomplete="off" spellcheck="false"; }
                    button { "Find" }
                }
                p.note {
                    "The value itself is not stored. The address of the result holds a keyed hash of it, as it does of other ids \
                     that look like an e-mail address or a phone number."
                }
            }
        }
    }
}

/// Shows the events with an id.
fn found(view: &Events) -> Markup {
    html! {
        section aria-labelledby="found" {
            h2 #found { (words::counted(view.events.len() as u64, "event found", "events found")) @if view.more { ", and there are more" } }
            @if view.events.is_empty() {
                p { (if view.incomplete.is_empty() { UNKNOWN } else { NOT_FOUND }) }
            }
            @for life in &view.events { (summary(life)) }
        }
    }
}

/// Shows the events that a sink has not settled.
fn pending(view: &Events, query: &Query) -> Markup {
    html! {
        section aria-labelledby="pending" {
            h2 #pending { "Pending events" }
            (filters(&view.choices, query))
            @if view.events.is_empty() { p { "No event is pending here." } }
            @for life in &view.events { (summary(life)) }
            @if view.more { p.note { "There are more pending events than these." } }
        }
    }
}

fn summary(life: &Life) -> Markup {
    html! {
        article.card {
            h3 { a href=(address(life)) { (if life.event.is_empty() { "An event" } else { &life.event }) } }
            p.note { "Received " (words::time(life.received_at)) " from " (life.source)
                @if let Some(order) = &life.order_id { ", order " (order) }
                @if let Some(id) = &life.message_id { ", messageId " (id) }
            }
            dl.facts {
                @for record in &life.at_source { dt { "source " (life.source) } dd { (record.told) } }
                @for SinkLife { sink, told, .. } in &life.sinks { dt { (sink) } dd { (told) } }
            }
        }
    }
}

/// The address of the page of an event.
fn address(life: &Life) -> String {
    let place = life.place.as_ref().map(ToString::to_string).unwrap_or_default();
    match &life.message_id {
        Some(id) => link("event", &[("message_id", id)]),
        None => link("event", &[("place", &place)]),
    }
}

/// The address of the page of a record's event.
fn address_of(entry: &Entry) -> String {
    match &entry.message_id {
        Some(id) => link("event", &[("message_id", id)]),
        None => link("event", &[("place", &entry.place.to_string())]),
    }
}

fn latest(view: &Events, query: &Query) -> Markup {
    let csv = link("events", &query.pairs(&[("format", "csv")])).replacen("/ui/", "/api/", 1);
    let next = view.next.as_ref().map(ToString::to_string);
    html! {
        section aria-labelledby="latest" {
            h2 #latest { "Latest records" }
            (filters(&view.choices, query))
            @if view.entries.is_empty() {
                p { "No record meets these conditions." }
            } @else {
                (table(&view.entries))
                p {
                    @if let Some(next) = &next { a href=(link("events", &query.pairs(&[("after", next)]))) rel="next" { "Older records" } " · " }
                    @if query.after.is_some() { a href=(link("events", &query.pairs(&[]))) { "Back to the latest" } " · " }
                    a href=(csv) download="events.csv" { "Download this page as CSV" }
                }
            }
        }
    }
}

fn filters(choices: &Choices, query: &Query) -> Markup {
    let sources = choices.sources.iter().map(|source| format!("source:{source}"));
    let components: Vec<String> = choices.sinks.iter().cloned().chain(sources).collect();
    let outcomes = Outcome::ALL.into_iter().map(Outcome::name).chain([PENDING]);
    let outcomes: Vec<String> = outcomes.map(str::to_owned).collect();
    let parameters = Parameter::ALL.map(|parameter| parameter.name().to_owned());
    let texts = [
        ("event_name", "Event name", &query.event_name),
        ("counted_name", "Counted as", &query.counted_name),
        ("mapping", "Mapping", &query.mapping),
        ("reason", "Reason code", &query.reason),
        ("warning", "Warning code", &query.warning),
        ("warning_path", "Warning about the field", &query.warning_path),
        ("match_key", "Match key", &query.match_key),
        ("without_match_key", "Without match key", &query.without_match_key),
        ("currency", "Currency", &query.currency),
        ("since", "Ended since (UTC)", &query.since),
        ("before", "Ended before (UTC)", &query.before),
    ];
    html! {
        form action="/ui/events" method="get" aria-label="Choose records" {
            div.fields {
                (choice("sink", "Sink or source", &components, query.sink.as_deref()))
                (choice("source", "Received from", &choices.sources, query.source.as_deref()))
                (choice("outcome", "Outcome", &outcomes, query.outcome.as_deref()))
                (either("at_sinks", "Records of", ("sinks", "sources"), query.at_sinks.as_deref()))
                (either("without_mapping", "Made by", ("no mapping", "a mapping"), query.without_mapping.as_deref()))
                (either("late", "Late", ("late ones", "others"), query.late.as_deref()))
                (choice("parameter", "Parameter", &parameters, query.parameter.as_deref()))
                (choice("without_parameter", "Without parameter", &parameters, query.without_parameter.as_deref()))
                @for (name, title, value) in texts {
                    label { (title) input name=(name) value=[value.as_deref()] autocomplete="off" spellcheck="false"; }
                }
                button { "Show" }
            }
            p.note { "Times: 2026-11-24T10:00, a date, or a duration back from now, such as 2h or 3d." }
        }
    }
}

/// Lets the reader choose all records, or those for which something is true or false.
fn either(name: &str, title: &str, (yes, no): (&str, &str), chosen: Option<&str>) -> Markup {
    html! {
        label {
            (title)
            select name=(name) {
                option value="" { "all" }
                option value="true" selected[chosen == Some("true")] { (yes) }
                option value="false" selected[chosen == Some("false")] { (no) }
            }
        }
    }
}

fn choice(name: &str, title: &str, values: &[String], chosen: Option<&str>) -> Markup {
    let other = chosen.filter(|chosen| !chosen.is_empty() && values.iter().all(|value| value != chosen));
    html! {
        label {
            (title)
            select name=(name) {
                option value="" { "all" }
                @for value in values { option value=(value) selected[chosen == Some(value.as_str())] { (value) } }
                @if let Some(other) = other { option value=(other) selected { (other) } }
            }
        }
    }
}

fn table(entries: &[Entry]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Latest records" {
            table {
                caption.hidden { "Latest records, the newest first" }
                thead { tr {
                    th scope="col" { "Ended" }
                    th scope="col" { "Event" }
                    th scope="col" { "Sink" }
                    th scope="col" { "Mapped to" }
                    th scope="col" { "Outcome" }
                    th.number scope="col" { "Value" }
                    th scope="col" { "Order" }
                } }
                tbody { @for entry in entries { (row(entry)) } }
            }
        }
    }
}

fn row(entry: &Entry) -> Markup {
    let name = if entry.event.is_empty() {
        "an event"
    } else {
        &entry.event
    };
    let value = entry.value_millionths;
    html! {
        tr {
            td { (words::time(entry.ended_at)) }
            th scope="row" { a href=(address_of(entry)) { (name) } }
            td { (entry.sink) }
            td {
                @if let Some(mapping) = &entry.mapping { (mapping) }
                @if let Some(name) = &entry.event_name { " → " (name) }
            }
            td {
                span class={ "badge " (class(&entry.outcome)) } { (entry.outcome) }
                @if entry.late { " " span class="badge attention" { "late" } }
                @if entry.outcome != "delivered" { " " (outcome(entry)) }
            }
            td.number { @if let Some(value) = value { (words::money(value, entry.currency.as_deref().unwrap_or_default())) } }
            td { @if let Some(order) = &entry.order_id { (order) } }
        }
    }
}

/// The class of an outcome's colour.
pub(crate) fn class(outcome: &str) -> &'static str {
    match outcome {
        "delivered" => "good",
        "rejected" | "expired" => "trouble",
        _ => "still",
    }
}
