//! Hashes that transforms of the pipeline made before the event came here, found by the event's facts.
//!
//! The payload holds the hash by one set of rules, the facts those by the others. A sink takes the hash by its own rules;
//! a hash by other rules alone matches no user at the vendor, so the field is left out. A hash that arrived with the
//! event is in no fact, and passes.

use bumpalo::Bump;
use signalbox_core::{Event, HashedPath, Sha256Hex, Warning};
use signalbox_segment::value::{Value, js_trim};

use crate::field::{Kind, Row};
use crate::personal::Field;
use crate::reasons;

/// The length of a SHA-256 as a text.
const SHA256_DIGITS: usize = 64;

/// The hashes that transforms made of an event's values, for a sink with these rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PipelineHashes<'e> {
    event: &'e Event,
    rules: &'static str,
}

/// The origin of a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin<'e> {
    /// No transform made it: it arrived with the event.
    Arrived,
    /// A transform made it, and these by the sink's rules: more than one where a value has several forms.
    Made(Own),
    /// A transform made it, and the sink's rules dropped the value, with a warning of the transform's.
    Dropped,
    /// A transform made it by these rules, for the value at this path, and none by the sink's.
    OtherRules { path: &'e str, rules: &'e str },
}

/// The hashes of a value by the sink's own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    first: Sha256Hex,
    more: Vec<Sha256Hex>,
}

impl Own {
    fn one(first: Sha256Hex) -> Own {
        Own {
            first,
            more: Vec::new(),
        }
    }

    fn add(&mut self, hash: Sha256Hex) {
        if self.first != hash && !self.more.contains(&hash) {
            self.more.push(hash);
        }
    }

    /// Returns all of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Sha256Hex> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }
}

