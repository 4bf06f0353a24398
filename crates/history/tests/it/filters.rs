//! Filters over many rows find what reading all rows finds, whether the blocks of rows are finished or not.

use std::sync::Arc;

use signalbox_history::{Entry, Filter, History, Outcome, Reader, Record, Warned};

use super::support::{keep, now, record, start};

const ROWS: u64 = 9_500;

/// Rows in which some names and outcomes are rare; row `n` ended `n` milliseconds after `begin`.
fn rows(begin: i64) -> Vec<Record<'static>> {
    let row = |n: u64| {
        let mut row = record(n);
        row.ended_at = begin + i64::try_from(n).unwrap();
        row.late = (6_000..6_100).contains(&n);
        if n.is_multiple_of(2) {
            row.sink = "other".into();
        }
        if n.is_multiple_of(3) {
            row.warnings.clear();
        }
        if n.is_multiple_of(500) {
            row.warnings = vec![
                warned("late", "user_data.ph"),
                warned("phone_without_country", ""),
            ];
            row.match_keys = Some(Arc::new(["phone", "idfa"].into_iter().collect()));
        }
        if n == 3_001 || n == 9_400 {
            row.outcome = Outcome::Rejected;
            row.reason = Some("too_old".into());
        }
        if n.is_multiple_of(700)
            && let Some(value) = &mut row.value
        {
            value.currency = Some("SEK".into());
        }
        if n == 5_000 {
            row.mapping = Some("Rare".into());
            row.event_name = Some("signup".into());
        }
        row
    };
    (0..ROWS).map(row).collect()
}

fn warned(code: &'static str, path: &'static str) -> Warned<'static> {
    Warned {
        code: code.into(),
        path: path.into(),
    }
}

/// Reads all pages of a filter.
fn pages(reader: &Reader, filter: &Filter, limit: usize) -> Vec<Entry> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = reader.latest(filter, after.as_ref(), limit).unwrap();
        entries.extend(page.entries);
        match page.next {
            None => return entries,
            next => after = next,
        }
    }
}

fn is_wanted(entry: &Entry, filter: &Filter) -> bool {
    let is = |wanted: &Option<String>, known: Option<&str>| wanted.is_none() || wanted.as_deref() == known;
    let warned = |code: &String| entry.warnings.iter().any(|warning| warning.code == *code);
    let at = |path: &String| {
        let code =
            |wanted: &Option<String>, code: &String| wanted.as_ref().is_none_or(|wanted| wanted == code);
        let mut warnings = entry.warnings.iter();
        warnings.any(|warning| warning.path == *path && code(&filter.warning, &warning.code))
    };
    let carries = |keys: &String| {
        keys.split(',')
            .any(|key| entry.match_keys.iter().any(|known| known == key))
    };
    is(&filter.sink, Some(&entry.sink))
        && is(&filter.mapping, entry.mapping.as_deref())
        && is(&filter.event_name, entry.event_name.as_deref())
        && is(&filter.outcome, Some(&entry.outcome))
        && is(&filter.reason, entry.reason.as_deref())
        && filter.late.is_none_or(|late| late == entry.late)
        && filter.warning.as_ref().is_none_or(warned)
        && filter.warning_path.as_ref().is_none_or(at)
        && filter.match_key.as_ref().is_none_or(carries)
        && is(&filter.currency, entry.currency.as_deref())
        && filter.since.is_none_or(|since| entry.ended_at >= since)
        && filter.before.is_none_or(|before| entry.ended_at < before)
}

fn check(history: &History, begin: i64) {
    let reader = history.reader();
    let all = pages(&reader, &Filter::default(), 1_000);
    assert_eq!(all.len() as u64, ROWS);
    let text = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    let filters = [
        Filter {
            sink: text("other"),
            ..none()
        },
        Filter {
            outcome: text("rejected"),
            ..none()
        },
        Filter {
            outcome: text("expired"),
            ..none()
        },
        Filter {
            outcome: text("rejected"),
            sink: text("other"),
            ..none()
        },
        Filter {
            reason: text("too_old"),
            sink: text("ads"),
            late: Some(true),
            ..none()
        },
        Filter {
            late: Some(true),
            ..none()
        },
        Filter {
            late: Some(false),
            mapping: text("Rare"),
            ..none()
        },
        Filter {
            event_name: text("signup"),
            ..none()
        },
        Filter {
            warning: text("phone_without_country"),
            sink: text("other"),
            ..none()
        },
        Filter {
            warning_path: text("user_data.ph"),
            ..none()
        },
        Filter {
            warning: text("phone_without_country"),
            warning_path: text("user_data.ph"),
            ..none()
        },
        Filter {
            match_key: text("idfa"),
            since: Some(begin + 1_000),
            ..none()
        },
        Filter {
            match_key: text("gaid,idfa"),
            warning: text("late"),
            ..none()
        },
        Filter {
            currency: text("SEK"),
            sink: text("other"),
            ..none()
        },
        Filter {
            currency: text("XXX"),
            ..none()
        },
        // A part of a name is another name.
        Filter {
            match_key: text("mail"),
            ..none()
        },
        Filter {
            since: Some(begin + 9_000),
            ..none()
        },
        Filter {
            before: Some(begin + 4_100),
            sink: text("ads"),
            ..none()
        },
        Filter {
            since: Some(begin + 4_000),
            before: Some(begin + 4_200),
            ..none()
        },
        Filter {
            before: Some(begin),
            ..none()
        },
    ];
    for filter in filters {
        let wanted: Vec<&Entry> = all.iter().filter(|entry| is_wanted(entry, &filter)).collect();
        for limit in [1_000, 700] {
            let found = pages(&reader, &filter, limit);
            assert!(
                found.iter().eq(wanted.iter().copied()),
                "{filter:?}: {}",
                found.len()
            );
        }
    }
}

#[test]
fn filters_find_what_reading_all_rows_finds() {
    let folder = tempfile::tempdir().unwrap();
    let begin = now();
    let mut rows = rows(begin);
    let later = rows.split_off(7_000);
    let history = start(folder.path());
    keep(&history, rows);
    history.close();
    // Another process goes on with the unfinished block.
    let history = start(folder.path());
    keep(&history, later);
    check(&history, begin);
    history.close();
}
