//! Reasons that only this sink gives, with their stable codes. The others are those of
//! [`signalbox_conversions::reasons`].

use signalbox_core::Reason;

/// `too_many_test_codes`: the mapping gives too many different test codes, or one that is too long.
pub(crate) fn test_codes() -> Reason {
    Reason::new(
        "too_many_test_codes",
        "test_event_code: longer than 64 bytes, or one more than the 63 that a sink can tell apart; write the code into the mapping",
    )
}

/// Reasons of `compat = "segment"`, for which Segment's destination refuses the event in our place.
pub(crate) mod segment {
    use super::Reason;

    /// `segment_sync_mode`.
    pub(crate) fn sync_mode() -> Reason {
        Reason::new(
            "segment_sync_mode",
            "__segment_internal_sync_mode: Segment's destination knows \"add\" only",
        )
    }

    /// `segment_currency`, for a purchase.
    pub(crate) fn no_currency() -> Reason {
        Reason::new(
            "segment_payload",
            "currency: Segment's destination requires it for purchases",
        )
    }

    /// `segment_currency`.
    pub(crate) fn currency() -> Reason {
        Reason::new(
            "segment_currency",
            "currency: not in the list of codes that Segment's destination has, all in upper case",
        )
    }

    /// `segment_payload`, for a product without an id.
    pub(crate) fn content_id(index: usize) -> Reason {
        let message =
            format!("contents[{index}].id: empty; Segment's destination then fails the whole event");
        Reason::new("segment_payload", message)
    }

    /// `segment_payload`, for a product with another delivery category.
    pub(crate) fn delivery_category(index: usize) -> Reason {
        let message =
            format!("contents[{index}].delivery_category: must be in_store, home_delivery or curbside");
        Reason::new("segment_payload", message)
    }

    /// `segment_payload`, for an event of a website.
    pub(crate) fn no_user_agent() -> Reason {
        Reason::new(
            "segment_payload",
            "user_data.client_user_agent: Segment's destination requires it for events of websites",
        )
    }
}
