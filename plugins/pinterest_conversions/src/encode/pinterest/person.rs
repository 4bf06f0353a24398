//! The user: personal fields hashed, identifiers counted.

use std::collections::HashSet;
use std::hash::Hash;
use std::net::IpAddr;

use signalbox_conversions::personal::{self, Dropped, rules::PINTEREST};
use signalbox_core::Warning;
use signalbox_segment::value::Value;

use super::super::ldp::{self, Codes};
use super::super::record::Refusal;
use super::super::top;
use super::builder::RecordBuilder;
use crate::derive;
use crate::options::OnIncomplete;
use crate::reasons;
use crate::wire::{CLICK_ID, CLIENT_IP_ADDRESS, CLIENT_USER_AGENT, PARTNER_ID, PERSONAL};
use signalbox_conversions::encode::PersonalField;
use signalbox_conversions::encode::UserData;
use signalbox_conversions::encode::{Members, list};
use signalbox_conversions::personal::Field as Personal;
use signalbox_conversions::reasons::wrong_form;

impl<'a> RecordBuilder<'a, '_> {
    pub(super) fn user_data(&mut self, out: &mut UserData<'_, '_>) -> Result<(), Refusal> {
        let object = top!(self.payload, "user_data");
        let mapped_ldp = !self.fact
            && self
                .custom
                .get("opt_out_type")
                .as_str()
                .is_some_and(ldp::asks_for_ldp);
        if mapped_ldp {
            self.codes = Codes::of_mapped(
                object.get("state"),
                object.get("country"),
                self.options.ldp_hash_case,
            );
        }
        let (mut identified, mut state, mut country) = (false, self.codes.is_some(), self.codes.is_some());
        let mut members = Members::of(object);
        for personal in &PERSONAL {
            let key = personal.key;
            if personal.field == Personal::MobileAdId {
                identified |= self.address_and_agent(&mut members, out);
            }
            let values = members.take(personal.member);
            match (&self.codes, personal.field) {
                (Some(codes), Personal::State) => out.hashed(key, codes.state()),
                (Some(codes), Personal::Country) => out.hashed(key, codes.country()),
                (_, field) => {
                    let any = self.personal(values, personal);
                    out.hashed(key, self.hashes);
                    match field {
                        Personal::Email | Personal::MobileAdId => identified |= any,
                        Personal::State => state = any,
                        Personal::Country => country = any,
                        _ => {}
                    }
                }
            }
        }
        if let Some(id) = members.take("click_id").as_str() {
            out.plain(CLICK_ID, id);
        } else if self.derives.has(derive::CLICK_ID)
            && let Some(id) = derive::epik(self.lookups, self.text)
        {
            out.plain(CLICK_ID, id);
        }
        if let Some(id) = members.take("partner_id").as_str() {
            out.plain(PARTNER_ID, id);
        }
        if mapped_ldp && !(state && country) {
            match self.options.on_incomplete {
                OnIncomplete::Reject => return Err(Refusal::Rejected(reasons::ldp_incomplete())),
                OnIncomplete::Drop => return Err(Refusal::Dropped(reasons::ldp_incomplete())),
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
            Err(reasons::no_identifier().into())
        }
    }

    /// Writes address and user agent; true if both are there.
    fn address_and_agent(&mut self, members: &mut Members<'a>, out: &mut UserData<'_, '_>) -> bool {
        let mut address = members.take("client_ip_address").as_str().map(str::trim);
        if address.is_some_and(|address| address.parse::<IpAddr>().is_err()) {
            self.warnings.push(wrong_form(
                "user_data.client_ip_address",
                "an IPv4 or IPv6 address",
            ));
            address = None;
        }
        let agent = members.take("client_user_agent").as_str();
        if let Some(address) = address {
            out.plain(CLIENT_IP_ADDRESS, address);
        }
        if let Some(agent) = agent {
            out.plain(CLIENT_USER_AGENT, agent);
        }
        address.is_some() && agent.is_some()
    }

    /// Hashes the values of a personal field into the buffer; true if there are any.
    fn personal(&mut self, values: Value<'a>, personal: &PersonalField) -> bool {
        self.hashes.clear();
        let values = list(values);
        let several = values.len() > 1;
        for (index, value) in values.iter().enumerate() {
            let text = value.as_str().unwrap_or_default();
            self.hash(personal, text, several.then_some(index));
        }
        if self.hashes.is_empty() {
            let (derive, first) = match personal.field {
                Personal::FirstName => (derive::FIRST_NAME, true),
                Personal::LastName => (derive::LAST_NAME, false),
                _ => return false,
            };
            if self.derives.has(derive)
                && let Some(name) = derive::full_name(self.lookups)
            {
                let (given, family) = personal::split_name(name);
                if let Some(part) = if first { given } else { family } {
                    self.hash(personal, part, None);
                }
            }
        }
        let kept = distinct(self.hashes);
        self.hashes.truncate(kept);
        !self.hashes.is_empty()
    }

    fn hash(&mut self, personal: &PersonalField, text: &str, index: Option<usize>) {
        match personal::hash(personal.field, &PINTEREST, text, self.text) {
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
}

/// So many values are compared with each other; more go through a set.
const FEW: usize = 32;

/// Brings the first of each value to the front, in their order; how many there are.
pub(super) fn distinct<T: Copy + Eq + Hash>(values: &mut [T]) -> usize {
    if values.len() < 2 {
        return values.len();
    }
    let mut seen = (values.len() > FEW).then(HashSet::new);
    let mut kept = 0;
    for at in 0..values.len() {
        let value = values[at];
        let new = match &mut seen {
            Some(seen) => seen.insert(value),
            None => !values[..kept].contains(&value),
        };
        if new {
            values[kept] = value;
            kept += 1;
        }
    }
    kept
}
