//! Numbers lead to the rows that they count.

use serde_json::{Value, json};
use signalbox_sandbox::Vendor;

use super::{api, arrived, compare, member, order, registration, start, stop};
use crate::support::client::{get, post_all};
use crate::support::pipeline::{ADMIN, sink, source, vendor_sink};
use crate::support::until;
use crate::support::world::World;

#[tokio::test]
async fn numbers_of_parameters_lead_to_the_records_with_them_and_without() {
    let world = World::new().await;
    let vendors = [Vendor::Pinterest, Vendor::Meta, Vendor::TikTok];
    let sinks: String = vendors.into_iter().map(vendor_sink).collect();
    let hook = sink(
        "archive",
        "type = \"file\"\npath = \"${FOLDER}/archive.jsonl\"\nsync = false",
    );
    let text = format!("{ADMIN}[history]\nevents = \"all\"\n{}{sinks}{hook}", source(""));
    let router = start(&world, &text).await;
    let mut events: Vec<Value> = (0..8).map(order).collect();
    for (n, missing) in [(0, "order_id"), (1, "products"), (4, "order_id"), (6, "order_id")] {
        events[n]["properties"].as_object_mut().unwrap().remove(missing);
    }
    post_all(&world.listen, &events).await;
    arrived(&world, 24).await;
    let counted = async || {
        let found = api(&world, "/api/quality").await;
        let sinks = found["sinks"].as_array().unwrap();
        let all = sinks.iter().all(|sink| sink["records"] == 8);
        let status = get(&world.admin, "/status").await.json();
        let archived = status["sinks"]["archive"]["delivered"] == 8;
        (all && archived).then_some(found)
    };
    let found = until(counted, || "eight records of each sink".to_owned()).await;
    for vendor in vendors {
        let sink = member(&found["sinks"], "sink", vendor.name());
        let purchase = &sink["events"][0];
        let order_ids = member(&purchase["parameters"], "name", "order_id");
        assert_eq!(
            (&purchase["records"], &order_ids["records"], &order_ids["percent"]),
            (&json!(8), &json!(5), &json!("63")),
            "{purchase}"
        );
        let without = format!("/api/events?sink={}&without_parameter=order_id", vendor.name());
        let rows = api(&world, &without).await;
        let mut ids: Vec<&str> = rows["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["message_id"].as_str().unwrap())
            .collect();
        ids.sort_unstable();
        assert_eq!(
            (ids, &rows["incomplete"]),
            (vec!["o-0", "o-4", "o-6"], &json!([]))
        );
    }
    let page = get(&world.admin, "/ui/quality").await.body;
    for link in [
        "without_parameter=order_id&amp;outcome=delivered\">3<",
        "without_match_key=email&amp;outcome=delivered\">2<",
        "&amp;parameter=contents&amp;outcome=delivered\">7<",
    ] {
        assert!(page.contains(link), "{link}: {page}");
    }
    let compared = compare(&world, &page).await;
    // 6 parameters and some match keys of each vendor, with and without.
    assert!(compared > 36, "{compared}");
    // A copy that the source leaves out is in no number of the sinks.
    post_all(&world.listen, &events[..2]).await;
    let known = async || {
        let found = api(&world, "/api/events?at_sinks=false").await;
        (found["entries"].as_array().map(Vec::len) == Some(2)).then_some(())
    };
    until(known, || "two copies".to_owned()).await;
    for (view, numbers) in [("overview", 15), ("pipeline", 4)] {
        let page = get(&world.admin, &format!("/ui/{view}")).await.body;
        let compared = compare(&world, &page).await;
        assert!(compared >= numbers, "{view}: {compared}");
    }
    // A file has no parameters, so its records are not without them.
    let of_file = api(&world, "/api/events?sink=archive&without_parameter=order_id").await;
    assert_eq!(of_file["entries"], json!([]));
    let of_file = api(&world, "/api/events?sink=archive").await;
    assert_eq!(
        (
            &of_file["entries"][0]["outcome"],
            of_file["entries"][0].get("parameters")
        ),
        (&json!("delivered"), None)
    );
    let event = get(&world.admin, "/ui/event?message_id=o-0").await.body;
    assert!(
        event.contains("<dt>Parameters</dt><dd>value, currency, contents, event_id, source_url</dd>"),
        "{event}"
    );
    let wrong = get(&world.admin, "/api/events?parameter=price").await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong
            .body
            .contains("The value of parameter: expected a parameter"),
        "{wrong:?}"
    );
    stop(router).await;
}

#[tokio::test]
async fn a_name_counts_no_events_that_are_called_so_and_became_another_conversion() {
    let world = World::new().await;
    let leads = "mappings = [{ name = \"Leads\", trigger = 'type = \"track\" and event = \"signup\"', fields = { event_name = \"lead\" } }]\n";
    let text = format!(
        "{ADMIN}[history]\nevents = \"all\"\n{}{}{leads}",
        source(""),
        vendor_sink(Vendor::Pinterest)
    );
    let router = start(&world, &text).await;
    // Two become a signup, three are called signup and become a lead, and one is called lead and becomes nothing.
    let mut events: Vec<Value> = (0..6).map(registration).collect();
    for event in &mut events[2..5] {
        event["event"] = json!("signup");
    }
    events[5]["event"] = json!("lead");
    post_all(&world.listen, &events).await;
    arrived(&world, 5).await;
    let counted = async || {
        let found = api(&world, "/api/quality").await;
        let sink = found["sinks"][0].clone();
        (sink["records"] == 5 && sink["unheard"][0]["events"] == 1).then_some(sink)
    };
    let found = until(counted, || "five records".to_owned()).await;
    for (name, count) in [("signup", 2), ("lead", 3)] {
        let records = &member(&found["events"], "event_name", name)["records"];
        assert_eq!(records, &json!(count), "{name}");
    }
    let page = get(&world.admin, "/ui/quality").await.body;
    let compared = compare(&world, &page).await;
    assert!(compared > 20, "{compared}");
    let rows = async |condition: &str| {
        let found = api(&world, &format!("/api/events?{condition}")).await;
        found["entries"].as_array().map(Vec::len)
    };
    assert_eq!(rows("counted_name=signup").await, Some(2));
    assert_eq!(rows("counted_name=lead").await, Some(4), "one became nothing");
    assert_eq!(rows("event_name=signup").await, Some(5), "by either name");
    let shown = get(&world.admin, "/ui/events?counted_name=signup").await.body;
    assert!(
        shown.contains("name=\"counted_name\" value=\"signup\""),
        "{shown}"
    );
    stop(router).await;
}
