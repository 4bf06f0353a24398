//! `compat = "pinterest"`: what is wrong is left out and told, what is there is used, nothing is invented.

use std::collections::HashSet;
use std::hash::Hash;
use std::net::IpAddr;

use signalbox_core::{Node, Sha256Hex, Warning};
use signalbox_segment::normalise::{self, Dropped, Rules};
use signalbox_segment::schema::Leniency;
use signalbox_segment::time::{Millis, pinterest_time};
use signalbox_segment::value::{Number, Value};

use super::ldp::{self, Codes};
use super::money::push_money;
use super::user_data::UserData;
use super::wire::{
    APP_INFO, CONTENT, CUSTOM_DATA, DEVICE_INFO, HashedKey, Kind, LEGACY, MAX_LANGUAGES, PERSONAL, Personal,
    PlainKey, Wire,
};
use super::writer::Object;
use super::{Buffers, EncodeOptions, Input, Refusal, Written, derive, languages};
use crate::action::{Derive, Derives};
use crate::{OnIncomplete, reject};

/// One record in the making.
struct Making<'a, 'b> {
    options: &'b EncodeOptions,
    derives: Derives,
    root: Node<'a>,
    payload: Value<'a>,
    custom: Value<'a>,
    /// `custom_data_2` or `custom_data`: where the custom data stands in the mapping.
    custom_path: &'static str,
    contents: Value<'a>,
    /// A quantity did not fit and was left out: then nothing can be added up.
    quantity_dropped: bool,
    /// State and country of an opt-out.
    codes: Option<Codes>,
    /// The transforms found an opt-out.
    fact: bool,
    warnings: &'b mut Vec<Warning>,
    text: &'b mut String,
    hashes: &'b mut Vec<Sha256Hex>,
}

pub(super) fn write<'a>(
    input: Input<'a>,
    buffers: &mut Buffers,
    warnings: &mut Vec<Warning>,
) -> Result<Written<'a>, Refusal> {
    let Input {
        options,
        schema,
        mapping,
        event,
        stripped,
        arena,
    } = input;
    let mut failed = Vec::new();
    let mapped = mapping
        .mapping
        .resolve_leniently(event.root(), arena, &mut failed)
        .map_err(|error| reject::mapping_failed(error.to_string()))?;
    for error in failed {
        warnings.push(Warning::new(
            "mapping_failed",
            error.field().unwrap_or_default(),
            error.message(),
        ));
    }
    let coerced = schema.coerce(mapped, arena, Leniency::PerField);
    let quantity_dropped = coerced
        .dropped
        .iter()
        .any(|error| error.path.ends_with("].quantity"));
    warnings.extend(coerced.dropped.into_iter().map(reject::dropped));
    if !coerced.errors.is_empty() {
        return Err(reject::required(&coerced.errors).into());
    }

    let payload = coerced.value;
    let latest = payload.get("data_format").as_str() == Some("latest");
    let custom_path = if latest { "custom_data_2" } else { "custom_data" };
    let custom = payload.get(custom_path);
    let fact = event.facts().limited_data_processing.as_ref();
    let mut making = Making {
        options,
        derives: mapping.derives,
        root: event.root(),
        payload,
        custom,
        custom_path,
        contents: if latest {
            payload.get("contents")
        } else {
            custom.get("contents")
        },
        quantity_dropped,
        codes: fact.map(|fact| Codes::of(fact, options.ldp_hash_case)),
        fact: fact.is_some(),
        warnings,
        text: &mut buffers.text,
        hashes: &mut buffers.hashes,
    };
    let mut object = Object::open(&mut buffers.out, stripped);
    let written = making.event(&mut object, latest)?;
    object.close();
    Ok(written)
}

