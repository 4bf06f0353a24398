//! Texts that stand for a missing value: what shops, tag managers, spreadsheets and SDKs write where there is none.
//!
//! Hashed or used as an id, such a text makes one person or one order of thousands. One table serves all fields. The meaning of
//! a word depends on the field, since people are called Nan and `na` is the code of Namibia.

mod hashes;

use std::sync::LazyLock;

pub use hashes::{HashOf, hash_of};

use crate::value::is_js_space;

/// The fields in which a text is a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// Every field: `undefined`, `n/a`, `[object Object]`, `{{user.email}}`.
    Always,
    /// Fields that identify something: ids, and what identifies a person. A title may be called so.
    Identity,
    /// The same, except where the two or three letters are a name or a code: `na`, `nan`, `nil`.
    Short,
}

/// Words in lower case, without white space, and without the brackets and quotes around them.
#[rustfmt::skip]
const ALWAYS: &[&str] = &[
    "undefined", "null", "n/a", "n.a.", "n.a", "n\\a", "#n/a", "#na", "n/d", "#ref!", "#value!", "#name?", "#null!", "#error!",
    "nullnull", "undefinedundefined", "undefinednull", "nullundefined", "none/none", "null/null", "undefined/undefined",
    "none,none", "null,null", "undefined,undefined", "notset", "not_set", "not-set", "unset", "notavailable", "not_available",
    "not-available", "notprovided", "not_provided", "not-provided", "notapplicable", "not_applicable", "notdefined",
    "not_defined", "notspecified", "not_specified", "notfound", "not_found", "unavailable", "undef", "novalue", "no_value",
    "nodata", "no_data", "objectobject", "objectundefined", "objectnull", "objectarray", "objectpromise", "redacted",
    "system.object", "dbnull",
];

/// Words in the same form that are no identity.
#[rustfmt::skip]
const IDENTITY: &[&str] = &[
    "none", "unknown", "true", "false", "guest", "guests", "guestuser", "guest_user", "guest-user", "guestcustomer",
    "guest_customer", "guestcheckout", "guest_checkout", "anonymous", "anonymoususer", "anonymous_user", "anonymous-user",
    "anonymousvisitor", "anonymized", "anonymised", "anon", "unknownuser", "unknown_user", "nouser", "no_user", "noname",
    "no_name", "noemail", "no_email", "nophone", "noid", "no_id", "notloggedin", "not_logged_in", "not-logged-in", "loggedout",
    "logged_out", "optout", "opt-out", "opt_out", "optedout", "opted_out", "optedoutofadtracking", "limitadtracking",
    "adidnotavailable", "advertisingidnotavailable", "idfanotavailable", "gaidnotavailable", "deleted", "missing", "empty",
    "blank", "unbekannt", "inconnu", "desconocido", "sconosciuto", "-1", "-0",
];

/// Short words in the same form.
const SHORT: &[&str] = &[
    "na",
    "nan",
    "nil",
    "-na-",
    "-nan",
    "+nan",
    "inf",
    "-inf",
    "infinity",
    "-infinity",
];

/// Length in bytes of the longest word.
const LONGEST: usize = 26;

/// Words by their length.
static WORDS: LazyLock<[Vec<(&str, Placeholder)>; LONGEST + 1]> = LazyLock::new(|| {
    let mut lengths = [const { Vec::new() }; LONGEST + 1];
    for (word, meaning) in words() {
        if let Some(same) = lengths.get_mut(word.len()) {
            same.push((word, meaning));
        }
    }
    lengths
});

fn words() -> impl Iterator<Item = (&'static str, Placeholder)> {
    let all = |words: &'static [&'static str], meaning| words.iter().map(move |word| (*word, meaning));
    all(ALWAYS, Placeholder::Always)
        .chain(all(IDENTITY, Placeholder::Identity))
        .chain(all(SHORT, Placeholder::Short))
}

/// The lengths of the words that have each byte at one end, in either case, as bits; [`NO_LETTER`] for one that is neither an
/// ASCII letter nor a digit.
type Lengths = [u32; 256];

/// A bit that no length takes.
const NO_LETTER: u32 = 1 << 31;
/// The same for the digit 0 at the beginning, with which an id of zeros begins.
const ZERO: u32 = 1 << 30;

static BEGINNINGS: Lengths = lengths(false);
static ENDINGS: Lengths = lengths(true);

const fn lengths(last: bool) -> Lengths {
    let mut lengths = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if !(byte as u8).is_ascii_alphanumeric() {
            lengths[byte] = NO_LETTER;
        }
        byte += 1;
    }
    if !last {
        lengths[b'0' as usize] = ZERO;
    }
    let lists = [ALWAYS, IDENTITY, SHORT];
    let mut list = 0;
    while list < lists.len() {
        let mut word = 0;
        while word < lists[list].len() {
            let bytes = lists[list][word].as_bytes();
            let end = bytes[if last { bytes.len() - 1 } else { 0 }];
            lengths[end as usize] |= 1 << bytes.len();
            lengths[end.to_ascii_uppercase() as usize] |= 1 << bytes.len();
            word += 1;
        }
        list += 1;
    }
    lengths
}

