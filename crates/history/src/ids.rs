//! Ids to search by: readable where they are no personal data, and keyed hashes of all.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;
use std::hash::Hasher as _;

use ring::hkdf;
use ring::rand::{SecureRandom as _, SystemRandom};
use signalbox_core::privacy::looks_personal;
use signalbox_core::{JournalKey, Sha256Hex};
use siphasher::sip::SipHasher24;
use smallvec::SmallVec;
use twox_hash::XxHash3_128;

/// The kinds of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// `messageId` of the event.
    MessageId,
    /// The id by which the destination recognises duplicates.
    EventId,
    /// The order.
    OrderId,
    /// An e-mail address, or its SHA-256.
    Email,
    /// A phone number, or its SHA-256.
    Phone,
    /// The user id, or its SHA-256.
    UserId,
}

impl IdKind {
    const ALL: [IdKind; 6] = [
        IdKind::MessageId,
        IdKind::EventId,
        IdKind::OrderId,
        IdKind::Email,
        IdKind::Phone,
        IdKind::UserId,
    ];

    /// Returns the byte that keeps equal texts of different kinds apart.
    fn domain(self) -> u8 {
        match self {
            IdKind::MessageId => 1,
            IdKind::EventId => 2,
            IdKind::OrderId => 3,
            IdKind::Email => 4,
            IdKind::Phone => 5,
            IdKind::UserId => 6,
        }
    }
}

/// The byte that keeps digests of records apart from hashes of ids.
const DIGEST: u8 = 7;

/// A keyed hash of an id: SipHash-2-4, a pseudo-random function, under a secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdHash(pub u64);

impl IdHash {
    /// Returns the form in which an id is shown that is not readable: `id:` and 16 hexadecimal digits.
    #[must_use]
    pub fn shown(self) -> String {
        let mut text = String::with_capacity(19);
        // A String takes everything.
        let _ = write!(text, "id:{:016x}", self.0);
        text
    }

    /// Reads the shown form.
    #[must_use]
    pub fn parse(text: &str) -> Option<IdHash> {
        let digits = text.strip_prefix("id:").filter(|digits| digits.len() == 16)?;
        u64::from_str_radix(digits, 16).ok().map(IdHash)
    }

    /// Returns the number that SQLite keeps, which has no unsigned ones.
    pub(crate) fn stored(self) -> i64 {
        self.0.cast_signed()
    }
}

/// The ids of a record, as the event and the sink have them. The history keeps hashes of them, and the text of an id that does
/// not look personal. `Debug` shows none.
#[derive(Clone, Default)]
pub struct Ids<'r> {
    /// `messageId` of the event; empty if there is none.
    pub message_id: Cow<'r, str>,
    /// The id by which the destination recognises duplicates.
    pub event_id: Cow<'r, str>,
    /// The order.
    pub order_id: Cow<'r, str>,
    /// The person's ids, of which only hashes are kept.
    pub people: People<'r>,
}

impl std::fmt::Debug for Ids<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids<'_> {
    /// Lists the ids of the event with their kinds.
    pub(crate) fn of_event(&self) -> [(IdKind, &str); 3] {
        [
            (IdKind::MessageId, &*self.message_id),
            (IdKind::EventId, &*self.event_id),
            (IdKind::OrderId, &*self.order_id),
        ]
    }
}

/// The ids of a person as an event has them, packed side by side. The history's thread hashes them, so that the way of an
/// event does not take that time. Of an event with long or many ids, those beyond the first 128 bytes are hashed at once,
/// so that they take no more memory than their hashes. `Debug` shows none.
#[derive(Clone)]
pub struct People<'r>(Packed<'r>);

/// Bytes of a person's ids that wait in the clear: room for an address, a phone number and a user id, two of them twice.
const CLEAR: usize = 128;

/// The byte in front of a hash, instead of a kind.
const HASHED: u8 = 0;

/// For each id the number of its kind, the length of its text in a byte, and the text; or [`HASHED`] and the hash.
#[derive(Clone)]
enum Packed<'r> {
    Borrowed(&'r [u8]),
    Owned(SmallVec<[u8; CLEAR]>),
}

