//! An event as HTML.

use maud::{Markup, html};
use signalbox_admin::Caller;
use signalbox_history::WarningEntry;
use signalbox_runtime::life::{Again, Field, Life, Made, RecordLife, SinkLife};
use signalbox_runtime::quality::warning_in_words;

use super::EventLives;
use crate::events::class;
use crate::words::{self, link};

pub(super) fn lives(view: &EventLives, caller: &Caller) -> Markup {
    let several = view.events.len() > 1;
    html! {
        @if several { h1 { (words::number(view.events.len() as u64)) " events" @if view.more { ", and there are more" } } }
        @for problem in &view.incomplete { p.note { strong { "Not complete: " } (problem) } }
        @for life in &view.events { (event(life, caller, several)) }
        p { a href="/ui/events" { "All events" } }
    }
}

fn event(life: &Life, caller: &Caller, several: bool) -> Markup {
    let name = if life.event.is_empty() {
        "An event"
    } else {
        &life.event
    };
    html! {
        @if several { h2 { (name) } } @else { h1 { (name) } }
        ol.timeline {
            @if life.happened_at != life.received_at { li { strong { "Happened" } " " (words::time(life.happened_at)) } }
            li {
                strong { "Received" } " " (words::time(life.received_at)) " from " (life.source)
                @if let Some(library) = &life.library { ", sent by " (library) }
                dl.facts {
                    @if let Some(id) = &life.message_id { dt { "messageId" } dd { (id) } }
                    @if let Some(order) = &life.order_id { dt { "Order" } dd { (order) } }
                }
            }
            li { (life.journalled) }
            @for record in &life.at_source { li { (words::time(record.entry.ended_at)) " " (record.told) } }
        }
        @for sink in &life.sinks { (at_sink(life, sink, caller)) }
    }
}

fn at_sink(life: &Life, sink: &SinkLife, caller: &Caller) -> Markup {
    html! {
        section.card aria-label={ "Sink " (sink.sink) } {
            h2 { (sink.sink) @if !sink.in_pipeline { " " span class="badge attention" { "no longer in the pipeline" } } }
            @if let Some(pending) = &sink.pending {
                p {
                    span class="badge attention" { "pending" } " " (pending.told)
                    @if let Some(first) = pending.first_attempt { " First attempt: " (words::time(first)) "." }
                }
            }
            @if sink.pending.is_none() && sink.records.is_empty() { p { (sink.told) } }
            @for record in &sink.records { (ended(record)) }
            @if let Some(again) = &sink.again { (now(again)) }
            (send_again(life, sink, caller))
        }
    }
}

fn ended(record: &RecordLife) -> Markup {
    let entry = &record.entry;
    html! {
        p { span class={ "badge " (class(&entry.outcome)) } { (entry.outcome) } " " (record.told) }
        ol.timeline {
            @if let Some(mapping) = &entry.mapping {
                li {
                    strong { "Mapped" } " by " (mapping) @if let Some(name) = &entry.event_name { " to " (name) }
                    dl.facts {
                        @if let Some(value) = entry.value_millionths {
                            dt { "Value" } dd { (words::money(value, entry.currency.as_deref().unwrap_or_default())) }
                        }
                        @if let Some(id) = &entry.event_id { dt { "Event id" } dd { (id) } }
                        @if let Some(order) = &entry.order_id { dt { "Order" } dd { (order) } }
                        @if !entry.match_keys.is_empty() { dt { "Match keys" } dd { (entry.match_keys.join(", ")) } }
                        @if let Some(parameters) = &entry.parameters {
                            dt { "Parameters" }
                            dd { @if parameters.is_empty() { "none" } @else { (parameters.join(", ")) } }
                        }
                        @for warning in &entry.warnings { dt { "Warning" } dd { (warned(warning)) } }
                    }
                }
            }
            @for (number, attempt) in entry.attempts.iter().enumerate() {
                li {
                    strong { "Attempt " (number + 1) } " " (words::time(attempt.at)) ": "
                    @match attempt.status { Some(status) => { "answer " (status) } None => "no answer" }
                    " after " (attempt.millis) " ms, " code { (attempt.result) }
                }
            }
            li {
                strong { "Ended" } " " (words::time(entry.ended_at))
                @if let Some(request) = &entry.request_id { ", request " code { (request) } }
            }
        }
        @if let Some(sent) = &record.sent {
            @if sent.fields.is_empty() { p.note { (sent.told) } } @else {
                details { summary { (sent.told) } (fields("Fields of the record", &sent.fields)) }
            }
        }
    }
}

fn warned(warning: &WarningEntry) -> Markup {
    html! {
        code { (warning.code) } " " (warning.path)
        @if let Some(words) = warning_in_words(&warning.code) { ": " (words) }
    }
}

fn now(again: &Again) -> Markup {
    html! {
        details {
            summary { "Through the present mapping: " (again.told) }
            @for made in &again.records { (made_now(made)) }
        }
    }
}

fn made_now(made: &Made) -> Markup {
    html! {
        h3 { (made.mapping) @if let Some(name) = &made.event_name { " → " (name) } }
        @if let Some(rejected) = &made.rejected { p { "Rejected: " (rejected) } }
        @if !made.warnings.is_empty() {
            ul { @for warning in &made.warnings { li { (warned(warning)) } } }
        }
        @if !made.fields.is_empty() { (fields(&format!("Fields by {}", made.mapping), &made.fields)) }
    }
}

fn fields(title: &str, fields: &[Field]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table {
                caption.hidden { (title) }
                thead { tr { th scope="col" { "Field" } th scope="col" { "Value" } } }
                tbody {
                    @for field in fields {
                        tr {
                            th scope="row" { (field.path) }
                            td { (field.value) @if field.personal { " " span.badge { "personal, as a hash" } } }
                        }
                    }
                }
            }
        }
    }
}

/// Shows the form that sends the event again, to operators, if it can be named.
fn send_again(life: &Life, sink: &SinkLife, caller: &Caller) -> Markup {
    let id = life.message_id.as_deref().filter(|id| !id.starts_with("id:"));
    let can_go = sink.in_pipeline && !life.erased && sink.pending.is_none();
    html! {
        @if let Some(id) = id.filter(|_| can_go && caller.may_act()) {
            form action="/api/event/resend" method="post" data-act
                data-confirm={ "Send this event to " (sink.sink) " again? The platform may drop it, or count it twice." } {
                input type="hidden" name="message_id" value=(id);
                input type="hidden" name="sink" value=(sink.sink);
                button.plain { "Send again to " (sink.sink) }
            }
            @if life.in_journal {
                p.note { a href=(link("tester", &[("message_id", id), ("sink", &sink.sink)])) { "Open it in the tester" } }
            }
        }
    }
}
