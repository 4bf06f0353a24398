//! The texts around records for vendors whose requests differ by more than their events: an id, a test code.

use std::sync::OnceLock;

use crate::vendor::Frame;

/// Number of different frames that a sink can have. Each holds records back until its batch is full or old enough, so
/// many of them would send small requests only.
const MOST: usize = 64;

/// The frames that a sink has used so far. A frame's place is its batch key
/// ([`Written::batch_key`](crate::Written::batch_key)).
#[derive(Debug)]
pub struct Frames {
    longest: usize,
    frames: [OnceLock<[Box<str>; 2]>; MOST],
}

impl Frames {
    /// Makes the table. Key 0 has these texts; no other frame may be longer than it by more than `more` bytes.
    pub fn new(open: &str, close: &str, more: usize) -> Frames {
        let mut frames = [const { OnceLock::new() }; MOST];
        frames[0] = OnceLock::from([open.into(), close.into()]);
        Frames {
            longest: open.len() + close.len() + more,
            frames,
        }
    }

    /// Returns the key of these texts; `None` if they are too long, or if there are too many frames already.
    pub fn key(&self, open: &str, close: &str) -> Option<u16> {
        if open.len() + close.len() > self.longest {
            return None;
        }
        let is = |frame: &OnceLock<[Box<str>; 2]>| {
            let [opens, closes] = frame.get_or_init(|| [open.into(), close.into()]);
            **opens == *open && **closes == *close
        };
        let key = self.frames.iter().position(is)?;
        u16::try_from(key).ok()
    }

    /// Returns the frame of a key.
    #[inline]
    pub fn get(&self, key: u16) -> Frame<'_> {
        let frame = self.frames.get(usize::from(key)).and_then(OnceLock::get);
        let [open, close] = frame.map_or(["", ""], |[open, close]| [&**open, &**close]);
        Frame { open, close }
    }

    /// Returns the greatest length of a frame in bytes.
    pub fn longest(&self) -> usize {
        self.longest
    }
}

/// Returns the text of a request before its list `list`: the root members that have a value.
pub fn opening(members: &[(&str, Option<&str>)], list: &str) -> String {
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
    fn equal_texts_have_one_key() {
        let frames = Frames::new("[", "]", 8);
        assert_eq!(frames.key("[", "]"), Some(0));
        assert_eq!(frames.key("[", "],\"a\":1"), Some(1));
        assert_eq!(frames.key("(", ")"), Some(2));
        assert_eq!(frames.key("[", "],\"a\":1"), Some(1));
        let Frame { open, close } = frames.get(1);
        assert_eq!((open, close), ("[", "],\"a\":1"));
        assert_eq!(frames.key("[", "],\"a\":12345"), None, "too long");
        for number in 3..MOST {
            assert_eq!(frames.key("[", &number.to_string()), u16::try_from(number).ok());
        }
        assert_eq!(frames.key("[", "full"), None);
        assert_eq!(frames.key("(", ")"), Some(2));
    }
}
