//! The circumstances in which events come in.

use std::net::IpAddr;
use std::sync::Arc;

use crate::time::Millis;

/// The six calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A user did something.
    Track,
    /// The user's identity.
    Identify,
    /// A page was looked at.
    Page,
    /// A screen of an app was looked at.
    Screen,
    /// Which account a user belongs to.
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

    /// As events spell it.
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

    /// Reads the spelling of events; `None` for any other text.
    pub fn from_name(name: &str) -> Option<EventType> {
        EventType::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The circumstances in which a request, or a line of a file, came in; the same for all its events.
///
/// Each event gets `receivedAt`; `messageId` if it has none (a UUID), and if it is longer than
/// [`super::MAX_MESSAGE_ID_CHARS`] a shorter one: its beginning and a hash of the whole, since cutting alone would make
/// different ids equal; `sentAt`, `originalTimestamp` and `timestamp` in UTC; and, if it comes from a user's
/// device, `context.ip` and `context.userAgent` unless it has them.
#[derive(Debug, Clone)]
pub struct Reception<'r> {
    /// The source's name in the pipeline file.
    pub source: Arc<str>,
    /// The server's clock when the request was read.
    pub received: Millis,
    /// The request's own statement of its origin.
    pub origin: Origin,
    /// The client's address, for events of users' devices only.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, for events of users' devices only.
    pub user_agent: Option<&'r str>,
    /// True if `sentAt` was read off the client's clock just before `received`, so that their difference is the
    /// clock's error. False for files: there it is the file's age, and `timestamp` is kept as it stands.
    pub live: bool,
}

/// The origin that a request states for its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A user's device for certain: a pixel, a path only browsers use, an `Origin` header.
    Device,
    /// A path that browsers and apps use, so a device unless the event names another library.
    LikelyDevice,
    /// Nothing: the event's library decides, and `context.direct`.
    Unknown,
}
