//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

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
