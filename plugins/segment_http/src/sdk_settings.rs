//! The settings document that browser and mobile SDKs fetch before they send.

use signalbox_core::json::write_json_string;

/// Where SDKs reach this source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    protocol: &'static str,
    host: String,
}

impl PublicUrl {
    /// Reads `https://host[:port]`.
    pub(crate) fn parse(text: &str) -> Option<PublicUrl> {
        let (protocol, host) = if let Some(host) = text.strip_prefix("https://") {
            ("https", host)
        } else {
            ("http", text.strip_prefix("http://")?)
        };
        let host = host.strip_suffix('/').unwrap_or(host);
        Some(PublicUrl {
            protocol,
            ..PublicUrl::of_host(host)?
        })
    }

    /// A `Host` header's, over plain HTTP.
    pub(crate) fn of_host(host: &str) -> Option<PublicUrl> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
        (!host.is_empty() && host.chars().all(fits)).then(|| PublicUrl {
            protocol: "http",
            host: host.to_owned(),
        })
    }
}

/// The least that every SDK accepts. `Segment.io` is the only destination listed: a second one makes browsers
/// load further scripts. `metrics.sampleRate` 0 keeps SDKs from reporting on themselves.
pub(crate) fn document(key: &str, url: &PublicUrl) -> Vec<u8> {
    let mut out = br#"{"integrations": {"Segment.io": {"apiKey": "#.to_vec();
    write_json_string(key, &mut out);
    out.extend_from_slice(
        format!(
            concat!(
                r#", "apiHost": "{host}/v1", "protocol": "{protocol}", "retryQueue": true, "#,
                r#""addBundledMetadata": true, "unbundledIntegrations": [], "maybeBundledConfigIds": {{}}, "#,
                r#""versionSettings": {{"version": "4.4.7", "componentTypes": ["browser"]}}}}}}, "#,
                r#""plan": {{"track": {{"__default": {{"enabled": true, "integrations": {{}}}}}}}}, "#,
                r#""edgeFunction": {{}}, "middlewareSettings": {{}}, "enabledMiddleware": {{}}, "#,
                r#""metrics": {{"sampleRate": 0, "host": "{host}/v1"}}, "legacyVideoPluginsEnabled": false, "#,
                r#""remotePlugins": [], "consentSettings": {{"allCategories": [], "hasUnmappedDestinations": true}}}}"#
            ),
            host = url.host,
            protocol = url.protocol,
        )
        .as_bytes(),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_a_path() {
        let url = |text| PublicUrl::parse(text).map(|url| (url.protocol, url.host));
        assert_eq!(
            url("https://e.example.com/"),
            Some(("https", "e.example.com".into()))
        );
        assert_eq!(url("http://[::1]:8080"), Some(("http", "[::1]:8080".into())));
        for text in [
            "e.example.com",
            "https://",
            "https://e.example.com/v1",
            "ftp://e",
            "https://a\"b",
        ] {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn the_document_is_json() {
        let url = PublicUrl::parse("https://e.example.com").unwrap();
        let json: serde_json::Value = serde_json::from_slice(&document("k\"1", &url)).unwrap();
        assert_eq!(json["integrations"]["Segment.io"]["apiKey"], "k\"1");
        assert_eq!(json["integrations"]["Segment.io"]["apiHost"], "e.example.com/v1");
        assert_eq!(json["metrics"]["sampleRate"], 0);
    }
}
