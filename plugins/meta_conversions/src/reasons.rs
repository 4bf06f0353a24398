//! Reasons that only this sink gives, with their stable codes. The others are those of
//! [`signalbox_conversions::reasons`].

use signalbox_core::Reason;

signalbox_conversions::reasons! {
    /// `missing_field`, for an event without a name.
    no_name = "missing_field", "event_name: empty, and Meta requires it";
    /// `missing_field`, for a purchase.
    purchase_without_value = "missing_field",
        "currency or value: missing or not usable, and Meta requires both for Purchase";
    /// `too_old`: Meta would refuse the event for its age, and the whole request with it.
    too_old = "too_old",
        "event_time: more than 7 days before the event's arrival, or 62 days for physical_store; Meta takes \
         no older ones";
    /// `no_identifier`: Meta refuses events whose user it could not tell from many others.
    no_identifier = "no_identifier",
        "user_data: too little to identify a user; Meta refuses events with nothing but place, gender and \
         user agent, a date of birth with or without the user agent, or one name with or without the gender";
    /// `ldu_incomplete`, as a filter or as a rejection.
    ldu_incomplete = "ldu_incomplete",
        "the event is under Limited Data Use, but it has neither a state that Meta has a code for nor a \
         usable IP address, so Meta could not tell if the limit applies";
}

/// `missing_field`, for a field that Meta requires with an action source.
pub(crate) fn missing_for(action_source: &str, path: &str) -> Reason {
    let message =
        format!("{path}: empty, and Meta requires it with events of the action source {action_source}");
    Reason::new("missing_field", message)
}

/// Reasons of `compat = "segment"`, for which Segment's destination refuses the event in our place.
pub(crate) mod segment {
    use super::Reason;

    signalbox_conversions::reasons! {
        /// `segment_sync_mode`.
        sync_mode = "segment_sync_mode",
            "__segment_internal_sync_mode: Segment's destination knows \"add\" only";
        /// `segment_payload`, for a purchase.
        no_currency = "segment_payload", "currency: Segment's destination requires it for purchases";
        /// `segment_currency`.
        currency = "segment_currency",
            "currency: not in the list of codes that Segment's destination has, all in upper case";
        /// `segment_payload`, for an event of a website.
        no_user_agent = "segment_payload",
            "user_data.client_user_agent: Segment's destination requires it for events of websites";
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
}
