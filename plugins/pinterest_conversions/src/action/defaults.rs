//! Forms of the defaults with which `compat = "pinterest"` replaces Segment's. The field table holds the defaults.
//!
//! Most of it is mapping like any other. What directives cannot say (splitting a name, reading a query string,
//! adding quantities up) is a [`Derive`], tied to one field and used only while that field keeps its default.

/// A default of `compat = "pinterest"` that differs from Segment's.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// The first of these paths, below the event, that is neither missing nor blank.
    FirstOf(&'static [&'static str]),
    /// The same as `FirstOf`, except that zero counts as a value.
    FirstNumberOf(&'static [&'static str]),
    /// A mapping, as JSON.
    Json(&'static str),
    /// No mapping.
    Nothing,
}

/// A value worked out from the event when the mapping leaves a field empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derive {
    /// `app_ios` or `app_android` for events of a mobile app, which `context.device.type`, or `context.os.name` beside
    /// `context.app`, tells; this one replaces the default `web`.
    ActionSource,
    /// The opposite of `context.device.adTrackingEnabled`, if it is there.
    OptOut,
    /// The given name in `traits.name` or `context.traits.name`.
    FirstName,
    /// The family name in `traits.name` or `context.traits.name`.
    LastName,
    /// `epik` in the query of `context.page.search` or `context.page.url`.
    ClickId,
    /// The ids of the contents.
    ContentIds,
    /// The quantities of the contents, added up; a product of a list counts once if it has none.
    NumItems,
    /// The family that `context.os.name` belongs to.
    OsFamily,
}

/// The set of values to derive for a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derives(u16);

impl Derives {
    /// The empty set.
    pub const NONE: Derives = Derives(0);
    /// All values.
    pub const ALL: Derives = Derives(u16::MAX);

    /// Returns true if this value is derived.
    pub fn has(self, derive: Derive) -> bool {
        self.0 & (1 << derive as u16) != 0
    }

    /// Leaves one out.
    pub(crate) fn except(self, derive: Derive) -> Derives {
        Derives(self.0 & !(1 << derive as u16))
    }
}
