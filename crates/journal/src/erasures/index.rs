//! The test of an event: does it hold a value that an erasure names?

use std::collections::HashMap;

use signalbox_core::json::Content;
use signalbox_core::{Event, Node, privacy};

use super::digest::{Digest, DigestKey, Tag};
use super::record::Erasure;
use super::spelling;
use super::subject::{LONG, Subject, Wanted, cut};
use crate::{DeadLetter, Position};

/// The extent of an erasure: the events that the journal held when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Places of the log before this one.
    pub(super) before: Position,
    /// Events without a place that arrived before this moment, Unix milliseconds.
    pub(super) until: i64,
}

impl Span {
    /// Everything that there is.
    pub(super) const ALL: Span = Span {
        before: Position::MAX,
        until: i64::MAX,
    };

    /// The events that a recorded erasure covers.
    pub(super) fn of(erasure: &Erasure) -> Span {
        Span {
            before: erasure.before,
            until: erasure.at,
        }
    }

    /// True if it covers an event: at a place of the log, or else by its arrival.
    pub(super) fn covers(self, place: Option<Position>, received_at: i64) -> bool {
        match place {
            Some(place) => place < self.before,
            None => received_at < self.until,
        }
    }
}

/// The keyed hashes of some erasures, by which events are tested.
#[derive(Debug, Clone)]
pub struct Index {
    key: DigestKey,
    spans: HashMap<Digest, Span>,
    kinds: Kinds,
}

/// The kinds of values among the erasures: texts that can be none of them are not hashed.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    email: bool,
    phone: bool,
    id: bool,
    message: bool,
}

/// The meaning of the values at a key of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Meaning {
    user: bool,
    anonymous: bool,
    phone: bool,
}

impl Index {
    /// Begins an index without a value.
    pub(super) fn new(key: DigestKey) -> Index {
        Index {
            key,
            spans: HashMap::new(),
            kinds: Kinds::default(),
        }
    }

    /// Adds the hashes of values of a kind.
    pub(super) fn add(&mut self, subject: Subject, digests: &[Digest], span: Span) {
        match subject {
            Subject::Email => self.kinds.email = true,
            Subject::Phone => self.kinds.phone = true,
            Subject::UserId | Subject::AnonymousId => self.kinds.id = true,
            Subject::MessageId => self.kinds.message = true,
        }
        for digest in digests {
            let entry = self.spans.entry(*digest).or_insert(span);
            entry.before = entry.before.max(span.before);
            entry.until = entry.until.max(span.until);
        }
    }

    /// Makes an index of values for some events.
    pub(super) fn of(key: DigestKey, wanted: &[Wanted], span: Span) -> Index {
        let mut index = Index::new(key);
        for one in wanted {
            let digests = one.digests(&index.key);
            index.add(one.subject(), &digests, span);
        }
        index
    }

    /// True if an event holds a value of an erasure that covers the event. `place` is its place in the log, if it has one.
    #[must_use]
    pub fn finds(&self, event: &Event, place: Option<Position>) -> bool {
        let test = Test {
            index: self,
            place,
            received_at: event.receipt().received_at,
        };
        test.event(event)
    }

    /// True if a dead letter holds a value, in its copy of the event or in the event's id.
    #[must_use]
    pub fn finds_letter(&self, letter: &DeadLetter) -> bool {
        let test = Test {
            index: self,
            place: letter.position,
            received_at: letter.received_at,
        };
        test.message_id(&letter.message_id)
            || test.text(&letter.message_id, Meaning::default())
            || letter.event().is_some_and(|event| test.event(&event))
    }
}

/// The test of one event.
struct Test<'a> {
    index: &'a Index,
    place: Option<Position>,
    received_at: i64,
}

