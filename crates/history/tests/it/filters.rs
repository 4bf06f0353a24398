//! Filters over many rows find what reading all rows finds, whether the blocks of rows are finished or not.

use std::borrow::Cow;
use std::sync::Arc;

use signalbox_core::{Parameter, Parameters};
use signalbox_history::{By, Entry, Filter, History, Outcome, Reader, Record, Report, Warned};

use super::support::{filtered, keep, now, record, start};

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
        if n.is_multiple_of(70) {
            row.sink = "source:web".into();
        }
        if n.is_multiple_of(3) {
            row.warnings.clear();
        }
        if n.is_multiple_of(500) {
            row.warnings = vec![
                warned("late", "user_data.ph"),
                warned("phone_without_country", ""),
            ];
            row.match_keys = Some(Cow::Owned(Arc::new(["phone", "idfa"].into_iter().collect())));
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
        if n.is_multiple_of(900) {
            row.match_keys = None;
        }
        if n.is_multiple_of(1_300) {
            // A destination without names for conversions, match keys and parameters.
            (row.event_name, row.match_keys) = (None, None);
        }
        if n == 5_000 {
            row.mapping = Some("Rare".into());
            row.event_name = Some("signup".into());
        }
        if n.is_multiple_of(1_700) {
            row.mapping = None;
        }
        if n.is_multiple_of(1_950) {
            // An own name that is that of a conversion, too.
            row.event = "signup".into();
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
            .any(|key| entry.match_keys.iter().any(|known| known == key.trim()))
    };
    let has = |wanted: Parameters| {
        let known = entry.parameters.as_ref()?;
        Some(wanted.names().any(|name| known.iter().any(|known| known == name)))
    };
    let at_source = entry.sink.starts_with("source:");
    is(&filter.sink, Some(&entry.sink))
        && filter.at_sinks.is_none_or(|at_sinks| at_sinks != at_source)
        && is(&filter.mapping, entry.mapping.as_deref())
        && filter
            .without_mapping
            .is_none_or(|without| without == entry.mapping.is_none())
        && (is(&filter.event_name, entry.event_name.as_deref()) || is(&filter.event_name, Some(&entry.event)))
        && is(
            &filter.counted_name,
            Some(entry.event_name.as_deref().unwrap_or(&entry.event)),
        )
        && is(&filter.outcome, Some(&entry.outcome))
        && is(&filter.reason, entry.reason.as_deref())
        && filter.late.is_none_or(|late| late == entry.late)
        && filter.warning.as_ref().is_none_or(warned)
        && filter.warning_path.as_ref().is_none_or(at)
        && filter.match_key.as_ref().is_none_or(carries)
        && filter
            .without_match_key
            .as_ref()
            .is_none_or(|keys| entry.event_name.is_some() && !carries(keys))
        && filter.parameter.is_none_or(|wanted| has(wanted) == Some(true))
        && filter
            .without_parameter
            .is_none_or(|wanted| has(wanted) == Some(false))
        && is(&filter.currency, entry.currency.as_deref())
        && filter.since.is_none_or(|since| entry.ended_at >= since)
        && filter.before.is_none_or(|before| entry.ended_at < before)
}

