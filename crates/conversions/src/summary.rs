//! The parts of records that the history reads, from the notes taken while they were written.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use signalbox_core::{MatchKeys, Parameter, Parts};

use crate::encode::{Noted, Role, Zone};
use crate::spec::Spec;

/// Sets of match keys that are remembered; more begin anew. Events of one client mostly carry the same ones.
const MOST: usize = 1_000;

/// Finds the parts of a vendor's records. The places are those of all conversions APIs: names and ids at the top, worth and
/// order in an object there.
#[derive(Debug)]
pub(crate) struct Summaries {
    spec: &'static Spec,
    /// The name of the member that holds the name of the conversion.
    event_key: &'static str,
    /// The sets of match keys by a hash of their names.
    sets: RwLock<HashMap<u64, Arc<MatchKeys>>>,
}

impl Summaries {
    pub(crate) fn new(spec: &'static Spec) -> Summaries {
        let row = spec.rows.iter().find(|row| row.field.key == spec.event_field);
        Summaries {
            spec,
            event_key: row.map_or(spec.event_field, |row| row.key.name()),
            sets: RwLock::default(),
        }
    }

    /// Returns the parts of a record whose members were noted.
    pub(crate) fn parts(&self, noted: &Noted, record: &[u8]) -> Parts {
        let (mut parts, mut keys) = (Parts::default(), 0_u64);
        for member in noted.members() {
            let set = member.is_set(record);
            if member.zone == Zone::Person {
                if set {
                    keys = (keys ^ member.hash)
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                        .rotate_left(23);
                }
                continue;
            }
            let top = member.zone == Zone::Event;
            let parameters = &mut parts.parameters;
            let spot = match member.role {
                Role::ActionSource if top => &mut parts.action_source,
                Role::EventId if top => {
                    parameters.add(Parameter::EventId, set);
                    &mut parts.event_id
                }
                Role::OrderId => {
                    parameters.add(Parameter::OrderId, set);
                    &mut parts.order_id
                }
                Role::Value => {
                    parameters.add(Parameter::Value, set);
                    &mut parts.value
                }
                Role::Currency => {
                    parameters.add(Parameter::Currency, set);
                    &mut parts.currency
                }
                Role::Contents => {
                    parameters.add(Parameter::Contents, set);
                    continue;
                }
                Role::SourceUrl | Role::Url => {
                    parameters.add(Parameter::SourceUrl, set);
                    continue;
                }
                _ if top && member.name == self.event_key => &mut parts.event_name,
                _ => continue,
            };
            if top || spot.is_none() {
                *spot = member.spot();
            }
        }
        if keys != 0 {
            parts.match_keys = Some(self.set(keys, noted, record));
        }
        parts
    }

    /// Returns the set with this hash of names.
    fn set(&self, hash: u64, noted: &Noted, record: &[u8]) -> Arc<MatchKeys> {
        // Nothing panics while it holds the lock; if it did, the sets would still be whole.
        let known = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = known.get(&hash) {
            return set.clone();
        }
        drop(known);
        let members = noted.members().iter();
        let set = members.filter(|member| member.zone == Zone::Person && member.is_set(record));
        let set: Arc<MatchKeys> = Arc::new(set.map(|member| self.name(member.name)).collect());
        let mut known = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.entry(hash).or_insert(set).clone()
    }

