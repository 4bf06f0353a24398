//! `hash_pii` hashes every path from which a sink fills a personal field by default: the value would otherwise be stored plain.

use serde_json::Value as Json;
use signalbox_conversions::field::{Kind, Row};
use signalbox_conversions::{Compat, Spec};
use signalbox_core::Side;
use signalbox_core::privacy::meaning_at;
use signalbox_testkit::transform;

fn paths(mapping: &Json, found: &mut Vec<String>) {
    match mapping {
        Json::Object(members) => {
            for (key, value) in members {
                match value.as_str() {
                    Some(path) if key == "@path" => found.push(path.trim_start_matches("$.").to_owned()),
                    _ => paths(value, found),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| paths(item, found)),
        _ => {}
    }
}

/// Returns the paths of the hashed rows in the default mapping of a vendor.
fn sources(spec: &Spec) -> Vec<String> {
    let mapping = spec.default_mapping(None, Compat::Vendor);
    let mut found = Vec::new();
    let is_hashed = |row: &&Row| matches!(row.kind, Kind::Hashed(_));
    for row in spec.rows {
        let fields = mapping.get(row.field.key);
        if let Some(fields) = fields.filter(|_| is_hashed(&row)) {
            paths(fields, &mut found);
        }
        for member in row.members.iter().filter(is_hashed) {
            if let Some(field) = fields.and_then(|fields| fields.get(member.field.key)) {
                paths(field, &mut found);
            }
        }
    }
    found
}

#[test]
fn hash_pii_covers_what_sinks_read_by_default() {
    let built = transform("hash_pii", Side::Source, "").expect("the default settings");
    let hashes = built.declares.hashes.expect("the hashing");
    let covered = |path: &String| {
        let hashed = hashes.paths.iter().any(|hashed| hashed == path);
        // The id of a visitor names no person.
        hashed || path == "anonymousId" || meaning_at(path).is_some()
    };
    for spec in [
        &signalbox_pinterest_conversions::SPEC,
        &signalbox_meta_conversions::SPEC,
        &signalbox_tiktok_events::WEB_SPEC,
        &signalbox_tiktok_events::APP_SPEC,
        &signalbox_tiktok_events::OFFLINE_SPEC,
    ] {
        let sources = sources(spec);
        assert!(sources.len() > 5, "{}: {sources:?}", spec.vendor);
        let plain: Vec<String> = sources.into_iter().filter(|path| !covered(path)).collect();
        assert_eq!(plain, [""; 0], "{}", spec.vendor);
    }
}
