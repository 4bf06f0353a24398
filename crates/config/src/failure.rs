//! serde's errors in the terms of TOML, without values of the file.

use std::fmt;

use serde::de::{self, Unexpected};

use super::tree::TomlNode;
use super::{redact, suggest};

/// The reason why a value cannot be read. Its text never contains the value.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The missing field, if that is the failure; it belongs to the path.
    pub(crate) field: Option<String>,
    /// True if the text comes from other code and may repeat the value.
    foreign: bool,
}

impl Failure {
    pub(crate) fn of(message: String) -> Self {
        Self {
            message,
            field: None,
            foreign: false,
        }
    }

    pub(crate) fn redacted(&self, node: Option<&TomlNode>) -> Self {
        let message = match node {
            Some(node) if self.foreign => redact::redact(&self.message, node),
            _ => self.message.clone(),
        };
        Self {
            message,
            field: self.field.clone(),
            foreign: false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // typetag turns a failure of ours into its text.
        let field = message
            .strip_prefix("missing field '")
            .and_then(|rest| rest.strip_suffix('\''))
            .map(str::to_owned);
        // The list of choices holds nothing of the file, though one of its words may be the wrong value.
        let choices = message.starts_with("unknown value, expected ");
        Self {
            foreign: field.is_none() && !choices,
            field,
            message,
        }
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::of(format!(
            "expected {}, found {}",
            plainly(&wanted.to_string()),
            kind(&found)
        ))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::of(format!(
            "expected {}, found {} that is not",
            plainly(&wanted.to_string()),
            kind(&found)
        ))
    }

    fn invalid_length(found: usize, wanted: &dyn de::Expected) -> Self {
        Self::of(format!(
            "expected {}, found {found} of them",
            plainly(&wanted.to_string())
        ))
    }

    fn unknown_variant(given: &str, expected: &'static [&'static str]) -> Self {
        let names = || expected.iter().copied();
        Self::of(format!(
            "unknown value{}{}",
            suggest::expected(names()),
            suggest::hint(given, names())
        ))
    }

    fn unknown_field(given: &str, expected: &'static [&'static str]) -> Self {
        let names = || expected.iter().copied();
        let (expected, hint) = (suggest::expected(names()), suggest::hint(given, names()));
        Self::of(format!(
            "unknown field '{}'{expected}{hint}",
            given.escape_debug()
        ))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            message: format!("missing field '{field}'"),
            field: Some(field.to_owned()),
            foreign: false,
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(format!("'{field}' is set twice, perhaps under two of its names"))
    }
}

/// Translates an expectation from the terms of Rust to those of TOML.
fn plainly(wanted: &str) -> String {
    match wanted {
        "u8" => "an integer from 0 to 255".to_owned(),
        "u16" => "an integer from 0 to 65535".to_owned(),
        "u32" => "an integer from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "an integer, not negative".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "an integer".to_owned(),
        "a nonzero u16" | "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => {
            "an integer from 1".to_owned()
        }
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" | "map" => "a table".to_owned(),
        "path string" => "a string with a path".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other if other.starts_with("enum ") => "one of its values".to_owned(),
        other => other.to_owned(),
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map | Unexpected::StructVariant => "a table",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use serde::de::Error;

    use super::*;

    #[test]
    fn a_wrong_value_hides_no_choice_that_holds_its_word() {
        let choices: &'static [&'static str] = &["sha256", "sha256-lower", "plain"];
        // As typetag hands it on.
        let failure = Failure::custom(Failure::unknown_variant("lower", choices));
        assert!(!failure.foreign);
        assert!(
            failure
                .message
                .starts_with("unknown value, expected one of sha256, sha256-lower, plain")
        );
        assert!(Failure::custom("lower is not a form").foreign);
    }
}
