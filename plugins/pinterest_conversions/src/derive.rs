//! Values that `compat = "pinterest"` works out from the event, since a mapping cannot say them.
//!
//! The places in the event are looked up together with the paths of the mapping.

use signalbox_conversions::field::Derive;
use signalbox_conversions::lookups::{LookupPath, Lookups, index, places};
use signalbox_conversions::{CommonPlaces, Resolved, device, products, text_value};
use signalbox_segment::value::Value;

use crate::payload::contents;

/// `context.device.type`, or `context.os.name` beside `context.app`, tells; this one replaces the default `web`.
pub(crate) const ACTION_SOURCE: Derive = Derive::new(0);
pub(crate) const OPT_OUT: Derive = Derive::new(1);
pub(crate) const FIRST_NAME: Derive = Derive::new(2);
pub(crate) const LAST_NAME: Derive = Derive::new(3);
pub(crate) const CLICK_ID: Derive = Derive::new(4);
pub(crate) const CONTENT_IDS: Derive = Derive::new(5);
/// A product of a list counts once if it has no quantity.
pub(crate) const NUM_ITEMS: Derive = Derive::new(6);
pub(crate) const OS_FAMILY: Derive = Derive::new(7);

/// The places in an event that are looked at.
pub(crate) const PLACES: [LookupPath; 18] = places(&[
    "context",
    "context.app",
    "context.device",
    "context.device.adTrackingEnabled",
    "context.device.type",
    "context.os",
    "context.os.name",
    "context.page",
    "context.page.search",
    "context.page.url",
    "context.traits",
    "context.traits.name",
    "properties",
    "properties.products",
    "properties.search",
    "properties.url",
    "traits",
    "traits.name",
]);

/// Names of the click id in queries: that of the parameter, and that of the cookie.
const CLICK_IDS: [&str; 2] = ["epik", "_epik"];

/// The places that other vendors look at, too.
pub(crate) const COMMON: CommonPlaces = CommonPlaces::of(&PLACES);

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
        OPT_OUT => COMMON
            .ad_tracking(lookups)
            .map(|enabled| Value::Bool(!enabled))
            .into(),
        FIRST_NAME => text(COMMON.first_name(lookups)),
        LAST_NAME => text(COMMON.last_name(lookups)),
        CLICK_ID => text(COMMON.query_parameter(lookups, &CLICK_IDS, resolved.arena)),
        CONTENT_IDS => products::ids(contents(resolved.payload), resolved.arena),
        // If a quantity did not fit and was left out, nothing can be added up.
        NUM_ITEMS if !resolved.has_dropped("].quantity") => {
            // A single product's event says how many or nothing.
            let listed = COMMON.has_products(lookups);
            products::total_quantity(contents(resolved.payload), listed, resolved.arena)
        }
        OS_FAMILY => text(
            lookups
                .at(at!("context.os.name"))
                .as_str()
                .and_then(device::os_family),
        ),
        _ => Value::Undefined,
    }
}

/// The action source of an event of a mobile app.
fn action_source(lookups: Lookups<'_>) -> Option<&'static str> {
    match COMMON.mobile_platform(lookups)? {
        "ios" => Some("app_ios"),
        _ => Some("app_android"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bumpalo::Bump;
    use signalbox_core::Document;
    use signalbox_segment::mapping::Mapping;
    use signalbox_segment::value::ValuePath;

    fn with<R>(json: &str, take: impl FnOnce(Lookups<'_>) -> R) -> R {
        let (document, arena) = (Document::parse(json).unwrap(), Bump::new());
        let mapping = Mapping::compile(&serde_json::json!({})).unwrap();
        let mapping = mapping.looking_up(&PLACES.map(|place| ValuePath::of_template(place.path)));
        take(Lookups::new(
            mapping.look(document.root(), &arena).unwrap(),
            &PLACES,
        ))
    }

    #[test]
    fn mobile_apps_are_recognised() {
        for (json, found) in [
            (r#"{"context":{"device":{"type":"ios"}}}"#, Some("app_ios")),
            (
                r#"{"context":{"device":{"type":"Android"}}}"#,
                Some("app_android"),
            ),
            (
                r#"{"context":{"os":{"name":"iPadOS"},"app":{"name":"x"}}}"#,
                Some("app_ios"),
            ),
            (r#"{"context":{"os":{"name":"Android"}}}"#, None),
            (
                r#"{"context":{"os":{"name":"Windows"},"app":{"name":"x"}}}"#,
                None,
            ),
            (r#"{"context":{"device":{"type":"mobile"}}}"#, None),
            (r#"{"context":null}"#, None),
            (r#"{"context":"ios"}"#, None),
            (r#"{"context":[{"device":{"type":"ios"}}]}"#, None),
            (r#"{}"#, None),
        ] {
            assert_eq!(with(json, action_source), found, "{json}");
        }
    }

    #[test]
    fn tracking_is_what_the_device_says() {
        for (value, found) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("0", Some(false)),
            ("1", Some(true)),
            (r#""False""#, Some(false)),
            (r#""unknown""#, None),
            (r#""""#, None),
            ("null", None),
            ("2", None),
        ] {
            let json = format!(r#"{{"context":{{"device":{{"adTrackingEnabled":{value}}}}}}}"#);
            assert_eq!(
                with(&json, |lookups| COMMON.ad_tracking(lookups)),
                found,
                "{value}"
            );
        }
    }

    #[test]
    fn nothing_stands_below_what_is_no_object() {
        for json in [
            r#"{"context":{"device":0}}"#,
            r#"{"context":{"device":false}}"#,
            r#"{"context":0}"#,
            r#"{"context":false}"#,
        ] {
            assert_eq!(with(json, |lookups| COMMON.ad_tracking(lookups)), None, "{json}");
        }
        assert!(with(r#"{"properties":0}"#, |lookups| lookups
            .at(at!("properties.products"))
            .is_nullish()));
    }

    #[test]
    fn click_ids_stand_in_queries() {
        for (page, found) in [
            (r#"{"search":"?epik=abc&x=1"}"#, Some("abc")),
            (r#"{"search":"x=1&epik=abc#top"}"#, Some("abc")),
            (
                r#"{"search":"","url":"https://a.example/p?x=1&epik=d%2Bj"}"#,
                Some("d+j"),
            ),
            (
                r#"{"search":"?epik=","url":"https://a.example/p?epik=u"}"#,
                Some("u"),
            ),
            (r#"{"search":"?_epik=c"}"#, Some("c")),
            (
                r#"{"search":"?epik=null","url":"https://a.example/p?epik=u"}"#,
                Some("u"),
            ),
            (r#"{"search":"?notepik=abc"}"#, None),
            (r#"{"url":"https://a.example/epik=abc"}"#, None),
            (r#"{"url":7}"#, None),
        ] {
            let json = format!(r#"{{"context":{{"page":{page}}}}}"#);
            let arena = Bump::new();
            let epik = with(&json, |lookups| {
                COMMON
                    .query_parameter(lookups, &CLICK_IDS, &arena)
                    .map(str::to_owned)
            });
            assert_eq!(epik.as_deref(), found, "{page}");
        }
    }
}
