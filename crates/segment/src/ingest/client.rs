//! Decides if an event comes from a user's device, and from which kind.

use signalbox_core::Node;

use super::reception::Origin;

/// The kind of machine that a library runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Browser,
    Mobile,
    Server,
}

impl Channel {
    /// Returns the spelling of `channel`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Channel::Browser => "browser",
            Channel::Mobile => "mobile",
            Channel::Server => "server",
        }
    }
}

/// Words in the names of mobile libraries: `analytics-ios`, `@segment/analytics-react-native`,
/// `Analytics-CSharp` (Unity, Xamarin), `rudder-android-library`.
const MOBILE: [&str; 9] = [
    "android", "csharp", "flutter", "ios", "kotlin", "native", "swift", "unity", "xamarin",
];

/// Judges a library by its name. Unknown ones count as a server's: taking a server's address for a user's would be
/// worse than none.
fn library(name: &str) -> Channel {
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
    let has = |wanted: &[&str]| words().any(|word| wanted.iter().any(|w| w.eq_ignore_ascii_case(word)));
    if name.eq_ignore_ascii_case("analytics.js") || has(&["javascript", "browser"]) {
        Channel::Browser
    } else if has(&MOBILE) {
        Channel::Mobile
    } else {
        Channel::Server
    }
}

/// The sender of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    /// The event comes from a user's device, so it gets the request's address and user agent.
    pub(super) device: bool,
    pub(super) channel: Channel,
}

/// Judges the sender by the event's context and the request's origin.
pub(super) fn judge(context: Option<Node<'_>>, origin: Origin) -> Client {
    let library = context
        .and_then(|context| context.get("library")?.get("name")?.as_str())
        .filter(|name| !name.is_empty())
        .map(library);
    let direct = context.and_then(|context| context.get("direct")?.as_bool()) == Some(true);
    let device = direct
        || match (origin, library) {
            (Origin::Device, _) | (Origin::LikelyDevice, None) => true,
            (_, library) => matches!(library, Some(Channel::Browser | Channel::Mobile)),
        };
    let channel = library.unwrap_or(if device { Channel::Browser } else { Channel::Server });
    Client { device, channel }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Document;

    use super::*;

    #[test]
    fn libraries_are_known_by_name() {
        for (name, channel) in [
            ("analytics.js", Channel::Browser),
            ("RudderLabs JavaScript SDK", Channel::Browser),
            ("analytics-ios", Channel::Mobile),
            ("analytics-android", Channel::Mobile),
            ("analytics-kotlin", Channel::Mobile),
            ("analytics-swift", Channel::Mobile),
            ("@segment/analytics-react-native", Channel::Mobile),
            ("Analytics-CSharp", Channel::Mobile),
            ("@segment/analytics-node", Channel::Server),
            ("analytics-python", Channel::Server),
            ("analytics-go", Channel::Server),
            ("axios-client", Channel::Server),
        ] {
            assert_eq!(library(name), channel, "{name}");
        }
    }

    #[test]
    fn a_device_is_told_by_path_library_or_switch() {
        let device = |context: &str, origin| {
            let document = Document::parse(context).unwrap();
            judge(Some(document.root()), origin).device
        };
        let python = r#"{"library":{"name":"analytics-python"}}"#;
        assert!(device(python, Origin::Device));
        assert!(!device(python, Origin::LikelyDevice));
        assert!(!device(python, Origin::Unknown));
        assert!(device("{}", Origin::LikelyDevice));
        assert!(!device("{}", Origin::Unknown));
        assert!(device(r#"{"direct":true}"#, Origin::Unknown));
        assert!(!device(r#"{"direct":"true"}"#, Origin::Unknown));
        assert!(device(r#"{"library":{"name":"analytics-ios"}}"#, Origin::Unknown));
        assert!(judge(None, Origin::Device).device);
    }
}
