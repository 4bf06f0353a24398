//! `compat = "segment"`: the JSON values Segment's destination sends, weak points included.

use signalbox_conversions::encode::{
    Object, PersonalField, UserData, is_segment_currency, null_context, segment_contents, segment_member,
    segment_value, whole,
};
use signalbox_conversions::field::Kind;
use signalbox_conversions::personal::rules::SEGMENT_META;
use signalbox_conversions::personal::segment::{self as rules, SegmentHash};
use signalbox_conversions::time::{expires_at, unix_seconds};
use signalbox_conversions::{Refusal, Resolved, Written, key, reasons as shared};
use signalbox_core::Facts;
use signalbox_segment::value::{Numbers, Value};

use crate::ldu::{self, BY_ADDRESS, Place};
use crate::options::Meta;
use crate::reasons;
use crate::wire::{CONTENT, CUSTOM_DATA, EXTINFO, PERSONAL, PLAIN};
use crate::write::lifetime;

/// Returns true for the actions whose products and currency are checked, and that always send a currency.
fn is_shop(action: &str) -> bool {
    !matches!(action, PAGE_VIEW | CUSTOM_EVENT)
}

const PAGE_VIEW: &str = "Page View";
/// A mapping without a preset counts as a custom event.
const CUSTOM_EVENT: &str = "Custom Event";

pub(crate) fn write<'a>(
    vendor: &Meta,
    resolved: Resolved<'a, '_>,
    out: &mut Object<'_>,
) -> Result<Written<'a>, Refusal> {
    let (event, payload, preset) = (resolved.event, resolved.payload, resolved.preset);
    if null_context(event.root()) {
        return Err(shared::segment_crash().into());
    }
    let sync_mode = payload.get("__segment_internal_sync_mode");
    if sync_mode.is_defined() && sync_mode.as_str() != Some("add") {
        return Err(reasons::segment::sync_mode().into());
    }
    let action = preset.map_or(CUSTOM_EVENT, |preset| preset.name);
    let members = payload.get("user_data");
    check(action, payload, members)?;
    let place = limited_data_use(event.facts(), payload);
    // An opt-out of the transforms that Meta could not apply follows the policy in both modes.
    if place == Some(BY_ADDRESS)
        && event.facts().limited_data_processing.is_some()
        && some(members.get("client_ip_address")).is_none()
    {
        vendor.on_incomplete.settle(reasons::ldu_incomplete)?;
    }

    let text = |key: &str| payload.get(key).as_str().unwrap_or_default();
    let own_name = preset
        .map(|preset| preset.event_name)
        .filter(|name| !name.is_empty());
    let event_name = own_name.unwrap_or_else(|| text("event_name"));
    out.text(key!("event_name"), event_name);
    out.text(key!("event_time"), text("event_time"));
    for key in [key!("event_source_url"), key!("event_id")] {
        out.text_if_any(key, some(payload.get(key.name())));
    }
    out.text(key!("action_source"), text("action_source"));
    let scratch = resolved.text;
    out.object(key!("user_data"), true, |out| user_data(out, members, scratch));
    app_data(out, payload.get("app_data_field"));
    if let Some(place) = place {
        ldu::write(out, place);
    }
    if action != PAGE_VIEW {
        out.object(key!("custom_data"), true, |out| custom_data(out, action, payload));
    }
    Ok(Written {
        event_name,
        event_id: text("event_id"),
        // Meta tells of duplicates between its pixel and this API only.
        may_count_twice: true,
        batch_key: vendor.batch_key(text("test_event_code"))?,
        expires_at: unix_seconds(text("event_time"))
            .ok()
            .and_then(|time| expires_at(time, lifetime(text("action_source")))),
    })
}

/// Segment's checks, in their order.
fn check(action: &str, payload: Value<'_>, members: Value<'_>) -> Result<(), Refusal> {
    if is_shop(action) {
        let currency = payload.get("currency").as_str().unwrap_or_default();
        if currency.is_empty() && action == "Purchase" {
            return Err(reasons::segment::no_currency().into());
        }
        if !currency.is_empty() && !is_segment_currency(currency) {
            return Err(reasons::segment::currency().into());
        }
        for (index, item) in payload.get("contents").items().enumerate() {
            let text = |key: &str| item.get(key).as_str().unwrap_or_default();
            if text("id").is_empty() {
                return Err(reasons::segment::content_id(index).into());
            }
            if !matches!(
                text("delivery_category"),
                "" | "in_store" | "curbside" | "home_delivery"
            ) {
                return Err(reasons::segment::delivery_category(index).into());
            }
        }
    }
    let website = payload.get("action_source").as_str() == Some("website");
    if action != CUSTOM_EVENT && website && !members.get("client_user_agent").is_defined() {
        return Err(reasons::segment::no_user_agent().into());
    }
    Ok(())
}

