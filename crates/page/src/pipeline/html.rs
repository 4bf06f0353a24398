//! The pipeline as HTML.

use maud::{Markup, html};
use signalbox_core::{FieldOutline, MappingOutline};

use super::data::{Component, Pipeline};
use super::graph;
use crate::chart::linked;
use crate::words::{self, link};

/// Headings of the kinds.
const KINDS: [(&str, &str); 3] = [
    ("source", "Sources"),
    ("transform", "Transforms"),
    ("sink", "Sinks"),
];

pub(super) fn pipeline(view: &Pipeline, sink: Option<&str>, mapping: Option<&str>) -> Markup {
    html! {
        h1 { "Pipeline" }
        p.note { "The components of the running file, and the events on their way." }
        div #graph data-live { (graph::draw(view)) }
        @for (kind, heading) in KINDS {
            @let of_kind: Vec<&Component> = view.components.iter().filter(|component| component.kind == kind).collect();
            @if !of_kind.is_empty() {
                section aria-labelledby=(kind) {
                    h2 id=(kind) { (heading) }
                    @for component in of_kind { (described(component, sink, mapping)) }
                }
            }
        }
    }
}

fn described(component: &Component, sink: Option<&str>, mapping: Option<&str>) -> Markup {
    let is_chosen = component.kind == "sink" && sink == Some(&component.name);
    html! {
        article.card id=(component.anchor()) aria-label={ (component.kind) " " (component.name) } {
            h3 {
                (component.name) " "
                @if !component.enabled { span.badge { "disabled" } }
                @if component.held.is_some() { span class="badge trouble" { "on hold" } }
            }
            p { code { (component.plugin) } " " (component.summary) }
            @if let Some(held) = &component.held { p { (held) } }
            dl.facts {
                @if !component.inputs.is_empty() { dt { "Listens to" } dd { (component.inputs.join(", ")) } }
                @if !component.through.is_empty() { dt { "Through" } dd { (component.through.join(", then ")) } }
                @if let Some(events) = component.events {
                    dt { (if component.kind == "source" { "Received" } else { "Delivered" }) }
                    dd {
                        (linked(events, &component.rows))
                        @if let Some(rate) = component.per_minute { ", " (graph::rate_of(rate)) " a minute now" }
                    }
                }
            }
            (settings(component))
            (reference(component))
            @if !component.mappings.is_empty() { (mappings(component, mapping.filter(|_| is_chosen))) }
        }
    }
}

fn settings(component: &Component) -> Markup {
    html! {
        @if !component.settings.is_empty() {
            details {
                summary { (words::counted(component.settings.len() as u64, "setting", "settings")) }
                div.scroll tabindex="0" role="region" aria-label={ "Settings of " (component.name) } {
                    table {
                        thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } } }
                        tbody {
                            @for setting in &component.settings {
                                tr {
                                    th scope="row" { code { (setting.path) } }
                                    td {
                                        @match &setting.value {
                                            Some(value) => code { (value) },
                                            None => "set, not shown",
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

fn reference(component: &Component) -> Markup {
    html! {
        @if !component.reference.is_empty() {
            details {
                summary { "Reference of " (component.plugin) }
                div.scroll tabindex="0" role="region" aria-label={ "Reference of " (component.name) } {
                    table {
                        thead { tr { th scope="col" { "Key" } th scope="col" { "Need" } th scope="col" { "Meaning" } } }
                        tbody {
                            @for key in &component.reference {
                                tr { th scope="row" { code { (key.key) } } td { (key.need()) } td { (key.about) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn mappings(component: &Component, chosen: Option<&str>) -> Markup {
    html! {
        details open[chosen.is_some()] {
            summary { (words::counted(component.mappings.len() as u64, "mapping", "mappings")) }
            div.scroll tabindex="0" role="region" aria-label={ "Mappings of " (component.name) } {
                table {
                    thead { tr { th scope="col" { "Mapping" } th scope="col" { "Takes events with" } th scope="col" { "Event name" } } }
                    tbody { @for mapping in &component.mappings { (row(component, mapping)) } }
                }
            }
            @for mapping in component.mappings.iter().filter(|mapping| chosen == Some(&mapping.name)) { (fields(mapping)) }
        }
    }
}

fn row(component: &Component, mapping: &MappingOutline) -> Markup {
    let query = [
        ("sink", component.name.as_str()),
        ("mapping", mapping.name.as_str()),
    ];
    let here = format!("{}#{}", link("pipeline", &query), component.anchor());
    html! {
        tr {
            th scope="row" { a href=(here) { (mapping.name) } }
            td {
                @match mapping.trigger.as_deref() {
                    Some("") => "no event by itself",
                    Some(trigger) => code { (trigger) },
                    None => "every event",
                }
            }
            td { @match &mapping.event_name { Some(name) => code { (name) }, None => "as mapped" } }
        }
    }
}

fn fields(mapping: &MappingOutline) -> Markup {
    html! {
        h4 { "Fields of " (mapping.name) }
        @if mapping.fields.is_empty() { p { "It sends the event as it is." } } @else {
            div.scroll tabindex="0" role="region" aria-label={ "Fields of " (mapping.name) } {
                table {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Sent as" } th scope="col" { "Taken from" } th scope="col" { "Else" } } }
                    tbody { @for field in &mapping.fields { (field_row(field)) } }
                }
            }
        }
    }
}

fn field_row(field: &FieldOutline) -> Markup {
    html! {
        tr {
            th scope="row" { code { (field.field) } }
            td { code { (field.sent_as) } }
            td { (field.source) }
            td { (field.derived) }
        }
    }
}
