//! Filters of dates. The host's time zone is UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::item::{Item, js_text};
use super::call::{Call, Filtered, Named};
use super::strftime::{Zone, Zoned, strftime};
use crate::mapping::error::RuntimeError;
use crate::time::{Millis, js_date};
use crate::value::Value;

/// The format without a format.
const FORMAT: &str = "%A, %B %-e, %Y at %-l:%M %P %z";

pub(super) const FILTERS: &[Named] = &[
    ("date", |call| {
        let format = match call.argument(0) {
            format if format.value().is_nullish() => FORMAT,
            format => format.text(call.arena),
        };
        written(call, call.argument(1), |_| format.to_owned())
    }),
    ("date_to_xmlschema", |call| {
        written(call, Item::UNDEFINED, |_| "%Y-%m-%dT%H:%M:%S%:z".to_owned())
    }),
    ("date_to_rfc822", |call| {
        written(call, Item::UNDEFINED, |_| "%a, %d %b %Y %H:%M:%S %z".to_owned())
    }),
    ("date_to_string", |call| day(call, "%b")),
    ("date_to_long_string", |call| day(call, "%B")),
];

fn day<'a>(call: Call<'a>, month: &str) -> Filtered<'a> {
    let word = |at: usize| call.argument(at).value().as_str();
    written(call, Item::UNDEFINED, |date| match (word(0), word(1)) {
        (Some("ordinal"), Some("US")) => format!("{month} {}%q, %Y", date.day),
        (Some("ordinal"), _) => format!("{}%q {month} %Y", date.day),
        _ => format!("%d {month} %Y"),
    })
}

/// Writes the input as a date; an input that is no date stays as it is.
fn written<'a>(call: Call<'a>, zone: Item<'a>, format: impl Fn(&Zoned) -> String) -> Filtered<'a> {
    let Some(instant) = instant(call) else {
        return Ok(call.input);
    };
    let Some(zone) = zone_of(zone, instant, call)? else {
        return Ok(call.input);
    };
    let date = Zoned::new(instant, zone);
    call.made(&strftime(&date, &format(&date))?)
}

fn instant(call: Call<'_>) -> Option<Millis> {
    let seconds = |seconds: f64| {
        let millis = (seconds * 1000.0).trunc();
        (millis.abs() <= Millis::LIMIT.0 as f64).then_some(Millis(millis as i64))
    };
    match call.input.value() {
        Value::Undefined | Value::Null => None,
        Value::Str("now" | "today") => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            Some(Millis(i64::try_from(now.as_millis()).ok()?))
        }
        Value::Number(number) => seconds(number.to_f64()),
        Value::Str(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            seconds(text.parse().ok()?)
        }
        Value::Bool(truth) => Some(Millis(i64::from(truth))),
        other => js_date::parse(js_text(other, call.arena)).map(|read| read.instant),
    }
}

/// Reads an argument that names a time zone, or gives the minutes from local time to UTC. Another value gives none.
fn zone_of<'a>(argument: Item<'a>, at: Millis, call: Call<'a>) -> Result<Option<Zone>, RuntimeError> {
    match argument.value() {
        Value::Undefined | Value::Null => Ok(Some(Zone::Utc)),
        Value::Str(name) => {
            let zone = TimeZone::get(name).ok();
            let at = Timestamp::from_millisecond(at.0).ok();
            match zone.zip(at) {
                Some((zone, at)) => {
                    let minutes = -zone.to_offset(at).seconds() / 60;
                    Ok(Some(Zone::Named(name.to_owned(), minutes)))
                }
                None => Err(RuntimeError::new("date: there is no time zone of this name")),
            }
        }
        _ => {
            let minutes = argument.number(call.arena);
            // Offsets beyond a year are no offsets.
            let minutes = (minutes.abs() < 525_600.0).then_some(minutes as i32);
            Ok(minutes.map(Zone::Offset))
        }
    }
}
