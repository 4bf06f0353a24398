//! The texts around records for vendors whose requests differ by more than their events: an id, a test code.

use std::sync::OnceLock;

use signalbox_core::Reason;

use crate::reasons::too_many_test_codes;

/// Number of different frames that a sink can have. Each holds records back until its batch is full or old enough, so
/// many of them would send small requests only.
const MOST: usize = 64;

/// The text behind the records of every request.
pub const CLOSE: &str = "]}";

/// The members of a request beside its list of records; those without a value are left out.
pub type Root<'t, const MEMBERS: usize> = [(&'static str, Option<&'t str>); MEMBERS];

/// The frames that a sink has used so far: root members, then the list of records. A frame's place is its batch key
/// ([`Written::batch_key`](crate::Written::batch_key)).
#[derive(Debug)]
pub struct Frames {
    list: &'static str,
    longest: usize,
    openings: [OnceLock<Box<str>>; MOST],
}

impl Frames {
    /// Makes the table. Key 0 has the root members that have a value, and the list of records under the name `list`; no other
    /// frame may be longer than it by more than `more` bytes.
    pub fn new(root: &[(&str, Option<&str>)], list: &'static str, more: usize) -> Frames {
        let mut openings = [const { OnceLock::new() }; MOST];
        let open = opening(root, list);
        let longest = open.len() + CLOSE.len() + more;
        openings[0] = OnceLock::from(open.into_boxed_str());
        Frames {
            list,
            longest,
            openings,
        }
    }

    /// Returns the key of the frame with these root members.
    ///
    /// # Errors
    /// `too_many_test_codes` if they are too long, or if there are too many frames already.
    pub fn key(&self, root: &[(&str, Option<&str>)]) -> Result<u16, Reason> {
        let open = opening(root, self.list);
        let is = |frame: &OnceLock<Box<str>>| **frame.get_or_init(|| open.as_str().into()) == *open;
        let fits = open.len() + CLOSE.len() <= self.longest;
        let key = fits.then(|| self.openings.iter().position(is)).flatten();
        key.and_then(|key| u16::try_from(key).ok())
            .ok_or_else(too_many_test_codes)
    }

    /// Returns the text of a request before its records, which all have this key; [`CLOSE`] stands behind them.
    #[inline]
    pub fn opening(&self, key: u16) -> &str {
        let opening = self.openings.get(usize::from(key)).and_then(OnceLock::get);
        opening.map_or("", |open| open)
    }

    /// Returns the greatest length of a frame in bytes, which batches leave room for.
    pub fn longest(&self) -> usize {
        self.longest
    }
}

/// Returns the text of a request before its list `list`: the root members that have a value.
pub(crate) fn opening(members: &[(&str, Option<&str>)], list: &str) -> String {
    let mut open = String::from("{");
    for (key, value) in members {
        if let Some(value) = value {
            open.push_str(&format!("\"{key}\":{},", serde_json::Value::from(*value)));
        }
    }
    open.push_str(&format!("\"{list}\":["));
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_holds_the_members_that_have_a_value() {
        let members = [("a", Some("\"x\"")), ("b", None)];
        assert_eq!(opening(&members, "data"), r#"{"a":"\"x\"","data":["#);
        assert_eq!(opening(&[], "data"), r#"{"data":["#);
    }

    #[test]
    fn equal_members_have_one_key() {
        let frames = Frames::new(&[], "data", 12);
        let code = |code: &str| frames.key(&[("a", Some(code))]);
        assert_eq!(frames.key(&[]), Ok(0));
        assert_eq!(code("1"), Ok(1));
        assert_eq!(code("2"), Ok(2));
        assert_eq!(code("1"), Ok(1));
        assert_eq!(frames.opening(1), r#"{"a":"1","data":["#);
        assert_eq!((frames.opening(3), frames.longest()), ("", 23));
        let refused = code("12345678").unwrap_err();
        assert_eq!(refused.code(), "too_many_test_codes", "too long");
        for number in 3..MOST {
            assert_eq!(code(&number.to_string()), Ok(u16::try_from(number).unwrap()));
        }
        assert!(code("full").is_err());
        assert_eq!(code("2"), Ok(2));
    }
}