/// Facts about the bytes of a text, which settle most texts.
#[derive(Clone, Copy)]
struct Bytes(u8);

impl Bytes {
    /// The text may hold a template.
    const MARK: u8 = 1;
    /// The text has a character that is no ASCII, or one that shows nothing and is no space.
    const ODD: u8 = 2;
    const SPACE: u8 = 4;
    /// The text has a letter of a European language that is no ASCII, so it is no word.
    const LETTER: u8 = 8;

    /// The facts about each byte.
    const TABLE: [u8; 256] = {
        let mut table = [Bytes::ODD; 256];
        let mut byte = b' ';
        while byte <= b'~' {
            table[byte as usize] = match byte {
                b' ' => Bytes::SPACE,
                _ if is_mark(byte) => Bytes::MARK,
                _ => 0,
            };
            byte += 1;
        }
        // What follows the first byte of a character.
        byte = 0x80;
        while byte <= 0xbf {
            table[byte as usize] = 0;
            byte += 1;
        }
        // The first bytes of the characters from U+00C0 to U+033F, all of which show something.
        byte = 0xc3;
        while byte <= 0xcc {
            table[byte as usize] = Bytes::LETTER;
            byte += 1;
        }
        table
    };

    #[inline]
    fn of(text: &str) -> Bytes {
        let one = |byte: &u8| Bytes::TABLE[usize::from(*byte)];
        let (eights, rest) = text.as_bytes().as_chunks::<8>();
        let of_eight = |[a, b, c, d, e, f, g, h]: &[u8; 8]| {
            one(a) | one(b) | one(c) | one(d) | one(e) | one(f) | one(g) | one(h)
        };
        // The last eight bytes overlap those before them.
        Bytes(match text.as_bytes().last_chunk::<8>() {
            Some(last) => eights
                .iter()
                .fold(of_eight(last), |all, eight| all | of_eight(eight)),
            None => rest.iter().fold(0, |all, byte| all | one(byte)),
        })
    }

    fn has(self, facts: u8) -> bool {
        self.0 & facts != 0
    }

    /// Returns true for a text, of which these are the bytes, that is no placeholder for certain: its first and last characters
    /// are letters or digits, none of them one of `not`, and no word of its length has both at its ends.
    #[inline]
    fn are_of_value(self, text: &str, not: u32) -> bool {
        let (Some(first), Some(last)) = (text.as_bytes().first(), text.as_bytes().last()) else {
            return true;
        };
        if self.0 & (Bytes::MARK | Bytes::LETTER) == Bytes::LETTER {
            return true;
        }
        let (first, last) = (BEGINNINGS[usize::from(*first)], ENDINGS[usize::from(*last)]);
        if self.has(Bytes::MARK | Bytes::ODD) || (first | last) & (NO_LETTER | not) != 0 {
            return false;
        }
        let lengths = first & last;
        if lengths == 0 {
            return true;
        }
        let length = match self.has(Bytes::SPACE) {
            true => text.len() - spaces(text),
            false => text.len(),
        };
        length > LONGEST || lengths & 1 << length == 0
    }
}

/// Counts the spaces in a text.
fn spaces(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b' ').count()
}

/// Returns true for a byte without which no text is a template, but for one between `__` and `__`.
const fn is_mark(byte: u8) -> bool {
    matches!(byte, b'{' | b'%' | b'[' | b'*')
}

/// Returns true for a text that is neither empty nor a placeholder nor an id of zeros by a quick look, which most texts are.
#[inline]
pub fn is_value(text: &str) -> bool {
    !text.is_empty() && Bytes::of(text).are_of_value(text, ZERO)
}

/// Returns the fields in which a text is a placeholder, in any letter case and with any white space in it; `None` of a value. A blank
/// text is none; see [`is_blank`].
#[inline]
pub fn placeholder(text: &str) -> Option<Placeholder> {
    let bytes = Bytes::of(text);
    if bytes.are_of_value(text, 0) {
        return None;
    }
    slowly(text, bytes)
}

fn slowly(text: &str, bytes: Bytes) -> Option<Placeholder> {
    let template = || (bytes.has(Bytes::MARK) && is_template(text)).then_some(Placeholder::Always);
    // Words are short ASCII. Titles and texts of other languages are many, so this comes first.
    if bytes.has(Bytes::ODD | Bytes::LETTER) {
        let first = text.bytes().position(|byte| !byte.is_ascii());
        let rest = first.map_or("", |first| &text[first..]);
        if rest.chars().any(|c| !c.is_ascii() && !is_invisible(c)) {
            return template();
        }
    } else if text.len() > LONGEST && text.len() - spaces(text) > LONGEST {
        return template();
    }
    let mut word = [0; LONGEST];
    let mut len = 0;
    for byte in text.bytes().filter(u8::is_ascii_graphic) {
        let Some(place) = word.get_mut(len) else {
            return template();
        };
        *place = byte.to_ascii_lowercase();
        len += 1;
    }
    let seen = Bytes(bytes.0 & !Bytes::ODD);
    word_of_bytes(std::str::from_utf8(&word[..len]).unwrap_or_default(), seen).or_else(template)
}

