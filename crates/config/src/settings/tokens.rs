//! `[[admin.tokens]]`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_core::{BuildError, Secret};

/// Name of the caller with `token` of `[admin]`.
pub const TOKEN_NAME: &str = "token";

/// Name of the caller where no token is set.
pub const LOCAL_NAME: &str = "local";

/// The most characters of a name.
const LONGEST_NAME: usize = 64;

/// The rights of a caller of the admin address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees and does everything.
    Operator,
    /// Sees everything but payloads in plaintext, and changes and sends nothing.
    Read,
}

impl Role {
    /// Returns the word that the file has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Read => "read",
        }
    }
}

/// A token of the admin address, with the name of its caller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminToken {
    /// Name of the person, team or program that holds the token, such as `"media-team"`: up to 64 letters, digits, `-`, `_` and
    /// `.`. The audit log shows it. Required.
    pub name: String,
    /// Rights of the token: `"operator"` sees and does everything; `"read"` sees everything but payloads in plaintext, and
    /// changes and sends nothing. Required.
    pub role: Role,
    /// The token: visible ASCII characters. Required.
    pub token: Secret,
}

/// Finds tokens that no request can carry, and names and tokens that do not tell callers apart.
pub(super) fn token_faults(token: Option<&Secret>, tokens: &[AdminToken]) -> Vec<BuildError> {
    let mut faults = Vec::new();
    if let Some(token) = token {
        faults.extend(token_fault(token).map(|message| BuildError::new("token", message)));
    }
    for (
        n,
        AdminToken {
            name, token: given, ..
        },
    ) in tokens.iter().enumerate()
    {
        let before = tokens.get(..n).unwrap_or_default();
        if let Some(fault) = name_fault(name) {
            faults.push(
                BuildError::new(format!("tokens.{n}.name"), fault).help("write it like \"media-team\""),
            );
        } else if name == TOKEN_NAME || name == LOCAL_NAME {
            let told = "this name is taken: the audit log calls the caller with `token` of [admin] \"token\", and one that \
                        needs no token \"local\"";
            faults.push(BuildError::new(format!("tokens.{n}.name"), told).help("choose another name"));
        } else if before.iter().any(|other| other.name == *name) {
            let told = "another token has this name, so the audit log could not tell them apart";
            faults.push(BuildError::new(format!("tokens.{n}.name"), told).help("choose another name"));
        }
        if let Some(fault) = token_fault(given) {
            faults.push(BuildError::new(format!("tokens.{n}.token"), fault));
        } else if token == Some(given) || before.iter().any(|other| other.token == *given) {
            let told = "another name has this token, so its holder could not be told";
            faults
                .push(BuildError::new(format!("tokens.{n}.token"), told).help("make a token for each name"));
        }
    }
    faults
}

/// Tells why a text is no name of a caller or a router.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    match name {
        "" => Some("must not be empty"),
        _ if !name.bytes().all(fits) => Some("may hold letters (a to z), digits, '-', '_' and '.' only"),
        _ if name.len() > LONGEST_NAME => Some("must not be longer than 64 characters"),
        _ => None,
    }
}

fn token_fault(token: &Secret) -> Option<&'static str> {
    let text = token.expose();
    if text.trim().is_empty() {
        return Some("must not be empty");
    }
    // A header cannot carry anything else, so no request could ever match.
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic());
    (!fits).then_some("may hold visible ASCII characters only, without spaces")
}