impl<'e> PipelineHashes<'e> {
    /// Returns the hashes of an event that the sink cannot pass as they are; `None` if there are none. `plain` tells if it
    /// wants some values plain, for which not even hashes by its own rules pass.
    #[inline]
    pub(crate) fn of(event: &'e Event, rules: &'static str, plain: bool) -> Option<PipelineHashes<'e>> {
        let stops = |hashed: &HashedPath| plain || *hashed.rules != *rules;
        let any = event.facts().hashed.iter().any(stops);
        any.then_some(PipelineHashes { event, rules })
    }

    /// Finds the origin of a text in a field, which is hashed unless `field` is `None`. A text that is no SHA-256 has arrived,
    /// unless a template built it from hashes by other rules.
    pub(crate) fn origin(&self, text: &str, field: Option<Field>) -> Origin<'e> {
        let Some(hash) = Sha256Hex::from_prehashed(js_trim(text)) else {
            return self.origin_of_parts(text);
        };
        let hashed = &self.event.facts().hashed;
        let placed = hashed
            .iter()
            .flat_map(|one| places(one, hash.as_str()).map(move |at| (one, at, &one.rules)));
        // Other rules may have made one hash of values of several kinds; those of the field's kind decide.
        let of_field = |one: &HashedPath| {
            let kind = one.kind.as_deref();
            kind.is_some() && kind == field.map(Field::name)
        };
        let any_of_field = placed.clone().any(|(one, ..)| of_field(one));
        let (mut found, mut made) = (Origin::Arrived, None::<Own>);
        for (path, at, rules) in placed.filter(|(one, ..)| !any_of_field || of_field(one)) {
            match self.own(&path.path, at) {
                Origin::Arrived if found == Origin::Arrived => {
                    found = Origin::OtherRules {
                        path: &path.path,
                        rules,
                    };
                }
                Origin::Arrived => {}
                Origin::Made(own) => match &mut made {
                    Some(made) => made.add(own.first),
                    None => made = Some(own),
                },
                own => found = own,
            }
        }
        if let Some(made) = made {
            return Origin::Made(made);
        }
        if any_of_field {
            return found;
        }
        // Of a path without a list of hashes, the payload holds all of them.
        for one in hashed.iter().filter(|one| one.hashes.is_empty()) {
            let is = |text: &str| text.eq_ignore_ascii_case(hash.as_str());
            if !one.any_text(self.event.root(), &mut { is }) {
                continue;
            }
            if *one.rules == *self.rules {
                return Origin::Made(Own::one(hash));
            }
            match self.own(&one.path, 0) {
                Origin::Made(own) => return Origin::Made(own),
                Origin::Arrived if found == Origin::Arrived => {
                    found = Origin::OtherRules {
                        path: &one.path,
                        rules: &one.rules,
                    };
                }
                _ => {}
            }
        }
        found
    }

    /// Finds the origin of a text that is longer than a SHA-256, and may hold some.
    fn origin_of_parts(&self, text: &str) -> Origin<'e> {
        if text.len() <= SHA256_DIGITS {
            return Origin::Arrived;
        }
        let hashed = &self.event.facts().hashed;
        let is_own = |hash: &str| {
            let mut own = hashed.iter().filter(|one| *one.rules == *self.rules);
            own.any(|one| places(one, hash).next().is_some())
        };
        let is_part = |hash: &str| hash.len() == SHA256_DIGITS && text.contains(hash) && !is_own(hash);
        let others = hashed.iter().filter(|one| *one.rules != *self.rules);
        let mut holding = others.filter(|one| match &*one.hashes {
            [] => one.any_text(self.event.root(), &mut { is_part }),
            hashes => hashes.iter().any(|hash| is_part(hash)),
        });
        holding.next().map_or(Origin::Arrived, |one| Origin::OtherRules {
            path: &one.path,
            rules: &one.rules,
        })
    }

    /// Finds the hash by the sink's rules at a place in the lists of a path.
    fn own(&self, path: &str, at: usize) -> Origin<'e> {
        let hashed = &self.event.facts().hashed;
        let lists = hashed
            .iter()
            .filter(|one| *one.path == *path && *one.rules == *self.rules && !one.hashes.is_empty());
        let mut origin = Origin::Arrived;
        for list in lists {
            let own = list
                .hashes
                .get(at)
                .and_then(|hash| Sha256Hex::from_prehashed(hash));
            match own {
                Some(hash) => return Origin::Made(Own::one(hash)),
                None => origin = Origin::Dropped,
            }
        }
        origin
    }
}

/// Returns the places of a hash in the list of a path: several where other rules made one hash of several.
fn places(hashed: &HashedPath, hash: &str) -> impl Iterator<Item = usize> + Clone {
    let all = hashed.hashes.iter().enumerate();
    all.filter(move |(_, one)| ***one == *hash).map(|(at, _)| at)
}

/// Replaces hashes that transforms made by those of the sink's rules, and leaves out those of other rules, and any in a
/// field that the vendor wants plain, with a warning for each field.
pub(crate) fn replace<'a>(
    payload: Value<'a>,
    rows: &'static [Row],
    hashes: PipelineHashes<'_>,
    takes_hash: &dyn Fn(Field) -> bool,
    arena: &'a Bump,
    warnings: &mut Vec<Warning>,
) -> Value<'a> {
    let replacing = Replacing {
        hashes,
        takes_hash,
        arena,
    };
    object(payload, rows, "", &replacing, warnings)
}

struct Replacing<'a, 'e> {
    hashes: PipelineHashes<'e>,
    takes_hash: &'e dyn Fn(Field) -> bool,
    arena: &'a Bump,
}

fn object<'a>(
    object: Value<'a>,
    rows: &'static [Row],
    above: &str,
    replacing: &Replacing<'a, '_>,
    warnings: &mut Vec<Warning>,
) -> Value<'a> {
    let Value::Object(members) = object else {
        return object;
    };
    let members = replacing.arena.alloc_slice_copy(members);
    for (key, value) in members.iter_mut().filter(|(_, value)| value.is_defined()) {
        let Some(row) = rows.iter().find(|row| row.field.key == *key) else {
            continue;
        };
        // Only warnings and objects need it.
        let path = || match above {
            "" => (*key).to_owned(),
            _ => format!("{above}.{key}"),
        };
        *value = match row.kind {
            _ if row.wants_plain(replacing.takes_hash) => replacing.plain(*value, &path, warnings),
            Kind::Hashed(field) => replacing.hashed(*value, field, &path, warnings),
            _ if row.members.is_empty() => *value,
            _ => self::object(*value, row.members, &path(), replacing, warnings),
        };
    }
    Value::Object(members)
}

