//! The setting `default_country`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::personal::geo;

/// The country whose rules read phone numbers and postal codes of events that tell none: a code of ISO 3166-1 alpha-2 such as
/// `"DE"`, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DefaultCountry(pub Option<&'static str>);

impl<'de> Deserialize<'de> for DefaultCountry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match geo::country_code(&text).filter(|code| code.eq_ignore_ascii_case(&text)) {
            Some(code) => Ok(DefaultCountry(Some(code))),
            None => {
                let error = format!(
                    "'{text}' is no country; write its code of two letters, such as \"DE\" (ISO 3166-1)"
                );
                Err(D::Error::custom(error))
            }
        }
    }
}

impl JsonSchema for DefaultCountry {
    fn schema_name() -> Cow<'static, str> {
        "DefaultCountry".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z]{2}$" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_country_is_a_code_of_two_letters() {
        let read = |text: &str| serde_json::from_value::<DefaultCountry>(json!(text));
        assert_eq!(read("DE").unwrap(), DefaultCountry(Some("DE")));
        assert_eq!(read("gb").unwrap(), DefaultCountry(Some("GB")));
        for text in ["", "UK", "ZZ", "DEU", "Germany", "840"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("is no country; write its code"), "{text}: {error}");
        }
    }
}
