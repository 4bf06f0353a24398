//! The sets of rules, by the name that users write.
//!
//! | field | [`PINTEREST`] | [`META`] | [`TIKTOK`] |
//! |---|---|---|---|
//! | e-mail | no white space, lower case, without `mailto:`, quotes and a comma around it | the same, but white space inside drops the value | as `meta` |
//! | phone | digits with the country calling code, which is added where the country is known | the same | E.164 with `+`; numbers of an unknown country are dropped |
//! | names | lower case, without white space and, if different, with single blanks inside | also without ASCII punctuation | letters and digits of any script |
//! | gender | `f`, `m`, `n` from common English spellings | `f`, `m` | as `pinterest` |
//! | date of birth | any unambiguous date as YYYYMMDD | the same | the same |
//! | city | letters and digits of any script | the same | the same, sent plain |
//! | state | names of US states and Canadian provinces, `US-CA`, `New York (NY)` → two letters | the same; others letters and digits | as `meta`, sent plain |
//! | zip | letters and digits; ZIP+4 → five digits; prefixes of countries and states go; lost zeros return | the same | the same |
//! | country | names, alpha-3 and numeric codes, locales → alpha-2; others are dropped | the same | as `meta`, sent plain |
//! | external id | trimmed, in lower case and, if different, as given | as given, trimmed | as given, trimmed |
//! | advertising id, street | no white space, lower case | the same | the same |
//!
//! [`SEGMENT`], [`SEGMENT_META`] and [`SEGMENT_TIKTOK`] are what Segment's open-source destinations do, byte for byte.

use super::field::{Dropped, Field};
use super::geo;
pub use super::step::{Codes, PhoneForm, Reading, Rules, Step};

/// Pinterest's published rules (Conversions API, OpenAPI 5.28.0 and the developer pages on hashing).
pub static PINTEREST: Rules = Rules::new(
    "pinterest",
    Reading::Screened,
    &[
        (Field::Email, &[Step::EmailAddress]),
        (Field::Phone, &[Step::Phone(PhoneForm::Digits)]),
        (Field::Gender, &[Step::Codes(&GENDERS)]),
        (Field::DateOfBirth, &[Step::Birthday]),
        (Field::City, &[Step::LettersAndDigits]),
        (Field::State, &[Step::State, Step::Province]),
        (Field::Zip, &[Step::PostalCode]),
        (Field::Country, &[Step::Country, Step::CountryCode]),
        (Field::ExternalId, &[Step::AsGiven, Step::LowerCase]),
    ],
)
.both_forms(&[Field::FirstName, Field::LastName, Field::ExternalId]);

/// A state's code or name as letters and digits. Removing signs may uncover a name, so names are looked up twice.
const STATE: &[Step] = &[
    Step::State,
    Step::Province,
    Step::LettersAndDigits,
    Step::State,
    Step::Province,
];

/// Meta's published rules (Conversions API, customer information parameters), with letters of any script where Meta's
/// parameter builder keeps ASCII alone.
pub static META: Rules = Rules::new(
    "meta",
    Reading::Screened,
    &[
        (Field::Email, &[Step::OneWord, Step::EmailAddress]),
        (Field::Phone, &[Step::Phone(PhoneForm::Digits)]),
        (Field::FirstName, &[Step::NoPunctuation]),
        (Field::LastName, &[Step::NoPunctuation]),
        (Field::Gender, &[Step::Codes(&TWO_GENDERS)]),
        (Field::DateOfBirth, &[Step::Birthday]),
        (Field::City, &[Step::LettersAndDigits]),
        (Field::State, STATE),
        (Field::Zip, &[Step::PostalCode]),
        (Field::Country, &[Step::Country, Step::CountryCode]),
        (Field::ExternalId, &[Step::AsGiven]),
    ],
)
.suffixed_hashes();

