//! Values that `compat = "pinterest"` works out from the event, since a mapping cannot say them.
//!
//! The places in the event are looked up together with the paths of the mapping.

use signalbox_conversions::encode::whole;
use signalbox_conversions::field::Derive;
use signalbox_segment::mapping::Found;
use signalbox_segment::value::Value;

/// `context.device.type`, or `context.os.name` beside `context.app`, tells; this one replaces the default `web`.
pub(crate) const ACTION_SOURCE: Derive =
    Derive::new(0, "`app_ios` or `app_android` for events of mobile apps");
pub(crate) const OPT_OUT: Derive = Derive::new(1, "the opposite of `context.device.adTrackingEnabled`");
pub(crate) const FIRST_NAME: Derive =
    Derive::new(2, "the given name in `traits.name` or `context.traits.name`");
pub(crate) const LAST_NAME: Derive =
    Derive::new(3, "the family name in `traits.name` or `context.traits.name`");
pub(crate) const CLICK_ID: Derive = Derive::new(
    4,
    "`epik` in the query of `context.page.search` or `context.page.url`",
);
pub(crate) const CONTENT_IDS: Derive = Derive::new(5, "the ids of the contents");
/// A product of a list counts once if it has no quantity.
pub(crate) const NUM_ITEMS: Derive = Derive::new(6, "the quantities of the contents, added up");
pub(crate) const OS_FAMILY: Derive = Derive::new(7, "the family of `context.os.name`");

/// The places in an event that are looked at.
#[derive(Clone, Copy)]
enum Place {
    Device,
    DeviceType,
    AdTracking,
    Context,
    App,
    Os,
    OsName,
    Page,
    Search,
    Url,
    Properties,
    Products,
    Traits,
    TraitsName,
    ContextTraits,
    ContextTraitsName,
}

/// Each with what it stands in and its path.
const PLACES: [(Place, Place, &str); 16] = {
    use Place::{
        AdTracking, App, Context, ContextTraits, ContextTraitsName, Device, DeviceType, Os, OsName, Page,
        Products, Properties, Search, Traits, TraitsName, Url,
    };
    [
        (Device, Context, "context.device"),
        (DeviceType, Device, "context.device.type"),
        (AdTracking, Device, "context.device.adTrackingEnabled"),
        (Context, Context, "context"),
        (App, Context, "context.app"),
        (Os, Context, "context.os"),
        (OsName, Os, "context.os.name"),
        (Page, Context, "context.page"),
        (Search, Page, "context.page.search"),
        (Url, Page, "context.page.url"),
        (Properties, Properties, "properties"),
        (Products, Properties, "properties.products"),
        (Traits, Traits, "traits"),
        (TraitsName, Traits, "traits.name"),
        (ContextTraits, Context, "context.traits"),
        (ContextTraitsName, ContextTraits, "context.traits.name"),
    ]
};

/// The paths of all places, for a mapping to look up with its own.
pub(crate) const PATHS: [&str; PLACES.len()] = {
    let mut paths = [""; PLACES.len()];
    let mut at = 0;
    while at < PLACES.len() {
        paths[at] = PLACES[at].2;
        at += 1;
    }
    paths
};

/// An event whose places have been looked up.
#[derive(Clone, Copy)]
pub(crate) struct Lookups<'a>(pub(crate) Found<'a>);

impl<'a> Lookups<'a> {
    /// What stands at a place. Paths answer for what is below null or zero; here nothing is.
    fn at(self, place: Place) -> Value<'a> {
        let (_, parent, _) = PLACES[place as usize];
        let value = self.0.at(place as usize);
        let there = parent as usize == place as usize || self.0.at(parent as usize).is_object();
        if there { value } else { Value::Undefined }
    }

    fn text(self, place: Place) -> Option<&'a str> {
        let text = self.at(place).as_str().map(str::trim);
        text.filter(|text| !text.is_empty())
    }
}