impl std::fmt::Debug for People<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("People")
    }
}

impl<'r> People<'r> {
    /// Packs ids; `keys` are those of the history.
    #[must_use]
    pub fn of<'t>(ids: impl IntoIterator<Item = (IdKind, &'t str)>, keys: &IdKeys) -> People<'r> {
        let mut people = People::default();
        ids.into_iter()
            .for_each(|(kind, text)| people.add(kind, text, keys));
        people
    }

    /// Reads what [`People::bytes`] returned.
    pub(crate) fn packed(bytes: &'r [u8]) -> People<'r> {
        People(Packed::Borrowed(bytes))
    }

    /// Adds an id; `keys` are those of the history.
    pub fn add(&mut self, kind: IdKind, text: &str, keys: &IdKeys) {
        if let Packed::Borrowed(bytes) = self.0 {
            self.0 = Packed::Owned(bytes.into());
        }
        let Packed::Owned(bytes) = &mut self.0 else { return };
        match u8::try_from(text.len()) {
            Ok(length) if bytes.len() + 2 + text.len() <= CLEAR => {
                bytes.extend_from_slice(&[kind.domain(), length]);
                bytes.extend_from_slice(text.as_bytes());
            }
            _ => {
                bytes.push(HASHED);
                bytes.extend_from_slice(&keys.hash(kind, text).0.to_be_bytes());
            }
        }
    }

    /// Returns the hashes of the ids; `keys` are those of the history. Those of equal ids come several times.
    pub fn hashes(&self, keys: &IdKeys) -> impl Iterator<Item = IdHash> {
        let mut rest = self.bytes();
        std::iter::from_fn(move || {
            let (domain, behind) = rest.split_first()?;
            if *domain == HASHED {
                let (hash, behind) = behind.split_first_chunk()?;
                rest = behind;
                return Some(IdHash(u64::from_be_bytes(*hash)));
            }
            let (length, behind) = behind.split_first()?;
            let (text, behind) = behind.split_at_checked(usize::from(*length))?;
            rest = behind;
            let kind = IdKind::ALL.into_iter().find(|kind| kind.domain() == *domain)?;
            Some(keys.hash(kind, std::str::from_utf8(text).ok()?))
        })
    }

    /// Returns the same ids without a copy of them.
    #[must_use]
    pub fn borrowed(&self) -> People<'_> {
        People::packed(self.bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Packed::Borrowed(bytes) => bytes,
            Packed::Owned(bytes) => bytes,
        }
    }
}

impl Default for People<'_> {
    fn default() -> Self {
        People::packed(&[])
    }
}

/// Most bytes of an id that are kept.
const LONGEST: usize = 200;

/// Returns an id as it is kept: readable, unless it looks personal or is too long to be an id.
pub(crate) fn shown(text: &str, hash: IdHash) -> Cow<'_, str> {
    // A text in the form of a hash would be taken for one.
    if text.len() > LONGEST || IdHash::parse(text).is_some() || looks_personal(text) {
        hash.shown().into()
    } else {
        text.into()
    }
}

/// The secret keys of id hashes: the one for new records, and earlier ones to search older records with.
#[derive(Clone)]
pub struct IdKeys(Vec<IdKey>);

#[derive(Clone)]
struct IdKey {
    key: [u8; 16],
    /// The public name, from which the key cannot be found.
    name: u64,
}

impl std::fmt::Debug for IdKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdKeys({})", self.0.len())
    }
}

/// The context of the derivation.
const CONTEXT: &[&[u8]] = &[b"signalbox history 1, hashes of ids"];
const NAME_CONTEXT: &[&[u8]] = &[b"signalbox history 1, name of the key"];

/// The reason why keys cannot be derived: there are none, the system gives no random numbers, or the library refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of the history cannot be derived")]
pub struct KeyError;