/// TikTok's published rules (Events API 2.0). City, state and country are sent in their normal form, not hashed.
pub static TIKTOK: Rules = Rules::new(
    "tiktok",
    Reading::Screened,
    &[
        (Field::Email, &[Step::OneWord, Step::EmailAddress]),
        (Field::Phone, &[Step::Phone(PhoneForm::E164)]),
        (Field::FirstName, &[Step::LettersAndDigits]),
        (Field::LastName, &[Step::LettersAndDigits]),
        (Field::Gender, &[Step::Codes(&GENDERS)]),
        (Field::DateOfBirth, &[Step::Birthday]),
        (Field::City, &[Step::LettersAndDigits]),
        (Field::State, STATE),
        (Field::Zip, &[Step::PostalCode]),
        (Field::Country, &[Step::Country, Step::CountryCode]),
        (Field::ExternalId, &[Step::AsGiven]),
    ],
);

/// Segment's Pinterest destination; see [`segment`](super::segment) for values that only these rules may send.
pub static SEGMENT: Rules = Rules::new(
    "segment",
    Reading::HashOrClean,
    &[
        (
            Field::Phone,
            &[Step::AsciiDigits, Step::Required(Dropped::NoDigits)],
        ),
        (Field::Gender, &[Step::Codes(&SEGMENT_GENDERS)]),
    ],
);

/// Segment's Meta destination. A phone or gender that holds 64 hexadecimal digits is sent as it came.
pub static SEGMENT_META: Rules = Rules::new(
    "segment-meta",
    Reading::CleanThenHash,
    &[
        (
            Field::Phone,
            &[Step::AsciiDigits, Step::Required(Dropped::NoDigits)],
        ),
        (Field::Gender, &[Step::Codes(&SEGMENT_TWO_GENDERS)]),
        (Field::State, &[Step::Names(&geo::FIFTY_STATES)]),
        (Field::Country, &[Step::Names(&geo::COUNTRY_NAMES_OF_SEGMENT)]),
    ],
)
.reading(Reading::HoldsHashOrClean, &[Field::Phone, Field::Gender]);

/// Segment's TikTok destinations. City, state and country are sent in their normal form, not hashed.
pub static SEGMENT_TIKTOK: Rules = Rules::new(
    "segment-tiktok",
    Reading::CleanThenHash,
    &[
        (
            Field::Phone,
            &[Step::AsciiDigits, Step::Prefix("+"), Step::AtMost(15)],
        ),
        (Field::City, &[Step::AsciiLettersAndDigits]),
        (Field::State, &[Step::AsciiLettersAndDigits]),
        (Field::Country, &[Step::AsciiLettersAndDigits]),
    ],
)
.reading(
    Reading::LowerThenHash,
    &[Field::Email, Field::ExternalId, Field::MobileAdId],
)
.reading(Reading::HashOrClean, &[Field::Phone])
.reading(Reading::Clean, &[Field::City, Field::State, Field::Country]);

/// Genders in common English spellings. `x` (passports), `other` and `diverse` are read as `n`, neither.
static GENDERS: Codes = Codes {
    words: &[
        MALE,
        FEMALE,
        (
            "n",
            "n nonbinary nb enby x other diverse genderqueer genderfluid agender neutral genderneutral",
        ),
    ],
    punctuation: false,
    unknown: Some(Dropped::UnknownGender),
};

static TWO_GENDERS: Codes = Codes {
    words: &[MALE, FEMALE],
    punctuation: false,
    unknown: Some(Dropped::UnknownGender),
};

const MALE: (&str, &str) = ("m", "m male man men boy");
const FEMALE: (&str, &str) = ("f", "f female w woman women girl");

static SEGMENT_GENDERS: Codes = Codes {
    words: &[("m", "male"), ("f", "female"), ("n", "non-binary")],
    punctuation: true,
    unknown: None,
};

static SEGMENT_TWO_GENDERS: Codes = Codes {
    words: &[("m", "m male"), ("f", "f female")],
    punctuation: true,
    unknown: Some(Dropped::UnknownGender),
};
