//! The meaning of a key, in any letter case and with any separators.

use std::sync::LazyLock;

use super::words::{ADDRESSES, CHOICES, Entry, Fit, HOLDERS, PERSONS, USES, WORDS};

/// The longest key that is looked at, in bytes of its lower-case form without separators.
const LONGEST: usize = 64;

/// The meaning of the value under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A given name.
    FirstName,
    /// A family name.
    LastName,
    /// A person's whole name.
    FullName,
    /// A gender.
    Gender,
    /// A date of birth.
    DateOfBirth,
    /// A city.
    City,
    /// A state, province or region.
    State,
    /// A postal code.
    Zip,
    /// A country.
    Country,
    /// A street with the number of the house, or a whole address in one text.
    Street,
    /// The name of an account.
    Login,
    /// A password, token, key or number that opens something.
    Secret,
}

impl Meaning {
    #[cfg(test)]
    pub(super) const ALL: [Meaning; 14] = [
        Meaning::Email,
        Meaning::Phone,
        Meaning::FirstName,
        Meaning::LastName,
        Meaning::FullName,
        Meaning::Gender,
        Meaning::DateOfBirth,
        Meaning::City,
        Meaning::State,
        Meaning::Zip,
        Meaning::Country,
        Meaning::Street,
        Meaning::Login,
        Meaning::Secret,
    ];

    /// Returns the name for documentation.
    #[cfg(test)]
    pub(super) fn name(self) -> &'static str {
        match self {
            Meaning::Email => "e-mail address",
            Meaning::Phone => "phone number",
            Meaning::FirstName => "given name",
            Meaning::LastName => "family name",
            Meaning::FullName => "whole name",
            Meaning::Gender => "gender",
            Meaning::DateOfBirth => "date of birth",
            Meaning::City => "city",
            Meaning::State => "state",
            Meaning::Zip => "postal code",
            Meaning::Country => "country",
            Meaning::Street => "street, address",
            Meaning::Login => "account name",
            Meaning::Secret => "secret",
        }
    }
}

/// A key with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The meaning of the value.
    pub meaning: Meaning,
    /// The object that the key must stand in to have this meaning; `None` if it has it anywhere.
    pub within: Option<Holder>,
}

/// An object that holds what belongs to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A person's data: `customer`.
    Person,
    /// An address, which names a person too: `billing_address`.
    Address,
}

/// Words by their last two bytes.
struct Index {
    /// The range of each pair of bytes in `entries`.
    buckets: Vec<(u16, u16)>,
    /// The words of a bucket stand together, the longest first.
    entries: Vec<Entry>,
    /// The length of the shortest word of each bucket; 255 for an empty one.
    shortest: Vec<u8>,
}

const BUCKETS: usize = 1024;

fn bucket(key: &[u8]) -> usize {
    let [.., a, b] = key else { return 0 };
    (usize::from(*a) & 31) << 5 | usize::from(*b) & 31
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut entries = WORDS.to_vec();
    entries.sort_by_key(|(word, ..)| (bucket(word.as_bytes()), std::cmp::Reverse(word.len())));
    let mut buckets = vec![(0, 0); BUCKETS];
    for (at, (word, ..)) in (0_u16..).zip(&entries) {
        let range = &mut buckets[bucket(word.as_bytes())];
        if range.1 == 0 {
            range.0 = at;
        }
        range.1 = at + 1;
    }
    let shortest = buckets.iter().map(|(from, to)| {
        let last = entries
            .get(usize::from(*from)..usize::from(*to))
            .and_then(<[Entry]>::last);
        last.map_or(u8::MAX, |(word, ..)| u8::try_from(word.len()).unwrap_or(u8::MAX))
    });
    Index {
        shortest: shortest.collect(),
        buckets,
        entries,
    }
});

