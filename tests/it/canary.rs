//! Forty personal values, at paths that `hash_pii` knows and at others, in URLs, keys and ids: none shows in what Signalbox
//! says, and none reaches a destination that did not ask for it.

use serde_json::{Value, json};
use signalbox_sandbox::Vendor;

use crate::support::client::{WRITE_KEY, basic, post_all, try_send};
use crate::support::events::ago;
use crate::support::files::contents;
use crate::support::pipeline::{ADMIN, ALL_RULES, archive, hashing, source, vendor_sink};
use crate::support::process::{Process, command, run, run_with};
use crate::support::world::World;

/// The pipeline file: whole events to a file, and mapped ones to each vendor.
fn pipeline() -> String {
    let vendors = Vendor::ALL.map(vendor_sink).concat();
    [ADMIN, &hashing(ALL_RULES), &archive(), &vendors].concat()
}

const SINKS: [&str; 4] = ["archive", "pinterest", "meta", "tiktok"];

/// Values at paths that `hash_pii` knows, by themselves or by the meaning of their keys, and in URLs and search texts.
const KNOWN: [&str; 33] = [
    "zqc01",
    "zqc02",
    "zqc03",
    "zqc04",
    "zqc05",
    "zqc06",
    "zqc07",
    "zqc08",
    "zqc09",
    "zqc10",
    "655000011",
    "655000012",
    "655000013",
    "zqc14",
    "zqc15",
    "zqc16",
    "zqc17",
    "zqc18",
    "zqc19",
    "1974-03-20",
    "zqc21",
    "zqc22",
    "zqc23",
    "zqc24",
    "655000025",
    "zqc26",
    "zqc27",
    "zqc28",
    "zqc29",
    "3dcbea30-0000-11e4",
    "zqc31",
    "zqc32",
    "zqc33",
];

/// Values that only their form gives away; the watch counts them.
const UNKNOWN: [&str; 6] = ["zqc34", "zqc35", "zqc36", "655000037", "zqc38", "zqc39"];

/// An e-mail address as the id of an event, which a destination gets as the id.
const ID: &str = "zqc40";

fn email(name: &str) -> String {
    format!("{name}.person@canary.example")
}

fn order() -> Value {
    let url = format!(
        "https://{}:x@s.example/u/{}/thanks?email={}&token=zqc24a1b2c3&page=2",
        "zqc23",
        email("zqc22"),
        email("zqc21").replace('@', "%40")
    );
    json!({
        "type": "track", "event": "Order Completed", "messageId": email(ID), "userId": "Zqc29", "timestamp": ago(10),
        "anonymousId": email("zqc39"), "user": { "email": email("zqc10") },
        "context": {
            "ip": "198.51.100.7", "userAgent": "Mozilla/5.0 Chrome/126.0",
            "traits": { "email": email("zqc04"), "firstName": "Zqc14", "lastName": "Zqc15", "birthday": "1974-03-20" },
            "user": { "email": email("zqc09") },
            "device": { "advertisingId": "3DCBEA30-0000-11E4-8DFC-AA07A5B09377", "type": "ios" },
            "page": {
                "url": url, "referrer": "https://s.example/?contact=%2B33655000025&x=1",
                "search": format!("?q={}", email("zqc26")), "title": format!("Order of {}", email("zqc27")),
            },
        },
        "properties": {
            "order_id": "o-1", "total": 73.5, "currency": "USD",
            "email": email("zqc01"), "customer_email": email("zqc02"), "Email": email("zqc05"), "contactEmail": email("zqc08"),
            "customer": { "email": email("zqc07"), "name": "Zqc32 Zqc33" },
            "phone": "+33655000011", "phone_number": "+33655000012",
            "billing_address": {
                "email": email("zqc06"), "phone": "+33655000013", "first_name": "Zqc16", "address1": "17 Zqc17 St", "city": "Zqc18",
                "zip": "Zqc19",
            },
            "products": [{ "product_id": "p-1", "name": "Lamp", "price": 73.5, "recipient_email": email("zqc31") }],
            "note": format!("write to {}", email("zqc34")), "tags": { email("zqc35"): true }, "reference": email("zqc36"),
            "comment": "+33655000037", "a": { "b": [{ "c": { "d": email("zqc38") } }] },
        },
    })
}

fn others() -> Vec<Value> {
    vec![
        json!({ "type": "identify", "messageId": "i-1", "userId": "Zqc29", "traits": { "email": email("zqc03") } }),
        json!({
            "type": "track", "event": "Products Searched", "messageId": "s-1", "userId": "Zqc29", "timestamp": ago(10),
            "properties": { "query": email("zqc28"), "email": email("zqc01") },
        }),
        // Rejected by the destinations: its time cannot be read.
        json!({
            "type": "track", "event": "Order Completed", "messageId": "r-1", "userId": "Zqc29", "timestamp": ago(10),
            "properties": { "email": email("zqc01"), "note": email("zqc34"), "products": "zqc36" },
        }),
    ]
}

