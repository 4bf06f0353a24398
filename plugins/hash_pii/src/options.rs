//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::personal::{Rules, rules};

/// Rules by which personal fields are normalised before hashing.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleSet {
    /// Pinterest's own published rules; junk is left out with a warning. The default.
    #[default]
    Pinterest,
    /// Exactly what Segment's destination does, junk included.
    Segment,
}

impl RuleSet {
    /// Returns the rules of this name.
    pub fn rules(self) -> &'static Rules {
        match self {
            RuleSet::Pinterest => &rules::PINTEREST,
            RuleSet::Segment => &rules::SEGMENT,
        }
    }
}

/// The kind of a personal value, which decides its normal form before hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HashAs {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A given name.
    FirstName,
    /// A family name.
    LastName,
    /// A person's full name: split into `firstName` and `lastName` beside it, then removed.
    Name,
    /// A gender.
    Gender,
    /// A date of birth.
    DateOfBirth,
    /// A city.
    City,
    /// A state or region.
    State,
    /// A postal code.
    Zip,
    /// A country.
    Country,
    /// A street.
    Street,
    /// An address: an object with any of `street`, `city`, `state`, `postalCode`, `postal_code`, `zip`, `country`, or
    /// one text.
    Address,
    /// Your own id of a user.
    ExternalId,
    /// The advertising id of a device (IDFA, GAID).
    MobileAdId,
}
