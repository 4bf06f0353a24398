//! `import-segment`: its output loads, and maps as the destination did.

use serde_json::json;

use crate::support::process::run;
use crate::support::world::World;

#[tokio::test]
async fn a_destination_becomes_a_sink_that_loads() {
    let world = World::new().await;
    let destination = json!({
        "settings": { "ad_account_id": "549755885175", "conversion_token": "zq-secret-token", "colour": "blue" },
        "subscriptions": [{
            "name": "Orders",
            "enabled": true,
            "partnerAction": "reportConversionEvent",
            "subscribe": "type = \"track\" and event = \"Order Completed\"",
            "mapping": {
                "event_name": "checkout",
                "action_source": "web",
                "event_time": { "@path": "$.timestamp" },
                "event_id": { "@path": "$.messageId" },
                "user_data": { "email": { "@path": "$.traits.email" } }
            }
        }]
    });
    let file = world.write("segment.json", &destination.to_string());
    let exit = run(&["import-segment", file.to_str().unwrap()], &world.variables()).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        exit.stderr.contains("colour") && exit.stdout.contains("Orders"),
        "{exit:?}"
    );
    assert!(!format!("{exit:?}").contains("zq-secret-token"));

    let source = "[sources.segment]\ntype = \"file\"\npath = \"-\"\n";
    let config = world.write("p.toml", &format!("{source}{}", exit.stdout));
    let mut variables = world.variables();
    variables.push(("PINTEREST_TOKEN".to_owned(), "t".to_owned()));
    let exit = run(&["validate", "--config", config.to_str().unwrap()], &variables).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
}

#[tokio::test]
async fn pages_are_read_together_and_missing_ones_told() {
    let world = World::new().await;
    let destination = json!({
        "data": { "destination": {
            "id": "d1", "metadata": { "name": "Pinterest Conversions API" }, "settings": { "ad_account_id": "549755885175" }
        } }
    });
    let page = |name: &str| {
        let event = format!("Order {name}");
        json!({ "data": {
            "subscriptions": [{
                "id": name, "name": name, "destinationId": "d1", "enabled": true, "actionSlug": "reportConversionEvent",
                "trigger": format!("type = \"track\" and event = \"{event}\""),
                "settings": {
                    "event_name": "checkout", "action_source": "web", "event_time": { "@path": "$.timestamp" },
                    "event_id": { "@path": "$.messageId" }, "user_data": { "email": { "@path": "$.traits.email" } }
                }
            }],
            "pagination": { "current": "x", "totalEntries": 2 }
        } })
    };
    let write = |name: &str, text: String| world.write(name, &text).to_str().unwrap().to_owned();
    let (first, one) = (
        write("d.json", destination.to_string()),
        write("1.json", page("One").to_string()),
    );
    let two = write("2.json", page("Two").to_string());
    let exit = run(&["import-segment", &first, &one, &two], &[]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        exit.stdout.contains("One") && exit.stdout.contains("Two"),
        "{exit:?}"
    );
    assert!(!exit.stderr.contains("the text holds"), "{exit:?}");
    let exit = run(&["import-segment", &first, &two], &[]).await;
    assert!(
        exit.stderr.contains("the text holds 1 of 2 subscriptions"),
        "{exit:?}"
    );
    // A page that is given twice does not stand for the one that is missing, and makes no second mapping.
    let exit = run(&["import-segment", &first, &first, &two, &two], &[]).await;
    assert!(
        exit.stderr.contains("the text holds 1 of 2 subscriptions"),
        "{exit:?}"
    );
    assert_eq!(exit.stdout.matches("[[sinks.").count(), 1, "{exit:?}");
    let other = write("o.json", page("Three").to_string().replace("\"d1\"", "\"d9\""));
    let exit = run(&["import-segment", &first, &one, &two, &other], &[]).await;
    assert!(
        exit.stderr
            .contains("the subscription \"Three\" of the destination \"d9\"")
            && !exit.stdout.contains("Three"),
        "{exit:?}"
    );
    let marked = write("m.json", format!("\u{feff}{destination}"));
    let exit = run(&["import-segment", &marked, &one, &two], &[]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let unauthorized = write("u.json", json!({ "message": "Unauthorized" }).to_string());
    let exit = run(&["import-segment", &first, &one, &two, &unauthorized], &[]).await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(
        exit.stderr
            .contains("u.json: it holds neither a destination nor a subscription"),
        "{exit:?}"
    );
    let refused = write(
        "e.json",
        json!({ "errors": [{ "type": "forbidden", "message": "zq" }] }).to_string(),
    );
    let exit = run(&["import-segment", &first, &refused], &[]).await;
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr
            .contains("e.json: it holds an error of Segment's API (forbidden)"),
        "{exit:?}"
    );
    assert!(exit.stdout.is_empty() && !exit.stderr.contains("zq"), "{exit:?}");
}

#[tokio::test]
async fn what_is_no_destination_is_told() {
    let world = World::new().await;
    for (text, told) in [
        ("{", "not JSON"),
        ("{}", "neither a destination nor a subscription"),
        (
            r#"{"metadata":{"name":"Braze"},"settings":{}}"#,
            "no destination that can be imported. Segment's destinations that can be imported: \"Facebook",
        ),
    ] {
        let file = world.write("segment.json", text);
        let exit = run(&["import-segment", file.to_str().unwrap()], &world.variables()).await;
        assert_eq!(exit.code, Some(1), "{exit:?}");
        assert!(exit.stderr.contains(told) && exit.stdout.is_empty(), "{exit:?}");
    }
    let exit = run(&["import-segment", "/nowhere/x.json"], &world.variables()).await;
    assert!(
        exit.code == Some(1) && exit.stderr.contains("/nowhere/x.json"),
        "{exit:?}"
    );
}
