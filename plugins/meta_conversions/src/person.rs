//! The user: personal fields hashed, ids checked, combinations weighed.

use bumpalo::collections::Vec as BumpVec;
use signalbox_conversions::client::trimmed;
use signalbox_conversions::device::is_advertising_id;
use signalbox_conversions::encode::{Members, Object, PersonalField, TextKind, UserData, Wire, list, whole};
use signalbox_conversions::personal::rules::META;
use signalbox_conversions::personal::{Dropped, Field, normalise};
use signalbox_conversions::reasons::wrong_form;
use signalbox_conversions::{Parent, usable_text};
use signalbox_segment::value::Value;

use crate::click;
use crate::derive::COMMON;
use crate::options::ExternalId;
use crate::payload::top;
use crate::wire::{PERSONAL, PLAIN, PLAIN_EXTERNAL_ID};
use crate::write::RecordBuilder;

/// The members of `user_data`, as far as Meta's minimum distinguishes them ("Customer information parameters").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Identity(u8);

impl Identity {
    const PLACE: u8 = 1;
    const GENDER: u8 = 1 << 1;
    const AGENT: u8 = 1 << 2;
    const BIRTH: u8 = 1 << 3;
    const FIRST_NAME: u8 = 1 << 4;
    const LAST_NAME: u8 = 1 << 5;
    const OTHER: u8 = 1 << 6;
    const ADDRESS: u8 = 1 << 7;

    /// The combinations that Meta refuses, with everything that they may leave out.
    const WEAK: [u8; 4] = [
        Identity::PLACE | Identity::GENDER | Identity::AGENT,
        Identity::BIRTH | Identity::AGENT,
        Identity::FIRST_NAME | Identity::GENDER,
        Identity::LAST_NAME | Identity::GENDER,
    ];

    fn add(&mut self, member: &str) {
        self.0 |= match member {
            "ct" | "country" | "st" | "zp" => Identity::PLACE,
            "ge" => Identity::GENDER,
            "client_user_agent" => Identity::AGENT,
            "db" => Identity::BIRTH,
            "fn" => Identity::FIRST_NAME,
            "ln" => Identity::LAST_NAME,
            "client_ip_address" => Identity::ADDRESS,
            _ => Identity::OTHER,
        };
    }

    /// Returns true if Meta takes an event of this user.
    pub(crate) fn is_enough(self) -> bool {
        Identity::WEAK.iter().all(|weak| self.0 & !weak != 0)
    }

    pub(crate) fn has_address(self) -> bool {
        self.0 & Identity::ADDRESS != 0
    }

    pub(crate) fn has_agent(self) -> bool {
        self.0 & Identity::AGENT != 0
    }
}

