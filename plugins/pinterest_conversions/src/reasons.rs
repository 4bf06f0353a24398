//! Every reason and warning this sink gives, with its stable code.

use signalbox_conversions::time::BadTime;
use signalbox_core::{Reason, Warning};
use signalbox_segment::schema::{FieldError, FieldErrorKind};

/// `no_trigger_matched`: no enabled mapping listens to this event.
pub(crate) fn no_trigger_matched() -> Reason {
    Reason::new("no_trigger_matched", "no mapping listens to this event")
}

/// `ldp_incomplete`, as a filter or as a rejection.
pub(crate) fn ldp_incomplete() -> Reason {
    Reason::new(
        "ldp_incomplete",
        "opt_out_type asks for Limited Data Processing, but state or country is missing, so Pinterest would ignore it",
    )
}

/// `no_identifier`: Pinterest refuses events of nobody.
pub(crate) fn no_identifier() -> Reason {
    Reason::new(
        "no_identifier",
        "the event has no usable e-mail, no advertising id, and not both IP address and user agent; \
         Pinterest needs one of the three (a phone number or an external id alone will not do)",
    )
}

/// `missing_field` or `invalid_field`: a required field is empty or does not fit.
pub(crate) fn required(errors: &[FieldError]) -> Reason {
    let code = match errors.first().map(|error| error.kind) {
        Some(FieldErrorKind::Missing) => "missing_field",
        _ => "invalid_field",
    };
    Reason::new(code, sentences(errors))
}

/// `unreadable_time`: the mapped `event_time` is no time.
pub(crate) fn bad_time(error: BadTime) -> Reason {
    match error {
        BadTime::Empty => Reason::new("missing_field", "event_time: no time is given"),
        BadTime::Unreadable => Reason::new(
            "unreadable_time",
            "event_time: cannot be read; use ISO 8601, or epoch seconds or milliseconds",
        ),
    }
}

/// `mapping_failed`: a directive met a value it cannot work with.
pub(crate) fn mapping_failed(message: String) -> Reason {
    Reason::new("mapping_failed", message)
}

/// Reasons of `compat = "segment"`: what Segment's destination refuses in our place.
pub(crate) mod segment {
    use super::{FieldError, Reason, sentences};

    /// `segment_validation`.
    pub(crate) fn validation(errors: &[FieldError]) -> Reason {
        Reason::new("segment_validation", sentences(errors))
    }

    /// `segment_validation`, for the field that only the legacy format requires.
    pub(crate) fn app_name() -> Reason {
        Reason::new(
            "segment_validation",
            "app_name: required by Segment's destination if data_format is not \"latest\"",
        )
    }

    /// `segment_languages`.
    pub(crate) fn languages() -> Reason {
        Reason::new(
            "segment_languages",
            "device_info.languages: every entry must be a code of two characters, as Segment's destination asks",
        )
    }

    /// `segment_empty_value`.
    pub(crate) fn empty_value() -> Reason {
        Reason::new(
            "segment_empty_value",
            "user_data.phone: no digits; Segment's destination then fails the whole event",
        )
    }

    /// `segment_crash`.
    pub(crate) fn crash() -> Reason {
        Reason::new(
            "segment_crash",
            "context or context.personas is null, on which Segment's destination fails",
        )
    }
}

fn sentences(errors: &[FieldError]) -> String {
    let mut text = String::new();
    for error in errors {
        if !text.is_empty() {
            text.push(' ');
        }
        if !error.path.is_empty() {
            text.push_str(&error.path);
            text.push_str(": ");
        }
        text.push_str(&error.message);
    }
    text
}

/// A value left out since it does not fit its field: `wrong_type`, `unknown_choice`, `too_long`, `out_of_range` or
/// `wrong_form`.
pub(crate) fn dropped(error: FieldError) -> Warning {
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

pub(crate) fn too_long(path: &str, limit: usize) -> Warning {
    Warning::new(
        "too_long",
        path,
        format!("left out: Pinterest takes at most {limit} characters"),
    )
}

pub(crate) fn out_of_range(path: &str, least: i64, most: i64) -> Warning {
    let message = if most == i64::MAX {
        format!("left out: Pinterest takes whole numbers from {least} on")
    } else {
        format!("left out: Pinterest takes whole numbers from {least} to {most}")
    };
    Warning::new("out_of_range", path, message)
}

pub(crate) fn wrong_form(path: &str, wanted: &str) -> Warning {
    Warning::new("wrong_form", path, format!("left out: not {wanted}"))
}

pub(crate) fn empty_content(path: &str) -> Warning {
    Warning::new(
        "empty_content",
        path,
        "left out: nothing of this product can be used",
    )
}
