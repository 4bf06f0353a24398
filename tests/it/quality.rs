//! Quality and failures: constructed events whose coverage is known, through the API and the page of a running router.

use serde_json::{Value, json};
use signalbox_sandbox::{FailEvents, Faults, SandboxConfig, Vendor};

use crate::support::client::{Answer, get, post_all, try_send};
use crate::support::events::{ago, unmatched};
use crate::support::pipeline::{ADMIN, sink, source, vendor_sink};
use crate::support::process::Process;
use crate::support::until;
use crate::support::world::{TOKEN, World, shop};

/// An order with value, currency, products, order id, IP address and user agent; every fifth one has two e-mail addresses less.
fn order(n: usize) -> Value {
    let mut order = json!({
        "type": "track", "event": "Order Completed", "messageId": format!("o-{n}"), "anonymousId": format!("visitor-{n}"),
        "timestamp": ago(10),
        "context": { "ip": "93.184.216.34", "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
            "page": { "url": "https://shop.example/thanks" } },
        "properties": { "order_id": format!("A-{n}"), "revenue": 73.5, "currency": "USD",
            "products": [ { "product_id": "p-1", "name": "Pot", "price": 73.5, "quantity": 1 } ] }
    });
    if n % 5 < 3 {
        order["properties"]["email"] = json!(format!("buyer{n}@example.com"));
    }
    order
}

/// Starts a router and waits until it is ready.
async fn start(world: &World, text: &str) -> Process {
    let config = world.write("p.toml", text);
    let router = world.router(&config).await;
    router.status(&world.admin, |status| status.ready).await;
    router
}

async fn stop(router: Process) {
    router.signal("TERM");
    let exit = router.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
}

fn member<'v>(list: &'v Value, key: &str, wanted: &str) -> &'v Value {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let found = list.iter().find(|item| item[key] == wanted);
    found.unwrap_or_else(|| panic!("no {wanted} in {list:?}"))
}

/// Waits until the vendors' stand-ins have accepted this many events.
async fn arrived(world: &World, count: usize) {
    let accepted = async || (world.accepted().len() >= count).then_some(());
    until(accepted, || {
        format!("{} of {count} arrived", world.accepted().len())
    })
    .await;
}

/// A registration from a browser; some have a phone number that tells no country.
fn registration(n: usize) -> Value {
    let mut registration = json!({
        "type": "track", "event": "Signed Up", "messageId": format!("r-{n}"), "anonymousId": format!("visitor-{n}"),
        "timestamp": ago(10),
        "context": { "ip": "93.184.216.34", "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
            "page": { "url": "https://shop.example/join" } },
    });
    if n % 5 < 2 {
        registration["properties"] = json!({ "phone": "0151 2345678" });
    }
    registration
}

/// Follows every link of a page to a view, which must answer; returns their number.
async fn follow(world: &World, token: &str, page: &str) -> usize {
    let links = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let mut links: Vec<String> = links
        .filter(|link| link.starts_with("/ui/"))
        .map(|link| link.replace("&amp;", "&"))
        .collect();
    links.sort_unstable();
    links.dedup();
    for link in &links {
        let answer = see(world, token, link).await;
        assert_eq!(answer.status, 200, "{link}: {}", answer.body);
    }
    links.len()
}

/// Compares the numbers that lead to rows with the rows; returns how many there are.
async fn compare(world: &World, page: &str) -> usize {
    let links = page.split("<a href=\"/ui/events?").skip(1);
    let mut compared = 0;
    for link in links {
        let (query, rest) = link.split_once("\">").unwrap();
        let number: String = rest
            .split('<')
            .next()
            .unwrap()
            .chars()
            .filter(|digit| *digit != '\u{202f}')
            .collect();
        let Ok(number) = number.parse::<usize>() else {
            continue;
        };
        let query = query.replace("&amp;", "&");
        // An event that was received has a row at each sink, and a pending one has none yet.
        if query.starts_with("source=") || query.contains("outcome=pending") {
            continue;
        }
        let found = api(world, &format!("/api/events?limit=1000&{query}")).await;
        assert_eq!(found["entries"].as_array().map(Vec::len), Some(number), "{query}");
        compared += 1;
    }
    compared
}

async fn api(world: &World, path: &str) -> Value {
    let answer = get(&world.admin, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

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

/// Acts on the page's API as an operator's browser does, with the token of a person.
async fn act(world: &World, token: &str, path: &str, body: &Value) -> Answer {
    let token = format!("Bearer {token}");
    let headers = [
        ("x-signalbox", "1"),
        ("authorization", &*token),
        ("content-type", "application/json"),
    ];
    let answer = try_send(&world.admin, "POST", path, &headers, body.to_string().as_bytes()).await;
    answer.unwrap()
}

async fn see(world: &World, token: &str, path: &str) -> Answer {
    let token = format!("Bearer {token}");
    let headers = [("x-signalbox", "1"), ("authorization", &*token)];
    try_send(&world.admin, "GET", path, &headers, b"").await.unwrap()
}

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
