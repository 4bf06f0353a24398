//! The tester as HTML.

use maud::{Markup, html};
use signalbox_admin::Caller;
use signalbox_core::{Clause, Firing, RequestText, TestMode, TestReply};
use signalbox_runtime::tester::{Change, Changed, How, Step, Trial, TrialField, TrialRecord};

use super::data::{Recent, Tester};
use super::results;
use crate::words::{self, link};

/// The event that the page shows, and the answer to it as a test event.
pub(super) struct Shown<'a> {
    pub(super) message_id: Option<&'a str>,
    pub(super) sink: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    /// Why no source can read the text.
    pub(super) problem: Option<&'a str>,
    /// The sink, and its destination's answer.
    pub(super) reply: Option<(&'a str, &'a TestReply)>,
}

/// Fields of the small form: name, label and the kind of input.
const SMALL: [(&str, &str, &str); 6] = [
    ("event_name", "Event name", "text"),
    ("email", "E-mail", "email"),
    ("value", "Value", "text"),
    ("currency", "Currency", "text"),
    ("order_id", "Order id", "text"),
    ("product_id", "Product id", "text"),
];

pub(super) fn tester(view: &Tester, shown: &Shown<'_>, caller: &Caller) -> Markup {
    html! {
        h1 { "Tester" }
        p.note { "See what each sink makes of an event, and why. Nothing is sent and nothing is counted." }
        @if let Some((sink, reply)) = shown.reply { (answer(sink, reply)) }
        @if !view.trials.is_empty() {
            section aria-labelledby="results" {
                h2 #results tabindex="-1" data-focus { "Results" }
                p { (results::sentence(&view.trials)) }
                @for (index, trial) in view.trials.iter().enumerate() { (result(index, trial, shown, caller)) }
            }
        }
        section aria-labelledby="event" {
            h2 #event { "Event" }
            form method="post" action="/ui/tester" data-show {
                p {
                    label for="text" { "One call as JSON, as a client sends it" }
                    textarea #text name="event" spellcheck="false" aria-invalid=[shown.problem.map(|_| "true")]
                        aria-describedby=[shown.problem.map(|_| "no-event")] data-focus[shown.problem.is_some()] {
                        (shown.text.unwrap_or_default())
                    }
                    @if let Some(problem) = shown.problem { strong.problem #no-event { (problem) } }
                }
                @if let Some(id) = shown.message_id.filter(|_| shown.text.is_none()) {
                    input type="hidden" name="message_id" value=(id);
                    p.note { "Left empty, the form takes the event " code { (id) } " again." }
                }
                details {
                    summary { "Or make an event of a few fields" }
                    div.fields {
                        @for (name, label, kind) in SMALL {
                            label { (label) input type=(kind) name=(name) autocomplete="off"; }
                        }
                    }
                }
                div.fields {
                    label { "Source " (choice("source", "first input of each sink", view.sources.iter().map(String::as_str), shown.source)) }
                    label { "Sink " (choice("sink", "all sinks", view.sinks.iter().map(|sink| &*sink.name), shown.sink)) }
                    button type="submit" { "Test" }
                }
            }
        }
        (recent(&view.recent))
    }
}

fn choice<'a>(name: &str, none: &str, all: impl Iterator<Item = &'a str>, chosen: Option<&str>) -> Markup {
    html! {
        select name=(name) {
            option value="" { (none) }
            @for one in all { option value=(one) selected[chosen == Some(one)] { (one) } }
        }
    }
}

