//! What `compat = "pinterest"` maps by default beyond Segment's defaults, and what it does not map.
//!
//! Most of it is mapping like any other. What directives cannot say (splitting a name, reading a query string,
//! adding quantities up) is a [`Derive`], tied to one field and used only while that field keeps its default.

/// A default of `compat = "pinterest"` that differs from Segment's.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// The first of these paths, below the event, that is neither missing nor blank.
    FirstOf(&'static [&'static str]),
    /// As `FirstOf`, but zero counts as something.
    FirstNumberOf(&'static [&'static str]),
    /// A mapping, as JSON.
    Json(&'static str),
    /// Nothing is mapped.
    Nothing,
}

/// What is worked out when the mapping leaves a field empty.
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

/// What is still to be derived for a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derives(u16);

impl Derives {
    /// Nothing.
    pub const NONE: Derives = Derives(0);
    /// Everything.
    pub const ALL: Derives = Derives(u16::MAX);

    /// Whether this is derived.
    pub fn has(self, derive: Derive) -> bool {
        self.0 & (1 << derive as u16) != 0
    }

    /// Leaves one out.
    pub(crate) fn except(self, derive: Derive) -> Derives {
        Derives(self.0 & !(1 << derive as u16))
    }
}