impl IdKeys {
    /// Derives the keys from secrets by HKDF-SHA256, the newest first: those of the journal, or those of a key file.
    ///
    /// # Errors
    /// [`KeyError`]
    pub fn derive<'k>(secrets: impl IntoIterator<Item = &'k JournalKey>) -> Result<IdKeys, KeyError> {
        let keys: Result<Vec<IdKey>, KeyError> = secrets.into_iter().map(IdKey::derive).collect();
        let keys = keys?;
        if keys.is_empty() {
            return Err(KeyError);
        }
        Ok(IdKeys(keys))
    }

    /// Adds earlier keys, to search older records with.
    #[must_use]
    pub fn before(mut self, earlier: IdKeys) -> IdKeys {
        self.0.extend(earlier.0);
        self
    }

    /// Makes random keys that are kept nowhere, for a history of sums alone: it hashes no id.
    ///
    /// # Errors
    /// [`KeyError`] if the system gives no random numbers.
    pub fn random() -> Result<IdKeys, KeyError> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError)?;
        IdKeys::derive([&JournalKey::new(bytes)])
    }

    /// Computes the hash of an id for a new record. Spellings of an e-mail address and of a phone number that mean the same
    /// have the same hash.
    #[must_use]
    pub fn hash(&self, kind: IdKind, text: &str) -> IdHash {
        hash(self.0.first().map_or(&[0; 16], |key| &key.key), kind, text)
    }

    /// Returns an id as the history keeps it: readable, or as `id:…` if it looks personal or is too long to be an id.
    #[must_use]
    pub fn shown<'t>(&self, kind: IdKind, text: &'t str) -> Cow<'t, str> {
        shown(text, self.hash(kind, text))
    }

    /// Lists the hashes of an id under all keys, to search for it.
    #[must_use]
    pub fn hashes(&self, kind: IdKind, text: &str) -> Vec<IdHash> {
        self.0.iter().map(|key| hash(&key.key, kind, text)).collect()
    }

    /// Computes the digest of a record's bytes, by their checksum, under the key for new records. It tells whether the same
    /// bytes are made again, and nothing else about them.
    #[must_use]
    pub fn digest(&self, checksum: Checksum) -> u64 {
        self.0.first().map_or(0, |key| key.digest(checksum))
    }

    /// Returns true if a digest is that of these bytes under one of the keys.
    #[must_use]
    pub fn is_digest(&self, digest: u64, bytes: &[u8]) -> bool {
        let checksum = Checksum::of(bytes);
        self.0.iter().any(|key| key.digest(checksum) == digest)
    }

    /// Returns the public name of the key for new records.
    pub(crate) fn name(&self) -> u64 {
        self.0.first().map_or(0, |key| key.name)
    }

    /// Returns true if one of the keys has this public name.
    pub(crate) fn knows(&self, name: u64) -> bool {
        self.0.iter().any(|key| key.name == name)
    }
}

impl IdKey {
    fn derive(secret: &JournalKey) -> Result<IdKey, KeyError> {
        // The secret is random, so no salt is needed.
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret.expose());
        Ok(IdKey {
            key: expand(&secret, CONTEXT)?,
            name: u64::from_be_bytes(expand(&secret, NAME_CONTEXT)?),
        })
    }

    fn digest(&self, checksum: Checksum) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u8(DIGEST);
        hasher.write(&checksum.0.to_le_bytes());
        hasher.finish()
    }
}

/// The XXH3 checksum of a record's bytes, in 128 bits. It is taken on the way of an event, where SipHash would take a nanosecond
/// for each byte and XXH3 takes a fraction of that; the history keeps a [digest](IdKeys::digest) of it, which hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Checksum(pub(crate) u128);

impl Checksum {
    /// Computes the checksum.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Checksum {
        Checksum(XxHash3_128::oneshot(bytes))
    }
}

/// Shows nothing: a checksum tells which of several known records it belongs to.
impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checksum")
    }
}

/// The length of a derived key.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(secret: &hkdf::Prk, context: &[&[u8]]) -> Result<[u8; N], KeyError> {
    let mut key = [0; N];
    let expanded = secret.expand(context, Length(N)).map_err(|_| KeyError)?;
    expanded.fill(&mut key).map_err(|_| KeyError)?;
    Ok(key)
}

