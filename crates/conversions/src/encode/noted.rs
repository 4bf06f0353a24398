//! Notes about the members of a record while it is written, from which the history learns its parts.

use signalbox_core::Spot;

use super::writer::Key;

/// The meaning of a member for the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    None,
    ActionSource,
    EventId,
    OrderId,
    Value,
    Currency,
    Contents,
    /// Address of the web page, as a member of the event.
    SourceUrl,
    /// The object that holds the match keys.
    Person,
    /// The object that holds the address of the web page.
    Page,
    /// The address of the web page, in that object.
    Url,
}

/// The names that conversions APIs share.
const ROLES: [(&str, Role); 12] = [
    ("action_source", Role::ActionSource),
    ("event_id", Role::EventId),
    ("order_id", Role::OrderId),
    ("value", Role::Value),
    ("currency", Role::Currency),
    ("contents", Role::Contents),
    ("content_ids", Role::Contents),
    ("event_source_url", Role::SourceUrl),
    ("user_data", Role::Person),
    ("user", Role::Person),
    ("page", Role::Page),
    ("url", Role::Url),
];

impl Role {
    /// Returns the role of a member by its name.
    pub(super) const fn of(name: &str) -> Role {
        let mut at = 0;
        while at < ROLES.len() {
            if super::is_prefix(ROLES[at].0, name, name.len()) {
                return ROLES[at].1;
            }
            at += 1;
        }
        Role::None
    }

    /// Returns true if the member counts in an object of the event, too.
    #[inline]
    pub(super) const fn is_in_objects(self) -> bool {
        matches!(
            self,
            Role::OrderId | Role::Value | Role::Currency | Role::Contents
        )
    }
}

/// The place of a member in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A member of the event itself.
    Event,
    /// A member of an object in the event.
    Object,
    /// A member of the object that holds the match keys.
    Person,
    /// A member of the object about the web page.
    Page,
    /// A member further inside.
    Inside,
}

/// A member that was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// A hash of the name.
    pub(crate) hash: u64,
    pub(crate) role: Role,
    pub(crate) zone: Zone,
    /// The place of the value.
    at: usize,
}

impl Member {
    pub(crate) fn spot(&self) -> Spot {
        Spot::new(self.at)
    }

    /// Returns true if the value is a number, or a text or a list that is not empty.
    pub(crate) fn is_set(&self, record: &[u8]) -> bool {
        match record.get(self.at..) {
            Some([b'"', next, ..]) => *next != b'"',
            Some([b'[', next, ..]) => *next != b']',
            Some([b'-' | b'0'..=b'9', ..]) => true,
            _ => false,
        }
    }
}

/// The members of a record that may count, in their order.
#[derive(Debug, Default)]
pub(crate) struct Noted(Vec<Member>);

impl Noted {
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(crate) fn members(&self) -> &[Member] {
        &self.0
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets the members from this one on, which were taken back.
    #[inline]
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Notes a member whose value begins here.
    #[inline]
    pub(super) fn add(&mut self, key: &'static Key, zone: Zone, at: usize) {
        if match zone {
            Zone::Event | Zone::Person => true,
            Zone::Object => key.role().is_in_objects(),
            Zone::Page => key.role() == Role::Url,
            Zone::Inside => false,
        } {
            self.0.push(Member {
                name: key.name(),
                hash: key.hash(),
                role: key.role(),
                zone,
                at,
            });
        }
    }

    /// Notes a member whose name the user chose.
    pub(super) fn add_property(&mut self, name: &str, zone: Zone, at: usize) {
        let role = Role::of(name);
        if zone == Zone::Object && role.is_in_objects() {
            self.0.push(Member {
                name: "",
                hash: 0,
                role,
                zone,
                at,
            });
        }
    }
}
