//! The quality as HTML.

use maud::{Markup, html};
use signalbox_core::Score;
use signalbox_core::privacy::HIDDEN_NAME;
use signalbox_runtime::quality::{Coverage, EventQuality, Grade, Share, SinkQuality};
use signalbox_runtime::scores::DestinationScores;

use super::{Quality, Query};
use crate::chart::linked;
use crate::rows::rows;
use crate::words::{self, link};

/// Times to choose from, in days.
const CHOICES: [u32; 4] = [1, 7, 14, 30];
/// Advice that is shown for a name; the API has all.
const ADVICE: usize = 3;
/// Records below which a grade is little more than chance.
const FEW: u64 = 100;

pub(super) fn quality(view: &Quality, query: &Query) -> Markup {
    let days = view.days.to_string();
    html! {
        h1 { "Quality of events" }
        p {
            "Platforms match a conversion with a person and an ad. The more an event carries to match by, the more it is worth. \
             The numbers are those of delivered records of the last "
            (words::counted(view.days.into(), "day", "days")) ", since " (words::time(view.since)) "."
        }
        @for lost in &view.lost { p.note { strong { "Not complete: " } (lost) } }
        nav.choice aria-label="Time" {
            @for choice in CHOICES {
                a href=(link("quality", &[("sink", query.sink.as_deref().unwrap_or_default()), ("days", &choice.to_string())]))
                    aria-current=[(choice == view.days).then_some("true")] { (words::counted(choice.into(), "day", "days")) }
                " "
            }
        }
        @if view.names.len() > 1 {
            nav.choice aria-label="Sink" {
                a href=(link("quality", &[("days", &days)])) aria-current=[query.sink.is_none().then_some("true")] { "all sinks" }
                @for name in &view.names {
                    " "
                    a href=(link("quality", &[("sink", name), ("days", &days)]))
                        aria-current=[(query.sink.as_ref() == Some(name)).then_some("true")] { (name) }
                }
            }
        }
        @if view.names.is_empty() {
            p { "No sink of this router has a platform that rates events." }
        }
        @for sink in &view.sinks { (of_sink(sink, (&view.rows_kept, view.since))) }
        details {
            summary { "How the grade is made" }
            p {
                "Matching counts most: each match key brings points, an e-mail address 40, up to 100 in all. Value, currency, products, \
                 order id and event id count where a conversion of this name should carry them. A late event counts half. \
                 From 70 points on the grade is GOOD, from 40 on FAIR, below NEEDS_IMPROVEMENT. Platforms do not publish how they \
                 rate; this rule is Signalbox's own. docs/quality.md has all of it."
            }
        }
    }
}

/// Shows a grade with its word, so that the colour says nothing alone.
fn badge(grade: Grade) -> Markup {
    let class = match grade {
        Grade::Good => "good",
        Grade::Fair => "attention",
        Grade::NeedsImprovement => "trouble",
    };
    html! { span class={ "badge " (class) } { (grade.word()) } }
}

/// The rows behind the numbers: those that the history keeps, and the beginning of the time that they are from, Unix
/// milliseconds.
type Rows<'a> = (&'a str, i64);

/// Returns the address of the rows of an event name with an outcome; none if they are not kept. A name that stands for several has none
/// either.
fn rows_of(
    (kept, since): Rows<'_>,
    (sink, event_name): (&str, &str),
    outcome: &str,
    more: &[(&str, &str)],
) -> String {
    if event_name == HIDDEN_NAME {
        return String::new();
    }
    let since = since.to_string();
    let named = [("sink", sink), ("counted_name", event_name), ("since", &since)];
    rows(kept, outcome, &[&named, more].concat())
}

