//! Reasons and warnings that all conversions sinks share, with their stable codes.

use std::time::Duration;

use signalbox_core::privacy::Removed;
use signalbox_core::{HumanDuration, NO_TRIGGER_MATCHED, Reason, Warning};
use signalbox_segment::schema::{FieldError, FieldErrorKind};

use crate::time::BadTime;

/// Defines functions that make a vendor's reasons: `/// Docs. name = "code", "sentence";` for each.
#[macro_export]
macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $sentence:expr;)*) => {
        $($(#[doc = $doc])* pub(crate) fn $name() -> signalbox_core::Reason {
            signalbox_core::Reason::new($code, $sentence)
        })*
    };
}

/// `no_trigger_matched`: no enabled mapping listens to this event.
pub fn no_trigger_matched() -> Reason {
    Reason::new(NO_TRIGGER_MATCHED, "no mapping listens to this event")
}

/// `missing_field` or `invalid_field`: a required field is empty or does not fit.
pub fn required(errors: &[FieldError]) -> Reason {
    let code = match errors.first().map(|error| error.kind) {
        Some(FieldErrorKind::Missing) => "missing_field",
        _ => "invalid_field",
    };
    Reason::new(code, sentences(errors))
}

/// `segment_validation`: Segment's destination refuses the payload.
pub fn segment_validation(errors: &[FieldError]) -> Reason {
    Reason::new("segment_validation", sentences(errors))
}

/// `segment_validation`, for a field that Segment requires in this preset alone.
pub fn segment_requires(field: &str) -> Reason {
    let message = format!("{field}: required by Segment's destination, and empty");
    Reason::new("segment_validation", message)
}

/// `segment_crash`: Segment's destination fails on the event before it reads a field.
pub fn segment_crash() -> Reason {
    Reason::new(
        "segment_crash",
        "context or context.personas is null, on which Segment's destination fails",
    )
}

/// `unreadable_time` or `missing_field`: the mapped time of the event is no time.
pub fn bad_time(field: &str, error: BadTime) -> Reason {
    match error {
        BadTime::Empty => Reason::new("missing_field", format!("{field}: no time is given")),
        BadTime::Unreadable => Reason::new(
            "unreadable_time",
            format!("{field}: cannot be read; use ISO 8601, or an epoch number, of seconds to nanoseconds"),
        ),
    }
}

/// `in_the_future`: the time of the event is too far ahead of its arrival.
pub fn in_the_future(field: &str, most: Duration) -> Reason {
    let most = HumanDuration(most);
    Reason::new(
        "in_the_future",
        format!("{field}: more than {most} ahead of the event's arrival"),
    )
}

/// `too_many_test_codes`: events with different test codes share no request.
pub fn too_many_test_codes() -> Reason {
    Reason::new(
        "too_many_test_codes",
        "test_event_code: the mapping has given more different codes than the 63 that a sink can tell apart, or one that is \
         too long; a test needs one short code",
    )
}

/// `mapping_failed`: a directive met a value it cannot work with.
pub fn mapping_failed(message: String) -> Reason {
    Reason::new("mapping_failed", message)
}

fn sentences(errors: &[FieldError]) -> String {
    let sentence = |error: &FieldError| match error.path.is_empty() {
        true => error.message.clone(),
        false => format!("{}: {}", error.path, error.message),
    };
    errors.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

/// Warns of a value left out since it does not fit its field: `wrong_type`, `unknown_choice`, `too_long`, `out_of_range` or
/// `wrong_form`.
pub fn dropped(error: FieldError) -> Warning {
    let code = match error.kind {
        FieldErrorKind::Type => "wrong_type",
        FieldErrorKind::Choice => "unknown_choice",
        FieldErrorKind::Length => "too_long",
        FieldErrorKind::Limit => "out_of_range",
        FieldErrorKind::Missing => "missing_field",
        FieldErrorKind::Format => "wrong_form",
    };
    Warning::new(code, error.path, error.message)
}

/// Warns of a text beyond the vendor's limit.
pub fn too_long(vendor: &str, path: &str, limit: usize) -> Warning {
    let message = format!("left out: {vendor} takes at most {limit} characters");
    Warning::new("too_long", path, message)
}

/// Warns of a number outside of the vendor's bounds.
pub fn out_of_range(vendor: &str, path: &str, least: i64, most: i64) -> Warning {
    let message = if most == i64::MAX {
        format!("left out: {vendor} takes whole numbers from {least} on")
    } else {
        format!("left out: {vendor} takes whole numbers from {least} to {most}")
    };
    Warning::new("out_of_range", path, message)
}

/// Warns of a value that is not what its field takes.
pub fn wrong_form(path: &str, wanted: &str) -> Warning {
    Warning::new("wrong_form", path, format!("left out: not {wanted}"))
}

/// Warns of a currency that is none: `wrong_form`.
pub fn no_currency(path: &str) -> Warning {
    wrong_form(
        path,
        "a currency of ISO 4217, or a sign that only one currency has",
    )
}

/// Warns of a source of the value that cannot be read; `at` is its path in the event.
pub fn passed_over(path: &str, at: &str, why: &str) -> Warning {
    Warning::new(
        "unreadable_amount",
        path,
        format!("'{at}' is passed over: it is {why}"),
    )
}

/// Warns of a value that is the sum of the products, since the event names none.
pub fn value_of_products(path: &str) -> Warning {
    let message =
        "the sum of the products' prices: the event names neither value, revenue, subtotal nor total";
    Warning::new("value_of_products", path, message)
}

/// Warns of a currency that was taken from the text of the value, since the event names none beside it.
pub fn currency_of_amount(path: &str) -> Warning {
    Warning::new("currency_of_amount", path, "taken from the text of the value")
}

/// Warns of a currency that is another one than the text of the value names.
pub fn other_currency(path: &str) -> Warning {
    let message = "sent as given, though the text of the value names another currency";
    Warning::new("other_currency", path, message)
}

/// Warns of a value that a transform hashed by other rules than the sink's; `at` is its path in the event.
pub fn hashed_by_other_rules(path: &str, at: &str, rules: &str, own: &str) -> Warning {
    let message = format!(
        "left out: a transform hashed '{at}' by the rules '{rules}', and this sink needs the rules '{own}'"
    );
    Warning::new("hashed_by_other_rules", path, message)
}

/// Warns of a URL or search text from which personal data or secrets were taken out.
pub fn scrubbed(path: &str, removed: Removed) -> Warning {
    Warning::new("scrubbed", path, format!("{removed} was taken out of it"))
}

/// Warns of a hash where the vendor wants the plain value.
pub fn wanted_plain(path: &str) -> Warning {
    let message = "left out: the destination wants plain text, and a transform has hashed the value";
    Warning::new("wanted_plain", path, message)
}

/// Warns of a product without any usable value.
pub fn empty_content(path: &str) -> Warning {
    let message = "left out: nothing of this product can be used";
    Warning::new("empty_content", path, message)
}