fn recent(events: &[Recent]) -> Markup {
    html! {
        @if !events.is_empty() {
            section aria-labelledby="recent" {
                h2 #recent { "Recent events" }
                div.scroll tabindex="0" role="region" aria-label="Recent events" {
                    table {
                        thead { tr { th scope="col" { "Event" } th scope="col" { "Name" } th scope="col" { "Sink" } th scope="col" { "Outcome" } th scope="col" { "Ended" } } }
                        tbody {
                            @for event in events {
                                tr {
                                    th scope="row" { a href=(link("tester", &[("message_id", &event.message_id)])) { (event.message_id) } }
                                    td { (event.event) }
                                    td { (event.sink) }
                                    td { (event.outcome) }
                                    td { (words::time(event.ended_at)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn answer(sink: &str, reply: &TestReply) -> Markup {
    html! {
        section.state.trouble[!reply.accepted] aria-labelledby="answer" {
            h2 #answer tabindex="-1" data-focus { "Answer of the destination" }
            p { (results::answer(sink, reply)) }
            @if let Some(reading) = &reply.reading { p { (reading) } }
            @if let Some(id) = &reply.request_id { p.note { "Request id: " code { (id) } } }
            @if !reply.body.is_empty() { pre tabindex="0" role="group" aria-label="Body of the answer" { (reply.body) } }
        }
    }
}

fn result(index: usize, trial: &Trial, shown: &Shown<'_>, caller: &Caller) -> Markup {
    let (class, word) = results::outcome(trial.outcome);
    html! {
        article.card aria-label={ "Sink " (trial.sink) } {
            h3 { (trial.sink) " " span class={ "badge " (class) } { (word) } }
            @if let Some(reason) = &trial.reason { p { (reason.message) " " code { (reason.code) } } }
            p.note { "As an event of the source " (trial.source) "." }
            (steps(&trial.steps))
            (mappings(&trial.mappings))
            @for record in &trial.records { (made(&trial.sink, record)) }
            @if let Some(mode) = trial.test {
                @for (number, record) in trial.records.iter().filter(|record| record.reason.is_none()).enumerate() {
                    (send_as_test((index, number), trial, (record, mode), shown, caller))
                }
            }
        }
    }
}

fn steps(steps: &[Step]) -> Markup {
    html! {
        @if !steps.is_empty() {
            h4 { "Is it meant for this sink?" }
            ol.timeline {
                @for step in steps {
                    @let (class, word) = results::step(step.outcome);
                    li {
                        strong { (results::step_name(&step.kind)) @if !step.name.is_empty() { " " (step.name) } } " "
                        span class={ "badge " (class) } { (word) } " "
                        (step.told)
                        @if step.kind == "transform" && step.changes.is_empty() { "It changed no value." }
                        @if !step.changes.is_empty() {
                            details {
                                summary { (words::counted(step.changes.len() as u64, "value changed", "values changed")) }
                                ul { @for change in &step.changes { li { (changed(change)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn changed(change: &Change) -> Markup {
    let (before, after) = (
        change.before.as_deref().unwrap_or_default(),
        change.after.as_deref().unwrap_or_default(),
    );
    html! {
        code { (change.path) }
        @match change.changed {
            Changed::Added => { " added: " (after) },
            Changed::Replaced => { ": " (before) " became " (after) },
            Changed::Removed => { " removed; it was " (before) },
        }
    }
}

fn mappings(firings: &[Firing]) -> Markup {
    let (fired, silent): (Vec<&Firing>, Vec<&Firing>) = firings.iter().partition(|firing| firing.fires);
    html! {
        @if !firings.is_empty() {
            h4 { "Which mapping takes it?" }
            @if fired.is_empty() { p { "None." } }
            @for firing in fired { (triggered(firing)) }
            @if !silent.is_empty() {
                details {
                    summary { (words::counted(silent.len() as u64, "mapping does not take it", "mappings do not take it")) }
                    @for firing in silent { (triggered(firing)) }
                }
            }
        }
    }
}

fn triggered(firing: &Firing) -> Markup {
    html! {
        details open[firing.fires] {
            summary { (firing.mapping) ": " (if firing.fires { "takes the event" } else { "does not take the event" }) }
            @match &firing.trigger {
                Some(trigger) => ul.clauses { (clause(trigger)) },
                None => p { "It takes every event." },
            }
        }
    }
}

fn clause(part: &Clause) -> Markup {
    let mark = if part.holds() {
        "✓ holds"
    } else {
        "✗ does not hold"
    };
    let class = if part.holds() { "good" } else { "trouble" };
    html! {
        li {
            span class={ "badge " (class) } { (mark) } " "
            @match part {
                Clause::All { clauses, .. } => { "all of these:" ul { @for part in clauses { (clause(part)) } } },
                Clause::Any { clauses, .. } => { "one of these:" ul { @for part in clauses { (clause(part)) } } },
                Clause::Test { text, path, found, value, .. } => {
                    code { (text) } ", since " (results::found(path, *found, value.as_deref()))
                },
                Clause::Never { text } => (text),
            }
        }
    }
}

fn made(sink: &str, record: &TrialRecord) -> Markup {
    html! {
        h4 {
            "Record of the mapping " (record.mapping)
            @if let Some(name) = &record.event_name { ": " code { (name) } }
        }
        @if let Some(reason) = &record.reason { p { "There is no record: " (reason.message) " " code { (reason.code) } } }
        @if !record.warnings.is_empty() {
            ul aria-label="Warnings" {
                @for warning in &record.warnings {
                    li { code { (warning.path) } " " (warning.message) " " code { (warning.code) } }
                }
            }
        }
        @if !record.fields.is_empty() { (fields(sink, record)) }
        @if let Some(request) = &record.request { (as_sent(sink, request)) }
    }
}

fn fields(sink: &str, record: &TrialRecord) -> Markup {
    let label = format!("Values of the record of {} for {sink}", record.mapping);
    html! {
        @if record.untried > 0 {
            p.note {
                (words::counted(record.untried as u64, "value of the event was", "values of the event were"))
                " not tried as origins, since the event is large; some origins may be missing."
            }
        }
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Value" } th scope="col" { "Where it comes from" } th scope="col" { "Rule" } } }
                tbody { @for field in &record.fields { (row(field)) } }
            }
        }
    }
}

fn row(field: &TrialField) -> Markup {
    html! {
        tr {
            th scope="row" { code { (field.path) } }
            td { (field.value) @if field.how == How::Hashed { " " span.badge { "hash" } } }
            td {
                (results::how(field.how))
                @for (number, origin) in field.from.iter().enumerate() {
                    @if number > 0 { "," } " " code { (origin.path) }
                    @if field.how != How::Copied { " (" (origin.value) ")" }
                }
            }
            td { (field.rule) }
        }
    }
}

fn as_sent(sink: &str, request: &RequestText) -> Markup {
    html! {
        details {
            summary { "The request" }
            pre tabindex="0" role="group" aria-label={ "Request to " (sink) } {
                (request.method) " " (request.url) "\n"
                @for (name, value) in &request.headers { (name) ": " (value) "\n" }
                "\n" (request.body)
            }
        }
    }
}

fn send_as_test(
    (index, number): (usize, usize),
    trial: &Trial,
    (record, mode): (&TrialRecord, TestMode),
    shown: &Shown<'_>,
    caller: &Caller,
) -> Markup {
    let confirm = mode.counts.then_some(
        "This destination counts test events like any other: for targeting and measurement. Send it all the same?",
    );
    let id = format!("code-{index}-{number}");
    html! {
        @if caller.may_act() {
            form method="post" action="/ui/tester/send" data-show data-confirm=[confirm] {
                @match (shown.text, shown.message_id) {
                    (Some(text), _) => input type="hidden" name="event" value=(text);,
                    (None, id) => input type="hidden" name="message_id" value=(id.unwrap_or_default());,
                }
                input type="hidden" name="source" value=(shown.source.unwrap_or_default());
                input type="hidden" name="sink" value=(shown.sink.unwrap_or_default());
                input type="hidden" name="to" value=(trial.sink);
                input type="hidden" name="mapping" value=(record.mapping);
                @if mode.counts { input type="hidden" name="counts" value="1"; }
                div.fields {
                    @if mode.needs_code {
                        label for=(id) { "Test code of the destination's tool" input #(id) name="code" required maxlength="64" autocomplete="off"; }
                    }
                    button type="submit" { "Send as a test event" }
                }
                @if mode.counts { p.note { "This destination counts test events." } }
            }
        } @else {
            p.note { "Only operators can send it as a test event." }
        }
    }
}
