//! Sets of match keys.

/// The names of the match keys that a record carries, such as `email`, never their values. Records that carry the same keys
/// share the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchKeys {
    names: Box<[Box<str>]>,
    json: Box<str>,
}

impl MatchKeys {
    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Returns the names as a list in JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl<T: Into<Box<str>>> FromIterator<T> for MatchKeys {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> MatchKeys {
        let names: Box<[Box<str>]> = names.into_iter().map(Into::into).collect();
        let list = serde_json::Value::from(names.iter().map(|name| &**name).collect::<Vec<&str>>());
        MatchKeys {
            json: list.to_string().into(),
            names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order() {
        let keys: MatchKeys = ["phone", "a\"b"].into_iter().collect();
        assert_eq!(keys.names().collect::<Vec<_>>(), ["phone", "a\"b"]);
        assert_eq!(keys.json(), r#"["phone","a\"b"]"#);
    }
}
