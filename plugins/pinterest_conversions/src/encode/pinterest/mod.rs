//! `compat = "pinterest"`: what is wrong is left out and told, what is there is used, nothing is invented.

mod builder;
mod detail;
mod person;

use bumpalo::collections::Vec as BumpVec;
use signalbox_conversions::encode::languages;
use signalbox_conversions::time::unix_seconds;
use signalbox_core::Warning;
use signalbox_segment::value::Value;

use super::ldp::{self, Codes};
use super::record::{Buffers, Input, Refusal, Written};
use super::top;
use crate::derive;
use crate::derive::Lookups;
use crate::wire::{APP_INFO, CONTENT, CUSTOM_DATA, DEVICE_INFO, LEGACY};
use builder::RecordBuilder;
use detail::ItemPath;
use person::distinct;
use signalbox_conversions::encode::Object;
use signalbox_conversions::encode::UserData;
use signalbox_conversions::encode::{Members, list};
use signalbox_conversions::field::Kind;
use signalbox_conversions::key;
use signalbox_conversions::reasons;

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
    let mapped = mapping.mapping.look(event.root(), arena).and_then(|found| {
        let coerced = schema.coerce_mapped(&mapping.mapping, found, arena, &mut failed)?;
        Ok((found, coerced))
    });
    let (found, coerced) = mapped.map_err(|error| reasons::mapping_failed(error.to_string()))?;
    for error in failed {
        warnings.push(Warning::new(
            "mapping_failed",
            error.field().unwrap_or_default(),
            error.message(),
        ));
    }
    let quantity_dropped = coerced
        .dropped
        .iter()
        .any(|error| error.path.ends_with("].quantity"));
    warnings.extend(coerced.dropped.into_iter().map(reasons::dropped));
    if !coerced.errors.is_empty() {
        return Err(reasons::required(&coerced.errors).into());
    }

    let payload = coerced.value;
    let latest = top!(payload, "data_format").as_str() == Some("latest");
    let custom_path = if latest { "custom_data_2" } else { "custom_data" };
    let custom = if latest {
        top!(payload, "custom_data_2")
    } else {
        top!(payload, "custom_data")
    };
    let fact = event.facts().limited_data_processing.as_ref();
    let mut builder = RecordBuilder {
        options,
        derives: mapping.derives,
        lookups: Lookups(found),
        payload,
        custom,
        custom_path,
        contents: if latest {
            top!(payload, "contents")
        } else {
            custom.get("contents")
        },
        quantity_dropped,
        codes: fact.map(|fact| Codes::of(fact, options.ldp_hash_case)),
        fact: fact.is_some(),
        warnings,
        arena,
        text: &mut buffers.text,
        hashes: &mut buffers.hashes,
    };
    let mut object = Object::open(&mut buffers.out, stripped);
    let written = builder.event(&mut object, latest)?;
    object.close();
    Ok(written)
}

