//! Facts that Segment's SDKs tell about a device and its app.

use signalbox_core::Answer;
use signalbox_segment::placeholder::is_zero_id;
use signalbox_segment::value::Value;

use crate::forms::is_uuid;

/// Returns a flag such as `adTrackingEnabled`, in any of the spellings that [`Answer`] reads. `None` of any other value.
#[inline]
pub fn flag(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(flag),
        other => answer(other).as_bool(),
    }
}

/// Reads a value as the answer to a yes-or-no question.
pub fn answer(value: Value<'_>) -> Answer {
    match value {
        Value::Undefined | Value::Null => Answer::Missing,
        Value::Bool(flag) => Answer::from(flag),
        Value::Str(text) => Answer::of_text(text),
        Value::Number(number) => Answer::of_number(number.to_f64()),
        Value::Node(node) => Answer::of(node),
        Value::Array([only]) => answer(*only),
        Value::Array(_) | Value::Object(_) => Answer::Unknown,
    }
}

/// Reads the status of App Tracking Transparency (`context.device.trackingStatus`), in any spelling.
pub fn tracking_status(text: &str) -> Option<&'static str> {
    let is = |name: &&str| {
        let letters = name.bytes().filter(u8::is_ascii_alphabetic);
        let told = text.bytes().filter(u8::is_ascii_alphabetic);
        letters.eq(told.map(|letter| letter.to_ascii_uppercase()))
    };
    ["AUTHORIZED", "DENIED", "NOT_DETERMINED", "RESTRICTED"]
        .into_iter()
        .find(is)
}

/// Returns the family of an operating system's name: `ios`, `android`, `macos`, `windows`, `linux` or `bsd`. `None` of
/// any other name.
#[inline]
pub fn os_family(name: &str) -> Option<&'static str> {
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

/// Returns the mobile platform of an event, `ios` or `android`; `None` of an event that is no mobile app's.
///
/// SDKs for mobile apps set the device's type (`context.device.type`). Where it is missing, the name of the operating
/// system tells if there is an app beside it (`context.app`); a browser on a phone has none.
#[inline]
pub fn mobile_platform(
    device_type: Option<&str>,
    has_app: bool,
    os_name: Option<&str>,
) -> Option<&'static str> {
    let mobile = |name: &str| os_family(name).filter(|family| matches!(*family, "ios" | "android"));
    device_type
        .and_then(mobile)
        .or_else(|| os_name.filter(|_| has_app).and_then(mobile))
}

/// Returns true for the name of one of Segment's libraries for servers (`context.library.name`), such as
/// `analytics-node` or `Analytics.NET`. Browsers and mobile apps use others.
pub fn is_server_library(name: &str) -> bool {
    const LANGUAGES: [&str; 12] = [
        "node", "python", "ruby", "php", "go", "java", ".net", "net", "csharp", "clojure", "rust", "elixir",
    ];
    let name = name.trim().to_ascii_lowercase();
    let name = name.strip_prefix("@segment/").unwrap_or(&name);
    let Some(language) = name.strip_prefix("analytics") else {
        return false;
    };
    let language = language.strip_prefix(['-', '_', '/']).unwrap_or(language);
    LANGUAGES.contains(&language)
}

/// Returns true for the advertising id of a device: a UUID. All zeros, which devices give out when the user allows no tracking,
/// are none.
pub fn is_advertising_id(text: &str) -> bool {
    is_uuid(text) && !is_zero_id(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_libraries() {
        for name in [
            "analytics-node",
            "@segment/analytics-node",
            "analytics-python",
            "Analytics.NET",
            "analytics-go",
        ] {
            assert!(is_server_library(name), "{name}");
        }
        for name in [
            "analytics.js",
            "analytics-ios",
            "analytics-android",
            "analytics-kotlin",
            "analytics",
            "node",
            "",
        ] {
            assert!(!is_server_library(name), "{name}");
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
            assert_eq!(tracking_status(told), status, "{told}");
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

    #[test]
    fn advertising_ids_are_real() {
        for (text, real) in [
            ("6D92078A-8246-4BA4-AE5B-76104861E7DC", true),
            ("38400000-8cf0-11bd-b23e-10b96e40000d", true),
            ("00000000-0000-0000-0000-000000000000", false),
            ("00000000-0000-0000-0000-000000000001", false),
            ("6D92078A82464BA4AE5B76104861E7DC", false),
            ("6D92078A-8246-4BA4-AE5B-76104861E7DC-1", false),
            ("unknown", false),
            ("", false),
        ] {
            assert_eq!(is_advertising_id(text), real, "{text}");
        }
    }
}
