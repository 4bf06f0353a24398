//! Settings that name an account: its id and its token.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use signalbox_core::{BuildError, BuildErrors, Secret};
use signalbox_http::HeaderValue;

/// An id that the vendor gives out: text, or a number that is written without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountId(pub String);

impl AccountId {
    /// Returns true for an id of digits only, as many as `digits` says.
    pub fn has_digits(&self, digits: RangeInclusive<usize>) -> bool {
        digits.contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_digit())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl Visitor<'_> for Id {
            type Value = AccountId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id, such as \"549755885175\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AccountId, E> {
                Ok(AccountId(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<AccountId, E> {
                Ok(AccountId(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<AccountId, E> {
                Ok(AccountId(number.to_string()))
            }
        }
        deserializer.deserialize_any(Id)
    }
}

impl JsonSchema for AccountId {
    fn schema_name() -> Cow<'static, str> {
        "AccountId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

/// Returns the header that carries a token, made by [`bearer`](signalbox_http::bearer) for instance; `None` beside an error
/// at `setting`. `source` tells the user where the vendor gives tokens out.
pub fn token_header(
    token: &Secret,
    header: fn(&Secret) -> Option<HeaderValue>,
    (setting, source): (&'static str, &str),
    errors: &mut BuildErrors,
) -> Option<HeaderValue> {
    let text = token.expose();
    if text.trim().is_empty() {
        errors.push(BuildError::new(setting, "must not be empty").help(source));
        return None;
    }
    let header = header(token).filter(|_| !text.contains(char::is_whitespace));
    if header.is_none() {
        let message = "holds blanks, line breaks or other characters that no token has";
        errors.push(
            BuildError::new(setting, message).help("a file read with ${file:…} may end in a line break"),
        );
    }
    header
}

/// Refuses texts that are given, but blank; each with its setting.
pub fn refuse_blank(settings: &[(&'static str, &Option<String>)], errors: &mut BuildErrors) {
    for (setting, value) in settings {
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            errors.push(BuildError::new(*setting, "must not be empty").help("leave it out"));
        }
    }
}
