//! `hash_pii` with the rules of several vendors: each sink sends the hashes by its own, and none by another's.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox_core::Sha256Hex;
use signalbox_sandbox::{Faults, Vendor};

use crate::support::client::post_all;
use crate::support::events::order;
use crate::support::pipe::Pipe;
use crate::support::pipeline::{ALL_RULES, hashing, source, vendor_sink};
use crate::support::world::World;

fn pipeline(rules: &str, vendors: &[Vendor]) -> String {
    let sink = |vendor: &Vendor| match vendor {
        Vendor::Pinterest => vendor_sink(*vendor),
        Vendor::Meta | Vendor::TikTok => vendor_sink(*vendor) + "start = \"beginning\"\n",
    };
    let sinks: String = vendors.iter().map(sink).collect();
    hashing(rules) + &sinks
}

fn sha(text: &str) -> String {
    Sha256Hex::of(text).as_str().to_owned()
}

/// An order whose personal fields have another normal form at each vendor.
fn customer(id: &str) -> Value {
    let mut event = order(id);
    event["userId"] = "User-7".into();
    event["context"]["page"] = json!({ "url": "https://shop.example/orders" });
    event["context"]["traits"]["phone"] = "+1 (206) 555-0100".into();
    event["context"]["traits"]["lastName"] = "O'Kafor".into();
    event
}

/// The only event that a vendor accepted.
fn only(world: &World, vendor: Vendor) -> Value {
    let events = world.sandbox.events_of(vendor);
    assert_eq!(events.len(), 1, "{vendor:?}");
    serde_json::from_str(&events[0]).unwrap()
}

#[tokio::test]
async fn each_vendor_gets_the_hashes_by_its_own_rules() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &pipeline(ALL_RULES, &Vendor::ALL)).await;
    post_all(&world.listen, &[customer("one")]).await;
    let status = pipe.settled(1).await;

    let pinterest = &only(&world, Vendor::Pinterest)["user_data"];
    let meta = &only(&world, Vendor::Meta)["user_data"];
    let tiktok = &only(&world, Vendor::TikTok)["user"];
    for (found, text) in [
        (&pinterest["em"], "ada.okafor@example.com"),
        (&meta["em"], "ada.okafor@example.com"),
        (&tiktok["email"], "ada.okafor@example.com"),
        (&pinterest["ph"], "12065550100"),
        (&meta["ph"], "12065550100"),
        (&tiktok["phone"], "+12065550100"),
        (&pinterest["ln"], "o'kafor"),
        (&meta["ln"], "okafor"),
        (&meta["external_id"], "User-7"),
        (&tiktok["external_id"], "User-7"),
        (&pinterest["ct"], "samplecity"),
        (&meta["st"], "ca"),
    ] {
        assert_eq!(*found, json!([sha(text)]), "{text}");
    }
    // Pinterest does not say whether ids are lower-cased, so it gets both forms.
    assert_eq!(pinterest["external_id"], json!([sha("user-7"), sha("User-7")]));
    assert_eq!(tiktok["last_name"], sha("okafor"));
    // TikTok wants places plain, and the transform hashed them.
    for place in ["city", "state", "country"] {
        assert_eq!(tiktok[place], Value::Null, "{place}");
        let warning = format!("wanted_plain address.{place}");
        assert_eq!(status.sinks["tiktok"].records.warnings[&warning], 1);
    }
    for sink in ["pinterest", "meta"] {
        assert!(
            status.sinks[sink].records.warnings.is_empty(),
            "{sink}: {status:#?}"
        );
    }
}

#[tokio::test]
async fn events_that_were_hashed_by_other_rules_lose_these_fields() {
    let world = World::new().await;
    let before = Pipe::start(&world, &pipeline(r#""pinterest""#, &[Vendor::Pinterest])).await;
    let mut event = customer("old");
    event["context"]["traits"]["email"] = json!(["ada@example.com", sha("sent as a hash")]);
    post_all(&world.listen, &[event]).await;
    before.settled(1).await;
    before.stop(Duration::from_secs(10)).await;

    // The sinks for Meta and TikTok are new, and begin at the beginning.
    let pipe = Pipe::start(&world, &pipeline(ALL_RULES, &Vendor::ALL)).await;
    let status = pipe
        .wait(|status| {
            ["meta", "tiktok"]
                .iter()
                .all(|sink| status.sinks[*sink].delivered == 1)
        })
        .await;
    let meta = &only(&world, Vendor::Meta)["user_data"];
    let tiktok = &only(&world, Vendor::TikTok)["user"];
    // Hashes that arrived are anybody's.
    assert_eq!(meta["em"], json!([sha("sent as a hash")]));
    assert_eq!(tiktok["email"], json!([sha("sent as a hash")]));
    for absent in [
        &meta["ph"],
        &meta["ln"],
        &meta["external_id"],
        &tiktok["phone"],
        &tiktok["external_id"],
    ] {
        assert_eq!(*absent, Value::Null);
    }
    for (sink, paths) in [
        (
            "meta",
            ["user_data.email", "user_data.phone", "user_data.externalId"],
        ),
        ("tiktok", ["email", "phone_number", "external_id"]),
    ] {
        for path in paths {
            let warning = format!("hashed_by_other_rules {path}");
            let counts = &status.sinks[sink].records.warnings;
            assert_eq!(counts.get(&warning), Some(&1), "{warning}: {counts:?}");
        }
    }
}

#[tokio::test]
async fn a_dead_letter_holds_the_hashes_by_all_rules() {
    let world = World::new().await;
    // Nothing hashes before the journal; dead letters are hashed by all rules.
    let plain = source("") + &vendor_sink(Vendor::Meta);
    world.sandbox.set_faults_of(
        Vendor::Meta,
        Faults {
            poison_event_ids: vec!["refused".to_owned()],
            ..Faults::default()
        },
    );
    let pipe = Pipe::start(&world, &plain).await;
    post_all(&world.listen, &[customer("refused")]).await;
    pipe.settled(1).await;
    let letters = pipe.dead("meta").await;
    assert_eq!(letters.len(), 1);
    let facts = letters[0].facts.as_deref().unwrap();
    for hash in [
        sha("12065550100"),
        sha("+12065550100"),
        sha("User-7"),
        sha("user-7"),
    ] {
        assert!(facts.contains(&hash), "{facts}");
    }
    assert!(!letters[0].payload.as_deref().unwrap().contains("ada.okafor"));
}

#[tokio::test]
async fn a_user_id_that_repeats_the_email_address_keeps_its_own_hash() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &pipeline(ALL_RULES, &Vendor::ALL)).await;
    let mut event = customer("repeated");
    event["userId"] = "Ada@Example.com".into();
    event["context"]["traits"]["email"] = "Ada@Example.com".into();
    post_all(&world.listen, &[event]).await;
    pipe.settled(1).await;

    let meta = &only(&world, Vendor::Meta)["user_data"];
    let tiktok = &only(&world, Vendor::TikTok)["user"];
    for (email, id) in [
        (&meta["em"], &meta["external_id"]),
        (&tiktok["email"], &tiktok["external_id"]),
    ] {
        // Pinterest's rules make one hash of both, and these vendors' do not.
        assert_eq!(*email, json!([sha("ada@example.com")]));
        assert_eq!(*id, json!([sha("Ada@Example.com")]));
    }
}
