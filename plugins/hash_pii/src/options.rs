//! The choices that settings offer.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use signalbox_conversions::personal::{Rules, rules};

/// Rules by which personal fields are normalised before hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleSet {
    /// Pinterest's own published rules; junk is left out with a warning. The default.
    Pinterest,
    /// Exactly what Segment's Pinterest destination does, junk included.
    Segment,
    /// Meta's published rules; junk is left out with a warning.
    Meta,
    /// TikTok's published rules; junk is left out with a warning.
    TikTok,
}

impl RuleSet {
    /// The names, in the order of the enum.
    pub const NAMES: [&'static str; 4] = ["pinterest", "segment", "meta", "tiktok"];

    /// Returns the rules of this name.
    pub fn rules(self) -> &'static Rules {
        match self {
            RuleSet::Pinterest => &rules::PINTEREST,
            RuleSet::Segment => &rules::SEGMENT,
            RuleSet::Meta => &rules::META,
            RuleSet::TikTok => &rules::TIKTOK,
        }
    }
}

/// One set of rules or several, the first of which makes the hashes in the payload.
#[derive(Debug, Clone)]
pub struct RuleSets(pub Vec<RuleSet>);

impl Default for RuleSets {
    fn default() -> RuleSets {
        RuleSets(vec![RuleSet::Pinterest])
    }
}

impl<'de> Deserialize<'de> for RuleSets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RuleSets, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = RuleSets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a set of rules or a list of names")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<RuleSets, E> {
                Ok(RuleSets(vec![RuleSet::deserialize(name.into_deserializer())?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<RuleSets, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(RuleSets)
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl JsonSchema for RuleSets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RuleSets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<RuleSet>();
        json_schema!({
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "uniqueItems": true }]
        })
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