fn hash(key: &[u8; 16], kind: IdKind, text: &str) -> IdHash {
    let mut text = Cow::Borrowed(text.trim());
    if kind == IdKind::Email && !text.is_ascii() {
        text = text.to_lowercase().into();
    }
    // Most ids are short: normalised without an allocation, and hashed at once.
    let (mut short, mut long) = ([0; 128], Vec::new());
    let bytes = short.get_mut(..=text.len()).unwrap_or_else(|| {
        long.resize(text.len() + 1, 0);
        &mut long
    });
    let Some((domain, copy)) = bytes.split_first_mut() else {
        return IdHash(0);
    };
    *domain = kind.domain();
    copy.copy_from_slice(text.as_bytes());
    let len = match kind {
        // A SHA-256 in either case.
        IdKind::Email | IdKind::Phone | IdKind::UserId if Sha256Hex::from_prehashed(&text).is_some() => {
            lowercase(copy)
        }
        IdKind::Email => lowercase(copy),
        IdKind::Phone => significant_digits(copy),
        IdKind::UserId | IdKind::MessageId | IdKind::EventId | IdKind::OrderId => copy.len(),
    };
    IdHash(SipHasher24::new_with_key(key).hash(bytes.get(..=len).unwrap_or_default()))
}

/// Makes ASCII letters lowercase. Returns the length.
fn lowercase(bytes: &mut [u8]) -> usize {
    bytes.make_ascii_lowercase();
    bytes.len()
}