fn of_sink(sink: &SinkQuality, rows: Rows<'_>) -> Markup {
    html! {
        section aria-label={ "Sink " (sink.sink) } {
            h2 {
                (sink.sink) " "
                @if let Some(grade) = sink.grade { (badge(grade)) " " (sink.score) " of 100 points" }
            }
            @if sink.records == 0 { p { "Nothing was delivered in this time, so there is nothing to grade." } }
            @if let Some(own) = &sink.destination { (destination(own)) }
            @for event in &sink.events { (of_event(&sink.sink, event, own_scores(sink), rows)) }
            @if sink.records > 0 && own_scores(sink).is_empty() {
                p.note { "Whether the tag on the site sends the same event ids is known to the platform alone, and shown where its own rating is." }
            }
            (unheard(sink, rows))
        }
    }
}

fn own_scores(sink: &SinkQuality) -> &[Score] {
    sink.destination.as_ref().map_or(&[], |own| &own.scores)
}

fn destination(own: &DestinationScores) -> Markup {
    html! {
        div.card {
            h3 { "The platform's own rating" }
            @if let Some(remedy) = own.not_set_up { p { (remedy) } }
            @for score in &own.scores {
                p {
                    span.badge { (score.status) } " "
                    (score.platform) " events by way of " (score.source) ", the last " (score.period)
                }
            }
            @if let Some(at) = own.fetched_at {
                @if own.scores.is_empty() { p { "The platform has rated no events of this account." } }
                p.note { "Fetched " (words::span(age(at))) " ago, at " (words::time(at)) ". It counts all senders of the account." }
            }
            @if let Some(failing) = &own.failing { p { "The last question failed: " (failing) } }
        }
    }
}

/// Returns the seconds since a moment; 0 if the clock was set back.
fn age(at: i64) -> u64 {
    u64::try_from((words::now() - at) / 1_000).unwrap_or(0)
}

fn of_event(sink: &str, event: &EventQuality, own: &[Score], rows: Rows<'_>) -> Markup {
    let href = |more: &[(&str, &str)]| rows_of(rows, (sink, &event.event_name), "delivered", more);
    let total = event.records;
    html! {
        article.card aria-label={ (event.event_name) " at " (sink) } {
            h3 { (event.event_name) " " (badge(event.grade)) " " (event.score) " of 100 points" }
            p.note {
                (linked(total, &href(&[]))) @if total == 1 { " record" } @else { " records" }
                @if total < FEW { ". With so few records the grade may change soon" }
                ". Late: " (linked(event.late.records, &href(&[("late", "true")]))) " (" (event.late.percent) " %)."
            }
            @if event.lifts.is_empty() {
                p { "Nothing would raise the score by a point or more." }
            } @else {
                h4 { "What would help most" }
                ol.advice { @for lift in event.lifts.iter().take(ADVICE) { li { (lift.sentence) } } }
            }
            div.pair {
                (coverage("Match keys", "Match key", &event.match_keys, (event, own), href))
                (coverage("Parameters", "Parameter", &event.parameters, (event, own), href))
            }
            (shared_with_tag(event, own))
            (issues(event, own))
            @if !event.warnings.is_empty() {
                h4 { "Warnings" }
                ul {
                    @for warning in &event.warnings {
                        li {
                            (warning.sentence) " ("
                            (linked(warning.share.records, &href(&[("warning", &warning.code), ("warning_path", &warning.path)]))) ", " code { (warning.code) " " (warning.path) } ")"
                        }
                    }
                }
            }
        }
    }
}

/// Returns the platform's numbers for a name of ours, each with the place that it is about.
fn own_coverage<'s>(
    own: &'s [Score],
    event: &str,
    name: &str,
) -> Vec<(&'s Score, &'s signalbox_core::ParameterScore)> {
    let of = |score: &'s Score| Some((score, score.events.get(event)?.get(name)?));
    own.iter().filter_map(of).collect()
}