impl<'a> RecordBuilder<'a, '_> {
    /// Writes the user, and returns what there is.
    pub(crate) fn user_data(&mut self, out: &mut Object<'_>) -> Identity {
        let mut members = Members::of(top!(self.resolved.payload, "user_data"));
        let mut identity = Identity::default();
        for personal in PERSONAL {
            let values = members.take(personal.member);
            let written = match (personal.field, self.vendor.external_id) {
                (Field::ExternalId, ExternalId::Plain) => self.plain_external_ids(out, values),
                (Field::ExternalId, ExternalId::Sha256Lower) => {
                    let values = self.resolved.lower_case(values);
                    self.hashed(out, personal, values)
                }
                _ => self.hashed(out, personal, values),
            };
            if written {
                identity.add(personal.key.name());
            }
        }
        for wire in PLAIN {
            // A value that cannot be sent leaves its place to the derived one.
            let mapped = members.take(wire.member);
            if wire.member == "madId" && COMMON.is_untracked(&mut self.resolved, mapped, "user_data.madId") {
                continue;
            }
            let any = self.plain(out, wire, mapped) || self.plain_source(out, wire, mapped);
            if any || wire.derive.is_some() && self.plain_derived(out, wire) {
                identity.add(wire.key.name());
            }
        }
        identity
    }

    fn hashed(&mut self, out: &mut Object<'_>, personal: &PersonalField, values: Value<'a>) -> bool {
        let any = self
            .resolved
            .hash_personal(self.vendor, personal, values, "user_data");
        UserData::new(out).hashed(personal.key, self.resolved.hashes);
        any
    }

    fn plain_external_ids(&mut self, out: &mut Object<'_>, values: Value<'a>) -> bool {
        let mut ids = BumpVec::new_in(self.resolved.arena);
        for text in list(values).iter().filter_map(|value| value.as_str()) {
            // Only the check counts: the id itself is sent, and one in the form of a hash is an id, too.
            match normalise(Field::ExternalId, &META, text, self.resolved.text) {
                Ok(_) if !ids.contains(&text.trim()) => ids.push(text.trim()),
                Ok(_) | Err(Dropped::Empty) => {}
                Err(dropped) => {
                    let (code, message) = (dropped.code(), dropped.message());
                    self.resolved.warn(code, "user_data.externalId", message);
                }
            }
        }
        UserData::new(out).plain_list(PLAIN_EXTERNAL_ID, &ids);
        !ids.is_empty()
    }

    /// Writes the first source, behind the one that was mapped and cannot be used, that can.
    fn plain_source(&mut self, out: &mut Object<'_>, wire: &Wire, mapped: Value<'a>) -> bool {
        if !self.resolved.may_have_more(mapped) {
            return false;
        }
        let sources = self.resolved.sources(&format!("user_data.{}", wire.member));
        let mut others = sources.filter(|(_, value)| value.as_str() != mapped.as_str());
        others.any(|(_, value)| self.plain(out, wire, value))
    }

    fn plain_derived(&mut self, out: &mut Object<'_>, wire: &Wire) -> bool {
        let derived = self
            .resolved
            .or_derived(self.vendor, wire, Value::Undefined, Parent::Event);
        self.plain(out, wire, derived)
    }

    /// Writes a member that is not hashed, if it is what its name says.
    fn plain(&mut self, out: &mut Object<'_>, wire: &Wire, value: Value<'a>) -> bool {
        let text = match wire.key.name() {
            "client_ip_address" => self.resolved.client_address(value, "user_data.client_ip_address"),
            "client_user_agent" => self.resolved.user_agent(value, "user_data.client_user_agent"),
            _ => trimmed(value),
        };
        let wanted = match (wire.key.name(), text) {
            ("lead_id" | "fb_login_id", _) => match whole(value) {
                Some(id @ 1..) => {
                    out.integer(wire.key, id);
                    return true;
                }
                // Blanks stand for no id, and become zero.
                Some(0) => return false,
                None if value.as_number().is_none() => return false,
                _ => "a whole number above zero",
            },
            (_, None) => return false,
            (_, Some(text)) if usable_text(text, TextKind::Id).is_err() => "a value, but a placeholder",
            ("fbc" | "fbp", Some(text)) if !click::is_well_formed(text) => {
                "`fb.`, an index, a time in milliseconds and an id of at most 500 characters, joined by dots"
            }
            ("madid", Some(text)) if !is_advertising_id(text) => "the advertising id of a device",
            (_, Some(text)) => {
                out.text(wire.key, text);
                return true;
            }
        };
        let path = format!("user_data.{}", wire.member);
        self.resolved.warnings.push(wrong_form(&path, wanted));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_combinations_are_not_enough() {
        let enough = |members: &str| {
            let mut identity = Identity::default();
            members.split_whitespace().for_each(|member| identity.add(member));
            identity.is_enough()
        };
        for members in [
            "",
            "ct country st zp ge client_user_agent",
            "zp",
            "client_user_agent",
            "db client_user_agent",
            "db",
            "fn ge",
            "fn",
            "ln ge",
            "ge",
        ] {
            assert!(!enough(members), "{members}");
        }
        for members in [
            "em",
            "client_ip_address",
            "client_ip_address client_user_agent",
            "fn ln",
            "fn ct",
            "db ge",
            "db zp",
            "external_id",
            "fbp client_user_agent",
            "madid",
        ] {
            assert!(enough(members), "{members}");
        }
    }
}