impl Test<'_> {
    fn knows(&self, tag: Tag, text: &str) -> bool {
        let found = self.index.spans.get(&self.index.key.digest(tag, text));
        found.is_some_and(|span| span.covers(self.place, self.received_at))
    }

    fn event(&self, event: &Event) -> bool {
        self.message_id(event.message_id())
            || self.children(event.root(), "")
            || event.facts().hashed.iter().any(|hashed| {
                let (above, key) = last_steps(&hashed.path);
                let meaning = meaning(key, above);
                hashed.hashes.iter().any(|hash| self.hash(hash, meaning))
            })
    }

    fn message_id(&self, id: &str) -> bool {
        self.index.kinds.message && self.knows(Tag::MessageId, id)
    }

    /// Looks at the members or items of a value; `above` is its own key. It descends no deeper than the payload, which is
    /// bounded.
    fn children(&self, node: Node<'_>, above: &str) -> bool {
        let mut members = node.members();
        members.any(|(key, member)| {
            self.text(key, Meaning::default()) || self.value(member, key, meaning(key, above))
        })
    }

    fn value(&self, node: Node<'_>, key: &str, meaning: Meaning) -> bool {
        match node.content() {
            Content::String(text) | Content::Number(text) => self.text(text, meaning),
            Content::Object => self.children(node, key),
            Content::Array => node.items().any(|item| self.value(item, key, meaning)),
            Content::Null | Content::Bool(_) => false,
        }
    }

    fn text(&self, text: &str, meaning: Meaning) -> bool {
        let kinds = self.index.kinds;
        if kinds.email
            && text.contains(['@', '＠', '%'])
            && spelling::any_email(text, &mut |email| self.knows(Tag::Email, email))
        {
            return true;
        }
        if kinds.phone && spelling::any_phone(text, &mut |phone| self.phone(phone, meaning)) {
            return true;
        }
        if kinds.id && self.id(text.trim(), meaning) {
            return true;
        }
        spelling::any_hash(text, &mut |hash| self.hash(hash, meaning))
    }

    fn phone(&self, phone: &spelling::Phone, meaning: Meaning) -> bool {
        self.knows(Tag::Phone, &phone.digits)
            // Without its country code a number is one of many, so only keys of phone numbers count.
            || meaning.phone
                && (!phone.international && self.knows(Tag::National, &phone.digits)
                    || cut(&phone.digits).any(|national| self.knows(Tag::WithoutCountry, national)))
    }

    fn id(&self, text: &str, meaning: Meaning) -> bool {
        meaning.user && self.knows(Tag::UserId, text)
            || meaning.anonymous && self.knows(Tag::AnonymousId, text)
            || text.len() >= LONG && self.knows(Tag::LongId, text)
    }

    fn hash(&self, hash: &str, meaning: Meaning) -> bool {
        self.knows(Tag::Hash, hash)
            || meaning.user && self.knows(Tag::UserIdHash, hash)
            || meaning.anonymous && self.knows(Tag::AnonymousIdHash, hash)
    }
}

/// The last two steps of a path with dots.
fn last_steps(path: &str) -> (&str, &str) {
    let (rest, key) = path.rsplit_once('.').unwrap_or(("", path));
    (rest.rsplit_once('.').map_or(rest, |(_, above)| above), key)
}