/// Shows the records that carried each match key or parameter, and those that did not. `href` makes the address of records under further conditions.
fn coverage(
    title: &str,
    head: &str,
    list: &[Coverage],
    (event, own): (&EventQuality, &[Score]),
    href: impl Fn(&[(&str, &str)]) -> String,
) -> Markup {
    let known = own
        .iter()
        .any(|score| score.events.contains_key(&event.event_name));
    let label = format!("{title} of {}", event.event_name);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                caption.hidden { (label) }
                thead {
                    tr {
                        th scope="col" { (head) }
                        th.number scope="col" { "Records" }
                        th.number scope="col" { "Share" }
                        th.number scope="col" { "Without" }
                        th scope="col" { span.hidden { "Bar" } }
                        @if known { th.number scope="col" { "The platform's own" } }
                    }
                }
                tbody {
                    @for one in list {
                        tr {
                            th scope="row" {
                                (one.label)
                                @if !one.expected { span.note { " (not graded here)" } }
                            }
                            @let (with, without, names) = conditions(one);
                            td.number { (linked(one.share.records, &href(&[(with, &names)]))) }
                            td.number { (one.share.percent) " %" }
                            td.number { (linked(event.records.saturating_sub(one.share.records), &href(&[(without, &names)]))) }
                            td { (bar(&one.share, event.records)) }
                            @if known {
                                td.number {
                                    @for (score, found) in own_coverage(own, &event.event_name, &one.name) {
                                        div {
                                            (found.coverage) " %"
                                            @if own.len() > 1 { " " span.note { (score.platform) " " (score.source) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the conditions on records that carried a match key or parameter, and on those that did not, with the names for both.
fn conditions(one: &Coverage) -> (&'static str, &'static str, String) {
    match &*one.sent_as {
        [] => ("parameter", "without_parameter", one.name.clone()),
        names => ("match_key", "without_match_key", names.join(",")),
    }
}

fn bar(share: &Share, total: u64) -> Markup {
    let width = u128::from(share.records) * 100 / u128::from(total.max(1));
    html! {
        svg.bar aria-hidden="true" viewBox="0 0 100 4" width="100" height="8" preserveAspectRatio="none" {
            rect.track width="100" height="4" {}
            rect.good width=(width) height="4" {}
        }
    }
}

/// Tells the share of event ids that the tag on the page sent too, which the platform alone knows.
fn shared_with_tag(event: &EventQuality, own: &[Score]) -> Markup {
    let overlaps: Vec<(&Score, f64)> = own_coverage(own, &event.event_name, "event_id")
        .into_iter()
        .filter_map(|(score, found)| Some((score, found.overlap?)))
        .collect();
    html! {
        @for (score, overlap) in &overlaps {
            p.note { "Event ids shared with the tag: " (overlap) " % (" (score.platform) ", " (score.source) ")." }
        }
    }
}

/// Lists the troubles that the platform itself sees.
fn issues(event: &EventQuality, own: &[Score]) -> Markup {
    let of_event = own.iter().filter_map(|score| score.events.get(&event.event_name));
    let found = of_event.flatten().filter(|(_, found)| !found.issues.is_empty());
    let found: Vec<(&String, &signalbox_core::ParameterScore)> = found.collect();
    html! {
        @if !found.is_empty() {
            h4 { "In the platform's words" }
            ul { @for (name, found) in &found { @for issue in &found.issues { li { code { (name) } ": " (issue) } } } }
        }
    }
}

fn unheard(sink: &SinkQuality, rows: Rows<'_>) -> Markup {
    let reason = [("reason", signalbox_core::NO_TRIGGER_MATCHED)];
    let href = |event: &str| rows_of(rows, (&sink.sink, event), "filtered", &reason);
    html! {
        @if !sink.unheard.is_empty() {
            h3 { "Events that no mapping listens to" }
            p.note { "They arrive and are not sent here. Add a mapping if the platform should get them." }
            ul {
                @for unheard in &sink.unheard {
                    li { (unheard.event) ": " (linked(unheard.events, &href(&unheard.event))) }
                }
            }
        }
    }
}
