//! The twelve fates of an event, each told alike by the command, the admin address and the page.

use serde_json::{Value, json};
use signalbox_sandbox::{Faults, Unavailable};

use super::{Rig, pipeline};
use crate::support::client::{get, post_all, try_send};
use crate::support::events::{order, orders, unmatched};
use crate::support::process::run_with;

const TOP: &str = "[history]\npath = \"${FOLDER}/history\"\n\
    [transforms.no_gifts]\ntype = \"filter\"\ntrigger = 'properties.gift = true'\ninvert = true\n\
    [transforms.no_tests]\ntype = \"filter\"\ntrigger = 'properties.test = true'\ninvert = true\n";
const PINTEREST: &str = "through = [\"no_gifts\"]\nconsent_categories = [\"ads\"]\nretry.for = \"2s\"\n";

/// The text of the pipeline file, with more settings of Pinterest.
fn text(more: &str) -> String {
    pipeline(TOP, &format!("{PINTEREST}{more}")).replace("write_keys", "through = [\"no_tests\"]\nwrite_keys")
}

/// Asks the running router for the lives of events.
async fn asked(rig: &Rig, request: &Value) -> Value {
    let headers = [("x-signalbox", "1"), ("content-type", "application/json")];
    let answer = try_send(
        &rig.world.admin,
        "POST",
        "/event",
        &headers,
        request.to_string().as_bytes(),
    )
    .await;
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Checks that the command, the admin address and the page tell this of an event at a component, and returns its life.
async fn check(rig: &Rig, wanted: (&str, &str), component: &str, sentence: &str) -> Value {
    let (kind, id) = wanted;
    let flag = format!("--{}", kind.replace('_', "-"));
    let told = rig.told(&["events", &flag, id, "--sent"]).await;
    assert!(told.contains(sentence), "{id}: {told}");
    let request = match kind {
        "place" => json!({ "place": id, "again": true }),
        kind => json!({ "id": { kind: id }, "again": true }),
    };
    let lives = asked(rig, &request).await;
    let events = lives["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{id}: {lives}");
    let life = &events[0];
    let sinks = life["sinks"].as_array().unwrap().iter();
    let at_sink = sinks
        .filter(|sink| sink["sink"] == component)
        .map(|sink| &sink["told"]);
    let at_source = life["at_source"].as_array().unwrap().iter();
    let at_source = at_source
        .filter(|record| record["sink"] == component)
        .map(|record| &record["told"]);
    let mut all = at_sink.chain(at_source);
    let found = all.any(|told| told.as_str().is_some_and(|told| told.contains(sentence)));
    assert!(found, "{id}: {life:#}");
    let shown = get(&rig.world.admin, &format!("/ui/event?{kind}={id}")).await;
    assert_eq!(shown.status, 200, "{id}: {shown:?}");
    assert!(shown.body.contains(sentence), "{id}: {}", shown.body);
    let answered = get(&rig.world.admin, &format!("/api/event?{kind}={id}"))
        .await
        .json();
    assert_eq!(answered["events"][0], *life, "the page has the data of the API");
    life.clone()
}

/// Returns the part of a life at a sink.
fn at<'v>(life: &'v Value, sink: &str) -> &'v Value {
    let mut sinks = life["sinks"].as_array().unwrap().iter();
    sinks
        .find(|one| one["sink"] == sink)
        .unwrap_or_else(|| panic!("{sink}: {life:#}"))
}

