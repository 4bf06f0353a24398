//! The place of a person, by which phone numbers and postal codes are read.

/// Facts about the place of a person that stand outside of the value. They are asked for only where a value cannot be read
/// without them, so an implementation may search the event.
pub trait Place {
    /// Returns the ISO 3166-1 alpha-2 code of the country, in upper case.
    fn country(&self) -> Option<&'static str>;

    /// Returns the two-letter code of the state of the United States, in upper case.
    fn state(&self) -> Option<&'static str>;
}

/// The place of a person about whom nothing else is known.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Place for Nowhere {
    fn country(&self) -> Option<&'static str> {
        None
    }

    fn state(&self) -> Option<&'static str> {
        None
    }
}
