//! A value to erase: its kind, its text, and the forms in which events may hold it.

use serde::{Deserialize, Serialize};
use signalbox_core::Sha256Hex;

use super::digest::{Digest, DigestKey, Tag};
use super::spelling::{self, COUNTRY_CODE};

/// The length from which an id is looked for everywhere in an event; shorter ones would match numbers and words that
/// have nothing to do with the person.
pub(super) const LONG: usize = 12;

/// The kind of a value that is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A user id.
    UserId,
    /// An anonymous id.
    AnonymousId,
    /// The `messageId` of one event.
    MessageId,
}

impl Subject {
    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Subject::Email => "e-mail address",
            Subject::Phone => "phone number",
            Subject::UserId => "user id",
            Subject::AnonymousId => "anonymous id",
            Subject::MessageId => "message id",
        }
    }
}

/// A value that is to be erased. It is never written down; `Debug` shows the kind alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    subject: Subject,
    value: String,
    hashes: Vec<String>,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Wanted {
    /// Takes a value of a kind. An e-mail address or a phone number may be given as its SHA-256 too.
    ///
    /// # Errors
    /// The reason why it is no such value, without the value.
    pub fn new(subject: Subject, value: &str) -> Result<Wanted, &'static str> {
        let value = value.trim();
        let is_hash = Sha256Hex::from_prehashed(value).is_some();
        match subject {
            _ if value.is_empty() => return Err("is empty"),
            Subject::Email if !is_hash && spelling::email(value).is_none() => {
                return Err("is no e-mail address and no SHA-256 of one");
            }
            Subject::Phone if !is_hash && spelling::phone(value).is_none() => {
                return Err("is no phone number (7 to 18 digits) and no SHA-256 of one");
            }
            _ => {}
        }
        Ok(Wanted {
            subject,
            value: value.to_owned(),
            hashes: Vec::new(),
        })
    }

    /// The kind.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Adds hashes under which events may hold the value: 64 hexadecimal digits each. Other texts are left out.
    pub fn add_hashes(&mut self, hashes: impl IntoIterator<Item = String>) {
        let hashes = hashes
            .into_iter()
            .filter_map(|hash| Sha256Hex::from_prehashed(&hash));
        self.hashes.extend(hashes.map(|hash| hash.as_str().to_owned()));
    }

    /// Makes the keyed hashes of all forms of the value.
    pub(super) fn digests(&self, key: &DigestKey) -> Vec<Digest> {
        let mut all = Vec::new();
        let mut add = |tag, text: &str| {
            let digest = key.digest(tag, text);
            if !all.contains(&digest) {
                all.push(digest);
            }
        };
        let hash_tag = match self.subject {
            Subject::UserId => Tag::UserIdHash,
            Subject::AnonymousId => Tag::AnonymousIdHash,
            Subject::Email | Subject::Phone | Subject::MessageId => Tag::Hash,
        };
        let long = self.value.chars().count() >= LONG;
        let is_id = matches!(self.subject, Subject::UserId | Subject::AnonymousId);
        for text in self.texts() {
            let hash = Sha256Hex::of(&text);
            match self.subject {
                Subject::MessageId => {}
                _ if is_id && long => add(Tag::Hash, hash.as_str()),
                _ => add(hash_tag, hash.as_str()),
            }
        }
        for hash in self.hashes.iter().cloned().chain(self.prehashed()) {
            add(if is_id && long { Tag::Hash } else { hash_tag }, &hash);
        }
        match self.subject {
            Subject::Email => {
                if let Some(email) = spelling::email(&self.value) {
                    add(Tag::Email, &email);
                }
            }
            Subject::Phone => {
                if let Some(phone) = spelling::phone(&self.value) {
                    add(Tag::Phone, &phone.digits);
                    if phone.international {
                        cut(&phone.digits).for_each(|national| add(Tag::National, national));
                    } else {
                        add(Tag::WithoutCountry, &phone.digits);
                    }
                }
            }
            Subject::UserId => add(Tag::UserId, &self.value),
            Subject::AnonymousId => add(Tag::AnonymousId, &self.value),
            Subject::MessageId => add(Tag::MessageId, &self.value),
        }
        if is_id && long {
            add(Tag::LongId, &self.value);
        }
        all
    }

    /// The value itself, if it is a SHA-256.
    fn prehashed(&self) -> Option<String> {
        let hash = Sha256Hex::from_prehashed(&self.value)?;
        (self.subject != Subject::MessageId).then(|| hash.as_str().to_owned())
    }

    /// The spellings whose SHA-256 events may hold without any rules.
    fn texts(&self) -> Vec<String> {
        let mut texts = vec![
            self.value.clone(),
            self.value.to_lowercase(),
            self.value.to_uppercase(),
        ];
        if self.subject == Subject::Phone
            && let Some(phone) = spelling::phone(&self.value)
        {
            texts.extend([
                format!("+{}", phone.digits),
                format!("00{}", phone.digits),
                phone.digits,
            ]);
        }
        texts
    }
}

/// The digits of an international number without a country code of each length.
pub(super) fn cut(digits: &str) -> impl Iterator<Item = &str> {
    let cuts = (1..=COUNTRY_CODE).filter_map(|length| digits.get(length..));
    cuts.map(|rest| rest.trim_start_matches('0'))
        .filter(|rest| rest.len() >= 6)
}
