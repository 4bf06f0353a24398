//! The transform as the pipeline file builds it, with databases that the tests write.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signalbox_core::{BuildErrors, Facts, Flow, Side, Transform};
use signalbox_geo_ip as _;
use signalbox_testkit::{event_of, mmdb, transform, transform_config};

/// A database's bytes, as MaxMind's city databases have them.
fn city(state: &str) -> Vec<u8> {
    let us = json!({ "country": { "iso_code": "US" }, "subdivisions": [{ "iso_code": state, "names": { "en": "A State" } }] });
    let fr = json!({ "country": { "iso_code": "FR", "names": { "en": "France" } } });
    let nowhere = json!({ "continent": { "code": "EU" } });
    mmdb(
        "GeoLite2-City",
        &[
            ("203.0.113.0/25", us.clone()),
            ("203.0.113.128/25", fr),
            ("198.51.100.0/24", nowhere),
            ("2001:db8::/33", us),
        ],
    )
}

fn build(path: &Path, more: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    let settings = format!("database = '{}'\n{more}", path.display());
    transform("geo_ip", Side::Source, &settings).map(|built| built.component)
}

fn written(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("city.mmdb");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Applies the transform to an event with this context, and returns the location and the facts.
fn located(geo_ip: &dyn Transform, context: Value) -> (Value, Facts) {
    let mut event = event_of(&json!({ "type": "track", "event": "E", "context": context }));
    assert_eq!(geo_ip.apply(&mut event), Flow::Pass);
    let json: Value = serde_json::from_str(&event.to_json()).unwrap();
    (json["context"]["location"].clone(), event.facts().clone())
}

#[test]
fn public_addresses_get_their_country_and_region() {
    let folder = tempfile::tempdir().unwrap();
    let geo_ip = build(&written(&folder, &city("CA")), "").unwrap();
    let us = json!({ "country": "US", "region": "CA" });
    for (ip, location) in [
        (json!("203.0.113.7"), us.clone()),
        (json!("203.0.113.7:4711"), us.clone()),
        (json!("10.0.0.1, 203.0.113.7"), us.clone()),
        (json!("::ffff:203.0.113.7"), us.clone()),
        (json!("[2001:db8::1]:443"), us.clone()),
        (json!("203.0.113.200"), json!({ "country": "FR" })),
        // Without a country, without a record, no public address.
        (json!("198.51.100.1"), Value::Null),
        (json!("192.0.2.1"), Value::Null),
        (json!("10.0.0.1"), Value::Null),
        (json!("127.0.0.1"), Value::Null),
        (json!("unknown"), Value::Null),
        (json!(7), Value::Null),
        (Value::Null, Value::Null),
    ] {
        let (found, facts) = located(&*geo_ip, json!({ "ip": ip }));
        assert_eq!(found, location, "{ip}");
        assert_eq!(facts, Facts::default());
    }
}

#[test]
fn the_events_own_location_stays() {
    let folder = tempfile::tempdir().unwrap();
    let geo_ip = build(&written(&folder, &city("CA")), "").unwrap();
    for (own, location) in [
        (json!({ "country": "FR" }), json!({ "country": "FR" })),
        (
            json!({ "country": "US", "region": "TX" }),
            json!({ "country": "US", "region": "TX" }),
        ),
        (
            json!({ "city": "X" }),
            json!({ "city": "X", "country": "US", "region": "CA" }),
        ),
    ] {
        let (found, facts) = located(&*geo_ip, json!({ "ip": "203.0.113.7", "location": own }));
        assert_eq!((found, facts), (location, Facts::default()));
    }
    let (found, facts) = located(&*geo_ip, json!({ "ip": "203.0.113.7", "location": "home" }));
    assert_eq!(found, json!("home"));
    let warning = &facts.warnings[0];
    assert_eq!(
        (&*warning.code, &*warning.path),
        ("location_unusable", "context.location")
    );
    assert!(!format!("{facts:?}").contains("203"));
}

#[test]
fn databases_of_other_makers_are_read() {
    for (record, region) in [
        (json!({ "country": "US", "region": "California" }), "California"),
        (
            json!({ "country_code": "US", "country": "United States", "region_code": "CA", "region": "California" }),
            "CA",
        ),
        (
            json!({ "country": { "iso_code": "US" }, "subdivisions": [{ "names": { "en": "California" } }] }),
            "California",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let geo_ip = build(
            &written(&folder, &mmdb("other", &[("203.0.113.0/24", record)])),
            "",
        )
        .unwrap();
        let (found, _) = located(&*geo_ip, json!({ "ip": "203.0.113.7" }));
        assert_eq!(found, json!({ "country": "US", "region": region }));
    }
}

#[test]
fn a_file_that_does_not_serve_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let asn = mmdb(
        "GeoLite2-ASN",
        &[("203.0.113.0/24", json!({ "autonomous_system_number": 64496 }))],
    );
    let cut = &city("CA")[..100];
    for (bytes, wanted) in [
        (&asn[..], "of the type 'GeoLite2-ASN', holds no countries"),
        (cut, "no database in MaxMind's format"),
        (b"", "no database in MaxMind's format"),
    ] {
        let errors = build(&written(&folder, bytes), "check_every = \"0s\"")
            .err()
            .unwrap();
        let paths: Vec<_> = errors.iter().map(|error| &*error.path).collect();
        assert_eq!(paths, ["check_every", "database"]);
        assert!(errors[1].message.contains(wanted), "{errors:?}");
    }
    for path in [folder.path().to_owned(), folder.path().join("none.mmdb")] {
        let errors = build(&path, "").err().unwrap();
        assert!(
            errors[0].help.as_ref().unwrap().contains("GeoLite2-City"),
            "{errors:?}"
        );
    }
    let error = transform_config("geo_ip", "").unwrap_err().to_string();
    assert!(error.contains("missing field `database`"), "{error}");
}

/// Waits until the transform finds this region.
fn until(geo_ip: &dyn Transform, region: &str) {
    let end = Instant::now() + Duration::from_secs(40);
    loop {
        let (found, _) = located(geo_ip, json!({ "ip": "203.0.113.7" }));
        if found["region"] == region {
            return;
        }
        assert!(Instant::now() < end, "{found}");
        std::thread::yield_now();
    }
}

#[test]
fn a_new_file_is_used_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, &city("CA"));
    let geo_ip = build(&path, "check_every = \"1ms\"").unwrap();
    until(&*geo_ip, "CA");
    // Renamed into place, as geoipupdate does.
    let replace = |bytes: &[u8]| {
        let draft = folder.path().join("draft");
        std::fs::write(&draft, bytes).unwrap();
        std::fs::rename(&draft, &path).unwrap();
    };
    replace(&city("VA-1"));
    until(&*geo_ip, "VA-1");
    let whole = city("broken");
    replace(&whole[..whole.len() - 10]);
    until(&*geo_ip, "VA-1");
    std::fs::remove_file(&path).unwrap();
    until(&*geo_ip, "VA-1");
    replace(&city("NY-22"));
    until(&*geo_ip, "NY-22");
}
