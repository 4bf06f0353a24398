//! Text to [`Document`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jiter::{Jiter, JsonErrorType, Peek};

use super::{Document, EMPTY, KeyMark, Kind, NONE, Slot, Span};

/// How deep arrays and objects may nest. Deeper text is refused, so that nothing later recurses without
/// bound; the Tracking API documents no limit, real events stay below ten.
pub const MAX_DEPTH: usize = 100;

/// Above this many members duplicates are looked up in a table instead of one against all.
const SMALL_OBJECT: u32 = 64;

/// Bytes that completing an event adds to it: four times, a channel, an address and their names.
const COMPLETED: usize = 256;

/// Why a text is not a usable JSON document. Never shows the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON.
    #[error("not valid JSON: {what} at byte {at}")]
    Syntax {
        /// What the parser met.
        what: String,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// Arrays and objects nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// 2 GiB or more.
    #[error("longer than 2 GiB")]
    TooLong,
}

impl Document {
    /// Parses one JSON value. Lone surrogate escapes (`"\ud83d"`, which JavaScript writes when a string is
    /// cut inside an emoji) become U+FFFD. Of members with one key the last wins. Numbers keep their spelling.
    ///
    /// # Errors
    /// [`ParseError`] for text that is not JSON, too deep or too long.
    pub fn parse(text: &str) -> Result<Document, ParseError> {
        match parse_strict(text) {
            Err(Failure::Surrogate) => {
                parse_strict(&replace_lone_surrogates(text)).map_err(Failure::into_error)
            }
            other => other.map_err(Failure::into_error),
        }
    }
}

enum Failure {
    Surrogate,
    Error(ParseError),
}

impl Failure {
    fn into_error(self) -> ParseError {
        match self {
            Failure::Error(error) => error,
            Failure::Surrogate => ParseError::Syntax {
                what: "a lone surrogate".into(),
                at: 0,
            },
        }
    }
}

impl From<jiter::JiterError> for Failure {
    fn from(error: jiter::JiterError) -> Self {
        use JsonErrorType as E;
        match error.error_type {
            jiter::JiterErrorType::JsonError(
                E::LoneLeadingSurrogateInHexEscape | E::UnexpectedEndOfHexEscape | E::InvalidUnicodeCodePoint,
            ) => Failure::Surrogate,
            jiter::JiterErrorType::JsonError(kind) => Failure::Error(ParseError::Syntax {
                what: kind.to_string(),
                at: error.index,
            }),
            jiter::JiterErrorType::WrongType { .. } => Failure::Error(ParseError::Syntax {
                what: "an unexpected token".into(),
                at: error.index,
            }),
        }
    }
}

fn parse_strict(text: &str) -> Result<Document, Failure> {
    if text.len() >= i32::MAX as usize {
        return Err(Failure::Error(ParseError::TooLong));
    }
    let mut build = Builder {
        source: text,
        repeated: false,
        // Strings with escapes stand behind the source once more; there are few. So does what an event is completed
        // with: were there no room, the first of it would double the buffer.
        buf: String::with_capacity(text.len() + text.len() / 16 + COMPLETED),
        // Events have a member every fifteen to twenty bytes; with too little room the slots would be copied to a place
        // twice as large, which a kept event then takes.
        slots: Vec::with_capacity(text.len() / 13 + 4),
    };
    build.buf.push_str(text);
    let mut jiter = Jiter::new(text.as_bytes());
    let peek = jiter.peek()?;
    build.value(&mut jiter, peek, Key::default(), 0)?;
    jiter.finish()?;
    Ok(Document {
        buf: build.buf,
        slots: build.slots,
        source_len: text.len(),
        edited: build.repeated,
    })
}

#[derive(Clone, Copy, Default)]
struct Key {
    span: Span,
    plain: bool,
    mark: KeyMark,
}

/// The keys of an object that is being read: a bit of 64 for each, and whether one came twice.
#[derive(Default)]
struct Seen {
    bits: u64,
    repeated: bool,
}

/// The children of a container that is being read.
struct Chain {
    first: u32,
    last: u32,
    len: u32,
}

impl Default for Chain {
    fn default() -> Chain {
        Chain {
            first: NONE,
            last: NONE,
            len: 0,
        }
    }
}

struct Builder<'s> {
    source: &'s str,
    /// A repeated key was dropped, so the source no longer says what the slots say.
    repeated: bool,
    /// The source, and behind it the strings that had escapes.
    buf: String,
    slots: Vec<Slot>,
}