/// Fails if a text shows one of these values.
fn shows_none(place: &str, text: &str, values: &[&str]) {
    let text = text.to_lowercase();
    for value in values {
        if let Some(at) = text.find(value) {
            let around: String = text[..at]
                .chars()
                .rev()
                .take(200)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            panic!("{place} shows {value}: …{around}{}", &text[at..at + value.len()]);
        }
    }
}

fn all() -> Vec<&'static str> {
    KNOWN.into_iter().chain(UNKNOWN).chain([ID]).collect()
}

#[tokio::test]
async fn forty_values_stay_where_they_belong() {
    let world = World::new().await;
    let mut variables = world.variables();
    variables.push(("SIGNALBOX_LOG".to_owned(), "trace".to_owned()));
    let key = world.path("journal.key");
    let made = run(&["keygen", "--out", key.to_str().unwrap()], &[]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let sealed = format!("[journal]\nkey = \"${{file:{}}}\"\n{}", key.display(), pipeline());
    let config = world.write("p.toml", &sealed);
    let process = world
        .spawn(&mut command(
            &["run", "--config", config.to_str().unwrap()],
            &variables,
        ))
        .await;
    let mut events = others();
    events.push(order());
    let key = basic(WRITE_KEY);
    let headers = [("authorization", key.as_str())];
    let body = json!({ "batch": events }).to_string();
    let answer = try_send(&world.listen, "POST", "/v1/batch", &headers, body.as_bytes())
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let admin = async |path: &str| try_send(&world.admin, "GET", path, &[], b"").await.unwrap().body;
    crate::support::until(
        || async {
            let status: Value = serde_json::from_str(&admin("/status").await).unwrap();
            let settled = |sink: &&str| {
                status["sinks"][*sink]["pending"] == 0 && status["sinks"][*sink]["journalled"] == 4
            };
            SINKS.iter().all(settled).then_some(())
        },
        || process.stderr(),
    )
    .await;

    let all = all();
    assert_eq!(all.len(), 40);
    let metrics = admin("/metrics").await;
    let status = admin("/status").await;
    for (path, text) in [
        ("/metrics", &metrics),
        ("/status", &status),
        ("/dead_letters", &admin("/dead_letters?limit=100").await),
    ] {
        shows_none(path, text, &all);
    }
    for (kind, path) in [
        ("email", "properties.note"),
        ("email", "properties.tags.*"),
        ("email", "properties.reference"),
        ("email", "properties.a.b.c.d"),
        ("email", "anonymousId"),
        ("email", "messageId"),
        ("phone", "properties.comment"),
    ] {
        // Keys are looked at in one of 64 events, the first among them.
        let line =
            format!("signalbox_source_plain_values_total{{kind=\"{kind}\",path=\"{path}\",source=\"shop\"}}");
        assert!(path.contains('*') || metrics.contains(&line), "{line}\n{metrics}");
        assert!(
            path.contains('*') || status.contains(&format!("\"{kind} {path}\"")),
            "{path}\n{status}"
        );
    }
    process.signal("TERM");
    let exit = process.exit().await;
    shows_none("the log", &exit.stderr, &all);
    assert!(
        exit.stderr.contains("a value that looks personal was left plain"),
        "{}",
        exit.stderr
    );

    // The archive takes whole events, so that the values which nothing recognised are in there.
    let archive = std::fs::read_to_string(world.path("archive.jsonl")).unwrap();
    shows_none("the archive", &archive, &KNOWN);
    // The vendors get what their mappings name; the id is one of these.
    let mapped: Vec<&str> = KNOWN.into_iter().chain(UNKNOWN).collect();
    let requests = world.sandbox.requests();
    assert!(requests.len() >= 3);
    for request in &requests {
        shows_none(
            "a request to a vendor",
            &String::from_utf8_lossy(&request.body),
            &mapped,
        );
    }
    // The sealed journal holds the whole events, and shows none of the values.
    let mut bytes = 0;
    for (path, content) in contents(&world.path("signalbox-journal")) {
        bytes += content.len();
        shows_none(
            &path.display().to_string(),
            &String::from_utf8_lossy(&content),
            &all,
        );
    }
    assert!(bytes > 1000, "the journal has {bytes} bytes");
}

/// Asks for each view of the page, as HTML and as JSON, with the token of a reader.
#[tokio::test]
async fn the_page_the_history_and_the_audit_log_show_none_of_them() {
    let world = World::new().await;
    let reader =
        "[[admin.tokens]]\nname = \"reader\"\nrole = \"read\"\ntoken = \"canary-reader-token-0001\"\n";
    let history = "[history]\nevents = \"all\"\npath = \"signalbox-history\"\n";
    let file = format!(
        "{history}{}",
        pipeline().replace(ADMIN, &format!("{ADMIN}{reader}"))
    );
    let router = world.router(&world.write("p.toml", &file)).await;
    let mut events = others();
    // It puts a value where nothing tells what it is.
    events.pop();
    events.push(order());
    post_all(&world.listen, &events).await;
    let headers = [
        ("authorization", "Bearer canary-reader-token-0001"),
        ("x-signalbox", "1"),
    ];
    let ask = async |path: &str| try_send(&world.admin, "GET", path, &headers, b"").await.unwrap();
    crate::support::until(
        || async {
            let status = ask("/status").await.json();
            let settled = |sink: &&str| {
                status["sinks"][*sink]["pending"] == 0 && status["sinks"][*sink]["journalled"] == 3
            };
            SINKS.iter().all(settled).then_some(())
        },
        || router.stderr(),
    )
    .await;
    let described = ask("/api/openapi.json").await.json();
    let paths = described["paths"].as_object().unwrap();
    let views = paths.iter().filter(|(_, methods)| methods["get"].is_object());
    let mut seen = 0;
    for (path, _) in views {
        let name = path.strip_prefix("/api/").unwrap();
        for query in ["", "?message_id=s-1", "?sink=pinterest", "?payload=1"] {
            for path in [format!("/api/{name}{query}"), format!("/ui/{name}{query}")] {
                // Views that do not take the query say so; that must show nothing either.
                let answer = ask(&path).await;
                assert!([200, 400, 404].contains(&answer.status), "{path}: {answer:?}");
                seen += usize::from(answer.status == 200);
                shows_none(&path, &answer.body, &all());
            }
        }
    }
    assert!(seen >= 2 * paths.len().min(6), "{seen} pages were answered");
    // An act that the reader may not do is in the audit log.
    let refused = try_send(&world.admin, "POST", "/reload", &headers, b"")
        .await
        .unwrap();
    assert_eq!(refused.status, 403, "{refused:?}");
    router.signal("TERM");
    let exit = router.exit().await;
    shows_none("the log", &exit.stderr, &all());
    let mut kept = 0;
    for folder in ["signalbox-history", "."] {
        for (path, content) in contents(&world.path(folder)) {
            let name = path.display().to_string();
            // The journal has no key here, and holds what nothing recognised; so does the archive.
            if name.contains("signalbox-journal/") || name.contains("archive") || name.ends_with(".toml") {
                continue;
            }
            kept += content.len();
            shows_none(&name, &String::from_utf8_lossy(&content), &all());
        }
    }
    assert!(
        kept > 1000,
        "{kept} bytes are kept: {:?}",
        crate::support::files::files_below(&world.path("."))
    );
}

#[tokio::test]
async fn a_tap_shows_none_of_them_though_nothing_hashes() {
    let world = World::new().await;
    let config = world.write("p.toml", &[ADMIN, &source(""), &archive()].concat());
    let _router = world.router(&config).await;
    let config = config.to_str().unwrap();
    let mut taps = Vec::new();
    for scope in [["--source", "shop"], ["--sink", "archive"]] {
        let arguments = ["tap", "-c", config, scope[0], scope[1], "--limit", "3"];
        let tap = Process::spawn(&mut command(&arguments, &world.variables()));
        tap.logged("showing live events").await;
        taps.push(tap);
    }
    let mut events = others();
    // It puts a value where nothing tells what it is.
    events.pop();
    events.push(order());
    post_all(&world.listen, &events).await;
    for tap in taps {
        let exit = tap.exit().await;
        assert_eq!(exit.lines().len(), 3, "{exit:?}");
        assert!(
            exit.lines().iter().all(|line| line["event"].is_object()),
            "{}",
            exit.stdout
        );
        shows_none("tap", &exit.stdout, &all());
        shows_none("tap", &exit.stderr, &all());
    }
}

#[tokio::test]
async fn a_dry_run_warns_of_them_without_showing_them() {
    let world = World::new().await;
    let config = world.write("p.toml", &pipeline());
    let mut input = String::new();
    for event in others().into_iter().chain([order()]) {
        input.push_str(&format!("{event}\n"));
    }
    let arguments = [
        "dry-run",
        "--config",
        config.to_str().unwrap(),
        "--sink",
        "pinterest",
    ];
    let exit = run_with(&arguments, &world.variables(), &input).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let lines = exit.lines();
    let warned = |code: &str, path: &str| {
        let warnings = lines
            .iter()
            .flat_map(|line| line["warnings"].as_array().into_iter().flatten());
        warnings
            .into_iter()
            .any(|warning| warning["code"] == code && warning["path"] == path)
    };
    for (code, path) in [
        ("left_plain", "properties.note"),
        ("left_plain", "properties.tags.*"),
        ("left_plain", "properties.comment"),
        ("scrubbed", "context.page.url"),
        ("scrubbed", "context.page.title"),
        ("scrubbed", "properties.query"),
    ] {
        assert!(warned(code, path), "{code} {path}\n{}", exit.stdout);
    }
    let mapped: Vec<&str> = KNOWN.into_iter().chain(UNKNOWN).collect();
    shows_none("dry-run", &exit.stdout, &mapped);
    shows_none("dry-run", &exit.stderr, &all());
}
