//! The overview as HTML.

use maud::{Markup, html};

use super::advice::{Advice, Level};
use super::data::{Breakdowns, Fill, Overview};
use super::funnel::{Funnel, Step};
use super::sums::{Bucket, Worth};
use crate::chart::{self, Column, linked};
use crate::rows::rows;
use crate::words::{self, link};

/// The outcomes of the charts, each with the class of its colour.
const SERIES: [(&str, &str); 5] = [
    ("delivered", "good"),
    ("filtered", "still"),
    ("duplicate", "calm"),
    ("rejected", "bad"),
    ("expired", "attention"),
];

pub(super) fn overview(view: &Overview, sink: Option<&str>) -> Markup {
    html! {
        div #state data-live {
            h1 class={ "state " (class(view.level)) } { span.badge { (word(view.level)) } " " (view.sentence) }
            @if !view.advice.is_empty() {
                section aria-labelledby="advice" {
                    h2 #advice { "What to do" }
                    ul.advice { @for advice in &view.advice { (advise(advice)) } }
                }
            }
        }
        section aria-labelledby="funnels" {
            h2 #funnels { "The way of events" }
            p.note {
                "Events since the journal began. What comes no further is listed where it ended, with the reason. The numbers lead to the \
                 records that the history still has; those that were meant, mapped and sent are the rest of the step before."
            }
            div #ways data-live { @for funnel in &view.funnels { (way(funnel)) } }
            @if view.funnels.is_empty() { p { "There are no sinks." } }
        }
        @match (&view.breakdowns, &view.unread) {
            (Some(breakdowns), _) => (broken_down(breakdowns, &view.funnels, sink)),
            (None, Some(unread)) => section { h2 { "Last days" } p { "The history cannot be read. " (unread) } },
            (None, None) => section { h2 { "Last days" } p { "This router keeps no history, since its journal is in memory." } },
        }
        section aria-labelledby="fills" {
            h2 #fills { "Stores" }
            div #stores data-live { (stores(&view.fills)) }
        }
    }
}

fn class(level: Level) -> &'static str {
    match level {
        Level::Good => "good",
        Level::Attention => "attention",
        Level::Trouble => "trouble",
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Good => "Good",
        Level::Attention => "Look",
        Level::Trouble => "Trouble",
    }
}

fn advise(advice: &Advice) -> Markup {
    html! {
        li class=(class(advice.level)) {
            p {
                span.badge { (word(advice.level)) } " "
                @if !advice.component.is_empty() { strong { (advice.component) } " " }
                (advice.problem)
            }
            p {
                (advice.remedy)
                @if !advice.more.is_empty() { " " a href=(advice.more) { "See them" } }
            }
        }
    }
}

fn way(funnel: &Funnel) -> Markup {
    let top = funnel.steps.get(1).map_or(0, |step| step.events);
    html! {
        article.card aria-label={ "Sink " (funnel.sink) } {
            h3 {
                (funnel.sink) " "
                @if funnel.disabled { span.badge { "disabled" } }
                @if let Some(router) = &funnel.driven_by {
                    span.badge { @if router.is_empty() { "not driven" } @else { "on " (router) } }
                }
                @if funnel.held.is_some() { span class="badge trouble" { "on hold" } }
            }
            @if let Some(held) = &funnel.held { p { (held) } }
            ol.funnel { @for step in &funnel.steps { (shown(step, top)) } }
            p.note {
                @if funnel.returned > 0 {
                    (words::counted(funnel.returned, "event was journalled", "events were journalled"))
                    " for it again, from retried dead letters. "
                }
                @if funnel.not_sent_again > 0 {
                    (linked(funnel.not_sent_again, &funnel.not_sent_again_rows))
                    @if funnel.not_sent_again == 1 { " record was" } @else { " records were" }
                    " not sent since the start, as the platform has them: their events count as accepted. "
                }
                @if let Some(age) = funnel.oldest_pending_seconds { "The oldest pending event arrived " (words::span(age)) " ago. " }
                @if funnel.dead_letters > 0 {
                    a href=(link("failures", &[("sink", &funnel.sink)])) {
                        (words::counted(funnel.dead_letters, "dead letter", "dead letters"))
                    }
                    " kept."
                }
            }
        }
    }
}

/// Shows a step. Its bar is drawn against the events that were journalled for the sink.
fn shown(step: &Step, top: u64) -> Markup {
    let width = match step.events.min(top) {
        0 => 0,
        events => (u128::from(events) * 100 / u128::from(top.max(1))).max(1),
    };
    html! {
        li {
            span.name { (label(step.name)) }
            span.count { (linked(step.events, &step.rows)) }
            svg.bar aria-hidden="true" viewBox="0 0 100 4" preserveAspectRatio="none" {
                rect.track width="100" height="4" {}
                rect.good width=(width) height="4" {}
            }
            @if !step.out.is_empty() {
                ul.out {
                    @for out in &step.out {
                        li {
                            (linked(out.events, &out.rows)) " " (out.outcome)
                            @if !out.reason.is_empty() { ": " code { (out.reason) } }
                        }
                    }
                }
            }
        }
    }
}

fn label(step: &str) -> &str {
    match step {
        "received" => "Received",
        "journalled" => "Journalled for it",
        "meant" => "Meant for it",
        "mapped" => "Mapped",
        "sent" => "Sent",
        _ => "Accepted",
    }
}