fn check(history: &History, begin: i64) {
    let reader = history.reader();
    let all = pages(&reader, &Filter::default(), 1_000);
    assert_eq!(all.len() as u64, ROWS);
    let text = |text: &str| Some(text.to_owned());
    let set = |names: &str| Some(names.parse().unwrap());
    let none = Filter::default;
    let filters = [
        Filter {
            sink: text("other"),
            ..none()
        },
        Filter {
            at_sinks: Some(true),
            late: Some(true),
            ..none()
        },
        Filter {
            at_sinks: Some(false),
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
            without_mapping: Some(true),
            ..none()
        },
        Filter {
            without_mapping: Some(false),
            sink: text("other"),
            ..none()
        },
        Filter {
            event_name: text("signup"),
            ..none()
        },
        Filter {
            counted_name: text("signup"),
            ..none()
        },
        Filter {
            counted_name: text("Order Completed"),
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
            without_match_key: text("idfa"),
            sink: text("other"),
            ..none()
        },
        Filter {
            without_match_key: text("email, phone"),
            ..none()
        },
        Filter {
            match_key: text("phone"),
            without_match_key: text("email"),
            ..none()
        },
        Filter {
            parameter: set("order_id"),
            ..none()
        },
        Filter {
            parameter: set("contents,order_id"),
            without_parameter: set("currency"),
            sink: text("other"),
            ..none()
        },
        Filter {
            without_parameter: set("order_id"),
            ..none()
        },
        Filter {
            without_parameter: set("order_id,value"),
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

#[test]
fn rows_hold_the_parameters_that_sums_count() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let with = |bits: u8| Record {
        parameters: Parameters::from_bits(bits),
        ..record(bits.into())
    };
    let all = 1 << Parameter::ALL.len();
    keep(&history, (0..all).map(with).chain([filtered(99)]).collect());
    let reader = history.reader();
    let rows = pages(&reader, &Filter::default(), 100);
    assert_eq!(rows[0].parameters, None, "no record was made");
    for (bits, row) in (0..all).rev().zip(&rows[1..]) {
        let names: Vec<&str> = Parameters::from_bits(bits).names().collect();
        assert_eq!(row.parameters.as_deref().unwrap(), names);
    }
    let report = Report {
        by: vec![By::Outcome],
        details: true,
        ..Report::default()
    };
    let sums = reader.report(&report).unwrap().sums;
    let delivered = sums.iter().find(|sum| sum.group == ["delivered"]).unwrap();
    for parameter in Parameter::ALL {
        let set = Some(parameter.name().parse().unwrap());
        let with = Filter {
            parameter: set,
            ..Filter::default()
        };
        let without = Filter {
            without_parameter: set,
            ..Filter::default()
        };
        let found = [with, without].map(|filter| i64::try_from(pages(&reader, &filter, 100).len()).unwrap());
        let count = delivered.parameters[parameter.name()];
        assert_eq!(found, [count, delivered.count - count], "{}", parameter.name());
    }
}

#[test]
fn rows_of_a_counted_name_and_of_no_mapping_are_those_that_sums_count() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let named = |n: u64, event: &'static str, event_name: Option<&'static str>| Record {
        event: event.into(),
        event_name: event_name.map(Into::into),
        mapping: event_name.map(|_| "Checkout".into()),
        ..record(n)
    };
    keep(
        &history,
        vec![
            named(0, "Signed Up", Some("signup")),
            named(1, "signup", Some("lead")),
            named(2, "signup", Some("lead")),
            named(3, "signup", None),
            named(4, "lead", Some("signup")),
            named(5, "Order Completed", None),
        ],
    );
    let reader = history.reader();
    let report = Report {
        by: vec![By::EventName, By::Mapping],
        ..Report::default()
    };
    let sums = reader.report(&report).unwrap().sums;
    let counts: Vec<(&str, &str, i64)> = sums
        .iter()
        .map(|sum| (&*sum.group[0], &*sum.group[1], sum.count))
        .collect();
    let wanted = [
        ("Order Completed", "", 1),
        ("lead", "Checkout", 2),
        ("signup", "", 1),
        ("signup", "Checkout", 2),
    ];
    assert_eq!(counts, wanted);
    for (name, mapping, count) in counts {
        let filter = Filter {
            counted_name: Some(name.to_owned()),
            mapping: (!mapping.is_empty()).then(|| mapping.to_owned()),
            without_mapping: mapping.is_empty().then_some(true),
            ..Filter::default()
        };
        let found = i64::try_from(pages(&reader, &filter, 100).len()).unwrap();
        assert_eq!(found, count, "{filter:?}");
    }
    let by_either_name = Filter {
        event_name: Some("signup".to_owned()),
        ..Filter::default()
    };
    assert_eq!(pages(&reader, &by_either_name, 100).len(), 5);
}
