//! Reasons that only this sink gives, with their stable codes. The others are those of
//! [`signalbox_conversions::reasons`].

use signalbox_core::Reason;

/// `ldp_incomplete`, as a filter or as a rejection.
pub(crate) fn ldp_incomplete() -> Reason {
    Reason::new(
        "ldp_incomplete",
        "opt_out_type asks for Limited Data Processing, but state or country is missing, so Pinterest would ignore it",
    )
}

/// `no_identifier`: Pinterest refuses events without an identified user.
pub(crate) fn no_identifier() -> Reason {
    Reason::new(
        "no_identifier",
        "the event has no usable e-mail, no advertising id, and not both IP address and user agent; \
         Pinterest needs one of the three (a phone number or an external id alone will not do)",
    )
}

/// Reasons of `compat = "segment"`, for which Segment's destination refuses the event in our place.
pub(crate) mod segment {
    use super::Reason;

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
}
