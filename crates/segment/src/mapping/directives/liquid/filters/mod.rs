//! Liquid's filters, by name.

pub(super) mod call;
mod date;
mod encoding;
mod html;
mod json;
mod list;
mod number;
mod strftime;
mod text;
mod url;

use self::call::{Filter, Named};
use crate::mapping::error::RuntimeError;

/// Returns the filter of a name, if Liquid has it.
pub(super) fn named(name: &str) -> Option<Filter> {
    let groups = [
        text::FILTERS,
        list::FILTERS,
        number::FILTERS,
        html::FILTERS,
        url::FILTERS,
        encoding::FILTERS,
        json::FILTERS,
        date::FILTERS,
        DISABLED,
    ];
    let mut filters = groups.iter().copied().flatten();
    filters
        .find(|(known, _)| *known == name)
        .map(|(_, filter)| *filter)
}

/// Refuses filters that Segment disables.
macro_rules! disabled {
    ($($name:literal)*) => {
        &[$(($name, |_| Err(RuntimeError::new(concat!("filter \"", $name, "\" is disabled"))))),*]
    };
}

const DISABLED: &[Named] = disabled!(
    "array_to_sentence_string" "concat" "find" "find_exp" "find_index" "find_index_exp" "group_by" "group_by_exp"
    "has" "has_exp" "map" "newline_to_br" "reject" "reject_exp" "reverse" "sort" "sort_natural" "uniq" "where_exp"
    "type"
);