impl<'a> Replacing<'a, '_> {
    /// The values of a hashed field, a list or one text.
    fn hashed(
        &self,
        value: Value<'a>,
        field: Field,
        path: &dyn Fn() -> String,
        warnings: &mut Vec<Warning>,
    ) -> Value<'a> {
        let mut other = None;
        let mut more = Vec::new();
        let origin = |text| self.hashes.origin(text, Some(field));
        let text = |hash: Sha256Hex| Value::Str(self.arena.alloc_str(hash.as_str()));
        let mut one = |value: Value<'a>| match value.as_str().map(origin) {
            None | Some(Origin::Arrived) => value,
            Some(Origin::Made(own)) => {
                more.extend(own.more.iter().copied());
                text(own.first)
            }
            Some(Origin::Dropped) => Value::Undefined,
            Some(Origin::OtherRules { path, rules }) => {
                other = Some((path, rules));
                Value::Undefined
            }
        };
        let replaced = match value {
            Value::Array(items) => {
                let items = self
                    .arena
                    .alloc_slice_fill_iter(items.iter().map(|item| one(*item)));
                let kept = partition(items);
                Value::Array(&items[..kept])
            }
            value => one(value),
        };
        // Where one value is wanted, its first form stands for all.
        let replaced = match (more.as_slice(), replaced) {
            ([_, ..], Value::Array(items)) => {
                let mut all =
                    bumpalo::collections::Vec::with_capacity_in(items.len() + more.len(), self.arena);
                all.extend(items.iter().copied().chain(more.into_iter().map(text)));
                Value::Array(all.into_bump_slice())
            }
            (_, replaced) => replaced,
        };
        if let Some((at, rules)) = other {
            warnings.push(reasons::hashed_by_other_rules(
                &path(),
                at,
                rules,
                self.hashes.rules,
            ));
        }
        replaced
    }

    /// The values of a field that the vendor wants plain, a list or one text.
    fn plain(&self, value: Value<'a>, path: &dyn Fn() -> String, warnings: &mut Vec<Warning>) -> Value<'a> {
        let is_plain = |value: &Value<'a>| {
            let origin = value.as_str().map(|text| self.hashes.origin(text, None));
            matches!(origin, None | Some(Origin::Arrived))
        };
        let replaced = match value {
            Value::Array(items) if items.iter().all(is_plain) => return value,
            Value::Array(items) => {
                let mut plain = bumpalo::collections::Vec::with_capacity_in(items.len(), self.arena);
                plain.extend(items.iter().copied().filter(is_plain));
                Value::Array(plain.into_bump_slice())
            }
            value if is_plain(&value) => return value,
            _ => Value::Undefined,
        };
        warnings.push(reasons::wanted_plain(&path()));
        replaced
    }
}

