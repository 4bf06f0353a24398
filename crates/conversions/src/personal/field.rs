//! The personal fields, and the reasons why a value of one has no normal form.

use serde::Deserialize;

/// The kinds of personal fields that are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A given name.
    FirstName,
    /// A family name.
    LastName,
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
    /// The advertiser's own id of a user.
    ExternalId,
    /// An advertising id of a device: IDFA, GAID.
    MobileAdId,
    /// A street.
    Street,
}

impl Field {
    /// Every field.
    pub const ALL: [Field; 13] = [
        Field::Email,
        Field::Phone,
        Field::FirstName,
        Field::LastName,
        Field::Gender,
        Field::DateOfBirth,
        Field::City,
        Field::State,
        Field::Zip,
        Field::Country,
        Field::ExternalId,
        Field::MobileAdId,
        Field::Street,
    ];

    /// Returns the name that settings and facts use, such as `date_of_birth`.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Email => "email",
            Field::Phone => "phone",
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::Gender => "gender",
            Field::DateOfBirth => "date_of_birth",
            Field::City => "city",
            Field::State => "state",
            Field::Zip => "zip",
            Field::Country => "country",
            Field::ExternalId => "external_id",
            Field::MobileAdId => "mobile_ad_id",
            Field::Street => "street",
        }
    }
}

/// The reason why a value has no normal form. The code is stable and safe to log; the value never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The value is blank, or nothing is left after normalising. A blank value counts as absent and deserves no warning.
    Empty,
    /// A placeholder such as `null`, `n/a` or the all-zero advertising id, or the SHA-256 of one or of nothing.
    Junk,
    /// An e-mail without exactly one `@` between two non-empty halves.
    NotAnEmail,
    /// Several e-mail addresses in one text; send them as an array.
    SeveralValues,
    /// An MD5, SHA-1 or other hash that is not SHA-256: hashing it again could never match.
    ForeignHash,
    /// A phone number without digits, or with leading zeros alone where the rules drop these.
    NoDigits,
    /// A phone number without its country code, where the rules need one.
    NationalNumber,
    /// A phone number with fewer than 7 or more than 15 digits.
    PhoneLength,
    /// A phone number with letters in it, such as `1-800-FLOWERS`.
    VanityNumber,
    /// A number that a spreadsheet has rounded: `1.41556E+10`.
    RoundedNumber,
    /// A phone number without its country calling code, and nothing tells the country. This one is hashed as it is.
    NoCountryCode,
    /// A gender that is none of the known spellings.
    UnknownGender,
    /// A country that is no known code or name.
    UnknownCountry,
    /// A date of birth that is no date.
    UnreadableDate,
    /// A date of birth that can be read in two ways, such as 01/02/1990.
    AmbiguousDate,
}

impl Dropped {
    /// Returns the stable code: a warning code and metric label.
    pub fn code(self) -> &'static str {
        match self {
            Dropped::Empty => "empty",
            Dropped::Junk => "junk",
            Dropped::NotAnEmail => "not_an_email",
            Dropped::SeveralValues => "several_values",
            Dropped::ForeignHash => "foreign_hash",
            Dropped::NoDigits => "no_digits",
            Dropped::NationalNumber => "national_number",
            Dropped::PhoneLength => "phone_length",
            Dropped::VanityNumber => "vanity_number",
            Dropped::RoundedNumber => "rounded_number",
            Dropped::NoCountryCode => "no_country_code",
            Dropped::UnknownGender => "unknown_gender",
            Dropped::UnknownCountry => "unknown_country",
            Dropped::UnreadableDate => "unreadable_date",
            Dropped::AmbiguousDate => "ambiguous_date",
        }
    }

    /// Returns the reason in words, without the value.
    pub fn message(self) -> &'static str {
        match self {
            Dropped::Empty => "nothing is left of the value after normalising",
            Dropped::Junk => "the value is a placeholder or the hash of one, not an identity",
            Dropped::NotAnEmail => "the value is not an e-mail address",
            Dropped::SeveralValues => "the text holds several addresses; send an array",
            Dropped::ForeignHash => "the value is a hash other than SHA-256",
            Dropped::NoDigits => "the phone number has no digits",
            Dropped::NationalNumber => {
                "the phone number has no country code; write it with `+`, or set default_country"
            }
            Dropped::PhoneLength => "no phone number of its country has this many digits",
            Dropped::VanityNumber => "the phone number has letters in it",
            Dropped::RoundedNumber => "a spreadsheet has rounded the number",
            Dropped::NoCountryCode => {
                "hashed without a country code, since nothing tells the country; write the number with `+`, or set default_country"
            }
            Dropped::UnknownGender => "the gender is none of the known spellings",
            Dropped::UnknownCountry => "the country is no known name or ISO 3166 code",
            Dropped::UnreadableDate => "the date of birth is not a date",
            Dropped::AmbiguousDate => "the date of birth can be read in two ways; write it as YYYY-MM-DD",
        }
    }
}
