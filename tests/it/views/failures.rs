//! Failures: groups, the rows behind them, and acts.

use serde_json::{Value, json};
use signalbox_sandbox::{FailEvents, Faults, Vendor};

use super::{act, api, arrived, compare, follow, order, see, start, stop};
use crate::support::client::{get, post_all};
use crate::support::events::ago;
use crate::support::pipeline::{ADMIN, source, vendor_sink};
use crate::support::until;
use crate::support::world::{World, shop};

#[tokio::test]
async fn failures_are_grouped_explained_retried_and_discarded() {
    const ADMINS: &str = "[admin]\nlisten = \"${ADMIN}\"\n\
        [[admin.tokens]]\nname = \"ops\"\nrole = \"operator\"\ntoken = \"zq-operator-token-1\"\n\
        [[admin.tokens]]\nname = \"media\"\nrole = \"read\"\ntoken = \"zq-reading-token-1\"\n";
    const OPERATOR: &str = "zq-operator-token-1";
    const READER: &str = "zq-reading-token-1";
    let world = World::new().await;
    let config = world.write(
        "p.toml",
        &shop(&format!("{ADMINS}[history]\nevents = \"all\"\n"), "", ""),
    );
    let router = world.router(&config).await;
    router.running().await;
    world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents {
            every_nth: Some(1),
            ..FailEvents::default()
        }),
        ..Faults::default()
    });
    // Two that Pinterest refuses, and three that carry too little to be sent.
    let nobody = |n: usize| json!({ "type": "track", "event": "Signed Up", "messageId": format!("n-{n}"), "anonymousId": "a", "timestamp": ago(9) });
    let mut events: Vec<Value> = (0..2).map(order).collect();
    events.extend((0..3).map(nobody));
    post_all(&world.listen, &events).await;
    let failures = async |query: &str| {
        let answer = see(&world, READER, &format!("/api/failures{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let five = async || {
        let found = failures("").await;
        (found["letters"] == 5).then_some(found)
    };
    let found = until(five, || "five dead letters".to_owned()).await;
    let groups = found["groups"].as_array().unwrap();
    let told: Vec<Value> = groups
        .iter()
        .map(|group| json!([group["sink"], group["reason"], group["mapping"], group["letters"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["pinterest", "no_identifier", "Sign Up", 3]),
            json!(["pinterest", "pinterest_rejected", "Checkout", 2])
        ]
    );
    let refused = &groups[1];
    assert!(
        refused["remedy"]
            .as_str()
            .unwrap()
            .starts_with("The platform refused the event")
    );
    assert_eq!(refused["words"][0]["letters"], 2);
    assert!(
        refused["words"][0]["message"]
            .as_str()
            .unwrap()
            .contains("This failure was asked for")
    );
    let records: u64 = groups[0]["trend"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hour| hour["records"].as_u64().unwrap())
        .sum();
    assert_eq!((records, groups[0]["samples"].as_array().unwrap().len()), (3, 3));
    assert_eq!(groups[0]["samples"][0].get("event"), None);
    let with = failures("?reason=pinterest_rejected&payload=1").await;
    let kept = with["groups"][0]["samples"][0]["event"].to_string();
    assert!(
        kept.contains("Order Completed") && !kept.contains("buyer0@example.com"),
        "{kept}"
    );

    let page = see(&world, OPERATOR, "/ui/failures?payload=1").await;
    for told in [
        "5 failures are kept",
        "no_identifier",
        "This failure was asked for",
        "/ui/event?message_id=n-0",
        "Deliver 3 events with no_identifier of sink pinterest again?",
        "Remove 2 events with pinterest_rejected of sink pinterest for good?",
    ] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    assert!(!page.body.contains("buyer0@example.com"));
    assert!(follow(&world, OPERATOR, &page.body).await > 10);
    let page = see(&world, READER, "/ui/failures").await;
    assert!(
        page.body.contains("no_identifier") && !page.body.contains("data-act"),
        "{}",
        page.body
    );

    let up_to = &found["up_to"];
    let group =
        json!({ "sink": "pinterest", "reason": "pinterest_rejected", "mapping": "Checkout", "up_to": up_to });
    assert_eq!(
        act(&world, READER, "/api/failures/retry", &group).await.status,
        403
    );
    assert_eq!(
        act(&world, READER, "/api/failures/discard", &group).await.status,
        403
    );
    world.sandbox.set_faults(Faults::default());
    let retried = act(&world, OPERATOR, "/api/failures/retry", &group).await;
    assert_eq!(retried.status, 200, "{retried:?}");
    arrived(&world, 2).await;
    // A letter that came after the page was shown stays.
    let old = json!({ "sink": "pinterest", "reason": "no_identifier", "mapping": "Sign Up", "up_to": up_to });
    post_all(&world.listen, &[nobody(7)]).await;
    let four = async || (failures("?reason=no_identifier").await["letters"] == 4).then_some(());
    until(four, || "a fourth dead letter".to_owned()).await;
    let discarded = act(&world, OPERATOR, "/api/failures/discard", &old).await;
    assert_eq!(
        (discarded.status, discarded.json()),
        (
            200,
            json!({ "matched": 3, "message": "3 dead letters were removed." })
        )
    );
    let left = failures("").await;
    assert_eq!(
        (&left["letters"], &left["groups"][0]["samples"][0]["message_id"]),
        (&json!(1), &json!("n-7"))
    );
    let wrong = act(&world, OPERATOR, "/api/failures/retry", &json!({ "sink": 7 })).await;
    assert_eq!(wrong.status, 400);
    stop(router).await;
}

#[tokio::test]
async fn plain_payloads_are_for_operators() {
    let world = World::new().await;
    let top = "[admin]\nlisten = \"${ADMIN}\"\n[journal]\npath = \"${FOLDER}/journal\"\nkey = \"${JOURNAL_KEY}\"\n[dead_letters]\npersonal_data = \"plain\"\n\
        [[admin.tokens]]\nname = \"ops\"\nrole = \"operator\"\ntoken = \"zq-operator-token-1\"\n\
        [[admin.tokens]]\nname = \"media\"\nrole = \"read\"\ntoken = \"zq-reading-token-1\"\n";
    let config = world.write("p.toml", &shop(top, "", ""));
    let router = world.router(&config).await;
    router.running().await;
    for (token, path, status) in [
        ("zq-operator-token-1", "/api/failures?payload=1", 200),
        ("zq-reading-token-1", "/api/failures?payload=1", 403),
        ("zq-reading-token-1", "/ui/failures?payload=1", 403),
        ("zq-reading-token-1", "/ui/failures?p%61yload=1", 403),
        ("zq-reading-token-1", "/ui/failures", 200),
    ] {
        assert_eq!(see(&world, token, path).await.status, status, "{path}");
    }
    stop(router).await;
}

#[tokio::test]
async fn failures_before_any_mapping_have_rows_of_their_own() {
    let world = World::new().await;
    let opt_outs = "[transforms.opt_out]\ntype = \"limited_data_processing\"\nstates = [\"CA\"]\n\
        opted_out = [{ path = \"properties.do_not_sell\" }]\n";
    let pinterest = "through = [\"opt_out\"]\nmappings = [{ preset = \"Checkout\", fields = { \"custom_data.opt_out_type\" = \"LDP\" } }]\n";
    let text = format!(
        "{ADMIN}[history]\nevents = \"all\"\n{opt_outs}{}{}{pinterest}",
        source(""),
        vendor_sink(Vendor::Pinterest)
    );
    let router = start(&world, &text).await;
    // Nobody tells a state: of three the transform finds it out, of two the mapping.
    let mut events: Vec<Value> = (0..5).map(order).collect();
    for event in &mut events[..3] {
        event["properties"]["do_not_sell"] = json!(true);
    }
    post_all(&world.listen, &events).await;
    let grouped = async || {
        let found = api(&world, "/api/failures").await;
        let groups = found["groups"].as_array().unwrap();
        let told = groups.iter().map(|group| {
            let hours = group["trend"].as_array().unwrap().iter();
            let records: u64 = hours.map(|hour| hour["records"].as_u64().unwrap()).sum();
            json!([group["reason"], group["mapping"], group["letters"], records])
        });
        let wanted = [
            json!(["ldp_incomplete", "", 3, 3]),
            json!(["ldp_incomplete", "Checkout", 2, 2]),
        ];
        told.eq(wanted).then_some(())
    };
    until(grouped, || "a group without a mapping, and one with".to_owned()).await;
    let page = get(&world.admin, "/ui/failures").await.body;
    let compared = compare(&world, &page).await;
    assert!(compared >= 2, "{compared}: {page}");
    // The heading of the group leads to the group alone.
    let group = "/ui/failures?sink=pinterest&reason=ldp_incomplete&mapping=";
    assert!(
        page.contains(&format!("\"{}\"", group.replace('&', "&amp;"))),
        "{page}"
    );
    let alone = get(&world.admin, group).await.body;
    assert!(
        alone.contains("3 failures are kept") && alone.contains("mapping=&amp;payload=1"),
        "{alone}"
    );
    stop(router).await;
}
