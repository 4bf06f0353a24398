//! Searches in the history by odd ids and by conditions, through the commands, the page and its API.

use serde_json::{Value, json};

use super::{Rig, pipeline};
use crate::support::client::{Answer, get, post_all, try_send};
use crate::support::events::{order, orders, unmatched};

const HISTORY: &str = "[history]\npath = \"${FOLDER}/history\"\n";

/// Sends the form of a search.
async fn search(rig: &Rig, form: &[u8]) -> Answer {
    let headers = [
        ("x-signalbox", "1"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    try_send(&rig.world.admin, "POST", "/ui/events/search", &headers, form)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_order_id_that_is_an_address_stands_in_no_address_of_the_page() {
    let rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    let mut personal = order("of-ivy");
    personal["properties"]["order_id"] = json!("ivy.okafor@example.com");
    post_all(&rig.world.listen, &[order("plain"), personal]).await;
    rig.settled().await;
    let admin = &rig.world.admin;

    let found = search(&rig, b"kind=order_id&value=+order-plain+").await;
    assert_eq!(found.header("location"), Some("/ui/events?order_id=order-plain"));
    let found = search(&rig, b"kind=order_id&value=ivy.okafor%40example.com").await;
    let by_form = found.header("location").unwrap().to_lowercase();
    assert!(by_form.starts_with("/ui/events?order_id=id%3a"), "{found:?}");
    // An operator may write it into the address by hand.
    for view in ["events", "event"] {
        let led = get(admin, &format!("/ui/{view}?order_id=ivy.okafor%40example.com")).await;
        let address = led.header("location").unwrap_or_default().to_lowercase();
        assert_eq!(
            (led.status, address),
            (303, by_form.replace("/ui/events", &format!("/ui/{view}")))
        );
        let shown = get(admin, led.header("location").unwrap()).await;
        assert!(
            shown.status == 200 && shown.body.contains("of-ivy") && !shown.body.contains("ivy.okafor"),
            "{shown:?}"
        );
    }
    let by_api = get(admin, "/api/events?order_id=ivy.okafor%40example.com")
        .await
        .json();
    assert_eq!(by_api["events"][0]["message_id"], "of-ivy", "{by_api:#}");
    // Conditions stay.
    let led = get(admin, "/ui/events?sink=hook&order_id=ivy.okafor%40example.com").await;
    assert!(led.header("location").unwrap().contains("sink=hook"), "{led:?}");
}

#[tokio::test]
async fn values_that_can_be_no_id_are_refused_with_a_sentence() {
    let rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    let admin = &rig.world.admin;
    let long = "a".repeat(1_025);
    for (query, told) in [
        (format!("order_id={long}"), "longer than 1024 bytes"),
        (format!("sink={long}"), "longer than 1024 bytes"),
        ("order_id=%ff".to_owned(), "not UTF-8"),
        ("person=id:%c3%28".to_owned(), "not UTF-8"),
    ] {
        for kind in ["ui", "api"] {
            let answer = get(admin, &format!("/{kind}/events?{query}")).await;
            assert!(
                answer.status == 400 && answer.body.contains(told),
                "{kind}: {answer:?}"
            );
        }
        let form = query.replacen("order_id=", "kind=user_id&value=", 1);
        let answer = search(&rig, form.as_bytes()).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(!answer.body.contains("aaaa"), "{answer:?}");
    }
    for form in [
        "kind=user_id&value=",
        "kind=user_id&value=+",
        "kind=zq-kind&value=a",
        "value=a",
    ] {
        let answer = search(&rig, form.as_bytes()).await;
        assert!(
            answer.status == 400 && !answer.body.contains("zq-"),
            "{form}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn names_that_nothing_has_are_told_with_those_that_there_are() {
    let mut rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    post_all(&rig.world.listen, &orders("n", 1)).await;
    rig.settled().await;
    for running in [true, false] {
        for (arguments, told) in [
            (
                &["events", "--sink", "nope"][..],
                "there is no such sink; there are: ",
            ),
            (
                &["events", "--sink", "nope", "--message-id", "n-0"],
                "there is no such sink; there are: ",
            ),
            (
                &["events", "--sink", "source:nope"],
                "there is no such source; there are: shop\n",
            ),
            (
                &["events", "--source", "nope"],
                "there is no such source; there are: shop\n",
            ),
            (
                &["events", "--mapping", "nope"],
                "no records of such a mapping; it has some of: ",
            ),
            (
                &["events", "--sink", "nope", "--outcome", "pending"],
                "there is no such sink",
            ),
            (
                &["report", "--sink", "nope"],
                "there is no such sink; there are: ",
            ),
            // These are there.
            (
                &["events", "--sink", "hook", "--outcome", "rejected"],
                "no record that meets these conditions",
            ),
            (
                &["events", "--mapping", "Checkout", "--outcome", "rejected"],
                "no record that meets these conditions",
            ),
            (
                &["events", "--sink", "source:shop"],
                "no record that meets these conditions",
            ),
        ] {
            let exit = rig.command(arguments).await;
            assert_eq!(
                (exit.code, exit.stdout.as_str()),
                (Some(1), ""),
                "{arguments:?}: {exit:?}"
            );
            assert!(exit.stderr.contains(told), "{running}: {arguments:?}: {exit:?}");
        }
        let exit = rig.command(&["report", "--by", "day,event_name,day"]).await;
        assert_eq!(exit.code, Some(64), "{exit:?}");
        assert!(exit.stderr.contains("names the column day twice"), "{exit:?}");
        if running {
            rig.stop().await;
        }
    }
}

#[tokio::test]
async fn a_value_without_room_in_the_history_is_told() {
    let rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    let mut rich = order("rich");
    rich["properties"]["total"] = json!(9_300_000_000_000_i64);
    rich["properties"]["products"][0]["price"] = json!(3_100_000_000_000_i64);
    rich["event"] = json!("Order Completed");
    post_all(&rig.world.listen, &[order("usual"), rich]).await;
    rig.settled().await;
    let told = rig
        .told(&["events", "--message-id", "rich", "--sink", "pinterest"])
        .await;
    assert!(
        told.contains("warning    value_too_large value: too large for the history, whose sums lack it"),
        "{told}"
    );
    let told = rig.told(&["events", "--message-id", "usual"]).await;
    assert!(!told.contains("value_too_large"), "{told}");
    let shown = get(&rig.world.admin, "/ui/event?message_id=rich").await;
    assert!(shown.body.contains("too large for the history"), "{}", shown.body);
    for form in [&[][..], &["--csv"]] {
        let exit = rig.command(&[&["report"], form].concat()).await;
        assert!(
            exit.stdout.contains("73.50") && exit.stderr.contains("1 record has a value too large"),
            "{exit:?}"
        );
    }
    let exit = rig.command(&["report", "--sink", "hook"]).await;
    assert!(!exit.stderr.contains("too large"), "{exit:?}");
}

#[tokio::test]
async fn records_are_chosen_by_their_match_keys_and_warnings() {
    let rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    let mut events = orders("k", 3);
    events[1]["context"]["traits"] = json!({ "phone": "0151 2345678" });
    events[2]["context"]["traits"] = json!({ "email": "no address" });
    for property in ["currency", "total", "products"] {
        events[0]["properties"].as_object_mut().unwrap().remove(property);
    }
    post_all(&rig.world.listen, &events).await;
    rig.settled().await;
    let chosen = async |conditions: &[&str]| {
        let found = rig
            .lines(&[&["events", "--sink", "pinterest"], conditions].concat())
            .await;
        super::values(&found, "message_id")
    };
    let all = rig.lines(&["events", "--sink", "pinterest"]).await;
    let warning = |id: &str| -> Value {
        let mut found = all.iter().filter(|entry| entry["message_id"] == id);
        found.next().unwrap()["warnings"][0].clone()
    };
    let (phone, email) = (warning("k-1"), warning("k-2"));
    let text = |warning: &Value, member: &str| warning[member].as_str().unwrap().to_owned();
    assert_eq!(chosen(&["--match-key", "email"]).await, ["k-0"]);
    assert_eq!(chosen(&["--match-key", "phone"]).await, ["k-1"]);
    assert_eq!(chosen(&["--match-key", "phone,email"]).await, ["k-0", "k-1"]);
    assert_eq!(chosen(&["--without-match-key", "phone"]).await, ["k-0", "k-2"]);
    assert_eq!(chosen(&["--without-match-key", "phone,email"]).await, ["k-2"]);
    assert_eq!(chosen(&["--without-parameter", "currency"]).await, ["k-0"]);
    let with = ["--parameter", "currency,value", "--match-key", "email,phone"];
    assert_eq!(chosen(&with).await, ["k-1"]);
    assert_eq!(chosen(&["--warning-path", &text(&phone, "path")]).await, ["k-1"]);
    let both = [
        "--warning",
        &text(&email, "code"),
        "--warning-path",
        &text(&email, "path"),
    ];
    assert_eq!(chosen(&both).await, ["k-2"]);
    assert_eq!(
        chosen(&[
            "--event-name",
            "checkout",
            "--mapping",
            "Checkout",
            "--source",
            "shop"
        ])
        .await
        .len(),
        3
    );
    let query = format!("match_key=phone&warning_path={}", text(&phone, "path"));
    let found = get(&rig.world.admin, &format!("/api/events?{query}"))
        .await
        .json();
    assert_eq!(found["entries"].as_array().map(Vec::len), Some(1), "{found:#}");
    let shown = get(&rig.world.admin, &format!("/ui/events?{query}")).await;
    assert!(shown.body.contains("message_id=k-1") && !shown.body.contains("message_id=k-2"));
    let described = get(&rig.world.admin, "/api/openapi.json").await.body;
    assert!(described.contains("\"without_parameter\"") && described.contains("\"warning_path\""));
}

#[tokio::test]
async fn records_are_chosen_by_the_names_and_the_mappings_that_reports_count() {
    let mut rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    post_all(&rig.world.listen, &[order("a"), order("b"), unmatched("c")]).await;
    rig.settled().await;
    for running in [true, false] {
        let sums = rig.lines(&["report", "--by", "sink,event_name,mapping"]).await;
        let without = sums.iter().filter(|sum| sum["mapping"] == "").count();
        assert!(without > 0 && sums.len() > without, "{sums:?}");
        for sum in sums {
            let text = |column: &str| sum[column].as_str().unwrap();
            let of_name = [
                "events",
                "--sink",
                text("sink"),
                "--counted-name",
                text("event_name"),
            ];
            let of_mapping = match text("mapping") {
                "" => vec!["--without-mapping"],
                mapping => vec!["--mapping", mapping],
            };
            let found = rig.lines(&[&of_name[..], &of_mapping].concat()).await;
            assert_eq!(json!(found.len()), sum["records"], "{running}: {sum}");
        }
        if running {
            rig.stop().await;
        }
    }
    let both = rig
        .command(&["events", "--mapping", "Checkout", "--without-mapping"])
        .await;
    assert_eq!(both.code, Some(64), "{both:?}");
}
