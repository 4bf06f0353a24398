//! Quality: coverage and grades beside the platform's own rating.

use serde_json::{Value, json};
use signalbox_sandbox::{SandboxConfig, Vendor};

use super::{api, arrived, compare, follow, member, order, registration, start, stop};
use crate::support::client::{get, post_all};
use crate::support::events::unmatched;
use crate::support::pipeline::{ADMIN, sink, source, vendor_sink};
use crate::support::until;
use crate::support::world::{TOKEN, World};

#[tokio::test]
async fn quality_is_graded_for_each_vendor_and_stands_beside_its_own() {
    let world = World::new().await;
    let pinterest = vendor_sink(Vendor::Pinterest) + "eqs_token = \"zq-oauth-token-77\"\n";
    let text = format!(
        "{ADMIN}[history]\nevents = \"all\"\n{}{pinterest}{}{}{}",
        source(""),
        vendor_sink(Vendor::Meta),
        vendor_sink(Vendor::TikTok),
        sink(
            "archive",
            "type = \"file\"\npath = \"${FOLDER}/archive.jsonl\"\nsync = false"
        ),
    );
    let router = start(&world, &text).await;
    let mut events: Vec<Value> = (0..10).map(order).collect();
    events.extend((0..5).map(registration));
    events.extend(["h-1", "h-2", "h-3"].map(unmatched));
    post_all(&world.listen, &events).await;
    arrived(&world, 45).await;
    // The rating is fetched at the start.
    stop(router).await;
    let router = start(&world, &text).await;
    let scored = async || {
        let found = api(&world, "/api/quality").await;
        let scores = &member(&found["sinks"], "sink", "pinterest")["destination"]["scores"];
        scores.get(0).is_some().then_some(found)
    };
    let found = until(scored, || "Pinterest's own rating".to_owned()).await;
    assert_eq!(
        found["names"],
        json!(["meta", "pinterest", "tiktok"]),
        "the file rates nothing"
    );
    let pinterest = member(&found["sinks"], "sink", "pinterest");
    let checkout = member(&pinterest["events"], "event_name", "checkout");
    // The example of docs/quality.md.
    assert_eq!(
        (&checkout["records"], &checkout["score"], &checkout["grade"]),
        (&json!(10), &json!(66), &json!("FAIR")),
        "{checkout}"
    );
    assert_eq!(
        (&pinterest["score"], &pinterest["grade"]),
        (&json!(57), &json!("FAIR")),
        "(10 × 66 + 5 × 38) / 15"
    );
    for (name, percent) in [
        ("email", "60"),
        ("client_ip_address", "100"),
        ("client_user_agent", "100"),
        ("external_id", "0"),
        ("click_id", "0"),
    ] {
        assert_eq!(
            member(&checkout["match_keys"], "name", name)["percent"],
            percent,
            "{name}"
        );
    }
    for name in [
        "value",
        "currency",
        "order_id",
        "contents",
        "event_id",
        "source_url",
    ] {
        let parameter = member(&checkout["parameters"], "name", name);
        assert_eq!(
            (&parameter["percent"], &parameter["expected"]),
            (&json!("100"), &json!(name != "source_url"))
        );
    }
    let email = member(&checkout["lifts"], "name", "email");
    let sentence =
        "E-mail address: 60 % of the events carry it. If all did, the score would rise from 66 to 76 (GOOD).";
    assert_eq!(email["sentence"], sentence);
    assert_eq!(
        pinterest["unheard"],
        json!([{ "event": "Help Opened", "events": 3 }])
    );
    let signup = member(&pinterest["events"], "event_name", "signup");
    assert_eq!(
        member(&signup["warnings"], "code", "no_country_code")["sentence"],
        "phone: 40 % without country code"
    );
    // Pinterest's own rating has the same coverage, since the sandbox counts the same events.
    let own = &pinterest["destination"]["scores"][0];
    assert_eq!(
        (&own["platform"], &own["source"], &own["period"]),
        (&json!("WEB"), &json!("CONVERSIONS_API"), &json!("14d"))
    );
    assert_eq!(own["events"]["checkout"]["email"]["coverage"], 60.0);
    assert_eq!(own["events"]["checkout"]["event_id"]["overlap"], 0.0);
    for (vendor, event_name) in [("meta", "Purchase"), ("tiktok", "Purchase")] {
        let sink = member(&found["sinks"], "sink", vendor);
        let purchase = member(&sink["events"], "event_name", event_name);
        // The anonymous id is the external id there: 20 points of matching more.
        assert_eq!(
            (&purchase["score"], &purchase["grade"]),
            (&json!(78), &json!("GOOD")),
            "{purchase}"
        );
        assert_eq!(sink["destination"], Value::Null);
    }
    let only = api(&world, "/api/quality?sink=meta&days=1").await;
    assert_eq!(
        (only["sinks"].as_array().unwrap().len(), &only["days"]),
        (1, &json!(1))
    );
    for (query, status) in [
        ("sink=nobody", 404),
        ("sink=archive", 404),
        ("days=0", 400),
        ("colour=blue", 400),
    ] {
        assert_eq!(
            get(&world.admin, &format!("/api/quality?{query}")).await.status,
            status,
            "{query}"
        );
    }

    let page = get(&world.admin, "/ui/quality").await;
    assert_eq!(page.status, 200);
    for told in [
        sentence,
        "FAIR",
        "66 of 100 points",
        "Event ids shared with the tag: 0 % (WEB, CONVERSIONS_API)",
        "Help Opened",
        "<code>click_id</code>: Missing parameter: No checkout event of the period carries it.",
    ] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    assert!(follow(&world, "", &page.body).await > 10);
    let compared = compare(&world, &page.body).await;
    assert!(compared > 20, "{compared}");
    stop(router).await;
}

#[tokio::test]
async fn a_rating_that_cannot_be_fetched_is_told_and_costs_nothing() {
    let world = World::with(SandboxConfig {
        token: Some(TOKEN.to_owned()),
        ..SandboxConfig::default()
    })
    .await;
    let other = vendor_sink(Vendor::Pinterest).replace("[sinks.pinterest]", "[sinks.without]");
    let pinterest = vendor_sink(Vendor::Pinterest) + "eqs_token = \"zq-wrong-token-77\"\n";
    let text = format!(
        "{ADMIN}[history]\nevents = \"off\"\n{}{pinterest}{other}",
        source("")
    );
    let router = start(&world, &text).await;
    post_all(&world.listen, &[order(0)]).await;
    arrived(&world, 2).await;
    let failing = async || {
        let found = api(&world, "/api/quality").await;
        let of = |sink: &str| member(&found["sinks"], "sink", sink)["destination"].clone();
        let told = of("pinterest")["failing"].clone();
        (!told.is_null()).then(|| (told, of("without")))
    };
    let (told, without) = until(failing, || "the reason why there is no rating".to_owned()).await;
    assert!(
        told.as_str()
            .unwrap()
            .contains("OAuth access token with the scope ads:read"),
        "{told}"
    );
    assert!(
        without["not_set_up"].as_str().unwrap().contains("eqs_token"),
        "{without}"
    );
    let page = get(&world.admin, "/ui/quality").await.body;
    assert!(
        page.contains("The last question failed") && page.contains("With eqs_token"),
        "{page}"
    );
    assert!(!page.contains("/ui/events?"), "no rows are kept: {page}");
    assert!(!page.contains("zq-wrong") && !router.stderr().contains("zq-wrong"));
    stop(router).await;
}
