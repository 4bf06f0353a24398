//! `compat = "segment"`: the JSON values Segment's destination sends, weak points included.

use signalbox_conversions::encode::{
    Object, PlainKey, UserData, null_context, segment_contents, segment_member, segment_value,
};
use signalbox_conversions::field::Kind;
use signalbox_conversions::personal::rules::SEGMENT;
use signalbox_conversions::personal::segment::{self, SegmentHash};
use signalbox_conversions::personal::{Dropped, Field};
use signalbox_conversions::reasons::segment_crash;
use signalbox_conversions::{OptOutPolicy, Refusal, Resolved, Written, key};
use signalbox_segment::time::segment as time;
use signalbox_segment::value::{Value, utf16_len};

use crate::ldp::{self, Codes};
use crate::options::Pinterest;
use crate::reasons;
use crate::wire::{
    APP_INFO, CLICK_ID, CLIENT_IP_ADDRESS, CLIENT_USER_AGENT, CONTENT, CUSTOM_DATA, DEVICE_INFO, LEGACY,
    PARTNER_ID, PERSONAL,
};

pub(crate) fn write<'a>(
    vendor: &Pinterest,
    resolved: Resolved<'a, '_>,
    out: &mut Object<'_>,
) -> Result<Written<'a>, Refusal> {
    let Resolved { event, payload, .. } = resolved;
    let latest = payload.get("data_format").as_str() == Some("latest");
    if !latest && !payload.get("app_name").is_defined() {
        return Err(reasons::segment::app_name().into());
    }
    if null_context(event.root()) {
        return Err(segment_crash().into());
    }
    let members = payload.get("user_data");
    if !identified(members) {
        return Err(reasons::no_identifier().into());
    }

    let fact = event.facts().limited_data_processing.as_ref();
    let codes = fact.map(|fact| Codes::of(fact, vendor.ldp_hash_case));
    let custom = payload.get(if latest { "custom_data_2" } else { "custom_data" });
    let contents = if latest {
        payload.get("contents")
    } else {
        custom.get("contents")
    };
    incomplete_opt_out(vendor.on_incomplete, fact.is_some(), custom, members)?;

    let text = |key: &str| payload.get(key).as_str();
    out.text(key!("event_name"), text("event_name").unwrap_or_default());
    out.text(key!("action_source"), text("action_source").unwrap_or_default());
    match time::event_time(text("event_time").unwrap_or_default()) {
        Some(seconds) => out.integer(key!("event_time"), seconds),
        None => out.raw(key!("event_time"), "null"),
    }
    out.text(key!("event_id"), text("event_id").unwrap_or_default());
    segment_value(out, key!("event_source_url"), payload.get("event_source_url"));
    if let Some(partner) = &vendor.partner_name {
        out.text(key!("partner_name"), partner);
    }
    segment_value(out, key!("opt_out"), payload.get("opt_out"));
    segment_value(
        out,
        key!("advertiser_tracking_enabled"),
        payload.get("advertiser_tracking_enabled"),
    );
    let scratch = resolved.text;
    out.object(key!("user_data"), true, |out| {
        user_data(&mut UserData::new(out), members, codes.as_ref(), scratch)
    })
    .transpose()?;
    out.object(key!("custom_data"), false, |out| {
        for wire in CUSTOM_DATA {
            match wire.kind {
                Kind::Contents => segment_contents(out, wire.key, CONTENT, contents),
                Kind::Own if fact.is_some() => {
                    ldp::with_ldp(custom.get(wire.key.name()).as_str(), scratch);
                    out.text(wire.key, scratch);
                }
                _ => segment_member(out, wire, custom.get(wire.key.name())),
            }
        }
        if let Some(np) = &vendor.np {
            out.text(key!("np"), np);
        }
    });
    if latest {
        for (key, table) in [(key!("app_info"), APP_INFO), (key!("device_info"), DEVICE_INFO)] {
            let info = payload.get(key.name());
            languages_of_two(info)?;
            out.object(key, false, |out| {
                for wire in table {
                    segment_member(out, wire, info.get(wire.key.name()));
                }
            });
        }
    } else {
        for wire in LEGACY {
            segment_member(out, wire, payload.get(wire.key.name()));
        }
    }
    segment_value(out, key!("wifi"), payload.get("wifi"));
    segment_value(out, key!("language"), payload.get("language"));
    let offline = text("action_source") == Some("offline");
    let event_id = text("event_id").filter(|_| !offline);
    Ok(Written {
        event_name: text("event_name").unwrap_or_default(),
        event_id: event_id.unwrap_or_default(),
        may_count_twice: offline,
        ..Written::default()
    })
}

fn identified(members: Value<'_>) -> bool {
    let some = |key: &str| members.get(key).array_len() > 0;
    let text = |key: &str| members.get(key).as_str().is_some_and(|text| !text.is_empty());
    some("email") || some("hashed_maids") || (text("client_ip_address") && text("client_user_agent"))
}

/// An opt-out that Pinterest would ignore follows the policy in both modes.
fn incomplete_opt_out(
    policy: OptOutPolicy,
    fact: bool,
    custom: Value<'_>,
    members: Value<'_>,
) -> Result<(), Refusal> {
    let mapped = !fact && custom.get("opt_out_type").as_str().is_some_and(ldp::asks_for_ldp);
    let some = |key: &str| {
        members
            .get(key)
            .items()
            .any(|item| item.as_str().is_some_and(|text| !text.trim().is_empty()))
    };
    if !mapped || (some("state") && some("country")) {
        return Ok(());
    }
    policy.settle(reasons::ldp_incomplete)
}

fn user_data(
    out: &mut UserData<'_, '_>,
    members: Value<'_>,
    codes: Option<&Codes>,
    scratch: &mut String,
) -> Result<(), Refusal> {
    for personal in PERSONAL {
        let key = personal.key;
        if personal.field == Field::MobileAdId {
            plain(out, CLIENT_IP_ADDRESS, members);
            plain(out, CLIENT_USER_AGENT, members);
        }
        match (codes, personal.field) {
            (Some(codes), Field::State) => out.hashed(key, codes.state()),
            (Some(codes), Field::Country) => out.hashed(key, codes.country()),
            _ => {
                let values = members.get(personal.member);
                if !values.is_defined() {
                    continue;
                }
                let texts = values.items().map(|value| value.as_str().unwrap_or_default());
                let hashed: Result<Vec<SegmentHash<'_>>, Dropped> = texts
                    .map(|text| segment::hash(personal.field, &SEGMENT, text, scratch))
                    .collect();
                let hashed = hashed.map_err(|_| reasons::segment::empty_value())?;
                out.hashed_even_if_empty(key, &hashed);
            }
        }
    }
    plain(out, CLICK_ID, members);
    plain(out, PARTNER_ID, members);
    Ok(())
}

fn plain(out: &mut UserData<'_, '_>, key: PlainKey, members: Value<'_>) {
    match members.get(key.name()) {
        Value::Str(text) => out.plain(key, text),
        Value::Null => out.null(key),
        _ => {}
    }
}

fn languages_of_two(info: Value<'_>) -> Result<(), Refusal> {
    let two = |item: Value<'_>| item.as_str().is_some_and(|text| utf16_len(text) == 2);
    match info.get("languages").items().all(two) {
        true => Ok(()),
        false => Err(reasons::segment::languages().into()),
    }
}
