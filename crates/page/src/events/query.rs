//! The query of the events. An empty value counts as none, since forms send all of their fields.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::Parameters;
use signalbox_history::{After, Filter, MOST, Outcome};
use signalbox_runtime::history::WantedId;
use signalbox_runtime::operate::Where;

/// The query of the events. All conditions must hold; an id finds pending events too.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Query {
    /// The event with this `messageId`.
    pub(super) message_id: Option<String>,
    /// The events with this id at the destination.
    pub(super) event_id: Option<String>,
    /// The events of this order.
    pub(super) order_id: Option<String>,
    /// The events of a person: the keyed hash that the search for an address, a number or a user id makes.
    pub(super) person: Option<String>,
    /// Name of the sink, or `source:NAME`.
    pub(super) sink: Option<String>,
    /// `true` for records of sinks, `false` for those of sources.
    pub(super) at_sinks: Option<String>,
    /// Name of the source.
    pub(super) source: Option<String>,
    /// Name of the mapping.
    pub(super) mapping: Option<String>,
    /// `true` for records without a mapping, as of events that ended before any, `false` for those of a mapping.
    pub(super) without_mapping: Option<String>,
    /// The event's own name, or that at the destination.
    pub(super) event_name: Option<String>,
    /// The name under which quality and reports count the record: that at the destination, else the event's own.
    pub(super) counted_name: Option<String>,
    /// `delivered`, `duplicate`, `filtered`, `rejected` or `expired`; `pending` lists the events that a sink has not settled.
    pub(super) outcome: Option<String>,
    /// Code of the reason.
    pub(super) reason: Option<String>,
    /// `true` for events that were late at delivery, `false` for the others.
    pub(super) late: Option<String>,
    /// Code of a warning.
    pub(super) warning: Option<String>,
    /// Path of a warning's field; with a code, both are those of one warning.
    pub(super) warning_path: Option<String>,
    /// Name of a match key that the record carried; of several, joined by commas, at least one.
    pub(super) match_key: Option<String>,
    /// Name of a match key that the record did not carry; of several, joined by commas, none.
    pub(super) without_match_key: Option<String>,
    /// Name of a parameter that the record carried, `value`, `currency`, `order_id`, `contents`, `event_id` or `source_url`; of
    /// several, joined by commas, at least one.
    pub(super) parameter: Option<String>,
    /// Name of a parameter that the record did not carry; of several, joined by commas, none.
    pub(super) without_parameter: Option<String>,
    /// ISO 4217 code of the value's currency.
    pub(super) currency: Option<String>,
    /// Records that ended at or after this: Unix milliseconds, a time in UTC such as `2026-11-24T10:00`, a date, or a duration
    /// back from now such as `2h`.
    pub(super) since: Option<String>,
    /// Records that ended before this, in the same forms.
    pub(super) before: Option<String>,
    /// `next` of the page before: the page begins after it.
    pub(super) after: Option<String>,
    /// Most records of a page, at most 1,000. Default: 50.
    pub(super) limit: Option<String>,
    /// `csv` answers a table with a head, of `/api/events` only.
    pub(super) format: Option<String>,
}

/// The outcome of events that have none yet.
pub(super) const PENDING: &str = "pending";

/// Returns a value unless it is empty.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(|value| value.trim()).filter(|value| !value.is_empty())
}

impl Query {
    /// Returns the id to find.
    pub(super) fn id(&self) -> Option<WantedId> {
        type Make = fn(String) -> WantedId;
        let ids: [(&Option<String>, Make); 4] = [
            (&self.message_id, WantedId::MessageId),
            (&self.event_id, WantedId::EventId),
            (&self.order_id, WantedId::OrderId),
            (&self.person, WantedId::Person),
        ];
        let mut ids = ids.into_iter();
        ids.find_map(|(value, make)| given(value.as_ref()).map(|id| make(id.to_owned())))
    }

    /// Returns the conditions on records.
    pub(super) fn filter(&self) -> Result<Filter, String> {
        let text = |value: &Option<String>| given(value.as_ref()).map(str::to_owned);
        let outcome = given(self.outcome.as_ref()).filter(|outcome| *outcome != PENDING);
        if outcome.is_some_and(|outcome| Outcome::named(outcome).is_none()) {
            return Err(
                "The outcome must be delivered, duplicate, filtered, rejected, expired or pending."
                    .to_owned(),
            );
        }
        Ok(Filter {
            sink: text(&self.sink),
            at_sinks: flag("at_sinks", self.at_sinks.as_ref())?,
            source: text(&self.source),
            mapping: text(&self.mapping),
            without_mapping: flag("without_mapping", self.without_mapping.as_ref())?,
            event_name: text(&self.event_name),
            counted_name: text(&self.counted_name),
            outcome: outcome.map(str::to_owned),
            reason: text(&self.reason),
            late: flag("late", self.late.as_ref())?,
            warning: text(&self.warning),
            warning_path: text(&self.warning_path),
            match_key: text(&self.match_key),
            without_match_key: text(&self.without_match_key),
            parameter: parameters("parameter", self.parameter.as_ref())?,
            without_parameter: parameters("without_parameter", self.without_parameter.as_ref())?,
            currency: text(&self.currency),
            since: moment("since", self.since.as_ref())?,
            before: moment("before", self.before.as_ref())?,
        })
    }

