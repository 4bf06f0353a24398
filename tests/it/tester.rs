//! The tester through the admin address: explanations of an event at each sink, and test events.

use serde_json::{Value, json};
use signalbox_sandbox::Vendor;

use crate::support::client::{Answer, post, try_send};
use crate::support::process::Process;
use crate::support::world::{World, shop};

const READER: &str = "zq-reader-token-9d41";
const OPERATOR: &str = "zq-operator-token-3b70";

/// A shop with three vendors, of which each sink hears of orders.
async fn start(world: &World) -> Process {
    let top = format!(
        r#"
[admin]
listen = "${{ADMIN}}"
[[admin.tokens]]
name = "media-team"
role = "read"
token = "{READER}"
[[admin.tokens]]
name = "on-call"
role = "operator"
token = "{OPERATOR}"

[sinks.meta]
type = "meta_conversions"
inputs = ["shop"]
base_url = "${{META}}"
pixel_id = "1203948576120394"
access_token = "${{TOKEN}}"

[sinks.tiktok]
type = "tiktok_events"
inputs = ["shop"]
base_url = "${{TIKTOK}}"
pixel_code = "C4WILDROSE0HOME00001"
access_token = "${{TOKEN}}"
"#
    );
    let pinterest = "consent_categories = [\"ads\"]\nthrough = [\"place\"]";
    let mut text = shop(&top, "", pinterest);
    text.push_str("\n[transforms.place]\ntype = \"map\"\nfields = { \"context.campaign\" = \"spring\" }\n");
    let config = world.write("p.toml", &text);
    world.router(&config).await
}

async fn ask(world: &World, token: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-signalbox", "1"),
        ("content-type", "application/json"),
    ];
    let answer = try_send(&world.admin, "POST", path, &headers, body.to_string().as_bytes()).await;
    answer.unwrap()
}

fn order() -> Value {
    json!({
        "type": "track", "event": "Order Completed", "messageId": "m-1", "userId": "u-1",
        "context": {
            "ip": "198.51.100.7", "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
            "traits": { "email": "Ivy@Example.com" },
            "page": { "url": "https://shop.example/thanks" },
            "consent": { "categoryPreferences": { "ads": true } },
        },
        "properties": {
            "order_id": "A-1001", "currency": "EUR", "value": 49.9,
            "products": [{ "product_id": "S-1", "price": 24.95, "quantity": 2 }],
        },
    })
}

fn trial<'a>(tried: &'a Value, sink: &str) -> &'a Value {
    let trials = tried["trials"].as_array().unwrap();
    trials
        .iter()
        .find(|trial| trial["sink"] == sink)
        .unwrap_or_else(|| panic!("{sink}: {tried}"))
}