impl<'a> RecordBuilder<'a, '_> {
    fn event(&mut self, out: &mut Object<'_>, latest: bool) -> Result<Written<'a>, Refusal> {
        // All four are required, so the schema has seen to it that they are texts.
        let required = |value: Value<'a>| value.as_str().unwrap_or_default();
        let event_name = required(top!(self.payload, "event_name"));
        let event_id = required(top!(self.payload, "event_id"));
        let event_time = unix_seconds(required(top!(self.payload, "event_time")))
            .map_err(|error| reasons::bad_time("event_time", error))?;
        let mut action_source = required(top!(self.payload, "action_source"));
        if self.derives.has(derive::ACTION_SOURCE)
            && let Some(derived) = derive::action_source(self.lookups)
        {
            action_source = derived;
        }
        out.text(key!("event_name"), event_name);
        out.text(key!("action_source"), action_source);
        out.integer(key!("event_time"), event_time);
        out.text(key!("event_id"), event_id);
        if let Some(url) = top!(self.payload, "event_source_url").as_str() {
            out.text(key!("event_source_url"), url);
        }
        if let Some(partner) = &self.options.partner_name {
            out.text(key!("partner_name"), partner);
        }
        if let Some(opt_out) = self.opt_out() {
            out.flag(key!("opt_out"), opt_out);
        }
        if let Some(enabled) = top!(self.payload, "advertiser_tracking_enabled").as_bool() {
            out.flag(key!("advertiser_tracking_enabled"), enabled);
        }
        out.object(key!("user_data"), true, |out| {
            self.user_data(&mut UserData::new(out))
        })
        .transpose()?;
        out.object(key!("custom_data"), false, |out| self.custom_data(out));
        if latest {
            let app = top!(self.payload, "app_info");
            out.object(key!("app_info"), false, |out| {
                self.details(out, "app_info", app, APP_INFO);
            });
            let device = top!(self.payload, "device_info");
            out.object(key!("device_info"), false, |out| {
                self.details(out, "device_info", device, DEVICE_INFO);
            });
        } else {
            self.details(out, "", self.payload, LEGACY);
        }
        if let Some(wifi) = top!(self.payload, "wifi").as_bool() {
            out.flag(key!("wifi"), wifi);
        }
        if let Some(text) = top!(self.payload, "language").as_str() {
            match languages::code(text) {
                Some(code) => out.text(key!("language"), languages::as_str(&code)),
                None => self
                    .warnings
                    .push(reasons::wrong_form("language", "a language code of two letters")),
            }
        }
        Ok(Written {
            event_name,
            event_id,
            offline: action_source == "offline",
        })
    }

    fn opt_out(&self) -> Option<bool> {
        let mapped = top!(self.payload, "opt_out").as_bool();
        let derived = || {
            self.derives
                .has(derive::OPT_OUT)
                .then(|| derive::ad_tracking(self.lookups))
                .flatten()
        };
        mapped.or_else(|| derived().map(|enabled| !enabled))
    }

    fn custom_data(&mut self, out: &mut Object<'_>) {
        let mut members = Members::of(self.custom);
        for wire in CUSTOM_DATA {
            let value = match wire.kind {
                // Not there in the latest format, last in the legacy one.
                Kind::Contents => Value::Undefined,
                _ => members.take(wire.key.name()),
            };
            match wire.kind {
                Kind::Contents => self.contents(out),
                Kind::Texts => self.content_ids(out, value),
                Kind::Own => {
                    let key = wire.key;
                    let mapped = value.as_str();
                    if self.fact {
                        ldp::with_ldp(mapped, self.text);
                        out.text(key, self.text);
                    } else if let Some(mapped) = mapped {
                        out.text(key, mapped);
                    }
                }
                _ if wire.derive.is_some() && !value.is_defined() => {
                    if self.derives.has(derive::NUM_ITEMS)
                        && !self.quantity_dropped
                        && let Some(number) = derive::num_items(self.contents, self.lookups)
                    {
                        out.integer(wire.key, number);
                    }
                }
                _ => self.detail(out, wire, value, self.custom_path),
            }
        }
        if let Some(np) = &self.options.np {
            out.text(key!("np"), np);
        }
    }

    fn content_ids(&mut self, out: &mut Object<'_>, mapped: Value<'a>) {
        let contents = match mapped {
            Value::Undefined if self.derives.has(derive::CONTENT_IDS) => self.contents,
            _ => Value::Undefined,
        };
        let (mapped, contents) = (list(mapped), list(contents));
        let mut ids = BumpVec::with_capacity_in(mapped.len() + contents.len(), self.arena);
        let is_id = |id: &&str| !id.is_empty();
        ids.extend(mapped.iter().filter_map(|id| id.as_str()).filter(is_id));
        ids.extend(
            contents
                .iter()
                .filter_map(|item| item.get("id").as_str())
                .filter(is_id),
        );
        let kept = distinct(&mut ids);
        ids.truncate(kept);
        out.array(key!("content_ids"), false, |array| {
            ids.iter().for_each(|id| array.text(id))
        });
    }

    fn contents(&mut self, out: &mut Object<'_>) {
        let prefix = if self.custom_path == "custom_data_2" {
            "contents"
        } else {
            "custom_data.contents"
        };
        out.array(key!("contents"), false, |array| {
            for (index, item) in list(self.contents).iter().enumerate() {
                let path = ItemPath { prefix, index };
                let there = array.object(false, |object| {
                    let mut members = Members::of(*item);
                    for wire in CONTENT {
                        self.detail(object, wire, members.take(wire.key.name()), path);
                    }
                });
                if !there {
                    self.warnings.push(reasons::empty_content(&path.to_string()));
                }
            }
        });
    }
}
