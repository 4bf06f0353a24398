//! Values that `compat = "tiktok"` works out from the event, since a mapping cannot say them.
//!
//! The places in the event are looked up together with the paths of the mapping.

use bumpalo::Bump;
use signalbox_conversions::field::Derive;
use signalbox_conversions::lookups::{LookupPath, Lookups, index, places};
use signalbox_conversions::{
    AdvertisingPlaces, ClickPlaces, CommonPlaces, Resolved, device, page, products, text_value,
};
use signalbox_segment::value::Value;

pub(crate) const TTCLID: Derive = Derive::new(0);
pub(crate) const TTP: Derive = Derive::new(1);
pub(crate) const FIRST_NAME: Derive = Derive::new(2);
pub(crate) const LAST_NAME: Derive = Derive::new(3);
pub(crate) const CONTENT_IDS: Derive = Derive::new(4);
/// A product of a list counts once if it has no quantity.
pub(crate) const NUM_ITEMS: Derive = Derive::new(5);
pub(crate) const LIMITED_DATA_USE: Derive = Derive::new(6);

/// The places in an event that are looked at.
#[rustfmt::skip]
pub(crate) const PLACES: [LookupPath; 26] = places(&[
    "context", "context.app", "context.consent", "context.consent.categoryPreferences",
    "context.consent.categoryPreferences.Advertising", "context.consent.categoryPreferences.advertising",
    "context.cookie", "context.cookies", "context.device", "context.device.adTrackingEnabled",
    "context.device.trackingStatus", "context.device.type", "context.os", "context.os.name", "context.page",
    "context.page.referrer", "context.page.search", "context.page.url", "context.traits", "context.traits.name",
    "properties", "properties.products", "properties.search", "properties.url", "traits", "traits.name",
]);

/// The places that all vendors look at.
pub(crate) const COMMON: CommonPlaces = CommonPlaces::of(&PLACES);
const CLICKS: ClickPlaces = ClickPlaces::of(&PLACES);
pub(crate) const ADVERTISING: AdvertisingPlaces = AdvertisingPlaces::of(&PLACES);

/// The index of a place.
macro_rules! at {
    ($path:literal) => {
        const { index(&PLACES, $path) }
    };
}

/// Works a value out.
pub(crate) fn derive<'a>(derive: Derive, resolved: &Resolved<'a, '_>) -> Value<'a> {
    let (lookups, arena) = (resolved.lookups, resolved.arena);
    let contents = || resolved.payload.get("contents");
    match derive {
        TTCLID => text_value(click_id(lookups, arena)),
        TTP => text_value(cookie(lookups, "_ttp")),
        FIRST_NAME => text_value(COMMON.first_name(lookups)),
        LAST_NAME => text_value(COMMON.last_name(lookups)),
        CONTENT_IDS => products::ids_in(contents(), "content_id", arena),
        // If a quantity did not fit and was left out, nothing can be added up.
        NUM_ITEMS if !resolved.has_dropped("].quantity") => {
            let listed = COMMON.has_products(lookups);
            products::total_quantity(contents(), listed, arena)
        }
        LIMITED_DATA_USE if ADVERTISING.is_refused(lookups) => Value::Bool(true),
        _ => Value::Undefined,
    }
}

/// The click id: of the page, of a page of the same site before, or of the cookie that the pixel keeps.
fn click_id<'a>(lookups: Lookups<'a>, arena: &'a Bump) -> Option<&'a str> {
    let of_page = CLICKS.click_id("ttclid", lookups, arena);
    of_page.or_else(|| cookie(lookups, "ttclid"))
}

fn cookie<'a>(lookups: Lookups<'a>, name: &str) -> Option<&'a str> {
    let mut places = [at!("context.cookies"), at!("context.cookie")].into_iter();
    places.find_map(|place| page::cookie_of(lookups.at(place), name))
}

/// Returns the mobile platform of the event, `ios` or `android`.
pub(crate) fn platform(lookups: Lookups<'_>) -> Option<&'static str> {
    COMMON.mobile_platform(lookups)
}

/// Returns the status of App Tracking Transparency that the SDK of an iOS device reports.
pub(crate) fn tracking_status(lookups: Lookups<'_>) -> Option<&'static str> {
    device::tracking_status(lookups.text(at!("context.device.trackingStatus"))?)
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
                r#"{"page":{"url":"https://a.example/","referrer":"https://a.example/?x=1&ttclid=a%2Bb"}}"#,
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
}
