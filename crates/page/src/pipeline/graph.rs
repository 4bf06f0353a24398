//! The graph of the pipeline as SVG: sources on the left, the journal in the middle, sinks on the right, with the transforms
//! that lie between.

use maud::{Markup, html};

use super::data::{Component, Pipeline};
use crate::words;

/// Width of a box.
const BOX: usize = 200;
/// Height of a box.
const TALL: usize = 44;
/// Height of a row.
const ROW: usize = 64;
/// Left edges of the columns: sources, their transforms, the journal, transforms of sinks, sinks.
const COLUMNS: [usize; 5] = [0, 240, 476, 520, 760];
/// Width of the drawing.
const WIDE: usize = 960;
/// Most characters of a text in a box.
const FITS: usize = 24;

/// A component in its row.
struct Placed<'a> {
    component: &'a Component,
    row: usize,
}

impl Placed<'_> {
    fn middle(&self) -> usize {
        self.row * ROW + TALL / 2
    }
}

/// Draws the graph. Its text alternative is the list of components below it.
pub(super) fn draw(view: &Pipeline) -> Markup {
    let of_kind = |kind: &str| -> Vec<Placed<'_>> {
        let of_kind = view.components.iter().filter(|component| component.kind == kind);
        of_kind
            .enumerate()
            .map(|(row, component)| Placed { component, row })
            .collect()
    };
    let (sources, sinks) = (of_kind("source"), of_kind("sink"));
    let height = sources.len().max(sinks.len()).max(1) * ROW;
    html! {
        div.scroll.graph tabindex="0" role="region" aria-label="Graph of the pipeline" {
            svg role="group" aria-label="Sources on the left, sinks on the right; the list below says the same" width=(WIDE) height=(height) viewBox={ "0 0 " (WIDE) " " (height) } {
                rect.journal x=(COLUMNS[2]) y="0" width="8" height=(height) rx="4" {}
                @for sink in &sinks {
                    @for source in sources.iter().filter(|source| sink.component.inputs.contains(&source.component.name)) {
                        (edge(source, sink))
                    }
                }
                @for source in &sources { (node(source, COLUMNS[0])) (transforms(source, COLUMNS[1])) }
                @for sink in &sinks { (transforms(sink, COLUMNS[3])) (node(sink, COLUMNS[4])) }
            }
        }
    }
}

fn edge(source: &Placed<'_>, sink: &Placed<'_>) -> Markup {
    let (from, to) = (source.middle(), sink.middle());
    let (begin, end) = (COLUMNS[0] + BOX, COLUMNS[4]);
    // Level through the columns of transforms, and curved around the journal between them.
    let (left, right) = (COLUMNS[1] + BOX, COLUMNS[3]);
    let middle = usize::midpoint(left, right);
    let path = format!("M{begin} {from} H{left} C{middle} {from} {middle} {to} {right} {to} H{end}");
    let class = if sink.component.enabled {
        "edge"
    } else {
        "edge off"
    };
    html! { path class=(class) d=(path) {} }
}

fn node(placed: &Placed<'_>, x: usize) -> Markup {
    let component = placed.component;
    let (y, text) = (placed.row * ROW, x + 12);
    let class = match component {
        Component { enabled: false, .. } => "node off",
        Component { held: Some(_), .. } => "node held",
        _ => "node",
    };
    html! {
        a href={ "#" (component.anchor()) } {
            rect class=(class) x=(x) y=(y) width=(BOX) height=(TALL) rx="6" {}
            text.name x=(text) y=(y + 18) { (short(&component.name)) }
            text.more x=(text) y=(y + 36) { (short(&detail(component))) }
        }
    }
}

fn detail(component: &Component) -> String {
    match component {
        Component { enabled: false, .. } => "disabled".to_owned(),
        Component { held: Some(_), .. } => "on hold".to_owned(),
        Component {
            per_minute: Some(rate),
            ..
        } => format!("{} a minute", rate_of(*rate)),
        Component { events, .. } => format!("{} in all", words::number(events.unwrap_or_default())),
    }
}

/// Writes a rate: with one decimal below ten.
pub(super) fn rate_of(rate: f64) -> String {
    match rate {
        none if none <= 0.0 => "0".to_owned(),
        few if few < 10.0 => format!("{few:.1}"),
        many => words::number(many.round() as u64),
    }
}

fn transforms(placed: &Placed<'_>, x: usize) -> Markup {
    let through = &placed.component.through;
    let y = placed.row * ROW;
    html! {
        @if !through.is_empty() {
            rect.node.through x=(x) y=(y) width=(BOX) height=(TALL) rx="6" {}
            text.more x=(x + 12) y=(y + 27) { (short(&through.join(" → "))) }
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(FITS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(kind: &str, name: &str) -> Component {
        Component {
            kind: kind.to_owned(),
            name: name.to_owned(),
            plugin: "webhook".to_owned(),
            summary: String::new(),
            inputs: Vec::new(),
            through: Vec::new(),
            enabled: true,
            held: None,
            events: Some(5),
            rows: String::new(),
            per_minute: None,
            settings: Vec::new(),
            reference: Vec::new(),
            mappings: Vec::new(),
        }
    }

    #[test]
    fn every_input_is_an_edge_and_every_component_a_box() {
        let view = Pipeline {
            components: vec![
                component("source", "web"),
                component("source", "app"),
                component("transform", "geo"),
                Component {
                    inputs: vec!["web".to_owned(), "app".to_owned(), "gone".to_owned()],
                    through: vec!["geo".to_owned(), "<b>".to_owned()],
                    ..component("sink", "pinterest")
                },
                Component {
                    inputs: vec!["web".to_owned()],
                    enabled: false,
                    ..component("sink", &"long".repeat(20))
                },
            ],
        };
        let drawn = draw(&view).into_string();
        assert_eq!(drawn.matches("<path").count(), 3, "{drawn}");
        assert_eq!(drawn.matches("<a href=\"#").count(), 4, "{drawn}");
        assert!(
            drawn.contains("geo → &lt;b&gt;") && drawn.contains("5 in all"),
            "{drawn}"
        );
        assert!(
            !drawn.contains("style=") && drawn.contains(">longlonglonglonglonglong…<"),
            "{drawn}"
        );
        assert_eq!([0.0, 2.34, 99.6].map(rate_of), ["0", "2.3", "100"]);
    }
}