/// Writes the user: one hash for each field, a list for the external ids.
fn user_data(out: &mut Object<'_>, members: Value<'_>, scratch: &mut String) {
    for personal in PERSONAL {
        let values = members.get(personal.member);
        if values.is_array() {
            let hashes: Vec<_> = values
                .items()
                .filter_map(|value| hash(personal, value, scratch))
                .collect();
            UserData::new(out).hashed(personal.key, &hashes);
        } else if let Some(hash) = hash(personal, values, scratch) {
            UserData::new(out).hashed_text(personal.key, &hash);
        }
    }
    for wire in PLAIN {
        let value = members.get(wire.member);
        // Zero is an id, an empty text is none.
        if value.as_str() != Some("") {
            segment_value(out, wire.key, value);
        }
    }
}

/// Returns what Segment sends for a value; `None` for a value that it leaves out.
fn hash<'t>(personal: &PersonalField, value: Value<'t>, scratch: &mut String) -> Option<SegmentHash<'t>> {
    let hash = rules::hash(personal.field, &SEGMENT_META, value.as_str()?, scratch).ok()?;
    (!hash.is_blank()).then_some(hash)
}

/// Returns a text that is not empty.
fn some(value: Value<'_>) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// Returns the place of an event under Limited Data Use. The transforms' fact takes precedence over the mapping, whose codes
/// stay as they are.
fn limited_data_use(facts: &Facts, payload: Value<'_>) -> Option<Place> {
    if let Some(fact) = &facts.limited_data_processing {
        return Some(Place::of(fact));
    }
    let code = |key: &str| whole(payload.get(key)).unwrap_or_default();
    let mapped = payload.get("data_processing_options").as_bool() == Some(true);
    mapped.then(|| Place {
        country: code("data_processing_options_country"),
        state: code("data_processing_options_state"),
    })
}

fn app_data(out: &mut Object<'_>, app: Value<'_>) {
    if app.get("use_app_data").as_bool() != Some(true) {
        return;
    }
    out.object(key!("app_data"), true, |out| {
        for key in [
            key!("advertiser_tracking_enabled"),
            key!("application_tracking_enabled"),
        ] {
            out.integer(key, i64::from(app.get(key.name()).as_bool() == Some(true)));
        }
        segment_value(out, key!("madid"), app.get("madId"));
        out.array(key!("extinfo"), true, |array| {
            for wire in EXTINFO {
                array.text(app.get(wire.member).as_str().unwrap_or_default());
            }
        });
    });
}

/// Writes the free custom data, and the fields that take precedence over its members.
fn custom_data(out: &mut Object<'_>, action: &str, payload: Value<'_>) {
    let replaced = |name: &str| match name {
        "currency" if is_shop(action) => true,
        // Their value wins even if they have none.
        "value" if matches!(action, "Purchase" | "Search" | "View Content") => true,
        _ => CUSTOM_DATA
            .iter()
            .any(|(_, wire)| wire.key.name() == name && is_sent(wire.kind, payload.get(name))),
    };
    for (name, value) in payload.get("custom_data").members() {
        if value.is_defined() && !replaced(name) {
            out.property(name, |out| {
                out.with(|out| value.write_json(out, Numbers::JavaScript));
            });
        }
    }
    for (_, wire) in CUSTOM_DATA {
        let value = payload.get(wire.member);
        if wire.kind == Kind::Contents {
            segment_contents(out, wire.key, CONTENT, value);
        } else if is_sent(wire.kind, value) {
            segment_member(out, wire, value);
        }
    }
}

/// Returns true if Segment sends a value of a field: empty texts and lists are left out.
fn is_sent(kind: Kind, value: Value<'_>) -> bool {
    match kind {
        Kind::Text(_) => some(value).is_some(),
        Kind::Texts => value.array_len() > 0,
        _ => value.is_defined(),
    }
}
