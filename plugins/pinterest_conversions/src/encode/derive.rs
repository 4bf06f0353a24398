//! What `compat = "pinterest"` works out from the event where a mapping cannot say it: see [`crate::action::Derive`].

use signalbox_core::Node;
use signalbox_segment::value::Value;

// Those that look into the event's `context` are given that: it is looked up once.

fn at<'a>(root: Node<'a>, path: &[&str]) -> Option<Node<'a>> {
    path.iter().try_fold(root, |node, key| node.get(key))
}

fn text<'a>(root: Node<'a>, path: &[&str]) -> Option<&'a str> {
    at(root, path)?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// The action source of an event of a mobile app.
///
/// SDKs for mobile apps set `context.device.type`; where it is missing, the operating system tells if there is an app
/// beside it (a browser on a phone has none).
pub(super) fn action_source(context: Option<Node<'_>>) -> Option<&'static str> {
    let context = context?;
    let platform = |name: &str| match os_family(name) {
        Some("ios") => Some("app_ios"),
        Some("android") => Some("app_android"),
        _ => None,
    };
    let by_device = text(context, &["device", "type"]).and_then(platform);
    by_device.or_else(|| {
        at(context, &["app"]).filter(|app| !app.is_null())?;
        text(context, &["os", "name"]).and_then(platform)
    })
}

/// `context.device.adTrackingEnabled`.
pub(super) fn ad_tracking(context: Option<Node<'_>>) -> Option<bool> {
    let node = at(context?, &["device", "adTrackingEnabled"])?;
    match node.as_str() {
        Some(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Some(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        Some(_) => None,
        None => node.as_bool().or_else(|| match node.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        }),
    }
}

/// A person's whole name. `properties.name` is a page's or a product's.
pub(super) fn full_name(root: Node<'_>) -> Option<&str> {
    text(root, &["traits", "name"]).or_else(|| text(root, &["context", "traits", "name"]))
}

/// The `epik` parameter of the page's query, decoded into `out` where it has to be.
pub(super) fn epik<'a>(context: Option<Node<'a>>, out: &'a mut String) -> Option<&'a str> {
    let page = at(context?, &["page"])?;
    let search = page
        .get("search")
        .and_then(Node::as_str)
        .and_then(|search| epik_in(search.trim_start_matches('?')));
    let found = search.or_else(|| {
        let (_, query) = page.get("url").and_then(Node::as_str)?.split_once('?')?;
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
pub(super) fn os_family(name: &str) -> Option<&'static str> {
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
pub(super) fn num_items(contents: Value<'_>, root: Node<'_>) -> Option<i64> {
    let listed = at(root, &["properties", "products"]).is_some_and(|products| !products.is_null());
    let mut sum: i64 = 0;
    let mut any = false;
    for item in contents.items().filter(|item| item.members().next().is_some()) {
        let quantity = match item.get("quantity") {
            Value::Undefined if listed => 1,
            value => super::pinterest::whole(value).filter(|number| *number >= 0)?,
        };
        sum = sum.checked_add(quantity)?;
        any = true;
    }
    any.then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Document;

    fn document(json: &str) -> Document {
        Document::parse(json).unwrap()
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
            (r#"{}"#, None),
        ] {
            assert_eq!(
                action_source(document(json).root().get("context")),
                found,
                "{json}"
            );
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
                ad_tracking(document(&json).root().get("context")),
                found,
                "{value}"
            );
        }
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
            let document = document(&format!(r#"{{"context":{{"page":{page}}}}}"#));
            let mut out = String::new();
            assert_eq!(epik(document.root().get("context"), &mut out), found, "{page}");
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