impl Builder<'_> {
    fn place(&mut self, text: &str) -> (Span, bool) {
        let len = text.len() as u32;
        // A string without escapes is lent out of the source: its address tells its offset.
        match (text.as_ptr() as usize).checked_sub(self.source.as_ptr() as usize) {
            Some(offset) if offset + text.len() <= self.source.len() => (
                Span {
                    start: offset as u32,
                    len,
                },
                true,
            ),
            _ => {
                let start = self.buf.len() as u32;
                self.buf.push_str(text);
                (Span { start, len }, false)
            }
        }
    }

    fn key(&mut self, text: &str) -> Key {
        let (span, plain) = self.place(text);
        Key {
            span,
            plain,
            mark: KeyMark::of(text),
        }
    }

    fn push(&mut self, key: Key, kind: Kind, value: Span, plain: bool) -> u32 {
        let at = self.slots.len() as u32;
        self.slots.push(Slot {
            key: key.span,
            value,
            last: NONE,
            next: NONE,
            key_mark: key.mark,
            kind,
            plain_key: key.plain,
            plain,
        });
        at
    }

    /// Appends the next value and returns its slot.
    fn value(&mut self, jiter: &mut Jiter<'_>, peek: Peek, key: Key, depth: usize) -> Result<u32, Failure> {
        if depth > MAX_DEPTH {
            return Err(Failure::Error(ParseError::TooDeep));
        }
        Ok(match peek {
            Peek::Null => {
                jiter.known_null()?;
                self.push(key, Kind::Null, Span::default(), true)
            }
            Peek::True | Peek::False => {
                let start = u32::from(jiter.known_bool(peek)?);
                self.push(key, Kind::Bool, Span { start, len: 0 }, true)
            }
            Peek::String => {
                let (span, plain) = self.place(jiter.known_str()?);
                self.push(key, Kind::String, span, plain)
            }
            Peek::Array => {
                let at = self.push(key, Kind::Array, EMPTY, true);
                let mut chain = Chain::default();
                let mut next = jiter.known_array()?;
                while let Some(peek) = next {
                    let child = self.value(jiter, peek, Key::default(), depth + 1)?;
                    self.append(&mut chain, child);
                    next = jiter.array_step()?;
                }
                self.close(at, &chain);
                at
            }
            Peek::Object => {
                let at = self.push(key, Kind::Object, EMPTY, true);
                let mut chain = Chain::default();
                let mut seen = Seen::default();
                let mut name = jiter.known_object()?.map(|name| self.key(name));
                while let Some(key) = name {
                    self.look(&mut seen, &chain, key);
                    let peek = jiter.peek()?;
                    let child = self.value(jiter, peek, key, depth + 1)?;
                    self.append(&mut chain, child);
                    name = jiter.next_key()?.map(|name| self.key(name));
                }
                self.close(at, &chain);
                self.drop_duplicates(at, seen);
                at
            }
            _ => {
                let start = jiter.current_index();
                let len = jiter.known_number_bytes(peek)?.len();
                self.push(
                    key,
                    Kind::Number,
                    Span {
                        start: start as u32,
                        len: len as u32,
                    },
                    true,
                )
            }
        })
    }

    fn append(&mut self, chain: &mut Chain, child: u32) {
        if chain.len == 0 {
            chain.first = child;
        } else if let Some(last) = self.slots.get_mut(chain.last as usize) {
            last.next = child;
        }
        chain.last = child;
        chain.len += 1;
    }

    /// Notes the children in their container.
    fn close(&mut self, container: u32, chain: &Chain) {
        if let Some(slot) = self.slots.get_mut(container as usize) {
            slot.value = Span {
                start: chain.first,
                len: chain.len,
            };
            slot.last = chain.last;
        }
    }

    /// Of members with one key keeps the first place and the last value, as JavaScript does.
    fn drop_duplicates(&mut self, object: u32, seen: Seen) {
        let Span { start: first, len } = self.slots[object as usize].value;
        if !seen.repeated && (len <= SMALL_OBJECT || !self.has_duplicates(first, len)) {
            return;
        }
        let mut kept: Vec<u32> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut at = first;
        while at != NONE {
            let slot = self.slots[at as usize];
            match places.entry(self.text(slot.key).to_owned()) {
                Entry::Occupied(place) => kept[*place.get()] = at,
                Entry::Vacant(place) => {
                    place.insert(kept.len());
                    kept.push(at);
                }
            }
            at = slot.next;
        }
        for pair in kept.windows(2) {
            self.slots[pair[0] as usize].next = pair[1];
        }
        let last = kept.last().copied().unwrap_or(NONE);
        self.slots[last as usize].next = NONE;
        let first = kept.first().copied().unwrap_or(NONE);
        let slot = &mut self.slots[object as usize];
        slot.value = Span {
            start: first,
            len: kept.len() as u32,
        };
        slot.last = last;
        self.repeated = true;
    }

    /// Looks for a key among the members an object has so far, one against all, but only if one of them has its bit.
    fn look(&self, seen: &mut Seen, chain: &Chain, key: Key) {
        let bit = 1 << (key.mark.spread() >> 26);
        if seen.bits & bit != 0 {
            let same = |slot: &Slot| slot.key_mark == key.mark && self.text(slot.key) == self.text(key.span);
            seen.repeated |= chain.len <= SMALL_OBJECT && self.chain(chain.first).any(same);
        }
        seen.bits |= bit;
    }

    fn has_duplicates(&self, first: u32, len: u32) -> bool {
        let mut seen = HashSet::with_capacity(len as usize);
        !self.chain(first).all(|slot| seen.insert(self.text(slot.key)))
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = &Slot> {
        std::iter::successors(self.slots.get(first as usize), |slot| {
            self.slots.get(slot.next as usize)
        })
    }

    fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.buf.get(start..start + span.len as usize).unwrap_or_default()
    }
}

/// Rewrites `\uD8xx` escapes that have no partner to `\uFFFD`, leaving everything else as it is.
pub(super) fn replace_lone_surrogates(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        let start = at + found;
        at = start + 2;
        match escaped_unit(bytes, start) {
            Some(0xD800..=0xDBFF) if matches!(escaped_unit(bytes, start + 6), Some(0xDC00..=0xDFFF)) => {
                at = start + 12;
            }
            Some(0xD800..=0xDFFF) => {
                out.push_str(&text[copied..start]);
                out.push_str("\\ufffd");
                at = start + 6;
                copied = at;
            }
            _ => {}
        }
        at = at.min(bytes.len());
    }
    out.push_str(&text[copied..]);
    out
}

/// The UTF-16 unit of a `\u` escape that starts at `start`.
fn escaped_unit(bytes: &[u8], start: usize) -> Option<u16> {
    let escape = bytes.get(start..start + 6)?;
    if &escape[..2] != b"\\u" || !escape[2..].iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
}
