//! Where a request's header carries its write key.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The standard alphabet, with or without padding.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The user name of `Authorization: Basic …`. The password does not matter, nor whether there is a colon. Other
/// schemes (OAuth's `Bearer`) carry no write key; the body does then.
pub(crate) fn header_key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(credentials.trim()).ok()?).ok()?;
    let key = decoded.split_once(':').map_or(decoded.as_str(), |(key, _)| key);
    (!key.is_empty()).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_every_form_of_basic() {
        let key = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            header_key(&headers)
        };
        for value in ["Basic a2V5Og==", "basic a2V5Og", "BASIC  a2V5", "Basic a2V5OnB3"] {
            assert_eq!(key(value).as_deref(), Some("key"), "{value}");
        }
        for value in [
            "Bearer a2V5Og==",
            "Basic",
            "Basic Og==",
            "Basic !!",
            "Basic /////w==",
        ] {
            assert_eq!(key(value), None, "{value}");
        }
        assert_eq!(header_key(&HeaderMap::new()), None);
    }
}
