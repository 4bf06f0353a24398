//! Values that `compat = "tiktok"` works out from the event, since a mapping cannot say them.
//!
//! The places in the event are looked up together with the paths of the mapping.

use bumpalo::Bump;
use signalbox_conversions::field::Derive;
use signalbox_conversions::lookups::{LookupPath, Lookups, index, places};
use signalbox_conversions::{CommonPlaces, Resolved, page, products, text_value};
use signalbox_segment::value::Value;

pub(crate) const TTCLID: Derive = Derive::new(0);
pub(crate) const TTP: Derive = Derive::new(1);
pub(crate) const FIRST_NAME: Derive = Derive::new(2);
pub(crate) const LAST_NAME: Derive = Derive::new(3);
pub(crate) const CONTENT_IDS: Derive = Derive::new(4);
/// A product of a list counts once if it has no quantity.
pub(crate) const NUM_ITEMS: Derive = Derive::new(5);
pub(crate) const VALUE: Derive = Derive::new(6);
/// A device whose user allows no tracking.
pub(crate) const LIMITED_DATA_USE: Derive = Derive::new(7);

/// The places in an event that are looked at.
pub(crate) const PLACES: [LookupPath; 23] = places(&[
    "context",
    "context.app",
    "context.cookie",
    "context.cookies",
    "context.cookies._ttp",
    "context.cookies.ttclid",
    "context.device",
    "context.device.adTrackingEnabled",
    "context.device.trackingStatus",
    "context.device.type",
    "context.os",
    "context.os.name",
    "context.page",
    "context.page.referrer",
    "context.page.search",
    "context.page.url",
    "context.traits",
    "context.traits.name",
    "properties",
    "properties.products",
    "properties.url",
    "traits",
    "traits.name",
]);

/// Those that other vendors look at, too.
const COMMON: CommonPlaces = CommonPlaces::of(&PLACES);

/// The index of a place.
macro_rules! at {
    ($path:literal) => {
        const { index(&PLACES, $path) }
    };
}

/// Works a value out.
pub(crate) fn derive<'a>(derive: Derive, resolved: &Resolved<'a, '_>) -> Value<'a> {
    let (lookups, arena) = (resolved.lookups, resolved.arena);
    let text = text_value;
    let contents = || resolved.payload.get("contents");
    match derive {
        TTCLID => text(click_id(lookups, arena)),
        TTP => text(cookie(lookups, at!("context.cookies._ttp"), "_ttp")),
        FIRST_NAME => text(COMMON.first_name(lookups)),
        LAST_NAME => text(COMMON.last_name(lookups)),
        CONTENT_IDS => products::ids_in(contents(), "content_id", arena),
        // If a quantity did not fit and was left out, nothing can be added up.
        NUM_ITEMS if !resolved.has_dropped("].quantity") => {
            let listed = COMMON.has_products(lookups);
            products::total_quantity(contents(), listed, arena)
        }
        VALUE if !resolved.has_dropped("].quantity") => products::worth_of_one(contents(), "price"),
        LIMITED_DATA_USE => match COMMON.ad_tracking(lookups) {
            Some(false) => Value::Bool(true),
            _ => Value::Undefined,
        },
        _ => Value::Undefined,
    }
}

/// The click id: of the page, of the page before, which may be the landing page, or of the cookie that the pixel keeps.
fn click_id<'a>(lookups: Lookups<'a>, arena: &'a Bump) -> Option<&'a str> {
    const NAME: &str = "ttclid";
    let in_url = |place: usize| page::url_parameter(lookups.at(place).as_str()?, NAME, arena);
    in_url(at!("context.page.url"))
        .or_else(|| COMMON.query_parameter(lookups, NAME, arena))
        .or_else(|| in_url(at!("context.page.referrer")))
        .or_else(|| cookie(lookups, at!("context.cookies.ttclid"), NAME))
}

/// A cookie, from an object of cookies or from the text of a `Cookie` header.
fn cookie<'a>(lookups: Lookups<'a>, place: usize, name: &str) -> Option<&'a str> {
    let header = |place: usize| page::cookie(lookups.at(place).as_str()?, name);
    lookups
        .text(place)
        .or_else(|| header(at!("context.cookies")))
        .or_else(|| header(at!("context.cookie")))
}

/// Returns the mobile platform of the event, `ios` or `android`.
pub(crate) fn platform(lookups: Lookups<'_>) -> Option<&'static str> {
    COMMON.mobile_platform(lookups)
}

/// Returns what the user of an iOS device answered about tracking, as the SDK tells it.
pub(crate) fn tracking_status(lookups: Lookups<'_>) -> Option<&'static str> {
    let told = lookups.text(at!("context.device.trackingStatus"))?;
    let is = |name: &&str| {
        let letters = name.bytes().filter(u8::is_ascii_alphabetic);
        letters.eq(told
            .bytes()
            .filter(u8::is_ascii_alphabetic)
            .map(|b| b.to_ascii_uppercase()))
    };
    ["AUTHORIZED", "DENIED", "NOT_DETERMINED", "RESTRICTED"]
        .into_iter()
        .find(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Document;
    use signalbox_segment::mapping::Mapping;
    use signalbox_segment::value::ValuePath;

    fn with<R>(context: &str, take: impl FnOnce(Lookups<'_>, &Bump) -> R) -> R {
        let json = format!(r#"{{"context":{context}}}"#);
        let (document, arena, other) = (Document::parse(&json).unwrap(), Bump::new(), Bump::new());
        let mapping = Mapping::compile(&serde_json::json!({})).unwrap();
        let mapping = mapping.looking_up(&PLACES.map(|place| ValuePath::of_template(place.path)));
        take(
            Lookups::new(mapping.look(document.root(), &arena).unwrap(), &PLACES),
            &other,
        )
    }

    #[test]
    fn click_ids_stand_in_addresses_and_cookies() {
        for (context, found) in [
            (
                r#"{"page":{"url":"https://a.example/?ttclid=E.C.P.u","search":"?ttclid=s"}}"#,
                Some("E.C.P.u"),
            ),
            (
                r#"{"page":{"url":"https://a.example/?ttclid=","search":"?ttclid=s"}}"#,
                Some("s"),
            ),
            (
                r#"{"page":{"referrer":"https://a.example/?x=1&ttclid=a%2Bb"}}"#,
                Some("a+b"),
            ),
            (r#"{"page":{"url":"https://a.example/?ttclid=a+b"}}"#, Some("a+b")),
            (r#"{"cookies":{"ttclid":" c "}}"#, Some("c")),
            (r#"{"cookie":"_ttp=p; ttclid=h"}"#, Some("h")),
            (r#"{"cookies":"_ttp=p; ttclid=h"}"#, Some("h")),
            (r#"{"page":{"url":7},"cookies":{"ttclid":7}}"#, None),
            (r#"null"#, None),
        ] {
            let id = with(context, |lookups, arena| {
                click_id(lookups, arena).map(str::to_owned)
            });
            assert_eq!(id.as_deref(), found, "{context}");
        }
    }

    #[test]
    fn the_answer_about_tracking_is_read_in_any_spelling() {
        for (told, status) in [
            ("authorized", Some("AUTHORIZED")),
            ("notDetermined", Some("NOT_DETERMINED")),
            ("not_determined", Some("NOT_DETERMINED")),
            ("RESTRICTED", Some("RESTRICTED")),
            ("maybe", None),
            ("", None),
        ] {
            let context = format!(r#"{{"device":{{"trackingStatus":"{told}"}}}}"#);
            assert_eq!(
                with(&context, |lookups, _| tracking_status(lookups)),
                status,
                "{told}"
            );
        }
    }
}
