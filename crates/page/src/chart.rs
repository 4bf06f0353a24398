//! Charts as SVG, drawn by the server. A chart is a picture for the eye; the table below it has the numbers, and their links.

use maud::{Markup, html};

use crate::words;

/// A column of a chart: counts that are stacked, in the order of the chart's series.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The label in the table, such as `14:00`.
    pub(crate) label: String,
    /// The counts, each with the address of the rows behind it; an empty one if there is none.
    pub(crate) counts: Vec<(u64, String)>,
}

/// Size of the drawing; the style sheet scales it.
const SIZE: (usize, usize) = (720, 140);
/// Least height of a count that is not zero.
const LEAST: usize = 2;

/// Draws columns. `series` has the name of each count and the class of its colour: `good`, `still`, `calm`, `attention` or `bad`.
pub(crate) fn columns(title: &str, series: &[(&str, &str)], columns: &[Column]) -> Markup {
    let (width, height) = SIZE;
    let sum = |column: &Column| column.counts.iter().map(|(count, _)| count).sum::<u64>();
    let most = columns.iter().map(sum).max().unwrap_or(0);
    let step = width / columns.len().max(1);
    let bars = columns.iter().enumerate().map(|(place, column)| {
        let mut top = height;
        let parts = series.iter().zip(&column.counts).filter(|(_, (count, _))| *count > 0);
        let parts: Vec<Markup> = parts
            .map(|((_, class), (count, _))| {
                // A count that is not zero is seen, so each has room for the least height.
                let room = height - LEAST * series.len();
                let tall = scaled(*count, most, room).max(LEAST);
                top = top.saturating_sub(tall);
                html! { rect class=(class) x=(place * step + 1) y=(top) width=(step.saturating_sub(2).max(1)) height=(tall) {} }
            })
            .collect();
        html! { g { title { (column.label) ": " (words::number(sum(column))) } @for part in parts { (part) } } }
    });
    let described = format!("{title}: at most {} in a column", words::number(most));
    html! {
        figure.chart {
            figcaption { (title) }
            svg role="img" aria-label=(described) viewBox=(format!("0 0 {width} {height}")) preserveAspectRatio="none" {
                line class="axis" x1="0" y1=(height) x2=(width) y2=(height) {}
                @for bar in bars { (bar) }
            }
            @if let [first, .., last] = columns {
                div.ends aria-hidden="true" { span { (first.label) } span { "most: " (words::number(most)) } span { (last.label) } }
            }
            ul.legend { @for (name, class) in series { li { span class={ "swatch " (class) } {} (name) } } }
            details {
                summary { "The numbers" }
                (table(title, series, columns))
            }
        }
    }
}

fn table(title: &str, series: &[(&str, &str)], columns: &[Column]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table {
                caption.hidden { (title) }
                thead { tr { th scope="col" { "Time (UTC)" } @for (name, _) in series { th scope="col" class="number" { (name) } } } }
                tbody {
                    @for column in columns {
                        tr {
                            th scope="row" { (column.label) }
                            @for (count, href) in &column.counts { td.number { (linked(*count, href)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Shows a number as a link to the rows behind it. A zero has none.
pub(crate) fn linked(count: u64, href: &str) -> Markup {
    html! {
        @if count == 0 || href.is_empty() { (words::number(count)) } @else { a href=(href) { (words::number(count)) } }
    }
}

fn scaled(part: u64, most: u64, height: usize) -> usize {
    let tall = u128::from(part) * height as u128 / u128::from(most.max(1));
    usize::try_from(tall).unwrap_or(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_inside_the_drawing_and_small_counts_are_seen() {
        let column = |counts: [u64; 2]| Column {
            label: "<b>".to_owned(),
            counts: counts.map(|count| (count, "/ui/events".to_owned())).to_vec(),
        };
        let series = [("delivered", "good"), ("rejected", "bad")];
        let drawn = columns("Events", &series, &[column([u64::MAX / 2, 1]), column([0, 0])]).into_string();
        assert!(drawn.contains("height=\"2\""), "{drawn}");
        assert!(!drawn.contains("<b>"), "labels are escaped: {drawn}");
        assert_eq!(drawn.matches("<rect").count(), 2);
        assert_eq!(
            drawn.matches("<a href=\"/ui/events\">").count(),
            2,
            "zeros have no link"
        );
        assert!(columns("None", &series, &[]).into_string().contains("at most 0"));
    }
}