    pub(super) fn after(&self) -> Result<Option<After>, String> {
        let after = given(self.after.as_ref()).map(str::parse);
        after
            .transpose()
            .map_err(|problem: &str| format!("The value of after: {problem}."))
    }

    pub(super) fn limit(&self) -> Result<Option<usize>, String> {
        let limit = given(self.limit.as_ref()).map(str::parse::<usize>).transpose();
        let limit = limit
            .ok()
            .filter(|limit| limit.is_none_or(|limit| (1..=MOST).contains(&limit)));
        limit.ok_or_else(|| format!("The limit must be a number from 1 to {MOST}."))
    }

    /// True if pending events are wanted, which no history has.
    pub(super) fn wants_pending(&self) -> bool {
        given(self.outcome.as_ref()) == Some(PENDING)
    }

    pub(super) fn wants_csv(&self) -> bool {
        self.format.as_deref() == Some("csv")
    }

    /// Lists the pairs that choose records, with another page or format.
    pub(super) fn pairs<'q>(&'q self, others: &[(&'static str, &'q str)]) -> Vec<(&'static str, &'q str)> {
        let pairs = [
            ("message_id", &self.message_id),
            ("event_id", &self.event_id),
            ("order_id", &self.order_id),
            ("person", &self.person),
            ("sink", &self.sink),
            ("at_sinks", &self.at_sinks),
            ("source", &self.source),
            ("mapping", &self.mapping),
            ("without_mapping", &self.without_mapping),
            ("event_name", &self.event_name),
            ("counted_name", &self.counted_name),
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("late", &self.late),
            ("warning", &self.warning),
            ("warning_path", &self.warning_path),
            ("match_key", &self.match_key),
            ("without_match_key", &self.without_match_key),
            ("parameter", &self.parameter),
            ("without_parameter", &self.without_parameter),
            ("currency", &self.currency),
            ("since", &self.since),
            ("before", &self.before),
            ("limit", &self.limit),
        ];
        let pairs = pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key, given(value.as_ref())?)));
        pairs.chain(others.iter().copied()).collect()
    }
}

fn flag(key: &str, value: Option<&String>) -> Result<Option<bool>, String> {
    let flag = given(value).map(str::parse).transpose();
    flag.map_err(|_| format!("The value of {key} must be true or false."))
}

fn parameters(key: &str, value: Option<&String>) -> Result<Option<Parameters>, String> {
    let set = given(value).map(str::parse).transpose();
    set.map_err(|problem: String| format!("The value of {key}: {problem}."))
}

/// Reads a moment.
fn moment(key: &str, value: Option<&String>) -> Result<Option<i64>, String> {
    let Some(text) = given(value) else { return Ok(None) };
    let utc = |at: DateTime| Some(TimeZone::UTC.to_timestamp(at).ok()?.as_millisecond());
    let at = text
        .parse::<i64>()
        .ok()
        .or_else(|| match text.parse() {
            Ok(Where::Time(at)) => Some(at),
            Ok(Where::Position(_)) | Err(_) => None,
        })
        .or_else(|| utc(text.parse().ok()?));
    at.map(Some).ok_or_else(|| {
        format!(
            "The value of {key} must be a time in UTC such as 2026-11-24T10:00, a date, a duration back from now such as 2h, \
             or Unix milliseconds."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_of_a_form_are_no_conditions() {
        let query = Query {
            sink: Some(String::new()),
            outcome: Some(" ".into()),
            late: Some(String::new()),
            order_id: Some(" A-1 ".into()),
            ..Query::default()
        };
        assert_eq!(query.filter(), Ok(Filter::default()));
        assert!(matches!(query.id(), Some(WantedId::OrderId(id)) if id == "A-1"));
        assert_eq!(
            query.pairs(&[("format", "csv")]),
            [("order_id", "A-1"), ("format", "csv")]
        );
    }

    #[test]
    fn moments_are_read_in_each_form() {
        let read = |text: &str| moment("since", Some(&text.to_owned()));
        for text in [
            "1795953600000",
            "2026-11-29T12:00:00Z",
            "2026-11-29T12:00",
            "2026-11-29T13:00:00+01:00",
        ] {
            assert_eq!(read(text), Ok(Some(1_795_953_600_000)), "{text}");
        }
        assert_eq!(read("2026-11-29"), Ok(Some(1_795_910_400_000)));
        let hour = crate::words::now() - read("1h").unwrap().unwrap();
        assert!((3_600_000..3_610_000).contains(&hour), "{hour}");
        assert!(read("yesterday").is_err());
        let wrong =
            |query: Query| query.filter().is_err() || query.limit().is_err() || query.after().is_err();
        for (key, value) in [
            ("outcome", "lost"),
            ("late", "maybe"),
            ("without_mapping", "all"),
            ("without_parameter", "value,price"),
            ("limit", "0"),
            ("limit", "2000"),
            ("after", "x"),
        ] {
            let mut query = Query::default();
            let field = match key {
                "outcome" => &mut query.outcome,
                "late" => &mut query.late,
                "without_mapping" => &mut query.without_mapping,
                "without_parameter" => &mut query.without_parameter,
                "limit" => &mut query.limit,
                _ => &mut query.after,
            };
            *field = Some(value.to_owned());
            assert!(wrong(query), "{key} {value}");
        }
    }
}