impl<'a> Making<'a, '_> {
    fn event(&mut self, out: &mut Object<'_>, latest: bool) -> Result<Written<'a>, Refusal> {
        // All four are required, so the schema has seen to it that they are texts.
        let required = |key: &str| self.payload.get(key).as_str().unwrap_or_default();
        let event_name = required("event_name");
        let event_id = required("event_id");
        let event_time = pinterest_time(required("event_time")).map_err(reject::bad_time)?;
        let mut action_source = required("action_source");
        if self.derives.has(Derive::ActionSource)
            && let Some(derived) = derive::action_source(self.root)
        {
            action_source = derived;
        }
        out.text("event_name", event_name);
        out.text("action_source", action_source);
        out.integer("event_time", event_time);
        out.text("event_id", event_id);
        if let Some(url) = self.payload.get("event_source_url").as_str() {
            out.text("event_source_url", url);
        }
        if let Some(partner) = &self.options.partner_name {
            out.text("partner_name", partner);
        }
        if let Some(opt_out) = self.opt_out() {
            out.flag("opt_out", opt_out);
        }
        if let Some(enabled) = self.payload.get("advertiser_tracking_enabled").as_bool() {
            out.flag("advertiser_tracking_enabled", enabled);
        }
        out.object("user_data", true, |out| self.user_data(&mut UserData::new(out)))
            .transpose()?;
        out.object("custom_data", false, |out| self.custom_data(out));
        if latest {
            for (key, table) in [("app_info", APP_INFO), ("device_info", DEVICE_INFO)] {
                out.object(key, false, |out| self.details(out, key, table));
            }
        } else {
            self.details(out, "", LEGACY);
        }
        if let Some(wifi) = self.payload.get("wifi").as_bool() {
            out.flag("wifi", wifi);
        }
        if let Some(text) = self.payload.get("language").as_str() {
            match languages::code(text) {
                Some(code) => out.text("language", languages::as_str(&code)),
                None => self
                    .warnings
                    .push(reject::wrong_form("language", "a language code of two letters")),
            }
        }
        Ok(Written {
            event_name,
            event_id,
            offline: action_source == "offline",
        })
    }

    fn opt_out(&self) -> Option<bool> {
        let mapped = self.payload.get("opt_out").as_bool();
        let derived = || {
            self.derives
                .has(Derive::OptOut)
                .then(|| derive::ad_tracking(self.root))
                .flatten()
        };
        mapped.or_else(|| derived().map(|enabled| !enabled))
    }

    fn user_data(&mut self, out: &mut UserData<'_, '_>) -> Result<(), Refusal> {
        let members = self.payload.get("user_data");
        let mapped_ldp = !self.fact
            && self
                .custom
                .get("opt_out_type")
                .as_str()
                .is_some_and(ldp::asks_for_ldp);
        if mapped_ldp {
            self.codes = Codes::of_mapped(
                members.get("state"),
                members.get("country"),
                self.options.ldp_hash_case,
            );
        }
        let (mut identified, mut state, mut country) = (false, self.codes.is_some(), self.codes.is_some());
        for personal in &PERSONAL {
            if personal.key == HashedKey::HashedMaids {
                identified |= self.address_and_agent(members, out);
            }
            match (&self.codes, personal.key) {
                (Some(codes), HashedKey::St) => out.hashed(HashedKey::St, codes.state()),
                (Some(codes), HashedKey::Country) => out.hashed(HashedKey::Country, codes.country()),
                (_, key) => {
                    let any = self.personal(members.get(personal.member), personal);
                    out.hashed(key, self.hashes);
                    match key {
                        HashedKey::Em | HashedKey::HashedMaids => identified |= any,
                        HashedKey::St => state = any,
                        HashedKey::Country => country = any,
                        _ => {}
                    }
                }
            }
        }
        if let Some(id) = members.get("click_id").as_str() {
            out.plain(PlainKey::ClickId, id);
        } else if self.derives.has(Derive::ClickId)
            && let Some(id) = derive::epik(self.root, self.text)
        {
            out.plain(PlainKey::ClickId, id);
        }
        if let Some(id) = members.get("partner_id").as_str() {
            out.plain(PlainKey::PartnerId, id);
        }
        if mapped_ldp && !(state && country) {
            match self.options.on_incomplete {
                OnIncomplete::Reject => return Err(Refusal::Rejected(reject::ldp_incomplete())),
                OnIncomplete::Drop => return Err(Refusal::Dropped(reject::ldp_incomplete())),
                OnIncomplete::Send => self.warnings.push(Warning::new(
                    "ldp_incomplete",
                    format!("{}.opt_out_type", self.custom_path),
                    "sent without state and country, so Pinterest ignores the opt-out",
                )),
            }
        }
        if identified {
            Ok(())
        } else {
            Err(reject::no_identifier().into())
        }
    }

    /// Writes address and user agent; true if both are there.
    fn address_and_agent(&mut self, members: Value<'a>, out: &mut UserData<'_, '_>) -> bool {
        let mut address = members.get("client_ip_address").as_str().map(str::trim);
        if address.is_some_and(|address| address.parse::<IpAddr>().is_err()) {
            self.warnings.push(reject::wrong_form(
                "user_data.client_ip_address",
                "an IPv4 or IPv6 address",
            ));
            address = None;
        }
        let agent = members.get("client_user_agent").as_str();
        if let Some(address) = address {
            out.plain(PlainKey::ClientIpAddress, address);
        }
        if let Some(agent) = agent {
            out.plain(PlainKey::ClientUserAgent, agent);
        }
        address.is_some() && agent.is_some()
    }

    /// Hashes the values of a personal field into the buffer; true if there are any.
    fn personal(&mut self, values: Value<'a>, personal: &Personal) -> bool {
        self.hashes.clear();
        let several = values.array_len() > 1;
        for (index, value) in values.items().enumerate() {
            let text = value.as_str().unwrap_or_default();
            self.hash(personal, text, several.then_some(index));
        }
        if self.hashes.is_empty() {
            let (derive, first) = match personal.key {
                HashedKey::Fn => (Derive::FirstName, true),
                HashedKey::Ln => (Derive::LastName, false),
                _ => return false,
            };
            if self.derives.has(derive)
                && let Some(name) = derive::full_name(self.root)
            {
                let (given, family) = normalise::split_name(name);
                if let Some(part) = if first { given } else { family } {
                    self.hash(personal, part, None);
                }
            }
        }
        keep_distinct(self.hashes);
        !self.hashes.is_empty()
    }

    fn hash(&mut self, personal: &Personal, text: &str, index: Option<usize>) {
        match normalise::hash(personal.field, Rules::Pinterest, text, self.text) {
            Ok(hash) => self.hashes.push(hash),
            Err(Dropped::Empty) => {}
            Err(dropped) => {
                let path = match index {
                    Some(index) => format!("user_data.{}[{index}]", personal.member),
                    None => format!("user_data.{}", personal.member),
                };
                self.warnings
                    .push(Warning::new(dropped.code(), path, dropped.message()));
            }
        }
    }

    fn custom_data(&mut self, out: &mut Object<'_>) {
        for wire in CUSTOM_DATA {
            let value = self.custom.get(wire.key);
            match (wire.kind, wire.key) {
                (Kind::Contents, _) => self.contents(out),
                (Kind::Texts, _) => self.content_ids(out, value),
                (Kind::OptOutType, key) => {
                    let mapped = value.as_str();
                    if self.fact {
                        ldp::with_ldp(mapped, self.text);
                        out.text(key, self.text);
                    } else if let Some(mapped) = mapped {
                        out.text(key, mapped);
                    }
                }
                (_, "num_items") if !value.is_defined() => {
                    if self.derives.has(Derive::NumItems)
                        && !self.quantity_dropped
                        && let Some(number) = derive::num_items(self.contents, self.root)
                    {
                        out.integer("num_items", number);
                    }
                }
                _ => self.detail(out, wire, value, self.custom_path),
            }
        }
        if let Some(np) = &self.options.np {
            out.text("np", np);
        }
    }

    fn content_ids(&mut self, out: &mut Object<'_>, mapped: Value<'a>) {
        let contents = match mapped {
            Value::Undefined if self.derives.has(Derive::ContentIds) => self.contents,
            _ => Value::Undefined,
        };
        let ids = mapped.items().chain(contents.items().map(|item| item.get("id")));
        let mut ids: Vec<&str> = ids
            .filter_map(Value::as_str)
            .filter(|id| !id.is_empty())
            .collect();
        keep_distinct(&mut ids);
        out.array("content_ids", false, |array| {
            ids.iter().for_each(|id| array.text(id))
        });
    }

    fn contents(&mut self, out: &mut Object<'_>) {
        let prefix = if self.custom_path == "custom_data_2" {
            "contents"
        } else {
            "custom_data.contents"
        };
        out.array("contents", false, |array| {
            for (index, item) in self.contents.items().enumerate() {
                let path = ItemPath { prefix, index };
                let there = array.object(false, |object| {
                    for wire in CONTENT {
                        self.detail(object, wire, item.get(wire.key), path);
                    }
                });
                if !there {
                    self.warnings.push(reject::empty_content(&path.to_string()));
                }
            }
        });
    }

    fn details(&mut self, out: &mut Object<'_>, parent: &'static str, table: &[Wire]) {
        let members = if parent.is_empty() {
            self.payload
        } else {
            self.payload.get(parent)
        };
        for wire in table {
            match members.get(wire.key) {
                Value::Undefined if wire.key == "os_family" => {
                    let name = || self.root.get("context")?.get("os")?.get("name")?.as_str();
                    if self.derives.has(Derive::OsFamily)
                        && let Some(family) = name().and_then(derive::os_family)
                    {
                        out.text("os_family", family);
                    }
                }
                value => self.detail(out, wire, value, parent),
            }
        }
    }

    /// Writes one value, or leaves it out with a warning if it does not fit Pinterest's limits.
    fn detail(&mut self, out: &mut Object<'_>, wire: &Wire, value: Value<'a>, parent: impl ParentPath) {
        if !value.is_defined() {
            return;
        }
        let path = || parent.child(wire.key);
        match (wire.kind, value) {
            (Kind::Text(most), Value::Str(text)) => {
                if text.len() > most && text.chars().count() > most {
                    self.warnings.push(reject::too_long(&path(), most));
                } else {
                    out.text(wire.key, text);
                }
            }
            (Kind::ExtraText, Value::Str(text)) => out.text(wire.key, text),
            (Kind::Whole(least, most), _) => {
                match whole(value).filter(|number| (least..=most).contains(number)) {
                    Some(number) => out.integer(wire.key, number),
                    None => self.warnings.push(reject::out_of_range(&path(), least, most)),
                }
            }
            (Kind::ExtraWhole, _) => match whole(value) {
                Some(number) => out.integer(wire.key, number),
                None => self
                    .warnings
                    .push(reject::out_of_range(&path(), i64::MIN, i64::MAX)),
            },
            (Kind::Money, Value::Number(number)) if number.to_f64().is_finite() => {
                out.with(wire.key, |out| {
                    out.push(b'"');
                    push_money(number, out);
                    out.push(b'"');
                })
            }
            (Kind::Money, _) => self.warnings.push(reject::wrong_form(&path(), "a number")),
            (Kind::Currency, Value::Str(text)) => {
                let text = text.trim();
                if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
                    self.text.clear();
                    self.text.push_str(text);
                    self.text.make_ascii_uppercase();
                    out.text(wire.key, self.text);
                } else {
                    self.warnings
                        .push(reject::wrong_form(&path(), "an ISO 4217 code of three letters"));
                }
            }
            (Kind::Languages, _) => self.languages(out, wire.key, value, &path),
            (Kind::Time, _) => {
                let seconds = match value {
                    Value::Str(text) => pinterest_time(text).ok(),
                    Value::Number(number) => Millis::from_epoch(number.to_f64()).map(Millis::seconds),
                    _ => None,
                };
                match seconds.filter(|seconds| *seconds >= 0) {
                    Some(seconds) => out.integer(wire.key, seconds),
                    None => self
                        .warnings
                        .push(reject::wrong_form(&path(), "a time since 1970")),
                }
            }
            // The schema has made texts of texts, lists of lists; those have functions of their own.
            _ => {}
        }
    }

    fn languages(
        &mut self,
        out: &mut Object<'_>,
        key: &'static str,
        value: Value<'a>,
        path: &dyn Fn() -> String,
    ) {
        let warnings = &mut *self.warnings;
        out.array(key, false, |array| {
            let mut seen: Vec<[u8; 2]> = Vec::new();
            for (index, item) in value.items().enumerate() {
                match languages::code(item.as_str().unwrap_or_default()) {
                    Some(code) if seen.contains(&code) => {}
                    Some(_) if seen.len() == MAX_LANGUAGES => {
                        warnings.push(Warning::new(
                            "out_of_range",
                            path(),
                            format!("cut: Pinterest takes at most {MAX_LANGUAGES} languages"),
                        ));
                        break;
                    }
                    Some(code) => {
                        array.text(languages::as_str(&code));
                        seen.push(code);
                    }
                    None => warnings.push(reject::wrong_form(
                        &format!("{}[{index}]", path()),
                        "a language code of two letters",
                    )),
                }
            }
        });
    }
}

