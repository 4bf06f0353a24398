//! `compat = "meta"`: wrong values are left out with a warning, values that are there are used, nothing is invented.

use std::time::Duration;

use signalbox_conversions::client::trimmed;
use signalbox_conversions::encode::{Object, Wire, list, member_at, whole};
use signalbox_conversions::field::Kind;
use signalbox_conversions::{Parent, Refusal, Resolved, Written, key, money};
use signalbox_segment::value::{Numbers, Value};

use crate::derive::{ACTION_SOURCE, ADVERTISING, OPT_OUT, PLATFORM};
use crate::ldu::{self, BY_ADDRESS, Place};
use crate::options::Meta;
use crate::payload::top;
use crate::person::Identity;
use crate::reasons;
use crate::wire::{CONTENT, CUSTOM_DATA, EXTINFO, ORIGINAL_EVENT};

/// Returns the time for which Meta takes an event. It refuses older ones, and the whole request with them.
pub(crate) fn lifetime(action_source: &str) -> Duration {
    Duration::from_secs(86_400 * if action_source == "physical_store" { 62 } else { 7 })
}

/// The ids of which a business_messaging event needs one.
#[rustfmt::skip]
const MESSAGING_IDS: [&str; 5] = ["ctwa_clid", "page_scoped_user_id", "page_id", "ig_sid", "ig_account_id"];

/// A record under construction.
pub(crate) struct RecordBuilder<'a, 'b> {
    pub(crate) vendor: &'b Meta,
    pub(crate) resolved: Resolved<'a, 'b>,
}

pub(crate) fn write<'a>(
    vendor: &Meta,
    resolved: Resolved<'a, '_>,
    out: &mut Object<'_>,
) -> Result<Written<'a>, Refusal> {
    RecordBuilder { vendor, resolved }.event(out)
}

