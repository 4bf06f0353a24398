//! The circumstances of an event's receipt.

use std::net::IpAddr;
use std::sync::Arc;

use crate::time::Millis;

/// The six calls of the Tracking API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A user did something.
    Track,
    /// The user's identity.
    Identify,
    /// A user viewed a page.
    Page,
    /// A user viewed a screen of an app.
    Screen,
    /// The account that a user belongs to.
    Group,
    /// Two ids are one user.
    Alias,
}

impl EventType {
    /// All six.
    pub const ALL: [EventType; 6] = [
        EventType::Track,
        EventType::Identify,
        EventType::Page,
        EventType::Screen,
        EventType::Group,
        EventType::Alias,
    ];

    /// Returns the spelling in events.
    pub fn name(self) -> &'static str {
        match self {
            EventType::Track => "track",
            EventType::Identify => "identify",
            EventType::Page => "page",
            EventType::Screen => "screen",
            EventType::Group => "group",
            EventType::Alias => "alias",
        }
    }

    /// Returns the type of a spelling; `None` for any other text.
    pub fn from_name(name: &str) -> Option<EventType> {
        EventType::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The circumstances in which a request, or a line of a file, was received; the same for all its events.
///
/// Each event gets `receivedAt`; `messageId` (a UUID) if it has none; `sentAt`, `originalTimestamp` and `timestamp` in
/// UTC; and, if it comes from a user's device, `context.ip` and `context.userAgent` unless it has them. A `messageId`
/// longer than [`super::MAX_MESSAGE_ID_CHARS`] becomes its beginning and a hash of the whole, since cutting alone would
/// make different ids equal.
#[derive(Debug, Clone)]
pub struct Reception<'r> {
    /// Name of the source in the pipeline file.
    pub source: Arc<str>,
    /// Time of the server's clock when the request was read.
    pub received: Millis,
    /// Origin that the request states.
    pub origin: Origin,
    /// Address of the client, used for events of users' devices only.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, used for events of users' devices only.
    pub user_agent: Option<&'r str>,
    /// True if the client's clock gave `sentAt` just before `received`, so that their difference is the clock's error.
    /// False for files, where it is the file's age: `timestamp` then stays unchanged.
    pub live: bool,
}

/// The origin that a request states for its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Certainly a user's device: a pixel, a path only browsers use, an `Origin` header.
    Device,
    /// Probably a user's device, since browsers and apps use the path, unless the event names another library.
    LikelyDevice,
    /// An unstated origin: the event's library and `context.direct` decide.
    Unknown,
}