/// The action source of an event of a mobile app.
///
/// SDKs for mobile apps set `context.device.type`; where it is missing, the operating system tells if there is an app
/// beside it (a browser on a phone has none).
pub(crate) fn action_source(lookups: Lookups<'_>) -> Option<&'static str> {
    let platform = |name: &str| match os_family(name) {
        Some("ios") => Some("app_ios"),
        Some("android") => Some("app_android"),
        _ => None,
    };
    let by_device = lookups.text(Place::DeviceType).and_then(platform);
    by_device.or_else(|| {
        let app = !lookups.at(Place::App).is_nullish();
        lookups.text(Place::OsName).filter(|_| app).and_then(platform)
    })
}

/// `context.device.adTrackingEnabled`.
pub(crate) fn ad_tracking(lookups: Lookups<'_>) -> Option<bool> {
    match lookups.at(Place::AdTracking) {
        Value::Bool(enabled) => Some(enabled),
        Value::Str(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::Str(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        Value::Number(number) if number.to_f64() == 1.0 => Some(true),
        Value::Number(number) if number.to_f64() == 0.0 => Some(false),
        _ => None,
    }
}

/// A person's whole name. `properties.name` is a page's or a product's.
pub(crate) fn full_name(lookups: Lookups<'_>) -> Option<&str> {
    lookups
        .text(Place::TraitsName)
        .or_else(|| lookups.text(Place::ContextTraitsName))
}

/// The name of the operating system.
pub(crate) fn os_name(lookups: Lookups<'_>) -> Option<&str> {
    lookups.at(Place::OsName).as_str()
}

/// The `epik` parameter of the page's query, decoded into `out` where it has to be.
pub(crate) fn epik<'a>(lookups: Lookups<'a>, out: &'a mut String) -> Option<&'a str> {
    let search = lookups.at(Place::Search).as_str();
    let search = search.and_then(|search| epik_in(search.trim_start_matches('?')));
    let found = search.or_else(|| {
        let (_, query) = lookups.at(Place::Url).as_str()?.split_once('?')?;
        epik_in(query)
    })?;
    if !found.contains('%') {
        return Some(found);
    }
    out.clear();
    out.push_str(&percent_encoding::percent_decode_str(found).decode_utf8_lossy());
    Some(out.as_str())
}

fn epik_in(query: &str) -> Option<&str> {
    let query = query.split('#').next().unwrap_or_default();
    let value = query.split('&').find_map(|pair| pair.strip_prefix("epik="))?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// The family of an operating system's name. `None` if it is none we know.
pub(crate) fn os_family(name: &str) -> Option<&'static str> {
    const FAMILIES: [(&str, &str); 20] = [
        ("ios", "ios"),
        ("ipados", "ios"),
        ("iphone os", "ios"),
        ("tvos", "ios"),
        ("watchos", "ios"),
        ("android", "android"),
        ("macos", "macos"),
        ("mac os", "macos"),
        ("mac os x", "macos"),
        ("os x", "macos"),
        ("darwin", "macos"),
        ("windows", "windows"),
        ("windows nt", "windows"),
        ("linux", "linux"),
        ("ubuntu", "linux"),
        ("debian", "linux"),
        ("fedora", "linux"),
        ("freebsd", "bsd"),
        ("openbsd", "bsd"),
        ("netbsd", "bsd"),
    ];
    // "Windows 10", "iOS 17.4": the version does not count.
    let name = name
        .trim()
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
    FAMILIES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
        .map(|(_, family)| *family)
}

/// The quantities of all products together; nothing if one of them is unusable.
///
/// In a list, a product without a quantity counts once. A single product's event says how many or nothing.
pub(crate) fn num_items(contents: Value<'_>, lookups: Lookups<'_>) -> Option<i64> {
    let listed = !lookups.at(Place::Products).is_nullish();
    let mut sum: i64 = 0;
    let mut any = false;
    for item in contents.items().filter(|item| item.members().next().is_some()) {
        let quantity = match item.get("quantity") {
            Value::Undefined if listed => 1,
            value => whole(value).filter(|number| *number >= 0)?,
        };
        sum = sum.checked_add(quantity)?;
        any = true;
    }
    any.then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bumpalo::Bump;
    use signalbox_core::Document;
    use signalbox_segment::mapping::Mapping;
    use signalbox_segment::value::Path;

    fn with<R>(json: &str, take: impl FnOnce(Lookups<'_>) -> R) -> R {
        let (document, arena) = (Document::parse(json).unwrap(), Bump::new());
        let mapping = Mapping::compile(&serde_json::json!({})).unwrap();
        let mapping = mapping.looking_up(&PATHS.map(Path::of_template));
        take(Lookups(mapping.look(document.root(), &arena).unwrap()))
    }

    #[test]
    fn places_are_where_they_say() {
        for (at, (place, parent, path)) in PLACES.into_iter().enumerate() {
            assert_eq!(place as usize, at);
            let (.., above) = PLACES[parent as usize];
            assert_eq!(path.rsplit_once('.').map_or(path, |(above, _)| above), above);
        }
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
            assert_eq!(with(&json, ad_tracking), found, "{value}");
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
            assert_eq!(with(json, ad_tracking), None, "{json}");
        }
        assert!(with(r#"{"properties":0}"#, |lookups| lookups
            .at(Place::Products)
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
            (r#"{"search":"?notepik=abc"}"#, None),
            (r#"{"url":"https://a.example/epik=abc"}"#, None),
            (r#"{"url":7}"#, None),
        ] {
            let json = format!(r#"{{"context":{{"page":{page}}}}}"#);
            let mut out = String::new();
            let epik = with(&json, |lookups| epik(lookups, &mut out).map(str::to_owned));
            assert_eq!(epik.as_deref(), found, "{page}");
        }
    }

    #[test]
    fn operating_systems_have_families() {
        for (name, family) in [
            ("iOS", Some("ios")),
            ("iOS 17.4", Some("ios")),
            ("Mac OS X", Some("macos")),
            ("Windows 10", Some("windows")),
            ("Android", Some("android")),
            ("TempleOS", None),
            ("", None),
        ] {
            assert_eq!(os_family(name), family, "{name}");
        }
    }
}
