//! Tables that fit a terminal: long names lose their middle.

use signalbox_core::escape::plain;

/// Characters of a line that every terminal shows.
const LINE: usize = 80;
/// Characters that a name keeps in any case.
const LEAST: usize = 12;
/// Characters between two columns.
const GAP: usize = 2;

/// Shortens the cells of the first `texts` columns until a line has room for all columns, the widest column first. Returns true
/// if it shortened any.
pub(super) fn fit(head: &[&str], rows: &mut [Vec<String>], texts: usize) -> bool {
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    // The table shows control characters escaped.
    let width = |column: usize, name: &str| {
        let cells = cells(column).map(|cell| plain(cell).chars().count());
        cells.chain([name.chars().count()]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, name)| width(column, name))
        .collect();
    let mut over = (widths.iter().sum::<usize>() + GAP * head.len().saturating_sub(1)).saturating_sub(LINE);
    while over > 0 {
        let names = widths.iter_mut().take(texts).zip(head);
        let least = |name: &&str| LEAST.max(name.chars().count());
        let Some((widest, _)) = names
            .filter(|(width, name)| **width > least(name))
            .max_by_key(|(width, _)| **width)
        else {
            break;
        };
        *widest -= 1;
        over -= 1;
    }
    let mut any = false;
    for row in rows {
        for (cell, width) in row.iter_mut().zip(&widths).take(texts) {
            if let Some(short) = shortened(&plain(cell), *width) {
                *cell = short;
                any = true;
            }
        }
    }
    any
}

/// Takes so much from the middle of a text that it has `width` characters; `None` if it has no more.
fn shortened(text: &str, width: usize) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= width {
        return None;
    }
    let kept = width.saturating_sub(1);
    let (front, back) = (kept.div_ceil(2), kept / 2);
    let front = chars.iter().take(front);
    let back = chars.iter().skip(chars.len() - back);
    Some(front.chain(&['…']).chain(back).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_middle_until_a_line_fits() {
        let head = ["sink", "event_name", "records"];
        let row = |sink: &str, name: &str| vec![sink.to_owned(), name.to_owned(), "1,234".to_owned()];
        let mut rows = vec![row("ads", &"ü".repeat(60))];
        assert!(!fit(&head, &mut rows, 2));
        let mut rows = vec![
            row("pinterest", &"W".repeat(100)),
            row("ads", &format!("{}\u{1b}", "x".repeat(60))),
        ];
        assert!(fit(&head, &mut rows, 2));
        assert_eq!(rows[0][0], "pinterest");
        let widths: Vec<usize> = rows.iter().map(|row| row[1].chars().count()).collect();
        assert_eq!(widths, [60, 60], "{rows:?}");
        assert!(rows[1][1].ends_with("\\u{1b}"), "{rows:?}");
        // What cannot be shortened further stays wide.
        let many: Vec<String> = (0..9).map(|n| format!("{n}{}", "w".repeat(40))).collect();
        let mut rows = vec![many];
        assert!(fit(&["a"; 9], &mut rows, 9));
        assert!(
            rows[0].iter().all(|cell| cell.chars().count() == LEAST),
            "{rows:?}"
        );
    }
}