/// Brings the defined values to the front, in their order, and returns their number.
fn partition(items: &mut [Value<'_>]) -> usize {
    let mut kept = 0;
    for at in 0..items.len() {
        if items[at].is_defined() {
            items.swap(kept, at);
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};
    use signalbox_core::Receipt;
    use signalbox_segment::schema::FieldType;
    use signalbox_segment::value::{Numbers, parse_json};

    use super::*;
    use crate::fields;
    use crate::key;

    const USER: &[Row] = &[
        Row::hashed("email", "Email", key!("em"), Field::Email),
        Row::hashed("zip", "Zip", key!("zp"), Field::Zip).single(),
        Row::hashed("phone", "Phone", key!("ph"), Field::Phone),
        Row::plain(key!("city"), "City", Field::City),
    ];
    const ROWS: &[Row] = &[
        Row::own(key!("user"), "User", FieldType::Object).members(USER, fields!(USER)),
        Row::own(key!("device_id"), "Device", FieldType::String).unhashed(),
        Row::own(key!("note"), "Note", FieldType::String),
    ];

    fn hash(text: &str) -> String {
        Sha256Hex::of(text).as_str().to_owned()
    }

    /// The payload after the replacement for the rules `own`, and the codes of the warnings with their paths.
    fn replaced(
        event: &Json,
        facts: &[(&str, &str, &[&str])],
        payload: &Json,
        plain: bool,
    ) -> (Json, Vec<String>) {
        let receipt = Receipt {
            source: "s".into(),
            received_at: 0,
        };
        let mut event = Event::parse(&event.to_string(), receipt).unwrap();
        event.facts_mut().hashed = facts
            .iter()
            .map(|(path, rules, hashes)| HashedPath {
                path: (*path).into(),
                rules: (*rules).into(),
                kind: path.rsplit_once(':').map(|(_, kind)| kind.to_owned().into()),
                hashes: hashes.iter().map(|hash| (*hash).into()).collect(),
            })
            .collect();
        let arena = Bump::new();
        let value = parse_json(&payload.to_string(), &arena).unwrap();
        let mut warnings = Vec::new();
        let value = match PipelineHashes::of(&event, "own", plain) {
            Some(hashes) => replace(
                value,
                ROWS,
                hashes,
                &|field| field != Field::Phone,
                &arena,
                &mut warnings,
            ),
            None => value,
        };
        let mut text = Vec::new();
        value.write_json(&mut text, Numbers::Source);
        let told = warnings
            .iter()
            .map(|warning| format!("{} {}", warning.path, warning.code));
        (serde_json::from_slice(&text).unwrap(), told.collect())
    }

    #[test]
    fn a_sink_takes_the_hashes_by_its_own_rules() {
        let (other, own) = (hash("A@b.c"), hash("a@b.c"));
        let event = json!({ "traits": { "email": other } });
        let payload = json!({ "user": { "email": [other, hash("arrived")], "zip": other.to_uppercase() } });
        let facts: [(&str, &str, &[&str]); 2] = [
            ("traits.email", "other", &[&other]),
            ("traits.email", "own", &[&own]),
        ];
        let (payload, warnings) = replaced(&event, &facts, &payload, false);
        assert_eq!(
            payload["user"],
            json!({ "email": [own, hash("arrived")], "zip": own })
        );
        assert!(warnings.is_empty());
        // The other way round, the payload holds the sink's own.
        let payload = json!({ "user": { "email": [own] } });
        assert_eq!(replaced(&event, &facts, &payload, false).0, payload);
    }

    #[test]
    fn hashes_by_other_rules_alone_are_left_out() {
        let (made, text) = (hash("a@b.c"), "b@b.c");
        let event = json!({ "traits": [{ "email": [made] }], "list": [{ "zip": made }] });
        let payload =
            json!({ "user": { "email": [made, text, hash("arrived")], "zip": made }, "note": made });
        for (path, list) in [
            ("traits.email", &[][..]),
            ("traits.email", &[&*made]),
            ("list.0.zip", &[]),
        ] {
            let (payload, warnings) = replaced(&event, &[(path, "other", list)], &payload, false);
            assert_eq!(
                payload,
                json!({ "user": { "email": [text, hash("arrived")] }, "note": made }),
                "{path} {list:?}"
            );
            assert_eq!(
                warnings,
                [
                    "user.email hashed_by_other_rules",
                    "user.zip hashed_by_other_rules"
                ]
            );
        }
        // A path that holds another value says nothing about this one.
        let (same, warnings) = replaced(&event, &[("traits.phone", "other", &[])], &payload, false);
        assert_eq!((same, warnings.len()), (payload.clone(), 0));
        // Facts that name the sink's own rules alone change nothing.
        assert_eq!(
            replaced(&event, &[("traits.email", "own", &[])], &payload, false).0,
            payload
        );
    }

    #[test]
    fn a_value_that_the_sinks_rules_dropped_is_left_out_without_another_warning() {
        let (first, second, own) = (hash("1"), hash("2"), hash("two"));
        let event = json!({ "traits": { "email": [first, second] } });
        let facts: [(&str, &str, &[&str]); 2] = [
            ("traits.email", "other", &[&first, &second]),
            ("traits.email", "own", &["", &own]),
        ];
        let payload = json!({ "user": { "email": [first, second] } });
        let (payload, warnings) = replaced(&event, &facts, &payload, false);
        assert_eq!(
            (payload, warnings.len()),
            (json!({ "user": { "email": [own] } }), 0)
        );
    }

    #[test]
    fn a_value_of_several_forms_has_several_hashes() {
        let (given, lower) = (hash("Cust_9"), hash("cust_9"));
        let facts: [(&str, &str, &[&str]); 2] = [
            ("userId:email", "own", &[&given, &lower]),
            ("userId:email", HashedPath::IN_PAYLOAD, &[&given, &given]),
        ];
        let payload = json!({ "user": { "email": [given] } });
        let (payload, warnings) = replaced(&json!({ "userId": given }), &facts, &payload, false);
        assert_eq!(
            (payload, warnings.len()),
            (json!({ "user": { "email": [given, lower] } }), 0)
        );
    }

    #[test]
    fn a_field_takes_the_hash_of_its_own_kind() {
        // Other rules made one hash of a user id in capitals and of the same e-mail address.
        let (other, id, email) = (hash("a@b.c"), hash("A@B.c"), hash("a@b.c"));
        let facts: [(&str, &str, &[&str]); 4] = [
            ("userId:external_id", "other", &[&other]),
            ("userId:external_id", "own", &[&id]),
            ("traits.email:email", "other", &[&other]),
            ("traits.email:email", "own", &[&email]),
        ];
        let payload = json!({ "user": { "email": [other] } });
        let (payload, warnings) = replaced(&json!({}), &facts, &payload, false);
        assert_eq!(
            (payload, warnings.len()),
            (json!({ "user": { "email": [email] } }), 0)
        );
    }

    #[test]
    fn a_text_built_from_hashes_by_other_rules_is_left_out() {
        let (other, own) = (hash("A@b.c"), hash("a@b.c"));
        let event = json!({ "traits": { "email": other } });
        let payload = json!({ "user": { "email": [format!("{other} {own}")], "zip": format!("x{own}") } });
        for list in [&[][..], &[&*other]] {
            let facts = [("traits.email", "other", list), ("userId", "own", &[&*own])];
            let (payload, warnings) = replaced(&event, &facts, &payload, false);
            assert_eq!(
                payload["user"],
                json!({ "email": [], "zip": format!("x{own}") }),
                "{list:?}"
            );
            assert_eq!(warnings, ["user.email hashed_by_other_rules"]);
        }
    }

    #[test]
    fn a_hash_is_no_plain_value() {
        let made = hash("rome");
        let event = json!({ "traits": { "city": made } });
        let payload = json!({ "user": { "phone": [made, "+1 2065550100"], "city": made }, "device_id": made, "note": made });
        for rules in ["own", "other"] {
            let (payload, warnings) = replaced(&event, &[("traits.city", rules, &[])], &payload, true);
            assert_eq!(
                payload,
                json!({ "user": { "phone": ["+1 2065550100"] }, "note": made })
            );
            assert_eq!(
                warnings,
                [
                    "user.phone wanted_plain",
                    "user.city wanted_plain",
                    "device_id wanted_plain"
                ]
            );
        }
        let plain = json!({ "user": { "city": "Rome" }, "device_id": "A-1" });
        assert_eq!(
            replaced(&event, &[("traits.city", "own", &[])], &plain, true).0,
            plain
        );
    }
}