/// Where a member stands, written out only for a warning.
trait ParentPath: Copy {
    fn child(self, key: &str) -> String;
}

impl ParentPath for &str {
    fn child(self, key: &str) -> String {
        if self.is_empty() {
            key.to_owned()
        } else {
            format!("{self}.{key}")
        }
    }
}

#[derive(Clone, Copy)]
struct ItemPath {
    prefix: &'static str,
    index: usize,
}

impl std::fmt::Display for ItemPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.prefix, self.index)
    }
}

impl ParentPath for ItemPath {
    fn child(self, key: &str) -> String {
        format!("{self}.{key}")
    }
}

/// A number that is whole and fits.
pub(super) fn whole(value: Value<'_>) -> Option<i64> {
    /// Doubles are exact up to here.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_number()?;
    if let Number::Source(text) = number
        && let Ok(whole) = text.parse()
    {
        return Some(whole);
    }
    let double = number.to_f64();
    (double.fract() == 0.0 && double.abs() <= EXACT).then_some(double as i64)
}

/// So many values are compared with each other; more go through a set.
const FEW: usize = 32;

fn keep_distinct<T: Copy + Eq + Hash>(values: &mut Vec<T>) {
    if values.len() <= FEW {
        let mut at = 1;
        while at < values.len() {
            if values[..at].contains(&values[at]) {
                values.remove(at);
            } else {
                at += 1;
            }
        }
    } else {
        let mut seen = HashSet::with_capacity(values.len());
        values.retain(|value| seen.insert(*value));
    }
}
