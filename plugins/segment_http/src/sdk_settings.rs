//! The settings document that browser and mobile SDKs fetch before they send.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::json::write_json_string;

/// The protocol by which SDKs reach this source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// With TLS.
    Https,
    /// Without.
    Http,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Protocol::Https => "https",
            Protocol::Http => "http",
        }
    }
}

/// Consent categories, for wrappers of consent managers, which read them in the settings document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentConfig {
    /// All categories that your sinks' `consent_categories` name. Required.
    pub categories: Vec<String>,

    /// True if some sink needs no category, so that events are worth sending for any choice of the user. Default true.
    #[serde(default = "default_unmapped")]
    pub unmapped_destinations: bool,
}

fn default_unmapped() -> bool {
    true
}

/// True if a text is `host` or `host:port`.
pub(crate) fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

/// The parts of the document that differ between keys and sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SettingsDocument<'a> {
    pub(crate) key: &'a str,
    pub(crate) host: &'a str,
    pub(crate) protocol: Protocol,
    pub(crate) http_config: bool,
    pub(crate) consent: Option<&'a ConsentConfig>,
}

/// The settings of retries. Both parts must be enabled, or mobile SDKs ignore Retry-After. The values are the defaults
/// of Segment's SDKs, with the long retries of its mobile ones for all.
const HTTP_CONFIG: &str = concat!(
    r#"{"rateLimitConfig": {"enabled": true, "maxRetryCount": 100, "maxRetryInterval": 300, "#,
    r#""maxRateLimitDuration": 43200}, "#,
    r#""backoffConfig": {"enabled": true, "maxRetryCount": 100, "baseBackoffInterval": 0.5, "#,
    r#""maxBackoffInterval": 300, "maxTotalBackoffDuration": 43200, "jitterPercent": 10, "#,
    r#""default4xxBehavior": "drop", "default5xxBehavior": "retry", "#,
    r#""statusCodeOverrides": {"408": "retry", "410": "retry", "429": "retry", "460": "retry", "#,
    r#""501": "drop", "505": "drop", "511": "drop"}}}"#
);

impl SettingsDocument<'_> {
    /// The least that every SDK accepts. `Segment.io` is the only destination listed: a second one makes browsers
    /// load further scripts. `metrics.sampleRate` 0 keeps SDKs from reporting on themselves.
    pub(crate) fn write(&self) -> Vec<u8> {
        let (host, protocol) = (self.host, self.protocol.name());
        let mut out = br#"{"integrations": {"Segment.io": {"apiKey": "#.to_vec();
        write_json_string(self.key, &mut out);
        out.extend_from_slice(
            format!(
                concat!(
                    r#", "apiHost": "{host}/v1", "protocol": "{protocol}", "retryQueue": true, "#,
                    r#""addBundledMetadata": true, "unbundledIntegrations": [], "maybeBundledConfigIds": {{}}, "#,
                    r#""versionSettings": {{"version": "4.4.7", "componentTypes": ["browser"]}}"#
                ),
                host = host,
                protocol = protocol,
            )
            .as_bytes(),
        );
        if self.http_config {
            out.extend_from_slice(br#", "httpConfig": "#);
            out.extend_from_slice(HTTP_CONFIG.as_bytes());
        }
        out.extend_from_slice(
            format!(
                concat!(
                    r#"}}}}, "plan": {{"track": {{"__default": {{"enabled": true, "integrations": {{}}}}}}}}, "#,
                    r#""edgeFunction": {{}}, "analyticsNextEnabled": true, "middlewareSettings": {{}}, "#,
                    r#""enabledMiddleware": {{}}, "metrics": {{"sampleRate": 0, "host": "{host}/v1"}}, "#,
                    r#""legacyVideoPluginsEnabled": false, "remotePlugins": [], "#,
                    r#""consentSettings": {{"allCategories": ["#
                ),
                host = host,
            )
            .as_bytes(),
        );
        for (i, category) in self
            .consent
            .iter()
            .flat_map(|consent| &consent.categories)
            .enumerate()
        {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            write_json_string(category, &mut out);
        }
        let unmapped = self.consent.is_none_or(|consent| consent.unmapped_destinations);
        out.extend_from_slice(format!(r#"], "hasUnmappedDestinations": {unmapped}}}}}"#).as_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn hosts_without_scheme_and_path() {
        for text in ["e.example.com", "[::1]:8080", "localhost:80"] {
            assert!(is_host(text), "{text}");
        }
        for text in ["", "https://e.example.com", "e.example.com/v1", "a\"b", "a b"] {
            assert!(!is_host(text), "{text}");
        }
    }

    #[test]
    fn the_document_is_json() {
        let consent = ConsentConfig {
            categories: vec!["ads".into(), "a\"b".into()],
            unmapped_destinations: false,
        };
        let plain = SettingsDocument {
            key: "k\"1",
            host: "e.example.com",
            protocol: Protocol::Https,
            http_config: false,
            consent: None,
        };
        let read =
            |document: SettingsDocument<'_>| serde_json::from_slice::<Value>(&document.write()).unwrap();
        let json = read(plain);
        let segment = &json["integrations"]["Segment.io"];
        assert_eq!(segment["apiKey"], "k\"1");
        assert_eq!(segment["apiHost"], "e.example.com/v1");
        assert_eq!(segment["protocol"], "https");
        assert_eq!(segment.get("httpConfig"), None);
        assert_eq!(json["integrations"].as_object().unwrap().len(), 1);
        assert_eq!(json["metrics"]["sampleRate"], 0);
        assert_eq!(
            json["consentSettings"],
            json!({"allCategories": [], "hasUnmappedDestinations": true})
        );
        let json = read(SettingsDocument {
            http_config: true,
            consent: Some(&consent),
            ..plain
        });
        let http = &json["integrations"]["Segment.io"]["httpConfig"];
        assert_eq!(http["rateLimitConfig"]["enabled"], true);
        assert_eq!(http["backoffConfig"]["enabled"], true);
        assert_eq!(
            json["consentSettings"],
            json!({"allCategories": ["ads", "a\"b"], "hasUnmappedDestinations": false})
        );
    }
}