impl<'a> RecordBuilder<'a, '_> {
    fn event(mut self, out: &mut Object<'_>) -> Result<Written<'a>, Refusal> {
        let payload = self.resolved.payload;
        let text = |value: Value<'a>| value.as_str().map(str::trim).unwrap_or_default();
        let event_name = text(top!(payload, "event_name"));
        if event_name.is_empty() {
            return Err(reasons::no_name().into());
        }
        let (time, max_future) = (text(top!(payload, "event_time")), self.vendor.max_future);
        let time = self.resolved.event_time(time, "event_time", max_future)?;
        let derived = self.resolved.derived(self.vendor, ACTION_SOURCE).as_str();
        let action_source = derived.unwrap_or_else(|| text(top!(payload, "action_source")));
        let lifetime = lifetime(action_source);
        let expires_at = self.resolved.expires_at(time, lifetime, reasons::too_old)?;
        let event_id = text(top!(payload, "event_id"));

        out.text(key!("event_name"), event_name);
        out.integer(key!("event_time"), time);
        let has_url = self.url(out);
        if !event_id.is_empty() {
            out.text(key!("event_id"), event_id);
        }
        let action_source = self.complete_source(action_source, has_url)?;
        out.text(key!("action_source"), action_source);
        self.members(out);
        let identity = out.object(key!("user_data"), true, |out| self.user_data(out));
        let identity = identity.unwrap_or_default();
        if !identity.is_enough() {
            return Err(reasons::no_identifier().into());
        }
        if action_source == "website" && !identity.has_agent() {
            let message = "missing; Meta asks for it with events of websites, and takes them without";
            let path = "user_data.client_user_agent";
            self.resolved.warn("missing_for_website", path, message);
        }
        self.app_data(out, action_source == "app");
        self.limited_data_use(out, identity)?;
        out.object(key!("custom_data"), false, |out| {
            self.custom_data(out, event_name)
        })
        .transpose()?;
        let test_code = self.test_code(text(top!(payload, "test_event_code")));
        Ok(Written {
            event_name,
            event_id,
            // Meta tells of duplicates between the pixel and this API only.
            may_count_twice: true,
            batch_key: self.vendor.batch_key(test_code)?,
            expires_at,
        })
    }

    /// Writes the page's address if it is one.
    fn url(&mut self, out: &mut Object<'_>) -> bool {
        let url = top!(self.resolved.payload, "event_source_url");
        let url = self.resolved.page_address(url, "event_source_url");
        out.text_if_any(key!("event_source_url"), url);
        url.is_some()
    }

    /// Writes the members of the event that stand beside its objects.
    fn members(&mut self, out: &mut Object<'_>) {
        let payload = self.resolved.payload;
        ADVERTISING.tell_unknown(&mut self.resolved);
        let mapped = self.resolved.opt_out(top!(payload, "opt_out"), "opt_out");
        if let Some(opt_out) = mapped.or_else(|| self.resolved.derived(self.vendor, OPT_OUT).as_bool()) {
            out.flag(key!("opt_out"), opt_out);
        }
        let referrer = self
            .resolved
            .referrer(top!(payload, "referrer_url"), "referrer_url");
        out.text_if_any(key!("referrer_url"), referrer);
        for key in [key!("customer_segmentation"), key!("messaging_channel")] {
            let value = payload.get(key.name());
            out.text_if_any(key, trimmed(value).and(value.as_str()));
        }
        out.object(key!("original_event_data"), false, |out| {
            let original = top!(payload, "original_event_data");
            let parent = Parent::Object("original_event_data");
            self.resolved
                .members(self.vendor, out, ORIGINAL_EVENT, original, parent);
        });
    }

    /// Returns the action source if the event has what Meta requires with it, since one event without refuses the whole
    /// request. A guess gives way to `other`.
    fn complete_source<'s>(&mut self, action_source: &'s str, has_url: bool) -> Result<&'s str, Refusal> {
        let payload = self.resolved.payload;
        let (app, user) = (top!(payload, "app_data_field"), top!(payload, "user_data"));
        let (code, missing) = match action_source {
            "website" if !has_url => ("missing_for_website", "event_source_url"),
            "app" => match self.missing_in_apps(app) {
                Some(path) => ("missing_for_app", path),
                None => return Ok(action_source),
            },
            "business_messaging" if !MESSAGING_IDS.iter().any(|id| trimmed(user.get(id)).is_some()) => {
                ("missing_for_messaging", "user_data.ctwa_clid")
            }
            _ => return Ok(action_source),
        };
        if !self.resolved.derives.has(ACTION_SOURCE) {
            return Err(reasons::missing_for(action_source, missing).into());
        }
        let message = "missing, so action_source is \"other\": Meta requires it with such events";
        self.resolved.warn(code, missing, message);
        Ok("other")
    }

    /// Returns the first field, required with events of apps, that is empty.
    fn missing_in_apps(&self, app: Value<'a>) -> Option<&'static str> {
        let flag = |key| app.get(key).as_bool();
        let tracking = flag("advertiser_tracking_enabled").is_some();
        [
            ("app_data_field.use_app_data", flag("use_app_data") != Some(false)),
            ("app_data_field.advertiser_tracking_enabled", tracking),
            ("app_data_field.version", self.extinfo_version(app).is_some()),
            (
                "app_data_field.osVersion",
                trimmed(app.get("osVersion")).is_some(),
            ),
        ]
        .into_iter()
        .find_map(|(path, there)| (!there).then_some(path))
    }

    fn extinfo_version(&self, app: Value<'a>) -> Option<&'a str> {
        let derived = || self.resolved.derived(self.vendor, PLATFORM).as_str();
        app.get("version").as_str().or_else(derived)
    }

    fn app_data(&mut self, out: &mut Object<'_>, is_app: bool) {
        let app = top!(self.resolved.payload, "app_data_field");
        if !app.get("use_app_data").as_bool().unwrap_or(is_app) {
            return;
        }
        out.object(key!("app_data"), false, |out| {
            for key in [
                key!("advertiser_tracking_enabled"),
                key!("application_tracking_enabled"),
            ] {
                if let Some(enabled) = app.get(key.name()).as_bool() {
                    out.integer(key, i64::from(enabled));
                }
            }
            // Meta takes the list only with its first place and the version of the system.
            if let Some(version) = self.extinfo_version(app)
                && trimmed(app.get("osVersion")).is_some()
            {
                out.array(key!("extinfo"), true, |array| {
                    array.text(version);
                    for wire in &EXTINFO[1..] {
                        array.text(app.get(wire.member).as_str().unwrap_or_default());
                    }
                });
            }
        });
    }

    /// Writes the options of Limited Data Use. The transforms' fact takes precedence over the mapping.
    fn limited_data_use(&mut self, out: &mut Object<'_>, identity: Identity) -> Result<(), Refusal> {
        let payload = self.resolved.payload;
        let fact = self.resolved.event.facts().limited_data_processing.as_ref();
        let mapped = top!(payload, "data_processing_options");
        let mapped = self.resolved.opt_out(mapped, "data_processing_options");
        let place = match (fact, mapped) {
            (Some(fact), _) => Some(Place::of(fact)),
            (None, Some(true)) => Place::of_codes(
                whole(top!(payload, "data_processing_options_country")),
                whole(top!(payload, "data_processing_options_state")),
            ),
            (None, Some(false)) => {
                // Says that the event is expressly not limited.
                out.raw(key!("data_processing_options"), "[]");
                return Ok(());
            }
            (None, None) => return Ok(()),
        };
        let place = place.unwrap_or(BY_ADDRESS);
        if place == BY_ADDRESS && !identity.has_address() {
            self.vendor.on_incomplete.settle(reasons::ldu_incomplete)?;
            self.resolved.warn(
                "ldu_incomplete",
                "data_processing_options",
                "sent without a state and an IP address, so Meta cannot tell if the limit applies",
            );
        }
        ldu::write(out, place);
        Ok(())
    }

    /// Writes the fields, then the properties of the user's own. A field takes precedence over a property of its name; the free
    /// data may bring the currency and the value, too.
    fn custom_data(&mut self, out: &mut Object<'_>, event_name: &str) -> Result<(), Refusal> {
        let payload = self.resolved.payload;
        let free = top!(payload, "custom_data");
        let (mut taken, mut worth) = (0_u32, 0);
        for (at, (place, wire)) in CUSTOM_DATA.iter().enumerate() {
            let mapped = member_at(payload, *place);
            let mut value = self.resolved.or_derived(self.vendor, wire, mapped, Parent::Event);
            let of_worth = matches!(wire.key.name(), "currency" | "value");
            if of_worth && !value.is_defined() {
                value = worth_of(wire.key.name(), free, self.resolved.arena);
            }
            if !value.is_defined() {
                continue;
            }
            taken |= 1 << at;
            if wire.kind == Kind::Contents {
                self.contents(out, wire, value);
                continue;
            }
            let before = self.resolved.warnings.len();
            self.resolved.member(out, wire, value, Parent::Event);
            worth += u8::from(of_worth && self.resolved.warnings.len() == before);
        }
        if event_name == "Purchase" && worth < 2 {
            return Err(reasons::purchase_without_value().into());
        }
        for (name, value) in free.members() {
            let field = CUSTOM_DATA.iter().position(|(_, wire)| wire.key.name() == name);
            if field.is_none_or(|at| taken & (1 << at) == 0) {
                out.property(name, |out| {
                    out.with(|out| value.write_json(out, Numbers::Source));
                });
            }
        }
        Ok(())
    }

    /// Writes the products. One without an id is left out, since Meta refuses the request over it.
    fn contents(&mut self, out: &mut Object<'_>, wire: &Wire, contents: Value<'a>) {
        out.array(wire.key, false, |array| {
            for (index, item) in list(contents).iter().enumerate() {
                if trimmed(item.get("id")).is_none() {
                    self.resolved.warn(
                        "content_without_id",
                        format!("contents[{index}].id"),
                        "the product is left out: it has no id, which Meta requires",
                    );
                    continue;
                }
                array.object(false, |out| {
                    let parent = Parent::Item("contents", index);
                    self.resolved.members(self.vendor, out, CONTENT, *item, parent);
                });
            }
        });
    }

    /// Returns the mapped test code. Meta counts test events, so without the setting that says so the event goes without.
    fn test_code(&mut self, mapped: &'a str) -> &'a str {
        if mapped.is_empty() || self.vendor.test_events_count {
            return mapped;
        }
        self.resolved.warn(
            "test_code_left_out",
            "test_event_code",
            "left out: Meta counts test events like any other; set test_events_count = true to send it",
        );
        ""
    }
}

/// Returns the currency or value of the free data, which the schema has not coerced. A text that holds a number becomes
/// one; a currency that is not a text becomes one that no check passes.
fn worth_of<'a>(name: &str, free: Value<'a>, arena: &'a bumpalo::Bump) -> Value<'a> {
    match (name, free.get(name)) {
        ("value", Value::Str(text)) => money::number(text, arena).unwrap_or(Value::Str(text)),
        ("currency", value) if value.is_defined() && value.as_str().is_none() => Value::Str(""),
        (_, value) => value,
    }
}
