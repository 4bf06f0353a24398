//! Reasons that only this sink gives, with their stable codes. The others are those of
//! [`signalbox_conversions::reasons`].

use signalbox_core::{Reason, Warning};

use crate::options::EventSource;

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

/// `missing_field`: the event has no name.
pub(crate) fn no_event_name() -> Reason {
    missing("event: TikTok needs a name")
}

/// `missing_field`: nothing tells a copy of the event from another event.
pub(crate) fn no_event_id() -> Reason {
    missing("event_id: TikTok recognises copies by it; map it, or set on_missing_event_id to \"send\"")
}

/// `missing_field`: a web event without a page.
pub(crate) fn no_page_url() -> Reason {
    missing(
        "url: TikTok needs the page's address with web events; map it for events of servers, and send those of apps with \
         event_source = \"app\"",
    )
}

/// `missing_field`: a CRM event without a lead.
pub(crate) fn no_lead_id() -> Reason {
    missing("lead_fields.lead_id: TikTok can use a CRM event only with the id of its lead")
}

fn missing(message: &str) -> Reason {
    Reason::new("missing_field", message)
}

/// `in_the_future`: the time of the event is too far ahead of its arrival.
pub(crate) fn in_the_future() -> Reason {
    let message = "timestamp: further ahead of the event's arrival than max_future allows";
    Reason::new("in_the_future", message)
}

/// `too_old`: the event was too old when it arrived.
pub(crate) fn too_old() -> Reason {
    Reason::new("too_old", "timestamp: further back than max_age allows")
}

/// `opt_out_unsupported`, as a filter or as a rejection.
pub(crate) fn opt_out_unsupported() -> Reason {
    Reason::new(
        "opt_out_unsupported",
        "the user has opted out, which TikTok's offline and CRM events cannot say; see on_unsupported",
    )
}

/// `unsupported_event`: TikTok's page does not give events of this source such a name.
pub(crate) fn unsupported_event(source: EventSource) -> Reason {
    let message = match source {
        EventSource::Crm => {
            "event: TikTok takes custom names only for CRM events, and this is a standard one; map it"
        }
        _ => "event: TikTok takes standard names only for offline events, and this is none; map it",
    };
    Reason::new("unsupported_event", message)
}

/// Warns of a currency that is not on TikTok's list.
pub(crate) fn unsupported_currency() -> Warning {
    let message = "left out together with the value, since TikTok does not support this currency";
    Warning::new("unsupported_currency", "currency", message)
}

/// Warns of an iOS app that is not named by its number.
pub(crate) fn app_id_of_ios() -> Warning {
    let message = "sent, but TikTok names an iOS app by its number in the App Store; map it";
    Warning::new("wrong_form", "app.app_id", message)
}

/// Reasons of `compat = "segment"`, for which Segment's destinations refuse the event in our place.
pub(crate) mod segment {
    use super::Reason;

    /// `segment_validation`, for a name that the destination for app events does not list.
    pub(crate) fn event_name() -> Reason {
        Reason::new(
            "segment_validation",
            "event: none of the names that Segment's destination for app events takes",
        )
    }

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
