//! Places of a record's parts in its bytes, for the history.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memchr2;

use crate::{Document, MatchKeys, Money, Parameters, Summary};

/// The places at which the parts of a record that people look for begin in its bytes. A sink that knows them while it writes
/// the record spares the history the parsing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The destination's name of the conversion.
    pub event_name: Spot,
    /// Where the conversion happened.
    pub action_source: Spot,
    /// The id by which the destination recognises duplicates.
    pub event_id: Spot,
    /// The order.
    pub order_id: Spot,
    /// Worth of the conversion, as a number or a text.
    pub value: Spot,
    /// ISO 4217 code of its currency.
    pub currency: Spot,
    /// The match keys that the record carries; `None` if it carries none.
    pub match_keys: Option<Arc<MatchKeys>>,
    /// The other parameters that it carries.
    pub parameters: Parameters,
}

impl Parts {
    /// Reads the parts from the bytes that they belong to.
    pub(crate) fn summary<'r>(&'r self, record: &'r [u8]) -> Summary<'r> {
        let text = |spot: Spot| spot.text(record);
        Summary {
            action_source: text(self.action_source),
            event_id: text(self.event_id),
            order_id: text(self.order_id),
            ..self.counted(record)
        }
    }

    /// Reads those of which sums are made.
    pub(crate) fn counted<'r>(&'r self, record: &'r [u8]) -> Summary<'r> {
        let text = |spot: Spot| spot.text(record);
        let amount = text(self.value).and_then(|text| Money::millionths(&text));
        Summary {
            event_name: text(self.event_name),
            value: amount.map(|millionths| Money {
                millionths,
                currency: text(self.currency),
            }),
            match_keys: self.match_keys.as_ref(),
            parameters: self.parameters,
            ..Summary::default()
        }
    }
}

/// The place where a value begins in the bytes of a record: a JSON text or number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spot(
    /// Zero if there is none: a record's first byte opens an object.
    u32,
);

impl Spot {
    /// Makes a place. One beyond 4 GB counts as none.
    #[must_use]
    pub fn new(at: usize) -> Spot {
        Spot(u32::try_from(at).unwrap_or(0))
    }

    /// Returns true if there is no value.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Reads a text, or a number as text; `None` if it is blank or something else.
    fn text(self, record: &[u8]) -> Option<Cow<'_, str>> {
        let value = record.get(self.0 as usize..).filter(|_| !self.is_none())?;
        let text = match value.split_first()? {
            (b'"', inner) => {
                let end = memchr2(b'"', b'\\', inner)?;
                match inner.get(end) {
                    Some(b'"') => Cow::Borrowed(std::str::from_utf8(inner.get(..end)?).ok()?),
                    _ => Cow::Owned(unescaped(value)?),
                }
            }
            (b'-' | b'0'..=b'9', _) => {
                let end = value.iter().position(|byte| matches!(byte, b',' | b'}' | b']'))?;
                Cow::Borrowed(std::str::from_utf8(value.get(..end)?).ok()?)
            }
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Reads the JSON text that begins here.
fn unescaped(value: &[u8]) -> Option<String> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', value.get(at..)?)?;
        match value.get(at)? {
            b'"' => break,
            // The character behind it belongs to it.
            _ => at += 2,
        }
    }
    let text = std::str::from_utf8(value.get(..=at)?).ok()?;
    let document = Document::parse(text).ok()?;
    document.root().as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_where_they_stand() {
        let json = r#"{"a":"é, \"}","b":"\\","c":-1.5e3,"d":"","e":null,"f":[1],"g":7}"#;
        let at = |key: &str| Spot::new(json.find(&format!("\"{key}\":")).unwrap() + 4);
        for (key, expected) in [
            ("a", Some("é, \"}")),
            ("b", Some("\\")),
            ("c", Some("-1.5e3")),
            ("d", None),
            ("e", None),
            ("f", None),
            ("g", Some("7")),
        ] {
            assert_eq!(at(key).text(json.as_bytes()).as_deref(), expected, "{key}");
        }
        assert_eq!(Spot::default().text(json.as_bytes()), None);
        for cut in ["{\"a\":\"x", "{\"a\":\"x\\", "{\"a\":1", "{\"a\":"] {
            assert_eq!(Spot::new(5).text(cut.as_bytes()), None, "{cut}");
        }
    }
}
