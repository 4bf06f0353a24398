//! The user: personal fields hashed, identifiers counted.

use signalbox_conversions::Refusal;
use signalbox_conversions::encode::{Members, UserData};
use signalbox_conversions::personal::Field;
use signalbox_core::Warning;

use crate::derive;
use crate::ldp::{self, Codes};
use crate::payload::top;
use crate::reasons;
use crate::wire::{CLICK_ID, CLIENT_IP_ADDRESS, CLIENT_USER_AGENT, PARTNER_ID, PERSONAL};
use crate::write::RecordBuilder;

impl<'a> RecordBuilder<'a, '_> {
    pub(crate) fn user_data(&mut self, out: &mut UserData<'_, '_>) -> Result<(), Refusal> {
        let object = top!(self.resolved.payload, "user_data");
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
                self.vendor.ldp_hash_case,
            );
        }
        let (mut identified, mut state, mut country) = (false, self.codes.is_some(), self.codes.is_some());
        let mut members = Members::of(object);
        for personal in PERSONAL {
            let key = personal.key;
            if personal.field == Field::MobileAdId {
                identified |= self.address_and_agent(&mut members, out);
            }
            let values = members.take(personal.member);
            if personal.field == Field::MobileAdId
                && derive::COMMON.is_untracked(&mut self.resolved, values, "user_data.hashed_maids")
            {
                continue;
            }
            match (&self.codes, personal.field) {
                (Some(codes), Field::State) => out.hashed(key, codes.state()),
                (Some(codes), Field::Country) => out.hashed(key, codes.country()),
                (_, field) => {
                    let any = self
                        .resolved
                        .hash_personal(self.vendor, personal, values, "user_data");
                    out.hashed(key, self.resolved.hashes);
                    match field {
                        Field::Email | Field::MobileAdId => identified |= any,
                        Field::State => state = any,
                        Field::Country => country = any,
                        _ => {}
                    }
                }
            }
        }
        let click_id = members.take("click_id").as_str();
        let form = ("user_data.click_id", "a click id");
        let click_id = self.resolved.valid(click_id, |_| true, form);
        let derived = || self.resolved.derived(self.vendor, derive::CLICK_ID).as_str();
        out.plain_if_any(CLICK_ID, click_id.or_else(derived));
        let partner_id = members.take("partner_id").as_str();
        let form = ("user_data.partner_id", "an id");
        out.plain_if_any(PARTNER_ID, self.resolved.valid(partner_id, |_| true, form));
        if mapped_ldp && !(state && country) {
            self.vendor.on_incomplete.settle(reasons::ldp_incomplete)?;
            self.resolved.warnings.push(Warning::new(
                "ldp_incomplete",
                format!("{}.opt_out_type", self.custom_path),
                "sent without state and country, so Pinterest ignores the opt-out",
            ));
        }
        if identified {
            Ok(())
        } else {
            Err(reasons::no_identifier().into())
        }
    }

    /// Writes address and user agent; true if both are there.
    fn address_and_agent(&mut self, members: &mut Members<'a>, out: &mut UserData<'_, '_>) -> bool {
        let address = members.take("client_ip_address");
        let address = self
            .resolved
            .client_address(address, "user_data.client_ip_address");
        out.plain_if_any(CLIENT_IP_ADDRESS, address);
        let agent = members.take("client_user_agent");
        let agent = self.resolved.user_agent(agent, "user_data.client_user_agent");
        out.plain_if_any(CLIENT_USER_AGENT, agent);
        address.is_some() && agent.is_some()
    }
}