/// Tells from a key what its values are, and from the key above it.
fn meaning(key: &str, above: &str) -> Meaning {
    let plain = |key: &str| -> String {
        let letters = key.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let name = plain(key);
    let of_person = || {
        matches!(
            &*plain(above),
            "traits" | "user" | "customer" | "externalids" | "externalid"
        )
    };
    let previous = name == "previousid";
    Meaning {
        user: previous
            || matches!(
                &*name,
                "userid" | "externalid" | "externalids" | "customerid" | "uid"
            )
            || name == "id" && of_person(),
        anonymous: previous || name == "anonymousid",
        phone: ["phone", "mobile", "tel", "cell", "whatsapp", "msisdn", "fax"]
            .iter()
            .any(|part| name.contains(part))
            || privacy::meaning(key).is_some_and(|key| key.meaning == privacy::Meaning::Phone),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use signalbox_core::{HashedPath, Receipt, Sha256Hex};

    use super::*;

    fn event(payload: &Value) -> Event {
        let receipt = Receipt {
            source: "s".into(),
            received_at: 1_000,
        };
        Event::parse(&payload.to_string(), receipt).unwrap()
    }

    fn index(subject: Subject, value: &str) -> Index {
        let wanted = Wanted::new(subject, value).unwrap();
        Index::of(DigestKey::random().unwrap(), &[wanted], Span::ALL)
    }

    fn finds(subject: Subject, value: &str, payload: &Value) -> bool {
        index(subject, value).finds(&event(payload), None)
    }

    #[test]
    fn an_address_is_found_wherever_it_stands() {
        let hash = |text: &str| Sha256Hex::of(text).as_str().to_owned();
        for payload in [
            json!({ "userId": "ann@shop.example" }),
            json!({ "properties": { "note": ["x", { "by": " ANN@shop.example " }] } }),
            json!({ "properties": { "ann@shop.example": true } }),
            json!({ "context": { "page": { "url": "https://x.example/?e=ann%40shop.example" } } }),
            json!({ "traits": { "email": hash("ann@shop.example") } }),
            json!({ "traits": { "email": hash("Ann@Shop.Example").to_uppercase() } }),
            json!({ "messageId": "order-ann@shop.example" , "properties": { "cc": "b@c.d;ann@shop.example" } }),
        ] {
            assert!(finds(Subject::Email, "Ann@Shop.Example", &payload), "{payload}");
        }
        for payload in [
            json!({}),
            json!({ "userId": "bann@shop.example", "traits": { "email": "ann@shop.examples" } }),
            json!({ "traits": { "email": hash("bob@shop.example") } }),
        ] {
            assert!(!finds(Subject::Email, "ann@shop.example", &payload), "{payload}");
        }
        // The hash alone is enough for events that hold it.
        let wanted = hash("ann@shop.example");
        assert!(finds(
            Subject::Email,
            &wanted,
            &json!({ "traits": { "email": wanted } })
        ));
    }

    #[test]
    fn a_number_is_found_with_and_without_its_country_code() {
        for payload in [
            json!({ "traits": { "phone": "+1 (555) 010-0199" } }),
            json!({ "properties": { "whatever": 15550100199_u64 } }),
            json!({ "traits": { "mobile_phone": "555-010-0199" } }),
            json!({ "traits": { "celular": "555-010-0199", "contact_number": "1" } }),
            json!({ "properties": { "Contact Number": "5550100199" } }),
            json!({ "traits": { "phone": [Sha256Hex::of("+15550100199").as_str()] } }),
            json!({ "traits": { "phone": Sha256Hex::of("15550100199").as_str() } }),
        ] {
            assert!(finds(Subject::Phone, "+1 555 010 0199", &payload), "{payload}");
        }
        for payload in [
            json!({ "traits": { "phone": "+44 555 010 0199" } }),
            json!({ "properties": { "order_id": "5550100199" } }),
            json!({ "traits": { "phone": "+15550100198" } }),
        ] {
            assert!(!finds(Subject::Phone, "+1 555 010 0199", &payload), "{payload}");
        }
        let international = json!({ "traits": { "phone": "+49 151 2345678" } });
        assert!(finds(Subject::Phone, "0151 2345678", &international));
    }

    #[test]
    fn a_short_id_counts_where_ids_stand_and_a_long_one_everywhere() {
        for payload in [
            json!({ "userId": "7" }),
            json!({ "userId": 7 }),
            json!({ "previousId": "7" }),
            json!({ "context": { "traits": { "id": 7 } } }),
            json!({ "context": { "externalIds": [{ "id": "7", "type": "crm" }] } }),
            json!({ "properties": { "customer_id": "7" } }),
            json!({ "userId": Sha256Hex::of("7").as_str() }),
        ] {
            assert!(finds(Subject::UserId, "7", &payload), "{payload}");
        }
        for payload in [
            json!({ "properties": { "quantity": 7, "id": "7", "order_id": "7" } }),
            json!({ "anonymousId": "7", "userId": "77" }),
            json!({ "properties": { "note": Sha256Hex::of("7").as_str() } }),
        ] {
            assert!(!finds(Subject::UserId, "7", &payload), "{payload}");
        }
        let anonymous = json!({ "anonymousId": "7" });
        assert!(finds(Subject::AnonymousId, "7", &anonymous));
        let note = json!({ "properties": { "note": "3b1e0f5c-user" } });
        assert!(finds(Subject::UserId, "3b1e0f5c-user", &note));
    }

    #[test]
    fn message_ids_match_exactly() {
        let payload = json!({ "messageId": "m-1", "properties": { "ref": "m-2" } });
        assert!(finds(Subject::MessageId, "m-1", &payload));
        for other in ["m-2", "M-1", "m-11"] {
            assert!(!finds(Subject::MessageId, other, &payload), "{other}");
        }
    }

    #[test]
    fn hashes_in_the_facts_count_too() {
        let mut event = event(&json!({ "traits": { "email": "0" } }));
        let mut wanted = Wanted::new(Subject::Email, "a@b.c").unwrap();
        let by_rule = Sha256Hex::of("as some rule writes it").as_str().to_owned();
        wanted.add_hashes([by_rule.clone(), "no hash".to_owned()]);
        let index = Index::of(DigestKey::random().unwrap(), &[wanted], Span::ALL);
        assert!(!index.finds(&event, None));
        event.facts_mut().hashed = vec![HashedPath {
            path: "traits.email".into(),
            rules: "own".into(),
            kind: None,
            hashes: vec![by_rule.as_str().into()],
        }];
        assert!(index.finds(&event, None));
    }

    #[test]
    fn an_erasure_covers_what_was_there_before() {
        let mut index = Index::new(DigestKey::random().unwrap());
        let wanted = Wanted::new(Subject::UserId, "ann").unwrap();
        for (before, until) in [(5, 900), (10, 2_000), (7, 100)] {
            let digests = wanted.digests(&index.key);
            index.add(Subject::UserId, &digests, Span { before, until });
        }
        let event = event(&json!({ "userId": "ann" }));
        assert!(index.finds(&event, Some(9)) && !index.finds(&event, Some(10)));
        assert!(index.finds(&event, None), "it arrived before");
    }

    #[test]
    fn letters_are_found_by_their_copy_and_by_their_id() {
        let letter = |payload: Option<Value>| DeadLetter {
            message_id: "m-1".to_owned(),
            payload: payload.map(|payload| payload.to_string()),
            ..DeadLetter::default()
        };
        let kept = letter(Some(json!({ "traits": { "email": "a@b.c" } })));
        assert!(index(Subject::Email, "a@b.c").finds_letter(&kept));
        assert!(!index(Subject::Email, "a@b.c").finds_letter(&letter(None)));
        assert!(index(Subject::MessageId, "m-1").finds_letter(&letter(None)));
    }
}