/// Returns the same of a text in lower case without white space.
#[inline]
pub fn of_word(word: &str) -> Option<Placeholder> {
    let bytes = Bytes::of(word);
    if bytes.are_of_value(word, 0) {
        return None;
    }
    word_of_bytes(word, bytes)
}

/// Returns the same of a word that these bytes are in.
fn word_of_bytes(word: &str, bytes: Bytes) -> Option<Placeholder> {
    if bytes.has(Bytes::ODD | Bytes::LETTER) && !bytes.has(Bytes::MARK) {
        return None;
    }
    let known = |word: &str| {
        let same = WORDS.get(word.len()).map_or(&[][..], Vec::as_slice);
        // The first byte settles most comparisons without a call.
        let first = word.as_bytes().first();
        let is = |known: &str| known.as_bytes().first() == first && known == word;
        let known = same.iter().find(|(known, _)| is(known));
        known.map(|(_, meaning)| *meaning)
    };
    let (first, last) = (word.as_bytes().first()?, word.as_bytes().last()?);
    known(word).or_else(|| {
        // No word, and nothing stands around one.
        if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && !bytes.has(Bytes::MARK) {
            return None;
        }
        const AROUND: [char; 11] = ['(', ')', '<', '>', '[', ']', '{', '}', '"', '\'', '`'];
        let bare = word.trim_matches(AROUND);
        let nothing = word.bytes().all(|byte| byte.is_ascii_punctuation());
        let always = nothing || bare.len() < word.len() && known(bare).is_some() || is_template(word);
        always.then_some(Placeholder::Always)
    })
}

/// Returns true for a text that is no id: blank, a placeholder, nothing but zeros, or the nil UUID with dashes and braces. Zeros
/// with other dashes are an id, such as `0-0`, the first event of a first client.
pub fn is_placeholder(id: &str) -> bool {
    /// The digits of a UUID.
    const UUID: usize = 32;
    let id = trim(id);
    let zeros = id.bytes().filter(|byte| *byte == b'0').count();
    let is_nil = id.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'{' | b'}'))
        && (zeros == 0 || zeros == UUID || !id.contains('-'));
    is_nil || placeholder(id).is_some()
}

/// Returns true for a text that a template engine or a tag manager should have replaced: `{{…}}`, `${…}`, `%%…%%`, `__…__`,
/// `{%…%}`, `<%…%>`, `[[…]]`, `*|…|*`, `{name}`, `%name%`.
pub fn is_template(text: &str) -> bool {
    const MARKS: [(&str, &str); 8] = [
        ("{{", "}}"),
        ("${", "}"),
        ("#{", "}"),
        ("{%", "%}"),
        ("<%", "%>"),
        ("%%", "%%"),
        ("[[", "]]"),
        ("*|", "|*"),
    ];
    let text = text.trim();
    let between = |(open, close): (&str, &str)| {
        let behind = text.split_once(open).map(|(_, behind)| behind);
        behind.is_some_and(|behind| behind.contains(close))
    };
    let inside = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    let named = inside("__", "__").is_some_and(is_name);
    if named || !text.bytes().fold(false, |any, byte| any | is_mark(byte)) {
        return named;
    }
    // A GUID in braces is a value.
    let is_variable = |name: &str| is_name(name) && !name.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    MARKS.into_iter().any(between)
        || inside("{", "}").is_some_and(is_variable)
        || inside("%", "%").is_some_and(is_name)
}

/// Returns true for a text of white space and invisible characters alone, of any script, and for the empty one.
#[inline]
pub fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(byte) if byte.is_ascii_graphic() => false,
        Some(_) => text.chars().all(is_invisible),
    }
}

/// Removes white space and invisible characters at both ends.
#[inline]
pub fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_invisible),
    }
}

/// White space of JavaScript and of Unicode, and characters that show nothing: zero-width blanks and joiners, the soft
/// hyphen, direction marks.
fn is_invisible(c: char) -> bool {
    is_js_space(c)
        || c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{2800}'
                | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        )
}

/// Returns true for an id that SDKs and databases give out where there is none: zeros, dashes and braces alone, and the
/// nil UUID with a one at its end.
#[inline]
pub fn is_zero_id(id: &str) -> bool {
    match id.as_bytes().first() {
        Some(b'0' | b'-' | b'{' | b'}') | None => is_zeros(id),
        Some(_) => false,
    }
}

fn is_zeros(id: &str) -> bool {
    let id = id.trim_matches(['{', '}']);
    let zeros = |text: &str| text.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    // Hosts and test devices count up from the nil UUID.
    let nil = id.len() >= 32 && id.strip_suffix(['1', '2']).is_some_and(zeros);
    zeros(id) || nil || matches!(id, "0.0" | "-1.0")
}

#[cfg(test)]
mod tests;
