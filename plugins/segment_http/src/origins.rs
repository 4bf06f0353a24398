//! Origins of web pages that may use a write key.

/// A list of origins, some with all their subdomains.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Vec<OriginPattern>);

#[derive(Debug, Clone)]
enum OriginPattern {
    /// This one.
    Is(String),
    /// Scheme with `://`, and the domain with the dot before it and the port behind.
    Below(String, String),
}

impl Origins {
    /// Reads `https://shop.example`, `http://localhost:3000`, `https://*.shop.example`.
    ///
    /// # Errors
    /// The indices of texts that are no origins.
    pub(crate) fn parse(texts: &[String]) -> Result<Origins, Vec<usize>> {
        let mut wrong = Vec::new();
        let mut entries = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            match entry(text) {
                Some(entry) => entries.push(entry),
                None => wrong.push(i),
            }
        }
        if wrong.is_empty() {
            Ok(Origins(entries))
        } else {
            Err(wrong)
        }
    }

    /// True if the value of an `Origin` header is one of these.
    pub(crate) fn contain(&self, origin: &[u8]) -> bool {
        let Ok(origin) = std::str::from_utf8(origin) else {
            return false;
        };
        let origin = origin.to_ascii_lowercase();
        self.0.iter().any(|entry| match entry {
            OriginPattern::Is(one) => *one == origin,
            OriginPattern::Below(scheme, domain) => origin
                .strip_prefix(scheme.as_str())
                .and_then(|host| host.strip_suffix(domain.as_str()))
                .is_some_and(|sub| !sub.is_empty() && sub.chars().all(is_host)),
        })
    }
}

fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._".contains(c)
}

fn entry(text: &str) -> Option<OriginPattern> {
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.strip_prefix("*.").unwrap_or(rest);
    let fits = |c: char| is_host(c) || ":[]".contains(c);
    if scheme.is_empty()
        || !scheme.chars().all(|c| is_host(c) || c == '+')
        || host.is_empty()
        || !host.chars().all(fits)
    {
        return None;
    }
    Some(if host.len() < rest.len() {
        OriginPattern::Below(format!("{scheme}://"), format!(".{host}"))
    } else {
        OriginPattern::Is(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_whole() {
        let origins = Origins::parse(&[
            "https://Shop.example".to_owned(),
            "https://*.shop.example".to_owned(),
            "http://localhost:3000".to_owned(),
            "capacitor://localhost".to_owned(),
        ])
        .unwrap();
        for yes in [
            "https://shop.example",
            "https://SHOP.example",
            "https://a.b.shop.example",
            "http://localhost:3000",
            "capacitor://localhost",
        ] {
            assert!(origins.contain(yes.as_bytes()), "{yes}");
        }
        for no in [
            "http://shop.example",
            "https://shop.example:444",
            "https://evilshop.example",
            "https://.shop.example.evil",
            "https://evil/.shop.example",
            "https://.shop.example",
            "null",
            "",
            "http://localhost",
        ] {
            assert!(!origins.contain(no.as_bytes()), "{no}");
        }
        assert!(!origins.contain(b"\xff"));
    }

    #[test]
    fn what_is_no_origin_is_told() {
        let texts = [
            "shop.example",
            "https://",
            "https://shop.example/",
            "*",
            "https://*.",
            "://a",
            "https://a b",
        ];
        let texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
        assert_eq!(Origins::parse(&texts).unwrap_err(), [0, 1, 2, 3, 4, 5, 6]);
    }
}
