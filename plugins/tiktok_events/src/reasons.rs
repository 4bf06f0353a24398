//! Reasons that only this sink gives, with their stable codes. The others are those of
//! [`signalbox_conversions::reasons`].

use signalbox_core::Reason;

/// `no_event_source_id`: the mapping chose a source whose id the settings do not name.
pub(crate) fn no_event_source_id() -> Reason {
    Reason::new(
        "no_event_source_id",
        "event_source is \"crm\" by the mapping, but crm_event_set_id is not set",
    )
}

/// `too_many_test_codes`: each test code makes requests of its own.
pub(crate) fn too_many_test_codes() -> Reason {
    Reason::new(
        "too_many_test_codes",
        "the mapping of test_event_code has given too many different codes, or one that is too long; a test needs one short \
         code",
    )
}

/// Reasons of `compat = "segment"`, for which Segment's destinations refuse the event in our place.
pub(crate) mod segment {
    use super::Reason;

    /// `segment_content_id`.
    pub(crate) fn content_id() -> Reason {
        Reason::new(
            "segment_content_id",
            "contents: every product needs a content_id, as Segment's destination for app events asks",
        )
    }

    /// `segment_no_identifier`.
    pub(crate) fn no_identifier() -> Reason {
        Reason::new(
            "segment_no_identifier",
            "no e-mail, no phone number and no external id, of which Segment's destination for offline events needs one",
        )
    }
}
