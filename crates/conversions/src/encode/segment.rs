//! `compat = "segment"`: values as Segment's destinations write them.

use signalbox_core::Node;
use signalbox_segment::time::segment::install_time;
use signalbox_segment::value::{Numbers, Value};

use super::wire::Wire;
use super::writer::{Key, Object};
use crate::field::Kind;

/// Returns true for an event on which Segment's destinations fail: they read audience data out of the context, used or not,
/// and the context or the audience data is null.
pub fn null_context(root: Node<'_>) -> bool {
    root.get("context")
        .is_some_and(|context| context.is_null() || context.get("personas").is_some_and(Node::is_null))
}

/// Returns true for the currency codes that Segment's destinations know, all in upper case: ISO 4217 as of some years ago, funds and metals included.
pub fn is_segment_currency(code: &str) -> bool {
    const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP \
        BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
        GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD \
        KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR \
        NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STN SVC SYP \
        SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VES VND VUV WST XAF XAG XAU XBA XBB XBC \
        XBD XCD XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWC";
    CODES.split(' ').any(|known| known == code)
}

/// Writes a member as Segment does.
pub fn segment_member(out: &mut Object<'_>, wire: &Wire, value: Value<'_>) {
    match (wire.kind, value) {
        _ if wire.vendor_only || !value.is_defined() => {}
        (Kind::Money, Value::Number(number)) => number.with_js_text(|text| out.text(wire.key, text)),
        (Kind::Time, Value::Str(text)) => {
            if let Some(seconds) = install_time(text) {
                segment_value(out, wire.key, Value::from(seconds));
            }
        }
        _ => segment_value(out, wire.key, value),
    }
}

/// Writes a list of products as Segment does, if it is defined.
pub fn segment_contents(out: &mut Object<'_>, key: &'static Key, table: &[Wire], contents: Value<'_>) {
    if !contents.is_defined() {
        return;
    }
    out.array(key, true, |array| {
        for item in contents.items() {
            array.object(true, |out| segment_members(out, table, item, |_, _| true));
        }
    });
}

/// Writes the members of an object as Segment does, as far as `sends` says.
pub fn segment_members(
    out: &mut Object<'_>,
    table: &[Wire],
    object: Value<'_>,
    sends: impl Fn(&Wire, Value<'_>) -> bool,
) {
    for wire in table {
        let value = object.get(wire.member);
        if sends(wire, value) {
            segment_member(out, wire, value);
        }
    }
}

/// Writes a value as JavaScript does, if it is defined.
pub fn segment_value(out: &mut Object<'_>, key: &'static Key, value: Value<'_>) {
    if value.is_defined() {
        out.with(key, |out| {
            out.with(|out| value.write_json(out, Numbers::JavaScript));
        });
    }
}
