//! Every warning this transform leaves on an event. It rejects nothing.

use signalbox_conversions::personal::Dropped;
use signalbox_core::{Kind, Warning};

/// Why a value was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removed {
    /// The value cannot be an identity; the codes are those of [`Dropped::code`].
    Dropped(Dropped),
    /// An object or array where a single value was expected: `unexpected_kind`.
    Kind(Kind),
    /// More values at one path than travel with the event by several rules: `too_many_values`.
    TooMany,
    /// A full name without a name in it: `no_name`.
    NoName,
}

impl Removed {
    /// The warning about a path.
    pub(crate) fn noted(self, path: &str) -> Warning {
        let (code, why) = match self {
            Removed::Dropped(dropped) => (dropped.code(), dropped.message().to_owned()),
            Removed::Kind(kind) => (
                "unexpected_kind",
                format!("an {} stands where one personal value was expected", kind.name()),
            ),
            Removed::TooMany => ("too_many_values", "64 values at this path are hashed".to_owned()),
            Removed::NoName => ("no_name", "no given or family name is in it".to_owned()),
        };
        Warning::new(code, path, format!("{why}; it was left out"))
    }
}

/// The warning about a value of which one set of rules has no hash, and another has.
pub(crate) fn unhashed(why: Dropped, path: &str, rules: &str) -> Warning {
    let message = format!("{}; the rules '{rules}' have no hash of it", why.message());
    Warning::new(why.code(), path, message)
}

/// The warning about a value that is hashed although something is doubtful.
pub(crate) fn doubtful(doubt: Dropped, path: &str) -> Warning {
    Warning::new(doubt.code(), path, doubt.message())
}