/// Returns how a field of the first record was made, and the paths that it comes from.
fn origin(trial: &Value, path: &str) -> (String, Vec<String>) {
    let fields = trial["records"][0]["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["path"] == path);
    let field = field.unwrap_or_else(|| panic!("{path}: {fields:#?}"));
    let from = field["from"].as_array().unwrap().iter();
    let from = from
        .map(|origin| origin["path"].as_str().unwrap().to_owned())
        .collect();
    (field["how"].as_str().unwrap().to_owned(), from)
}

#[tokio::test]
async fn an_event_is_explained_at_each_sink_and_nothing_is_sent() {
    let world = World::new().await;
    let process = start(&world).await;
    let tried = ask(&world, OPERATOR, "/api/tester", &json!({ "event": order() })).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    let tried = tried.json();
    let own = |path: &str| vec![path.to_owned()];
    for (sink, email, value, currency) in [
        (
            "pinterest",
            "user_data.em[0]",
            "custom_data.value",
            "custom_data.currency",
        ),
        (
            "meta",
            "user_data.em[0]",
            "custom_data.value",
            "custom_data.currency",
        ),
        (
            "tiktok",
            "user.email[0]",
            "properties.value",
            "properties.currency",
        ),
    ] {
        let trial = trial(&tried, sink);
        assert_eq!(trial["outcome"], "mapped", "{trial:#}");
        assert_eq!(
            origin(trial, email),
            ("hashed".into(), own("context.traits.email")),
            "{sink}"
        );
        assert_eq!(
            origin(trial, value),
            ("copied".into(), own("properties.value")),
            "{sink}"
        );
        assert_eq!(
            origin(trial, currency),
            ("copied".into(), own("properties.currency")),
            "{sink}"
        );
        let fired = trial["mappings"].as_array().unwrap().iter();
        let fired: Vec<_> = fired.filter(|mapping| mapping["fires"] == true).collect();
        assert_eq!(fired.len(), 1, "{sink}: {fired:?}");
        let request = trial["records"][0]["request"].to_string();
        assert!(
            request.contains("[secret]") && !request.contains("ivy@"),
            "{request}"
        );
    }
    let pinterest = trial(&tried, "pinterest");
    let kinds: Vec<&str> = pinterest["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["write_key", "opt_out", "consent", "integrations", "transform"]
    );
    assert_eq!(pinterest["steps"][4]["changes"][0]["path"], "context.campaign");
    assert_eq!(origin(pinterest, "event_name").0, "fixed");
    assert_eq!(
        origin(pinterest, "custom_data.content_ids[0]").1,
        own("properties.products[0].product_id")
    );
    let archive = trial(&tried, "archive");
    assert_eq!(
        origin(archive, "properties.order_id"),
        ("copied".into(), own("properties.order_id"))
    );

    let mut refused = order();
    refused["context"]["consent"]["categoryPreferences"]["ads"] = json!(false);
    refused["event"] = json!("Order Complete");
    let tried = ask(&world, OPERATOR, "/api/tester", &json!({ "event": refused }))
        .await
        .json();
    let pinterest = trial(&tried, "pinterest");
    assert_eq!(
        (&pinterest["outcome"], &pinterest["reason"]["code"]),
        (&json!("filtered"), &json!("no_consent"))
    );
    let meta = trial(&tried, "meta");
    assert_eq!(meta["reason"]["code"], "no_trigger_matched");
    let purchase = meta["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|firing| firing["trigger"].to_string().contains("Order Completed"));
    let clauses = &purchase.unwrap()["trigger"]["clauses"];
    assert_eq!(
        (&clauses[0]["holds"], &clauses[1]["holds"]),
        (&json!(true), &json!(false)),
        "{clauses}"
    );
    assert_eq!(clauses[1]["value"], "Order Complete");

    let status = get_status(&world).await;
    assert_eq!(status["sources"]["shop"]["received"], 0, "{status}");
    for vendor in [Vendor::Pinterest, Vendor::Meta, Vendor::TikTok] {
        assert_eq!(world.sandbox.counts_of(vendor).requests, 0);
    }
    drop(process);
}

async fn get_status(world: &World) -> Value {
    let bearer = format!("Bearer {OPERATOR}");
    let answer = try_send(&world.admin, "GET", "/status", &[("authorization", &bearer)], b"").await;
    answer.unwrap().json()
}

#[tokio::test]
async fn readers_see_no_personal_value_and_send_nothing() {
    let world = World::new().await;
    let process = start(&world).await;
    let tried = ask(&world, READER, "/api/tester", &json!({ "event": order() })).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    for personal in ["Ivy", "ivy@", "198.51.100.7", "u-1\""] {
        assert!(!tried.body.contains(personal), "{personal}: {}", tried.body);
    }
    let tried = tried.json();
    assert_eq!(
        origin(trial(&tried, "meta"), "user_data.em[0]").1,
        ["context.traits.email"]
    );
    let send = json!({ "event": order(), "sink": "pinterest" });
    let sent = ask(&world, READER, "/api/tester/send", &send).await;
    assert_eq!(sent.status, 403, "{}", sent.body);
    assert_eq!(world.sandbox.counts_of(Vendor::Pinterest).requests, 0);
    drop(process);
}

#[tokio::test]
async fn test_events_go_out_in_each_vendors_way() {
    let world = World::new().await;
    let process = start(&world).await;
    let send = async |sink: &str, more: Value| {
        let mut body = json!({ "event": order(), "sink": sink });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        ask(&world, OPERATOR, "/api/tester/send", &body).await
    };
    let pinterest = send("pinterest", json!({})).await;
    assert_eq!(pinterest.status, 200, "{}", pinterest.body);
    assert_eq!(pinterest.json()["reply"]["accepted"], true, "{}", pinterest.body);
    let counts = world.sandbox.counts_of(Vendor::Pinterest);
    assert_eq!(
        (counts.test_requests, counts.test_events, counts.accepted),
        (1, 1, 0)
    );

    let without = send("tiktok", json!({})).await;
    assert_eq!(without.status, 409, "{}", without.body);
    assert!(without.body.contains("test tool"), "{}", without.body);
    let tiktok = send("tiktok", json!({ "code": "TEST12345" })).await;
    assert_eq!(tiktok.json()["reply"]["accepted"], true, "{}", tiktok.body);
    let counts = world.sandbox.counts_of(Vendor::TikTok);
    assert_eq!((counts.test_requests, counts.accepted), (1, 0));

    let unconfirmed = send("meta", json!({ "code": "TEST12345" })).await;
    assert_eq!(unconfirmed.status, 409, "{}", unconfirmed.body);
    assert!(
        unconfirmed.body.contains("counts test events"),
        "{}",
        unconfirmed.body
    );
    assert_eq!(world.sandbox.counts_of(Vendor::Meta).requests, 0);
    let meta = send("meta", json!({ "code": "TEST12345", "counts": true })).await;
    assert_eq!(meta.json()["reply"]["accepted"], true, "{}", meta.body);

    let archive = send("archive", json!({})).await;
    assert!(archive.body.contains("knows no test events"), "{}", archive.body);
    let status = get_status(&world).await;
    assert_eq!(status["sources"]["shop"]["received"], 0, "{status}");
    assert_eq!(status["sinks"]["pinterest"]["delivered"], 0, "{status}");
    let log = process.stderr();
    assert!(!log.contains("Ivy") && !log.contains("ivy@"), "{log}");
}

#[tokio::test]
async fn an_event_of_the_journal_is_tested_by_its_id_on_the_page() {
    let world = World::new().await;
    let process = start(&world).await;
    assert_eq!(
        post(&world.listen, "/v1/track", &order().to_string())
            .await
            .status,
        200
    );
    let bearer = format!("Bearer {OPERATOR}");
    let page = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let path = "/ui/tester?message_id=m-1&sink=pinterest";
        try_send(&world.admin, "GET", path, &[("authorization", &bearer)], b"")
            .await
            .unwrap()
    };
    let found = page(OPERATOR).await;
    assert_eq!(found.status, 200, "{}", found.body);
    for text in [
        "would be sent",
        "context.traits.email",
        "type = &quot;track&quot;",
        "Send as a test event",
        "Ivy@Example.com",
    ] {
        assert!(found.body.contains(text), "{text}: {}", found.body);
    }
    let reader = page(READER).await;
    assert!(
        reader.body.contains("Only operators can send") && !reader.body.contains("Ivy@"),
        "{}",
        reader.body
    );
    let unknown = ask(&world, OPERATOR, "/api/tester", &json!({ "message_id": "m-2" })).await;
    assert_eq!(unknown.status, 404, "{}", unknown.body);

    let headers = [
        ("authorization", bearer.as_str()),
        ("x-signalbox", "1"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = async |path: &str, body: &str| {
        try_send(&world.admin, "POST", path, &headers, body.as_bytes())
            .await
            .unwrap()
    };
    let small = form(
        "/ui/tester",
        "event=&event_name=Order+Completed&email=bob%40example.com&value=7&currency=EUR",
    )
    .await;
    assert!(
        small.body.contains("bob@example.com") && small.body.contains("Record of the mapping"),
        "{}",
        small.body
    );
    let sent = form("/ui/tester/send", "message_id=m-1&to=pinterest&mapping=").await;
    assert!(sent.body.contains("accepted the test event"), "{}", sent.body);
    let wrong = form("/ui/tester", "event=%7B").await;
    assert_eq!(wrong.status, 200, "{}", wrong.body);
    assert_eq!(wrong.body.matches("invalid_json").count(), 1, "{}", wrong.body);
    assert!(
        wrong.body.contains("aria-invalid=\"true\"") && !wrong.body.contains("reject it"),
        "{}",
        wrong.body
    );
    let batch = json!({ "event": { "batch": [] } });
    let unread = ask(&world, OPERATOR, "/api/tester", &batch).await;
    assert!(
        unread.status == 400 && unread.body.contains("not_one_event"),
        "{}",
        unread.body
    );
    drop(process);
}

#[tokio::test]
async fn the_pipeline_is_drawn_and_described_without_secrets() {
    let world = World::new().await;
    let process = start(&world).await;
    let bearer = format!("Bearer {READER}");
    let ask = async |path: &str| {
        let answer = try_send(&world.admin, "GET", path, &[("authorization", &bearer)], b"").await;
        answer.unwrap()
    };
    let answer = ask("/api/pipeline").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let pipeline = answer.json();
    let find = |name: &str| {
        let components = pipeline["components"].as_array().unwrap().iter();
        let mut of_name = components.filter(|component| component["name"] == name);
        of_name
            .next()
            .unwrap_or_else(|| panic!("{name}: {pipeline}"))
            .clone()
    };
    let pinterest = find("pinterest");
    assert_eq!(
        (&pinterest["kind"], &pinterest["plugin"]),
        (&json!("sink"), &json!("pinterest_conversions"))
    );
    assert_eq!(
        (&pinterest["inputs"], &pinterest["through"]),
        (&json!(["shop"]), &json!(["place"]))
    );
    let setting = |component: &Value, path: &str| {
        let settings = component["settings"].as_array().unwrap().iter();
        let mut found = settings
            .filter(|setting| setting["path"] == path)
            .map(|setting| setting["value"].clone());
        found.next_back().unwrap_or_else(|| panic!("{path}: {component}"))
    };
    assert_eq!(setting(&pinterest, "ad_account_id"), "\"549755885175\"");
    assert_eq!(setting(&pinterest, "conversion_token"), Value::Null);
    assert_eq!(
        setting(&find("place"), "fields"),
        Value::Null,
        "no schema describes it"
    );
    let mappings = pinterest["mappings"].as_array().unwrap();
    let checkout = mappings
        .iter()
        .find(|mapping| mapping["name"] == "Checkout")
        .unwrap();
    assert_eq!(
        checkout["trigger"],
        "type = \"track\" and event = \"Order Completed\""
    );
    assert_eq!(
        (&checkout["event_name"], &checkout["fields"]),
        (&json!("checkout"), &json!([]))
    );
    assert!(find("hook")["reference"].to_string().contains("retry_statuses"));

    let page = ask("/ui/pipeline?sink=pinterest&mapping=Checkout").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for text in [
        "<svg",
        "user_data.em",
        "properties.email",
        "set, not shown",
        "Order Completed",
        "Reference of webhook",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(
        !page.body.contains(READER) && !page.body.contains(OPERATOR),
        "{}",
        page.body
    );
    assert_eq!(ask("/ui/pipeline?sink=other").await.status, 404);
    drop(process);
}