    /// Returns the name of a match key in mappings, so that it has one name at all vendors.
    fn name(&self, key: &'static str) -> &'static str {
        let rows = self
            .spec
            .rows
            .iter()
            .flat_map(|row| std::iter::once(row).chain(row.members));
        let row = rows.into_iter().find(|row| row.key.name() == key);
        row.map_or(key, |row| row.field.key)
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::json::JsonWriter;
    use signalbox_core::{Money, Record};
    use signalbox_segment::schema::{Field, FieldType};

    use super::*;
    use crate::encode::{Object, Stripped};
    use crate::field::Row;
    use crate::personal::{Field as Personal, rules};
    use crate::{fields, key};

    const USER: &[Row] = &[
        Row::hashed("email", "Email", key!("em"), Personal::Email),
        Row::hashed("phone", "Phone", key!("ph"), Personal::Phone),
    ];
    const EVENT: &[Row] = &[
        Row::own(key!("name"), "Name", FieldType::String),
        Row::own(key!("user"), "User", FieldType::Object).members(USER, fields!(USER)),
    ];
    const FIELDS: &[Field<'static>] = fields!(EVENT);
    static SPEC: Spec = Spec {
        vendor: "Acme",
        rows: EVENT,
        fields: FIELDS,
        presets: &[],
        event_field: "name",
        format_field: None,
        places: &[],
        rules: &rules::PINTEREST,
        segment_rules: &rules::SEGMENT,
        settings: &[],
    };

    fn record(summaries: &Summaries, write: impl FnOnce(&mut Object<'_>)) -> Record {
        let (mut out, stripped) = (JsonWriter::default(), Stripped::default());
        let mut noted = Noted::default();
        let mut object = Object::open(&mut out, &stripped, &mut noted);
        write(&mut object);
        object.close();
        let bytes = out.as_bytes().to_vec();
        Record {
            parts: summaries.parts(&noted, &bytes),
            ..Record::new("m", bytes)
        }
    }

    fn user(object: &mut Object<'_>) {
        object.object(key!("user"), true, |user| {
            user.text(key!("em"), "x");
            user.array(key!("ph"), false, |_| ());
            user.text(key!("ip"), "::1");
            user.text(key!("agent"), "");
            user.array(key!("maid"), true, |_| ());
            user.raw(key!("zip"), "null");
            user.integer(key!("lead"), 7);
            user.object(key!("more"), false, |more| more.text(key!("inner"), "x"));
        });
    }

    #[test]
    fn the_parts_of_a_record_are_found_where_they_stand() {
        let summaries = Summaries::new(&SPEC);
        let record = record(&summaries, |out| {
            out.text(key!("name"), "a \"purchase\"");
            out.text(key!("event_id"), "e-1");
            user(out);
            out.object(key!("original"), false, |original| {
                original.text(key!("event_id"), "of another event");
                original.object(key!("inside"), false, |inside| {
                    inside.text(key!("order_id"), "no")
                });
            });
            out.object(key!("taken_back"), false, |empty| {
                empty.object(key!("value"), false, |_| ())
            });
            out.object(key!("details"), false, |details| {
                details.array(key!("items"), false, |items| {
                    items.object(false, |item| item.raw(key!("value"), "1"));
                });
                details.property("order_id", |out| out.string("A-1"));
                details.raw(key!("value"), "72.05");
                details.text(key!("currency"), "EUR");
            });
            out.text(key!("action_source"), "web");
        });
        let summary = record.summary();
        assert_eq!(summary.event_name.as_deref(), Some("a \"purchase\""));
        assert_eq!(summary.event_id.as_deref(), Some("e-1"));
        assert_eq!(summary.order_id.as_deref(), Some("A-1"));
        assert_eq!(summary.action_source.as_deref(), Some("web"));
        let value = Money {
            millionths: 72_050_000,
            currency: Some("EUR".into()),
        };
        assert_eq!(summary.value, Some(value));
        let keys = summary.match_keys.unwrap();
        assert_eq!(keys.names().collect::<Vec<_>>(), ["email", "ip", "lead"]);
    }

    #[test]
    fn parameters_are_found_where_vendors_have_them() {
        let summaries = Summaries::new(&SPEC);
        let list = |out: &mut Object<'_>, key, id: Option<&str>| {
            out.array(key, true, |list| id.into_iter().for_each(|id| list.text(id)));
        };
        let names = |write: &dyn Fn(&mut Object<'_>)| {
            let found = record(&summaries, write).parts.parameters;
            let names = Parameter::ALL.into_iter().filter(|one| found.has(*one));
            names.map(Parameter::name).collect::<Vec<_>>().join(" ")
        };
        let all = names(&|out| {
            out.text(key!("event_id"), "e");
            out.text(key!("event_source_url"), "https://a.example");
            out.object(key!("custom_data"), false, |custom| {
                custom.text(key!("value"), "7.5");
                custom.text(key!("currency"), "EUR");
                custom.text(key!("order_id"), "A");
                list(custom, key!("contents"), Some("p"));
            });
        });
        assert_eq!(all, "value currency order_id contents event_id source_url");
        let of_a_page = names(&|out| {
            out.object(key!("page"), false, |page| {
                page.text(key!("url"), "https://a.example")
            });
            out.object(key!("properties"), false, |properties| {
                properties.integer(key!("value"), 0);
                properties.text(key!("url"), "https://b.example");
                list(properties, key!("content_ids"), Some("p"));
            });
        });
        assert_eq!(of_a_page, "value contents source_url");
        let blank = names(&|out| {
            out.text(key!("event_id"), "");
            out.text(key!("event_source_url"), "");
            out.object(key!("original"), false, |other| {
                other.text(key!("event_id"), "of another")
            });
            out.object(key!("custom_data"), false, |custom| {
                custom.text(key!("value"), "");
                list(custom, key!("contents"), None);
                custom.object(key!("inside"), false, |inside| inside.text(key!("order_id"), "A"));
            });
        });
        assert_eq!(blank, "");
    }

    #[test]
    fn records_with_the_same_match_keys_share_the_set() {
        let summaries = Summaries::new(&SPEC);
        let [one, other] = [(); 2].map(|()| record(&summaries, user));
        let sets = [&one, &other].map(|record| record.parts.match_keys.as_ref().unwrap());
        assert!(Arc::ptr_eq(sets[0], sets[1]));
        let none = record(&summaries, |out| {
            out.object(key!("user"), true, |_| ());
        });
        assert_eq!(none.summary(), signalbox_core::Summary::default());
    }

    #[test]
    fn a_member_of_the_event_counts_before_one_of_an_object() {
        let summaries = Summaries::new(&SPEC);
        let record = record(&summaries, |out| {
            out.object(key!("details"), false, |details| {
                details.text(key!("order_id"), "inner");
                details.text(key!("value"), "1e1");
            });
            out.text(key!("order_id"), "outer");
        });
        let summary = record.summary();
        assert_eq!(summary.order_id.as_deref(), Some("outer"));
        assert_eq!(summary.value.unwrap().millionths, 10_000_000);
    }
}