/// Checks the view of events: by id, by person, by conditions, as a table, and sending one again.
async fn the_events_are_found_on_the_page(rig: &Rig) {
    let admin = &rig.world.admin;
    let found = get(admin, "/ui/events?order_id=order-held").await;
    assert!(
        found.body.contains("1 event found") && found.body.contains("Pending: "),
        "{}",
        found.body
    );
    let headers = [
        ("x-signalbox", "1"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = b"kind=user_id&value=user-of-retried";
    let sent = try_send(admin, "POST", "/ui/events/search", &headers, form)
        .await
        .unwrap();
    assert_eq!(sent.status, 303, "{sent:?}");
    let address = sent.header("location").unwrap();
    assert!(address.starts_with("/ui/events?person=id%3a"), "{address}");
    let found = get(admin, address).await;
    assert!(
        found.body.contains("/ui/event?message_id=retried"),
        "{}",
        found.body
    );
    let wrong = try_send(
        admin,
        "POST",
        "/ui/events/search",
        &headers,
        b"kind=email&value=nobody",
    )
    .await
    .unwrap();
    assert_eq!(
        (wrong.status, wrong.body.contains("nobody")),
        (400, false),
        "{wrong:?}"
    );
    let latest = get(
        admin,
        "/ui/events?sink=pinterest&outcome=filtered&since=1h&late=&reason=",
    )
    .await;
    assert!(
        latest.body.contains("/ui/event?message_id=gift") && !latest.body.contains("message_id=at-once"),
        "{}",
        latest.body
    );
    let page = get(admin, "/api/events?limit=2").await.json();
    assert_eq!(page["entries"].as_array().unwrap().len(), 2, "{page:#}");
    let next = get(
        admin,
        &format!("/api/events?limit=2&after={}", page["next"].as_str().unwrap()),
    )
    .await
    .json();
    assert_ne!(
        next["entries"][0]["place"], page["entries"][0]["place"],
        "{next:#}"
    );
    let table = get(admin, "/api/events?format=csv&outcome=delivered&sink=pinterest").await;
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(
        table.body.contains(",order-retried,") && table.body.contains(",73.50\r\n"),
        "{}",
        table.body
    );
    let waiting = get(admin, "/ui/events?outcome=pending&sink=pinterest").await;
    assert!(
        waiting.body.contains("message_id=held") && waiting.body.contains("message_id=erased"),
        "{}",
        waiting.body
    );
    let none = rig
        .command(&["events", "--outcome", "pending", "--sink", "hook"])
        .await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""), "{none:?}");
    let pending = rig.lines(&["events", "--outcome", "pending"]).await;
    assert_eq!(
        super::values(&pending, "message_id"),
        ["erased", "held"],
        "{pending:?}"
    );
    assert_eq!(get(admin, "/ui/events?outcome=lost").await.status, 400);
    assert_eq!(get(admin, "/ui/event?message_id=never-sent").await.status, 404);
    let headers = [("x-signalbox", "1"), ("content-type", "application/json")];
    for (id, status, told) in [
        ("at-once", 200, "1 sink will send it again"),
        (
            "never-sent",
            409,
            "neither the journal nor a dead letter holds it",
        ),
    ] {
        let body = json!({ "message_id": id, "sink": "hook" }).to_string();
        let answer = try_send(admin, "POST", "/api/event/resend", &headers, body.as_bytes())
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.body.contains(told)),
            (status, true),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn each_fate_is_told_alike_by_the_command_the_admin_address_and_the_page() {
    let rig = Rig::start_with(&text("")).await;
    let faults = |faults: Faults| rig.world.sandbox.set_faults(faults);

    // One that is delivered at once, and then others of which the destination refuses one.
    post_all(&rig.world.listen, &[order("at-once")]).await;
    rig.settled().await;
    faults(Faults {
        poison_event_ids: vec!["refused".to_owned()],
        ..Faults::default()
    });
    let named = ["at-once", "excluded", "declined", "gift", "test", "refused"];
    let mut events: Vec<Value> = named.iter().map(|id| order(id)).collect();
    events[1]["integrations"] = json!({ "All": false });
    events[2]["context"]["consent"] = json!({ "categoryPreferences": { "ads": false } });
    events[3]["properties"]["gift"] = json!(true);
    events[4]["properties"]["test"] = json!(true);
    events.push(unmatched("unheard"));
    events.push(json!({
        "type": "track", "event": "Generate Lead", "messageId": "nobody", "anonymousId": "a", "properties": {}
    }));
    // The source knows the first one already.
    post_all(&rig.world.listen, &events).await;
    rig.settled().await;
    // One that the destination takes at the second attempt.
    faults(Faults {
        unavailable: Some(Unavailable::times(1)),
        ..Faults::default()
    });
    post_all(&rig.world.listen, &[order("retried")]).await;
    rig.settled().await;
    // One that it never takes.
    faults(Faults {
        unavailable: Some(Unavailable::every_nth(1)),
        ..Faults::default()
    });
    post_all(&rig.world.listen, &[order("late")]).await;
    rig.settled().await;
    faults(Faults::default());
    // Two that the operator holds, of whom one is erased meanwhile.
    rig.write(&text("hold = true\n"));
    rig.reload("the new configuration runs").await;
    post_all(&rig.world.listen, &[order("held"), order("erased")]).await;
    rig.wait(|status| status.sinks["pinterest"].held.is_some() && status.sinks["hook"].pending == 0)
        .await;

    let at_once = check(
        &rig,
        ("message_id", "at-once"),
        "pinterest",
        "Delivered at the first attempt.",
    )
    .await;
    for (id, component, sentence) in [
        (
            "at-once",
            "source:shop",
            "Left out by the source: it knew the messageId already.",
        ),
        ("retried", "pinterest", "Delivered at attempt 2."),
        ("refused", "pinterest", "Rejected by the destination at attempt "),
        ("nobody", "pinterest", "Rejected before it was sent: "),
        ("unheard", "pinterest", "Not meant for this sink: "),
        ("excluded", "pinterest", "(integrations_excluded)."),
        ("declined", "pinterest", "(no_consent)."),
        ("gift", "pinterest", "(filter)."),
        ("test", "source:shop", "Filtered by the source: "),
        ("late", "pinterest", "Given up after "),
        ("held", "pinterest", "Pending: the sink is held because "),
    ] {
        check(&rig, ("message_id", id), component, sentence).await;
    }
    // Other ids lead to the whole event, to the pending one too, and to the copy of one that was filtered.
    let held = check(
        &rig,
        ("order_id", "order-held"),
        "pinterest",
        "Pending: the sink is held because ",
    )
    .await;
    assert_eq!(held["order_id"], "order-held", "{held:#}");
    assert_eq!(at(&held, "pinterest")["pending"]["why"], "held", "{held:#}");
    assert_eq!(
        at(&held, "hook")["records"][0]["outcome"],
        "delivered",
        "{held:#}"
    );
    check(
        &rig,
        ("order_id", "order-test"),
        "source:shop",
        "Filtered by the source: ",
    )
    .await;
    let by_user = ["events", "--user-id", "-", "--json", "--config", "p.toml"];
    let config = rig.config();
    let by_user = by_user.map(|word| {
        if word == "p.toml" {
            config.to_str().unwrap()
        } else {
            word
        }
    });
    let exit = run_with(&by_user, &rig.world.variables(), "user-of-held\n").await;
    assert_eq!(exit.lines().len(), 1, "{exit:?}");
    the_events_are_found_on_the_page(&rig).await;

    // The sent record is made again, with hashes in the place of personal values.
    let record = &at(&at_once, "pinterest")["records"][0];
    assert_eq!(record["sent"]["check"], "same", "{record:#}");
    assert_eq!(record["sent"]["told"], "This is what was sent.");
    let told = at_once.to_string();
    for canary in ["ada.okafor", "198.51.100.7", "user-of", "Chrome/126"] {
        assert!(!told.contains(canary), "{canary}: {at_once:#}");
    }
    let fields = record["sent"]["fields"].as_array().unwrap();
    let value = |path: &str| {
        fields
            .iter()
            .find(|field| field["path"] == path)
            .map(|field| &field["value"])
    };
    assert_eq!(value("event_name"), Some(&json!("checkout")), "{fields:?}");
    assert!(fields.iter().any(|field| field["personal"] == true), "{fields:?}");
    assert_eq!(at(&at_once, "pinterest")["again"]["outcome"], "mapped");

    let erase = [
        "erase",
        "--user-id",
        "-",
        "--yes",
        "--config",
        config.to_str().unwrap(),
    ];
    let exit = run_with(&erase, &rig.world.variables(), "user-of-erased\n").await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    rig.write(&text(""));
    rig.reload("the new configuration runs").await;
    rig.settled().await;
    let erased = rig
        .lines(&["events", "--reason", "erased", "--sink", "pinterest"])
        .await;
    assert_eq!(erased.len(), 1, "{erased:?}");
    let place = erased[0]["place"].as_str().unwrap();
    let life = check(&rig, ("place", place), "pinterest", "Erased: it was not sent").await;
    assert_eq!(
        (&life["message_id"], &life["erased"]),
        (&Value::Null, &json!(true)),
        "{life:#}"
    );
    assert!(!life.to_string().contains("order-erased"), "{life:#}");
}

#[tokio::test]
async fn a_changed_mapping_shows_in_what_was_sent_and_a_stopped_router_answers_from_its_files() {
    let mut rig = Rig::start_with(&text("")).await;
    post_all(&rig.world.listen, &orders("b", 1)).await;
    rig.settled().await;
    rig.write(&text("compat = \"segment\"\n"));
    rig.reload("the new configuration runs").await;
    let life = check(
        &rig,
        ("message_id", "b-0"),
        "pinterest",
        "Delivered at the first attempt.",
    )
    .await;
    let sent = &at(&life, "pinterest")["records"][0]["sent"];
    assert_eq!(sent["check"], "differs", "{sent:#}");
    rig.write(&text("hold = true\n"));
    rig.reload("the new configuration runs").await;
    post_all(&rig.world.listen, &[order("held")]).await;
    rig.wait(|status| status.sinks["pinterest"].held.is_some() && status.sinks["hook"].pending == 0)
        .await;
    rig.stop().await;
    let told = rig.told(&["events", "--order-id", "order-held"]).await;
    assert!(told.contains("Pending: the router does not run."), "{told}");
    let told = rig.told(&["events", "--message-id", "b-0"]).await;
    assert!(
        told.contains("the journal still holds it") && told.contains("Delivered at the first"),
        "{told}"
    );
    rig.write(&text("").replace("[sinks.hook]", "[sinks.other]"));
    rig.again().await;
    let life = check(
        &rig,
        ("message_id", "b-0"),
        "hook",
        "Delivered at the first attempt.",
    )
    .await;
    assert_eq!(at(&life, "hook")["in_pipeline"], false, "{life:#}");
}
