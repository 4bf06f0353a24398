//! `compat = "pinterest"`: wrong values are left out with a warning, values that are there are used, nothing is invented.

use std::time::Duration;

use signalbox_conversions::encode::{Members, Object, UserData, Wire, languages};
use signalbox_conversions::field::Kind;
use signalbox_conversions::{Parent, Refusal, Resolved, Written, key, page, reasons};
use signalbox_segment::value::Value;

use crate::derive::{ACTION_SOURCE, OPT_OUT};
use crate::ldp::{self, Codes};
use crate::options::Pinterest;
use crate::payload::{contents, is_latest, top};
use crate::wire::{APP_INFO, CONTENT, CUSTOM_DATA, DEVICE_INFO, LEGACY};

/// Longest time that an event may lie ahead of its arrival. A clock that is further off tells nothing.
const AHEAD: Duration = Duration::from_secs(7 * 86_400);

/// A record under construction.
pub(crate) struct RecordBuilder<'a, 'b> {
    pub(crate) vendor: &'b Pinterest,
    pub(crate) resolved: Resolved<'a, 'b>,
    pub(crate) custom: Value<'a>,
    /// The field that holds the custom data: `custom_data_2` or `custom_data`.
    pub(crate) custom_path: &'static str,
    /// State and country of an opt-out.
    pub(crate) codes: Option<Codes>,
    /// The transforms found an opt-out.
    pub(crate) fact: bool,
}

pub(crate) fn write<'a>(
    vendor: &Pinterest,
    resolved: Resolved<'a, '_>,
    out: &mut Object<'_>,
) -> Result<Written<'a>, Refusal> {
    let latest = is_latest(resolved.payload);
    let (custom_path, custom) = if latest {
        ("custom_data_2", top!(resolved.payload, "custom_data_2"))
    } else {
        ("custom_data", top!(resolved.payload, "custom_data"))
    };
    let fact = resolved.event.facts().limited_data_processing.as_ref();
    let builder = RecordBuilder {
        vendor,
        custom,
        custom_path,
        codes: fact.map(|fact| Codes::of(fact, vendor.ldp_hash_case)),
        fact: fact.is_some(),
        resolved,
    };
    builder.event(out, latest)
}

impl<'a> RecordBuilder<'a, '_> {
    fn event(mut self, out: &mut Object<'_>, latest: bool) -> Result<Written<'a>, Refusal> {
        let payload = self.resolved.payload;
        // All four are required, so the schema has seen to it that they are texts.
        let required = |value: Value<'a>| value.as_str().unwrap_or_default();
        let event_name = required(top!(payload, "event_name"));
        let event_id = required(top!(payload, "event_id"));
        let event_time = required(top!(payload, "event_time"));
        let event_time = self.resolved.event_time(event_time, "event_time", AHEAD)?;
        let derived = self.resolved.derived(self.vendor, ACTION_SOURCE).as_str();
        let action_source = derived.unwrap_or_else(|| required(top!(payload, "action_source")));
        out.text(key!("event_name"), event_name);
        out.text(key!("action_source"), action_source);
        out.integer(key!("event_time"), event_time);
        out.text(key!("event_id"), event_id);
        let url = top!(payload, "event_source_url").as_str();
        let is_url = |url: &str| page::host(url).is_some();
        let form = ("event_source_url", "the address of a web page");
        let url = self.resolved.valid(url, is_url, form);
        out.text_if_any(key!("event_source_url"), url);
        if let Some(partner) = &self.vendor.partner_name {
            out.text(key!("partner_name"), partner);
        }
        let mapped = top!(payload, "opt_out").as_bool();
        if let Some(opt_out) = mapped.or_else(|| self.resolved.derived(self.vendor, OPT_OUT).as_bool()) {
            out.flag(key!("opt_out"), opt_out);
        }
        if let Some(enabled) = top!(payload, "advertiser_tracking_enabled").as_bool() {
            out.flag(key!("advertiser_tracking_enabled"), enabled);
        }
        out.object(key!("user_data"), true, |out| {
            self.user_data(&mut UserData::new(out))
        })
        .transpose()?;
        out.object(key!("custom_data"), false, |out| self.custom_data(out));
        if latest {
            let app = (key!("app_info"), APP_INFO, top!(payload, "app_info"));
            let device = (key!("device_info"), DEVICE_INFO, top!(payload, "device_info"));
            for (key, table, object) in [app, device] {
                out.object(key, false, |out| {
                    let parent = Parent::Object(key.name());
                    self.resolved.members(self.vendor, out, table, object, parent);
                });
            }
        } else {
            for wire in LEGACY {
                let value = payload.get(wire.key.name());
                self.resolved.member(out, wire, value, Parent::Event);
            }
        }
        if let Some(wifi) = top!(payload, "wifi").as_bool() {
            out.flag(key!("wifi"), wifi);
        }
        if let Some(text) = top!(payload, "language").as_str() {
            match languages::code(text) {
                Some(code) => out.text(key!("language"), languages::as_str(&code)),
                None => {
                    let warning = reasons::wrong_form("language", "a language code of two letters");
                    self.resolved.warnings.push(warning);
                }
            }
        }
        // Pinterest does not recognise duplicates of offline events.
        let offline = action_source == "offline";
        Ok(Written {
            event_name,
            event_id: if offline { "" } else { event_id },
            may_count_twice: offline,
            ..Written::default()
        })
    }

    fn custom_data(&mut self, out: &mut Object<'_>) {
        let parent = Parent::Object(self.custom_path);
        let mut members = Members::of(self.custom);
        for wire in CUSTOM_DATA {
            match wire.kind {
                // Not there in the latest format, last in the legacy one.
                Kind::Contents => self.contents(out),
                Kind::Own => self.opt_out_type(out, wire, members.take(wire.key.name())),
                _ => {
                    let value = members.take(wire.key.name());
                    let value = self.resolved.or_derived(self.vendor, wire, value, parent);
                    self.resolved.member(out, wire, value, parent);
                }
            }
        }
        if let Some(np) = &self.vendor.np {
            out.text(key!("np"), np);
        }
    }

    fn opt_out_type(&mut self, out: &mut Object<'_>, wire: &Wire, mapped: Value<'a>) {
        let mapped = mapped.as_str();
        if self.fact {
            ldp::with_ldp(mapped, self.resolved.text);
            out.text(wire.key, self.resolved.text);
        } else if let Some(mapped) = mapped {
            out.text(wire.key, mapped);
        }
    }

    fn contents(&mut self, out: &mut Object<'_>) {
        let path = if self.custom_path == "custom_data_2" {
            "contents"
        } else {
            "custom_data.contents"
        };
        let contents = contents(self.resolved.payload);
        let form = (key!("contents"), CONTENT);
        self.resolved.contents(self.vendor, out, form, contents, path);
    }
}
