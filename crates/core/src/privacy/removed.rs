//! The result of scrubbing: the text that stays, and the kinds of data that were taken out.

use std::fmt;

/// The kinds of data taken out of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed(u8);

impl Removed {
    /// The empty set.
    pub const NONE: Removed = Removed(0);
    /// An e-mail address.
    pub const EMAIL: Removed = Removed(1);
    /// A phone number.
    pub const PHONE: Removed = Removed(2);
    /// A user name and a password before the host of a URL.
    pub const USERINFO: Removed = Removed(4);
    /// A value under a key that names something personal.
    pub const PERSONAL_KEY: Removed = Removed(8);
    /// A value under a key that names a secret, or one that has the form of a token.
    pub const SECRET: Removed = Removed(16);

    const NAMES: [(Removed, &'static str); 5] = [
        (Removed::EMAIL, "an e-mail address"),
        (Removed::PHONE, "a phone number"),
        (Removed::USERINFO, "a user name or password"),
        (Removed::PERSONAL_KEY, "a value under a personal key"),
        (Removed::SECRET, "a secret"),
    ];

    /// Returns true if nothing was taken out.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds the kinds of another set.
    pub(super) fn add(&mut self, other: Removed) {
        self.0 |= other.0;
    }
}

/// Lists the kinds for a warning: `an e-mail address, a secret`.
impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Removed::NAMES.iter().filter(|(kind, _)| self.0 & kind.0 != 0);
        for (at, (_, name)) in named.enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A text that held personal data or secrets, without them.
#[derive(Clone, PartialEq, Eq)]
pub struct Scrubbed {
    /// The text that stays, byte for byte but for the parts taken out; empty if nothing usable stays.
    pub text: String,
    /// The kinds of the parts taken out.
    pub removed: Removed,
}

/// Prints the kinds only: the text may hold personal data that no rule recognised.
impl fmt::Debug for Scrubbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubbed({})", self.removed)
    }
}
