//! Reasons that only this sink gives, with their stable codes. The others are those of
//! [`signalbox_conversions::reasons`].

use signalbox_core::{Reason, Warning};

use crate::options::EventSource;

signalbox_conversions::reasons! {
    /// `no_event_source_id`: the mapping chose a source whose id the settings do not name.
    no_event_source_id = "no_event_source_id",
        "event_source: the mapping says \"crm\" where crm_event_set_id is not set, or \"web\" in a sink of the CRM; \
         set the id, or send the event to a sink of its source";
    /// `missing_field`: the event has no name.
    no_event_name = "missing_field", "event: TikTok needs a name";
    /// `missing_field`: nothing tells a copy of the event from another event.
    no_event_id = "missing_field",
        "event_id: TikTok recognises copies by it; map it, or set require_event_id to false";
    /// `missing_field`: a web event without a page.
    no_page_url = "missing_field",
        "url: TikTok needs the page's address with web events; map it for events of servers, and send those \
         of apps with event_source = \"app\"";
    /// `missing_field`: a CRM event without a lead.
    no_lead_id = "missing_field",
        "lead_fields.lead_id: TikTok can use a CRM event only with the id of its lead";
    /// `missing_field`: an event of an app that nothing names.
    no_app_id = "missing_field",
        "app.app_id: TikTok needs the number or package of the app; map it if context.app has no namespace";
    /// `too_old`: the event was too old when it arrived.
    too_old = "too_old", "timestamp: further back than max_age allows";
    /// `opt_out_unsupported`, as a filter or as a rejection.
    opt_out_unsupported = "opt_out_unsupported",
        "the user has opted out, which TikTok's offline and CRM events cannot say; see on_unsupported";
}

/// `unsupported_event`: TikTok's page does not give events of this source such a name.
pub(crate) fn unsupported_event(source: EventSource) -> Reason {
    let message = match source {
        EventSource::Crm => {
            "event: one of TikTok's standard events, while a CRM event needs a name of your own; map it"
        }
        _ => "event: not one of TikTok's standard events, which offline events must be; map it",
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
    signalbox_conversions::reasons! {
        /// `segment_validation`, for a name that the destination for app events does not list.
        event_name = "segment_validation",
            "event: none of the names that Segment's destination for app events takes";
        /// `segment_validation`, for a text in place of the properties.
        method = "segment_validation",
            "vehicle_fields.trim: must be text, and Segment's destination finds a method of `properties`";
        /// `segment_content_id`.
        content_id = "segment_content_id",
            "contents: every product needs a content_id, as Segment's destination for app events asks";
        /// `segment_no_identifier`.
        no_identifier = "segment_no_identifier",
            "no e-mail, no phone number and no external id, of which Segment's destination for offline events \
             needs one";
    }
}