fn broken_down(breakdowns: &Breakdowns, funnels: &[Funnel], sink: Option<&str>) -> Markup {
    html! {
        section aria-labelledby="days" {
            h2 #days { "Last days" }
            p.note {
                "Records, from the history, up to " (words::time(breakdowns.as_of)) ". "
                @if let Some(failing) = &breakdowns.failing { strong { "Newer ones are missing: " (failing) } " " }
                @if breakdowns.missing > 0 { (words::counted(breakdowns.missing, "record is missing.", "records are missing.")) }
            }
            @for lost in &breakdowns.lost { p.note { strong { "Not complete: " } (lost) } }
            nav.choice aria-label="Sink of the charts" {
                a href="/ui/overview" aria-current=[sink.is_none().then_some("true")] { "all sinks" }
                @for funnel in funnels {
                    " "
                    a href=(link("overview", &[("sink", &funnel.sink)])) aria-current=[(sink == Some(&funnel.sink)).then_some("true")] {
                        (funnel.sink)
                    }
                }
            }
            div.pair {
                (chart::columns("Last 24 hours, by the hour", &SERIES, &columns(&breakdowns.hours, "%H:%M", (sink, &breakdowns.events))))
                (chart::columns("Last 7 days, by the day", &SERIES, &columns(&breakdowns.days, "%a %d %b", (sink, &breakdowns.events))))
            }
            div.pair {
                (times(breakdowns))
                (worths(breakdowns))
            }
        }
    }
}

fn columns(buckets: &[Bucket], format: &str, (sink, kept): (Option<&str>, &str)) -> Vec<Column> {
    let column = |bucket: &Bucket| {
        let (since, before) = (bucket.begin.to_string(), bucket.end.to_string());
        // Without a sink the charts count those of all sinks, and none of a source.
        let at = sink.map_or(("at_sinks", "true"), |sink| ("sink", sink));
        let rows = |outcome: &str| rows(kept, outcome, &[at, ("since", &since), ("before", &before)]);
        Column {
            label: words::short(bucket.begin, format),
            counts: vec![
                (bucket.delivered, rows("delivered")),
                (bucket.filtered, rows("filtered")),
                (bucket.duplicate, rows("duplicate")),
                (bucket.rejected, rows("rejected")),
                (bucket.expired, rows("expired")),
            ],
        }
    };
    buckets.iter().map(column).collect()
}

fn times(breakdowns: &Breakdowns) -> Markup {
    let within = |bound: Option<u64>| bound.map_or("more than a day".to_owned(), words::span);
    html! {
        section aria-labelledby="latency" {
            h3 #latency { "Time of delivery" }
            p.note { "From the receipt of an event to the platform's answer, in the last 24 hours." }
            @if breakdowns.latency.is_empty() { p { "Nothing was delivered in the last 24 hours." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Time of delivery" {
                    table {
                        thead { tr { th scope="col" { "Sink" } th.number scope="col" { "Half within" } th.number scope="col" { "95 % within" } th.number scope="col" { "Records" } } }
                        tbody {
                            @for latency in &breakdowns.latency {
                                tr {
                                    th scope="row" { (latency.sink) }
                                    td.number { (within(latency.half_within)) }
                                    td.number { (within(latency.most_within)) }
                                    td.number { (linked(latency.records, &delivered(breakdowns, breakdowns.day, &[("sink", &latency.sink)]))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn worths(breakdowns: &Breakdowns) -> Markup {
    html! {
        section aria-labelledby="worth" {
            h3 #worth { "Worth of delivered conversions" }
            p.note { "In the last 7 days, as sent to the platforms." }
            @if breakdowns.worth.is_empty() { p { "No conversion with a value was delivered in the last 7 days." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Worth of delivered conversions" {
                    table {
                        thead { tr { th scope="col" { "Sink" } th.number scope="col" { "Worth" } th.number scope="col" { "Records" } } }
                        tbody {
                            @for worth in &breakdowns.worth {
                                tr {
                                    th scope="row" { (worth.sink) }
                                    td.number { (words::money(worth.value_millionths, &worth.currency)) }
                                    td.number { (linked(worth.records, &delivered(breakdowns, breakdowns.week, &of_worth(worth)))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the conditions on records with a value in a currency, or with a value alone.
fn of_worth(worth: &Worth) -> Vec<(&str, &str)> {
    let sink = ("sink", &*worth.sink);
    match &*worth.currency {
        "" => vec![sink, ("parameter", "value"), ("without_parameter", "currency")],
        currency => vec![sink, ("currency", currency)],
    }
}

/// Returns the address of the rows of delivered records since a moment.
fn delivered(breakdowns: &Breakdowns, since: i64, conditions: &[(&str, &str)]) -> String {
    let since = since.to_string();
    let conditions = [conditions, &[("since", &since)]].concat();
    rows(&breakdowns.events, "delivered", &conditions)
}

fn stores(fills: &[Fill]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Fill of the stores" {
            table {
                thead { tr { th scope="col" { "Store" } th.number scope="col" { "Holds" } th.number scope="col" { "Of" } th.number scope="col" { "Full" } th scope="col" { "Content" } } }
                tbody {
                    @for fill in fills {
                        tr {
                            th scope="row" { (fill.store) }
                            td.number { (words::bytes(fill.bytes)) }
                            td.number { (fill.max_bytes.map_or("–".to_owned(), words::bytes)) }
                            td.number { (fill.max_bytes.map_or("–".to_owned(), |most| words::percent(fill.bytes, most))) }
                            td { @if fill.content.is_empty() { (fill.about) } @else { a href=(fill.content) { (fill.about) } } }
                        }
                    }
                }
            }
        }
    }
}