/// Moves the digits of a phone number, as numbers, to the front, but for zeros at its beginning: `00` and `+` both begin an
/// international number. Returns how many they are.
fn significant_digits(bytes: &mut [u8]) -> usize {
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    let digits = cells.iter().map(Cell::get).filter(u8::is_ascii_digit);
    let significant = digits.skip_while(|digit| *digit == b'0');
    let moved = significant
        .zip(cells)
        .map(|(digit, place)| place.set(digit - b'0'));
    moved.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(numbers: &[u8]) -> IdKeys {
        let secrets: Vec<JournalKey> = numbers.iter().map(|n| JournalKey::new([*n; 32])).collect();
        IdKeys::derive(&secrets).unwrap()
    }

    #[test]
    fn spellings_of_one_value_have_one_hash_and_kinds_differ() {
        let keys = keys(&[1]);
        for (kind, one, other) in [
            (IdKind::Email, "Ivy@Example.com ", "ivy@example.com"),
            (IdKind::Email, "İvy@example.com", "i̇vy@example.com"),
            (IdKind::Phone, "+49 (30) 901820", "004930901820"),
            (IdKind::UserId, " u-1", "u-1"),
        ] {
            assert_eq!(keys.hash(kind, one), keys.hash(kind, other), "{one}");
        }
        let hash = Sha256Hex::of("ivy@example.com");
        let upper = hash.as_str().to_uppercase();
        assert_eq!(
            keys.hash(IdKind::Email, hash.as_str()),
            keys.hash(IdKind::Email, &upper)
        );
        assert_ne!(keys.hash(IdKind::UserId, "a"), keys.hash(IdKind::OrderId, "a"));
        assert_ne!(keys.hash(IdKind::UserId, "A"), keys.hash(IdKind::UserId, "a"));
    }

    #[test]
    fn hashes_stay_as_they_are_stored() {
        let keys = keys(&[1]);
        let long = "A".repeat(64) + "@example.com";
        for (kind, text, stored) in [
            (IdKind::Email, "Ivy@Example.com", 0x5120_4f70_6f4a_3d2c),
            (IdKind::Email, &long, 0xda5c_be83_a7e1_a444),
            (IdKind::Phone, "+49 (30) 901820", 0xae93_baed_adce_344d),
            (
                IdKind::UserId,
                Sha256Hex::of("u-1").as_str(),
                0xaeda_f64d_f916_46ec,
            ),
            (IdKind::OrderId, "A-1001", 0x13ff_3096_3082_90b3),
        ] {
            assert_eq!(keys.hash(kind, text), IdHash(stored), "{text}");
        }
        for (len, stored) in [(16, 0x8491_91e4_0345_f2ae), (2_300, 0x27a8_a511_021d_3005)] {
            let record: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            assert_eq!(keys.digest(Checksum::of(&record)), stored, "{len}");
        }
    }

    #[test]
    fn ids_of_all_lengths_are_hashed_as_one_stream_of_bytes() {
        let keys = keys(&[1]);
        for len in 0..300 {
            let id = "0".repeat(len.min(3)) + &"A7é".repeat(len / 4);
            for (kind, bytes) in [
                (IdKind::OrderId, id.clone().into_bytes()),
                (IdKind::Email, id.to_lowercase().into_bytes()),
                (IdKind::Phone, vec![7; len / 4]),
            ] {
                let mut hasher = SipHasher24::new_with_key(&keys.0[0].key);
                hasher.write_u8(kind.domain());
                hasher.write(&bytes);
                assert_eq!(keys.hash(kind, &id), IdHash(hasher.finish()), "{kind:?} {len}");
            }
        }
    }

    #[test]
    fn a_hash_depends_on_the_key_and_older_keys_search_only() {
        let (old, both) = (keys(&[1]), keys(&[2, 1]));
        let hash = old.hash(IdKind::Email, "a@b.example");
        assert_ne!(hash, both.hash(IdKind::Email, "a@b.example"));
        assert!(both.hashes(IdKind::Email, "a@b.example").contains(&hash));
        assert!(both.knows(old.name()) && !old.knows(both.name()));
        assert!(IdKeys::derive([]).is_err());
        assert_eq!(format!("{both:?}"), "IdKeys(2)");
    }

    #[test]
    fn personal_ids_are_kept_as_their_hashes() {
        let keys = keys(&[1]);
        for (kind, text) in [
            (IdKind::MessageId, "ivy@example.com-1"),
            (IdKind::EventId, "+49 30 901820"),
            (IdKind::OrderId, "id:0123456789abcdef"),
            (IdKind::OrderId, &"x".repeat(LONGEST + 1)),
        ] {
            let hash = keys.hash(kind, text);
            assert_eq!(IdHash::parse(&shown(text, hash)), Some(hash), "{text}");
        }
        assert_eq!(shown("A-1001", keys.hash(IdKind::OrderId, "A-1001")), "A-1001");
        assert_eq!(IdHash::parse("id:12"), None);
    }

    #[test]
    fn ids_of_a_person_are_hashed_later_and_the_rest_at_once() {
        let keys = keys(&[1]);
        let long = "é".repeat(500);
        let given = [
            (IdKind::Email, "ivy@example.com"),
            (IdKind::UserId, &*long),
            (IdKind::Phone, ""),
            (IdKind::UserId, "é"),
        ];
        let expected = given.map(|(kind, text)| keys.hash(kind, text));
        let first = People::of(given[..1].iter().copied(), &keys);
        let mut people = first.borrowed();
        given[1..]
            .iter()
            .for_each(|(kind, text)| people.add(*kind, text, &keys));
        assert!(people.hashes(&keys).eq(expected));
        let bytes = people.bytes();
        assert_eq!(
            bytes.len(),
            17 + 9 + 2 + 4,
            "the long one takes no more than its hash"
        );
        for end in 0..bytes.len() {
            let cut = People::packed(&bytes[..end]);
            assert!(
                cut.hashes(&keys)
                    .zip(expected)
                    .all(|(found, given)| found == given),
                "{end}"
            );
        }
        let many = People::of(std::iter::repeat_n(given[0], 1_000), &keys);
        assert!(many.hashes(&keys).eq(std::iter::repeat_n(expected[0], 1_000)));
        assert!(many.bytes().len() < CLEAR + 1_000 * 9);
        let ids = Ids {
            message_id: "ivy@example.com-1".into(),
            people,
            ..Ids::default()
        };
        assert_eq!(format!("{ids:?} {:?}", ids.people), "Ids People");
    }
}