/// Returns false for a key with whose last two letters no word as short ends, which most keys are.
#[inline]
fn may_end_in_word(key: &str) -> bool {
    let mut bytes = key.bytes().rev();
    let last = bytes.find(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let before = bytes.find(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    let (Some(last), Some(before)) = (last, before) else {
        return last.is_some();
    };
    let shortest = INDEX.shortest.get(bucket(&[before, last]));
    shortest.is_some_and(|shortest| key.len() >= usize::from(*shortest))
        || !before.is_ascii()
        || !last.is_ascii()
}

/// Returns the meaning of a key; `None` if it names nothing personal.
pub fn meaning(key: &str) -> Option<Key> {
    if !may_end_in_word(key) {
        return None;
    }
    let words = Words::of(key)?;
    let text = words.text();
    let (from, to) = *INDEX.buckets.get(bucket(text))?;
    let entries = INDEX.entries.get(usize::from(from)..usize::from(to))?;
    entries.iter().find_map(|(word, fit, meaning)| {
        let before = text.strip_suffix(word.as_bytes())?;
        let alone = before.is_empty();
        let (fits, within) = match fit {
            Fit::End => (true, None),
            Fit::Word => (
                alone || words.begins_at(before.len()) || only(before, &[PERSONS, USES]),
                None,
            ),
            Fit::OfPerson => (only(before, &[PERSONS, USES]), Some(Holder::Person)),
            Fit::OfAddress => (only(before, &[USES]), Some(Holder::Address)),
            Fit::Whole => (alone, None),
        };
        fits.then_some(Key {
            meaning: *meaning,
            within: within.filter(|_| alone),
        })
    })
}

/// Returns the kind of object that a key names, if it holds a person's or an address's data: `customer`,
/// `billing_address`.
pub fn holder(key: &str) -> Option<Holder> {
    let words = Words::of(key)?;
    let text = words.text();
    let without = |ends: &[&str]| {
        let mut ends = ends.iter();
        ends.find_map(|end| text.strip_suffix(end.as_bytes()))
    };
    if let Some(before) = without(ADDRESSES) {
        return only(before, &[PERSONS, USES, CHOICES]).then_some(Holder::Address);
    }
    let plural = text.strip_suffix(b"s").unwrap_or(text);
    let named = match without(HOLDERS) {
        Some(before) if !before.is_empty() => before,
        _ => text,
    };
    let one = [named, plural];
    let is = |lists: &[&[&str]]| one.iter().any(|text| !text.is_empty() && only(text, lists));
    if is(&[USES]) {
        return Some(Holder::Address);
    }
    is(&[PERSONS, USES, CHOICES])
        .then_some(Holder::Person)
        .filter(|_| !is(&[CHOICES]))
}

/// Returns true for a text made of these words alone, and for the empty one.
fn only(text: &[u8], lists: &[&[&str]]) -> bool {
    let mut words = lists.iter().flat_map(|list| list.iter());
    text.is_empty()
        || words.any(|word| {
            text.strip_prefix(word.as_bytes())
                .is_some_and(|rest| only(rest, lists))
        })
}

/// A key in lower case, without separators and the number at its end, with the places where its words begin.
struct Words {
    bytes: [u8; LONGEST],
    len: usize,
    starts: u64,
}

impl Words {
    /// Reads a key; `None` if it is too long for a name.
    fn of(key: &str) -> Option<Words> {
        let mut words = Words {
            bytes: [0; LONGEST],
            len: 0,
            starts: 0,
        };
        if key.is_ascii() {
            words.read_ascii(key.as_bytes())?;
        } else {
            let mut separated = true;
            let mut utf8 = [0; 4];
            for c in key.chars().flat_map(char::to_lowercase) {
                if c.is_alphanumeric() {
                    words.push(c.encode_utf8(&mut utf8).as_bytes(), separated)?;
                }
                separated = !c.is_alphanumeric();
            }
        }
        while words.len > 0 && words.bytes[words.len - 1].is_ascii_digit() {
            words.len -= 1;
        }
        Some(words)
    }

    fn read_ascii(&mut self, key: &[u8]) -> Option<()> {
        let mut previous = b'_';
        for (at, byte) in key.iter().enumerate() {
            if byte.is_ascii_alphanumeric() {
                let next_is_lower = || key.get(at + 1).is_some_and(u8::is_ascii_lowercase);
                let begins = !previous.is_ascii_alphanumeric()
                    || byte.is_ascii_uppercase() && (!previous.is_ascii_uppercase() || next_is_lower());
                *self.bytes.get_mut(self.len)? = byte.to_ascii_lowercase();
                self.starts |= u64::from(begins) << self.len;
                self.len += 1;
            }
            previous = *byte;
        }
        Some(())
    }

    fn push(&mut self, bytes: &[u8], begins: bool) -> Option<()> {
        let end = self.len + bytes.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.starts |= u64::from(begins) << self.len;
        self.len = end;
        Some(())
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn begins_at(&self, at: usize) -> bool {
        at < LONGEST && self.starts >> at & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_meaning_in_any_spelling() {
        use Meaning::{
            City, DateOfBirth, Email, FirstName, FullName, LastName, Login, Phone, Secret, State, Street, Zip,
        };
        for (key, expected) in [
            ("email", Some(Email)),
            ("Email", Some(Email)),
            ("E-Mail", Some(Email)),
            ("e_mail", Some(Email)),
            ("EMAIL_ADDRESS", Some(Email)),
            ("contactEmail", Some(Email)),
            ("customer_email", Some(Email)),
            ("customeremail", Some(Email)),
            ("user[email]", Some(Email)),
            ("email2", Some(Email)),
            ("$email", Some(Email)),
            ("mail", Some(Email)),
            ("work mail", Some(Email)),
            ("E-Mail-Adresse", Some(Email)),
            ("Correo electrónico", Some(Email)),
            ("correo", Some(Email)),
            ("adresse_email", Some(Email)),
            ("e-post", Some(Email)),
            ("Электронная почта", Some(Email)),
            ("メールアドレス", Some(Email)),
            ("邮箱", Some(Email)),
            ("이메일", Some(Email)),
            ("Numéro de téléphone", Some(Phone)),
            ("te\u{301}le\u{301}phone", Some(Phone)),
            ("Handynummer", Some(Phone)),
            ("telefoonnummer", Some(Phone)),
            ("numer_telefonu", Some(Phone)),
            ("Телефон", Some(Phone)),
            ("電話番号", Some(Phone)),
            ("手机", Some(Phone)),
            ("voornaam", Some(FirstName)),
            ("Fødselsdato", Some(DateOfBirth)),
            ("生年月日", Some(DateOfBirth)),
            ("Фамилия", Some(LastName)),
            ("姓名", Some(FullName)),
            ("phone_number", Some(Phone)),
            ("phoneNumber", Some(Phone)),
            ("Telephone", Some(Phone)),
            ("tel", Some(Phone)),
            ("mobile_phone_1", Some(Phone)),
            ("contactphone", Some(Phone)),
            ("firstName", Some(FirstName)),
            ("billing_first_name", Some(FirstName)),
            ("FNAME", Some(FirstName)),
            ("Prénom", Some(FirstName)),
            ("last name", Some(LastName)),
            ("full_name", Some(FullName)),
            ("customerName", Some(FullName)),
            ("shipping_name", Some(FullName)),
            ("date_of_birth", Some(DateOfBirth)),
            ("DOB", Some(DateOfBirth)),
            ("billing_city", Some(City)),
            ("shippingState", Some(State)),
            ("billing_postcode", Some(Zip)),
            ("billing_address_1", Some(Street)),
            ("shippingAddressLine2", Some(Street)),
            ("user_login", Some(Login)),
            ("access_token", Some(Secret)),
            ("X-Amz-Signature", Some(Secret)),
            ("payment_intent_client_secret", Some(Secret)),
            ("key", Some(Secret)),
            ("jsessionid", Some(Secret)),
            ("PHPSESSID", Some(Secret)),
            ("connect.sid", Some(Secret)),
            ("email_verified", None),
            ("emailOptIn", None),
            ("product_name", None),
            ("hostname", None),
            ("filename", None),
            ("campaign_name", None),
            ("headphone", None),
            ("hotel", None),
            ("automobil", None),
            ("商品名", None),
            ("товар", None),
            ("nom_produit", None),
            ("warehouse_city", None),
            ("order_state", None),
            ("current_state", None),
            ("customer_state", None),
            ("account_state", None),
            ("sort_key", None),
            ("keyword", None),
            ("ip_address", None),
            ("inside", None),
            ("utm_source", None),
            ("lang", None),
            ("size", None),
            ("q", None),
            ("", None),
            ("1", None),
        ] {
            assert_eq!(meaning(key).map(|key| key.meaning), expected, "{key}");
        }
    }

    #[test]
    fn some_words_need_a_person_around_them() {
        for (key, within) in [
            ("city", Some(Holder::Person)),
            ("ville", Some(Holder::Person)),
            ("nombre", Some(Holder::Person)),
            ("name", Some(Holder::Person)),
            ("address1", Some(Holder::Person)),
            ("state", Some(Holder::Address)),
            ("billing_city", None),
            ("email", None),
        ] {
            assert_eq!(meaning(key).map(|key| key.within), Some(within), "{key}");
        }
    }

    #[test]
    fn objects_hold_persons_and_addresses() {
        let (person, address) = (Some(Holder::Person), Some(Holder::Address));
        for (key, expected) in [
            ("billing_address", address),
            ("shippingAddress", address),
            ("address", address),
            ("addresses", address),
            ("defaultAddress", address),
            ("Billing", address),
            ("shipping_details", address),
            ("customer", person),
            ("customers", person),
            ("customer_details", person),
            ("profile", person),
            ("store_address", None),
            ("product", None),
            ("products", None),
            ("details", None),
            ("default", None),
            ("data", None),
            ("properties", None),
            ("", None),
        ] {
            assert_eq!(holder(key), expected, "{key}");
        }
    }
}
