//! The records that a sink makes of an event, value by value.

use std::sync::Arc;

use signalbox_core::{Event, FieldOutline, MappingOutline, Record, Rejection, Sha256Hex, Sink};

use super::leaves::{self, Leaf, leaves};
use super::mask::Mask;
use super::provenance::{Traced, generic, is_copy, trace};
use super::trial::{How, Origin, Remark, Told, TrialField, TrialRecord};

/// Describes the results of an event's preparation.
pub(super) fn records(
    sink: &dyn Sink,
    event: &Event,
    results: Vec<Result<Record, Rejection>>,
    mask: &Mask,
) -> Vec<TrialRecord> {
    let all = leaves(event.root());
    let outlines = sink.mappings();
    let described: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .ok()
                .map(|record| Described::of(record, &outlines))
        })
        .collect();
    let traced: Vec<Traced<'_>> = described.iter().flatten().map(Described::traced).collect();
    let (origins, untried) = trace(sink, event, &all, &traced);
    let mut origins = origins.into_iter();
    let mut told = Vec::new();
    for (result, described) in results.into_iter().zip(&described) {
        told.push(match (result, described) {
            (Ok(record), Some(described)) => {
                let origins = origins.next().unwrap_or_default();
                let fields = described.fields(&all, &origins, mask);
                TrialRecord {
                    untried,
                    ..made(sink, record, fields, mask)
                }
            }
            (Ok(record), None) => made(sink, record, Vec::new(), mask),
            (Err(rejection), _) => TrialRecord {
                mapping: rejection.mapping.to_string(),
                reason: Some(Told::of(&rejection.reason)),
                event_name: None,
                warnings: rejection.warnings.into_iter().map(Remark::from).collect(),
                fields: Vec::new(),
                untried: 0,
                request: None,
            },
        });
    }
    told
}

fn made(sink: &dyn Sink, record: Record, fields: Vec<TrialField>, mask: &Mask) -> TrialRecord {
    let event_name = record.summary().event_name;
    let event_name = event_name.map(|name| mask.of_record(&name));
    let warnings = record.warnings.clone().into_iter().map(Remark::from).collect();
    let mapping = record.mapping.to_string();
    let request = sink.request(&Arc::new(record));
    TrialRecord {
        mapping,
        reason: None,
        event_name,
        warnings,
        fields,
        untried: 0,
        request: request.map(|request| mask.request(request)),
    }
}

/// A record's values with the rules that fill them.
struct Described {
    mapping: String,
    fields: Vec<Leaf>,
    outlines: Vec<Option<FieldOutline>>,
    paths: Vec<Vec<String>>,
}

impl Described {
    fn of(record: &Record, outlines: &[MappingOutline]) -> Described {
        let outline = outlines.iter().find(|outline| outline.name == *record.mapping);
        let rules = outline.map(|outline| &*outline.fields).unwrap_or_default();
        let fields = leaves::of_record(&record.bytes).unwrap_or_default();
        let outlines: Vec<_> = fields
            .iter()
            .map(|field| rule_of(field, rules).cloned())
            .collect();
        let paths = outlines
            .iter()
            .map(|outline| {
                outline
                    .as_ref()
                    .map(|outline| outline.paths.clone())
                    .unwrap_or_default()
            })
            .collect();
        Described {
            mapping: record.mapping.to_string(),
            fields,
            outlines,
            paths,
        }
    }

    fn traced(&self) -> Traced<'_> {
        Traced {
            mapping: &self.mapping,
            fields: &self.fields,
            rules: &self.paths,
        }
    }

    fn fields(&self, all: &[Leaf], origins: &[Vec<usize>], mask: &Mask) -> Vec<TrialField> {
        let rows = self.fields.iter().zip(&self.outlines).zip(origins);
        rows.map(|((field, outline), origins)| {
            let from: Vec<&Leaf> = origins.iter().filter_map(|number| all.get(*number)).collect();
            TrialField {
                path: field.path.clone(),
                value: mask.of_record(&field.text),
                how: how(field, &from),
                from: from
                    .iter()
                    .map(|leaf| Origin {
                        path: leaf.path.clone(),
                        value: mask.of_event(leaf),
                    })
                    .collect(),
                rule: outline.as_ref().map(words).unwrap_or_default(),
            }
        })
        .collect()
    }
}

fn how(field: &Leaf, from: &[&Leaf]) -> How {
    match from {
        [] => How::Fixed,
        copies if copies.iter().all(|leaf| is_copy(field, leaf)) => How::Copied,
        _ if Sha256Hex::from_prehashed(&field.text).is_some() => How::Hashed,
        _ => How::WorkedOut,
    }
}

/// Returns the rule that fills a value. Values of lists have their list's rule; a list may stand in another object than in the
/// mapping.
fn rule_of<'o>(field: &Leaf, rules: &'o [FieldOutline]) -> Option<&'o FieldOutline> {
    let path = generic(&field.path);
    let list = path.strip_suffix("[]").unwrap_or(&path);
    let exact = |rule: &&FieldOutline| rule.sent_as == path || rule.sent_as == list;
    let elsewhere = |rule: &&FieldOutline| {
        let rest = path
            .strip_suffix(&*rule.sent_as)
            .or_else(|| list.strip_suffix(&*rule.sent_as));
        rest.is_some_and(|rest| rest.ends_with('.'))
    };
    rules.iter().find(exact).or_else(|| rules.iter().find(elsewhere))
}

/// Returns a rule in words.
fn words(outline: &FieldOutline) -> String {
    match (&*outline.source, &*outline.derived) {
        (source, "") => source.to_owned(),
        ("", derived) => derived.to_owned(),
        (source, derived) => format!("{source}; else {derived}"),
    }
}
