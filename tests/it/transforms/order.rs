//! `hash_pii` and `limited_data_processing`, in every order and on either side of the journal: Pinterest gets the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signalbox_core::Sha256Hex;

use crate::support::client::post_all;
use crate::support::events::{ids, order};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

const TRANSFORMS: &str = "[transforms.hash]\ntype = \"hash_pii\"\n[transforms.opt_out]\n\
    type = \"limited_data_processing\"\nopted_out = [{ path = \"properties.do_not_sell\" }]\n";

/// Where the two stand: on the source, on Pinterest's sink.
const PLACES: [(&[&str], &[&str]); 6] = [
    (&["opt_out", "hash"], &[]),
    (&["hash", "opt_out"], &[]),
    (&["opt_out"], &["hash"]),
    (&["hash"], &["opt_out"]),
    (&[], &["opt_out", "hash"]),
    (&[], &["hash", "opt_out"]),
];

fn through(names: &[&str]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("through = {names:?}")
    }
}

fn customer(id: &str, opted_out: bool, state: Value, country: Value) -> Value {
    let mut event = order(id);
    event["properties"]["do_not_sell"] = opted_out.into();
    event["context"]["traits"]["address"] =
        json!({ "city": "Sample City", "state": state, "country": country });
    event
}

fn customers() -> Vec<Value> {
    vec![
        customer("california", true, "California".into(), "US".into()),
        customer("california-code", true, "ca".into(), "usa".into()),
        customer("stays", false, "CA".into(), "US".into()),
        customer("new-york", true, "NY".into(), "US".into()),
        customer("abroad", true, Value::Null, "Germany".into()),
        customer("nowhere", true, Value::Null, Value::Null),
        customer("mist", true, "The Mist".into(), "US".into()),
    ]
}

/// The events that Pinterest got, by id.
async fn accepted(source: &[&str], sink: &[&str]) -> BTreeMap<String, Value> {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop(TRANSFORMS, &through(source), &through(sink))).await;
    post_all(&world.listen, &customers()).await;
    let status = pipe.settled(7).await;
    // Opt-outs that cannot be expressed are dead letters where they were found out.
    let component = if source.contains(&"opt_out") {
        "source:shop"
    } else {
        "pinterest"
    };
    let mut dead: Vec<String> = pipe
        .dead(component)
        .await
        .into_iter()
        .map(|letter| {
            assert_eq!(letter.reason, "ldp_incomplete", "{letter:?}");
            letter.message_id
        })
        .collect();
    dead.sort();
    assert_eq!(dead, ["mist", "nowhere"], "{source:?} {sink:?}");
    let counts = world.sandbox.counts();
    assert_eq!(
        (counts.ldp_complete, counts.ldp_incomplete, counts.warned),
        (2, 0, 0),
        "{source:?} {sink:?}"
    );

    // A transform on Pinterest's sink is for that sink alone, one on the source is for all.
    let archived = world.archived();
    let taken = if source.contains(&"opt_out") { 5 } else { 7 };
    assert_eq!(archived.len(), taken);
    assert_eq!(ids(&archived, "messageId"), ids(&world.hooked(), "messageId"));
    let hashed = Sha256Hex::of("ada.okafor@example.com");
    let email = if source.contains(&"hash") {
        hashed.as_str()
    } else {
        "ada.okafor@example.com"
    };
    for event in archived.iter().chain(&world.hooked()) {
        assert_eq!(event["context"]["traits"]["email"], email, "{source:?} {sink:?}");
    }
    assert_eq!(status.sinks["pinterest"].delivered, 5);
    let accepted = world.accepted();
    accepted
        .into_iter()
        .map(|mut event| {
            event.as_object_mut().unwrap().remove("event_time").unwrap();
            (event["event_id"].as_str().unwrap().to_owned(), event)
        })
        .collect()
}

#[tokio::test]
async fn every_order_gives_pinterest_the_same() {
    let mut first = None;
    for (source, sink) in PLACES {
        let accepted = accepted(source, sink).await;
        let first = first.get_or_insert_with(|| accepted.clone());
        assert_eq!(*first, accepted, "{source:?} {sink:?}");
    }
    // And the same as without hashing before the sink, which hashes by itself.
    let accepted = first.unwrap();
    let both = |code: &str| {
        let hash = |text: &str| Sha256Hex::of(text).as_str().to_owned();
        json!([hash(&code.to_lowercase()), hash(&code.to_uppercase())])
    };
    for (id, event) in &accepted {
        let flagged = id.starts_with("california");
        let (user, custom) = (&event["user_data"], &event["custom_data"]);
        assert_eq!(
            user["em"],
            json!([Sha256Hex::of("ada.okafor@example.com").as_str()]),
            "{id}"
        );
        assert_eq!(user["fn"], json!([Sha256Hex::of("ada").as_str()]), "{id}");
        assert_eq!(
            user["external_id"],
            json!([Sha256Hex::of(&format!("user-of-{id}")).as_str()]),
            "{id}"
        );
        assert_eq!(custom["opt_out_type"] == "LDP", flagged, "{id}: {event}");
        if flagged {
            assert_eq!(
                (&user["st"], &user["country"]),
                (&both("CA"), &both("US")),
                "{id}"
            );
        } else {
            assert!(custom.get("opt_out_type").is_none(), "{id}: {event}");
            assert_eq!(user["country"].as_array().unwrap().len(), 1, "{id}");
        }
    }
    assert_eq!(
        accepted["new-york"]["user_data"]["st"],
        json!([Sha256Hex::of("ny").as_str()])
    );
}

#[tokio::test]
async fn an_opt_out_can_be_dropped_or_sent_instead() {
    for (policy, delivered, filtered) in [("drop", 5, 2), ("send", 7, 0)] {
        let world = World::new().await;
        let transforms = TRANSFORMS.split("[transforms.opt_out]").nth(1).unwrap();
        let top = format!("[transforms.opt_out]{transforms}on_incomplete = \"{policy}\"\n");
        let pipe = Pipe::start(&world, &shop(&top, "", "through = [\"opt_out\"]")).await;
        post_all(&world.listen, &customers()).await;
        let status = pipe.settled(7).await;
        let pinterest = &status.sinks["pinterest"];
        assert_eq!(pinterest.delivered, delivered);
        assert_eq!(
            pinterest.filtered.get("ldp_incomplete").copied().unwrap_or(0),
            filtered
        );
        assert!(pipe.dead("pinterest").await.is_empty());
        let warned = pinterest
            .records
            .warnings
            .iter()
            .any(|(key, _)| key.starts_with("ldp_incomplete"));
        assert_eq!(warned, policy == "send", "{pinterest:?}");
        assert_eq!(world.sandbox.counts().ldp_complete, 2);
        // The others take no notice.
        assert_eq!(status.sinks["hook"].delivered, 7);
    }
}

#[tokio::test]
async fn hashing_twice_changes_nothing() {
    let world = World::new().await;
    let hash = "[transforms.hash]\ntype = \"hash_pii\"\n[transforms.again]\ntype = \"hash_pii\"\n";
    let pipe = Pipe::start(
        &world,
        &shop(hash, "through = [\"hash\"]", "through = [\"again\"]"),
    )
    .await;
    post_all(&world.listen, &[order("one")]).await;
    pipe.settled(1).await;
    assert_eq!(
        world.accepted()[0]["user_data"]["em"],
        json!([Sha256Hex::of("ada.okafor@example.com").as_str()])
    );
}
