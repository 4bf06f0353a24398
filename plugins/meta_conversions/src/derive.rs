//! Values that `compat = "meta"` works out from the event, since a mapping cannot say them.
//!
//! The places in the event are looked up together with the paths of the mapping.

use signalbox_conversions::field::Derive;
use signalbox_conversions::lookups::{LookupPath, Lookups, index, places};
use signalbox_conversions::time::instant;
use signalbox_conversions::{
    AdvertisingPlaces, ClickPlaces, CommonPlaces, Resolved, device, page, products, text_value,
};
use signalbox_segment::value::Value;

use crate::payload::top;

/// `app` or `system_generated` in place of the default `website`.
pub(crate) const ACTION_SOURCE: Derive = Derive::new(0);
pub(crate) const OPT_OUT: Derive = Derive::new(1);
pub(crate) const FIRST_NAME: Derive = Derive::new(2);
pub(crate) const LAST_NAME: Derive = Derive::new(3);
pub(crate) const FBC: Derive = Derive::new(4);
pub(crate) const FBP: Derive = Derive::new(5);
pub(crate) const CONTENT_IDS: Derive = Derive::new(6);
/// A product of a list counts once if it has no quantity.
pub(crate) const NUM_ITEMS: Derive = Derive::new(7);
/// The first place of `extinfo`.
pub(crate) const PLATFORM: Derive = Derive::new(8);

/// The places in an event that are looked at.
#[rustfmt::skip]
pub(crate) const PLACES: [LookupPath; 27] = places(&[
    "context", "context.app", "context.consent", "context.consent.categoryPreferences",
    "context.consent.categoryPreferences.Advertising", "context.consent.categoryPreferences.advertising",
    "context.cookies", "context.device", "context.device.adTrackingEnabled", "context.device.type", "context.library",
    "context.library.name", "context.os", "context.os.name", "context.page", "context.page.referrer",
    "context.page.search", "context.page.url", "context.traits", "context.traits.name", "context.userAgent",
    "properties", "properties.products", "properties.search", "properties.url", "traits", "traits.name",
]);

/// The places that every vendor looks at.
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
    let lookups = resolved.lookups;
    let text = text_value;
    match derive {
        ACTION_SOURCE => text(action_source(lookups)),
        OPT_OUT if ADVERTISING.is_refused(lookups) => Value::Bool(true),
        FIRST_NAME => text(COMMON.first_name(lookups)),
        LAST_NAME => text(COMMON.last_name(lookups)),
        FBC => text(cookie(lookups, "_fbc").or_else(|| fbc(resolved))),
        FBP => text(cookie(lookups, "_fbp")),
        CONTENT_IDS => products::ids(top!(resolved.payload, "contents"), resolved.arena),
        // If a quantity did not fit and was left out, nothing can be added up.
        NUM_ITEMS if !resolved.has_dropped("].quantity") => {
            let listed = COMMON.has_products(lookups);
            products::total_quantity(top!(resolved.payload, "contents"), listed, resolved.arena)
        }
        PLATFORM => {
            let platform = COMMON.mobile_platform(lookups);
            text(platform.map(|platform| if platform == "ios" { "i2" } else { "a2" }))
        }
        _ => Value::Undefined,
    }
}

/// The action source of an event that did not happen on a website: one of a mobile app, or one that a server's library
/// made without the page and the user agent of a visitor.
fn action_source(lookups: Lookups<'_>) -> Option<&'static str> {
    if COMMON.mobile_platform(lookups).is_some() {
        return Some("app");
    }
    let server = lookups
        .text(at!("context.library.name"))
        .is_some_and(device::is_server_library);
    let visit = [at!("context.page.url"), at!("context.userAgent")]
        .iter()
        .any(|place| lookups.text(*place).is_some());
    (server && !visit).then_some("system_generated")
}

/// A cookie of `context.cookies`: an object, or the text of a `Cookie` header.
fn cookie<'a>(lookups: Lookups<'a>, name: &str) -> Option<&'a str> {
    page::cookie_of(lookups.at(at!("context.cookies")), name)
}

/// The `fbc` of the `fbclid` in the query of the page, or of a page of the same site that led to it.
fn fbc<'a>(resolved: &Resolved<'a, '_>) -> Option<&'a str> {
    let (lookups, arena) = (resolved.lookups, resolved.arena);
    let fbclid = CLICKS.click_id("fbclid", lookups, arena)?;
    let clicked = instant(top!(resolved.payload, "event_time").as_str()?).ok()?;
    Some(bumpalo::format!(in arena, "fb.1.{}.{}", clicked.0, fbclid).into_bump_str())
}
