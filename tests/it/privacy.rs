//! No personal value of the inputs, no token and no key shows in anything Signalbox says, and with `hash_pii` on the
//! source none gets to a destination.

use serde_json::{Value, json};
use signalbox_sandbox::{
    BadRequest, FailEvents, Faults, Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow,
    Status, Unavailable, Vendor, WarnEvents,
};
use signalbox_testkit::{Act, Server};

use crate::support::client::{WRITE_KEY, basic, get, try_send};
use crate::support::events::ago;
use crate::support::files::contents;
use crate::support::pipeline::{ADMIN, ALL_RULES, archive, base, hashing, settings, sink};
use crate::support::process::{command, run_with};
use crate::support::world::{TOKEN, World};

/// Every plaintext value of [`person`] that is personal, in the spellings it could show in.
const PERSONAL: &[&str] = &[
    "zqivy.zqmarsh",
    "zq%40",
    "014-2777",
    "5550142777",
    "zqivy",
    "zqmarsh",
    "zqlane",
    "zqtown",
    "98765-4321",
    "1974-03-17",
    "19740317",
    "zq-user-4711",
    "zq-earlier-4710",
    "7a3cbea0-bdf5-11e4",
    "female",
    "california",
];

const SECRETS: &[&str] = &[
    TOKEN,
    WRITE_KEY,
    "zq-hook-secret",
    "zq-admin-secret",
    "zq-wrong-key",
];

/// The settings of the webhook, whose address holds a secret.
const HOOK: &str = r#"
type = "webhook"
url = "${HOOK}/zq-hook-secret?key=zq-hook-secret"
headers = { authorization = "Bearer zq-hook-secret" }
retry = { initial_backoff = "10ms", max_backoff = "50ms" }
"#;

/// Returns the pipeline file: each vendor's sink twice, one to the sandbox and one to the server that echoes.
fn pipeline() -> String {
    let admin = ADMIN.replace("[shutdown]", "token = \"zq-admin-secret\"\n[shutdown]");
    let mut text = [&admin, &hashing(ALL_RULES), &archive(), &sink("hook", HOOK)]
        .map(String::as_str)
        .concat();
    for vendor in Vendor::ALL {
        let echo = match vendor {
            Vendor::Pinterest => "${ECHO}/v5",
            Vendor::Meta | Vendor::TikTok => "${ECHO}",
        };
        for (prefix, base, retry) in [
            (
                "",
                base(vendor),
                "timeout = \"300ms\"\nretry = { initial_backoff = \"10ms\", max_backoff = \"50ms\" }",
            ),
            (
                "echo_",
                echo,
                "retry = { for = \"100ms\", initial_backoff = \"10ms\", max_backoff = \"20ms\" }",
            ),
        ] {
            let name = format!("{prefix}{}", vendor.name());
            text += &sink(&name, &format!("{}{retry}", settings(vendor, base)));
        }
    }
    text
}

/// All sinks.
const SINKS: [&str; 8] = [
    "archive",
    "hook",
    "pinterest",
    "meta",
    "tiktok",
    "echo_pinterest",
    "echo_meta",
    "echo_tiktok",
];

fn traits() -> Value {
    json!({
        "email": "ZqIvy.ZqMarsh@Example.com", "phone": "+1 (555) 014-2777", "firstName": "ZqIvy", "lastName": "ZqMarsh",
        "birthday": "1974-03-17", "gender": "female",
        "address": { "street": "14 ZqLane", "city": "ZqTown", "state": "California", "postalCode": "98765-4321", "country": "US" }
    })
}

/// An order whose personal values occur nowhere else.
fn person(id: &str) -> Value {
    json!({
        "type": "track", "event": "Order Completed", "messageId": id, "userId": "zq-user-4711", "timestamp": ago(10),
        "context": {
            "library": { "name": "analytics-node" }, "ip": "198.51.100.7", "userAgent": "Mozilla/5.0 Chrome/126.0",
            "device": { "advertisingId": "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B09377", "type": "ios" },
            "traits": traits()
        },
        "properties": {
            "order_id": "o-1", "total": 73.5, "currency": "USD", "email": ["ZqIvy.ZqMarsh@Example.com", "n/a"],
            "phone": "+1 (555) 014-2777", "first_name": "ZqIvy", "last_name": "ZqMarsh"
        }
    })
}

/// Other calls with the same values.
fn others() -> Vec<Value> {
    let mut names = traits();
    names["name"] = "ZqIvy ZqMarsh".into();
    vec![
        json!({ "type": "identify", "userId": "zq-user-4711", "traits": names }),
        json!({ "type": "alias", "userId": "zq-user-4711", "previousId": "zq-earlier-4710" }),
        json!({ "type": "group", "userId": "zq-user-4711", "groupId": "g", "traits": { "email": "ZqIvy.ZqMarsh@Example.com" } }),
        json!({ "type": "track", "event": "Signed Up", "userId": "zq-user-4711",
            "properties": { "email": "ZqIvy.ZqMarsh@Example.com", "address": [{ "city": "ZqTown" }] } }),
        // Its values are junk of the kinds that are warned about.
        json!({ "type": "track", "event": "Order Completed", "userId": "zq-user-4711", "properties": {
            "email": "zqivy.zqmarsh at example", "phone": "call ZqIvy", "birthday": "17 ZqMarsh 1974", "gender": "zqivy" } }),
    ]
}

/// Bodies that are no events, or partly.
fn malformed() -> Vec<String> {
    let mut late = person("late");
    late["event"] = Value::Null;
    let mut typed = person("typed");
    typed["type"] = "zqivy".into();
    let mut huge = person("huge");
    huge["properties"]["note"] = "x".repeat(40_000).into();
    let text = person("broken").to_string();
    vec![
        json!({ "batch": [late, typed, huge, "ZqIvy.ZqMarsh@Example.com", { "messageId": "zqivy.zqmarsh@example.com", "userId": 1 }] })
            .to_string(),
        format!("{{\"batch\":[{text},]}}"),
        text[..text.len() - 9].to_owned(),
        "ZqIvy.ZqMarsh@Example.com".to_owned(),
        format!("{}{}", "[".repeat(200), text),
    ]
}

fn faults() -> Vec<Faults> {
    let none = Faults::default;
    vec![
        Faults {
            rate_limit: Some(RateLimit::times(1)),
            ..none()
        },
        Faults {
            unavailable: Some(Unavailable::times(1)),
            ..none()
        },
        Faults {
            bad_request: Some(BadRequest::times(2)),
            ..none()
        },
        Faults {
            fail_events: Some(FailEvents::times(1)),
            warn_events: Some(WarnEvents::always()),
            ..none()
        },
        Faults {
            reset: Some(Reset::times(1)),
            ..none()
        },
        Faults {
            slow: Some(Slow {
                delay_ms: 60_000,
                ..Slow::times(1)
            }),
            ..none()
        },
        Faults {
            short_body: Some(ShortBody::times(1)),
            ..none()
        },
        Faults {
            garbage_body: Some(GarbageBody {
                form: Garbage::Html,
                ..GarbageBody::times(1)
            }),
            ..none()
        },
        Faults {
            redirect: Some(Redirect::times(1)),
            ..none()
        },
        Faults {
            status: Some(Status {
                code: 422,
                ..Status::times(1)
            }),
            ..none()
        },
        Faults {
            max_bytes: Some(1_000),
            ..none()
        },
        Faults {
            unexpected_property: Some("order_id".to_owned()),
            ..none()
        },
    ]
}

/// The echoing server's replies, round by round: everything it received, in every form.
fn echoes() -> Vec<Act> {
    let echo = |status: u16, body: &str| Act::Echo {
        status: format!("{status} Echo"),
        body: body.to_owned(),
    };
    // Refusals of whole requests last: they put the sink on hold.
    vec![
        echo(
            500,
            r#"{"code":1,"message":"{echo}","error":{"code":1,"message":"{echo}"}}"#,
        ),
        echo(200, "{echo}"),
        echo(
            200,
            r#"{"events_received":1,"messages":["{echo}"],"code":0,"message":"{echo}"}"#,
        ),
        echo(
            200,
            r#"{"events_received":0,"messages":["{echo}"],"code":20001,"message":"{echo}"}"#,
        ),
        Act::Reset(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
        echo(400, r#"{"code":4196,"message":"{echo}"}"#),
        echo(
            400,
            r#"{"code":4196,"message":"Additional properties are not allowed ('{echo}' was unexpected)"}"#,
        ),
        echo(
            400,
            r#"{"error":{"code":100,"error_subcode":2804050,"message":"{echo}","error_user_title":"{echo}","error_user_msg":"{echo}"}}"#,
        ),
        echo(200, r#"{"code":40002,"message":"data[0]: {echo}"}"#),
        echo(
            401,
            r#"{"code":40105,"message":"{echo}","error":{"code":190,"message":"{echo}"}}"#,
        ),
    ]
}

/// Fails if a text shows anything private.
fn clean(place: &str, text: &str) {
    shows_none(place, text, PERSONAL);
    shows_none(place, text, SECRETS);
}

fn shows_none(place: &str, text: &str, private: &[&str]) {
    let text = text.to_lowercase();
    for value in private {
        if let Some(at) = text.find(&value.to_lowercase()) {
            let around: String = text[..at]
                .chars()
                .rev()
                .take(300)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            panic!(
                "{place} shows {value}: …{around}{}",
                text[at..].chars().take(100).collect::<String>()
            );
        }
    }
}

#[tokio::test]
async fn nothing_private_is_ever_shown() {
    let world = World::new().await;
    let echo = Server::start(Act::reply(503, "")).await;
    let mut variables = world.variables();
    variables.push(("ECHO".to_owned(), echo.url()));
    variables.push(("SIGNALBOX_LOG".to_owned(), "trace".to_owned()));
    let config = world.write("p.toml", &pipeline());
    let process = world
        .spawn(&mut command(
            &["run", "--config", config.to_str().unwrap()],
            &variables,
        ))
        .await;
    let admin = |path: &'static str| {
        let world = &world;
        async move {
            let token = [("authorization", "Bearer zq-admin-secret")];
            try_send(&world.admin, "GET", path, &token, b"")
                .await
                .unwrap()
                .body
        }
    };
    let settled = async || {
        crate::support::until(
            || async {
                let status: Value = serde_json::from_str(&admin("/status").await).unwrap();
                let is_settled = |sink: &&str| {
                    let sink = &status["sinks"][*sink];
                    sink["pending"] == 0 || sink["held"].is_object()
                };
                SINKS.iter().all(is_settled).then_some(())
            },
            || process.stderr(),
        )
        .await;
    };

    // About one event, in Pinterest's own form.
    for (status, fate) in [(200, "processed"), (200, "failed"), (422, "failed")] {
        let event =
            format!(r#"{{"status":"{fate}","error_message":"{{echo}}","warning_message":"{{echo}}"}}"#);
        let all = format!(r#"{{"num_events_received":1,"num_events_processed":1,"events":[{event}]}}"#);
        let body = if status == 200 {
            all
        } else {
            format!(r#"{{"code":4196,"message":"{{echo}}","details":{all}}}"#)
        };
        echo.act(Act::Echo {
            status: format!("{status} Echo"),
            body,
        });
        let answer = post(
            &world,
            WRITE_KEY,
            "/v1/track",
            &person(&format!("{status}-{fate}")).to_string(),
        )
        .await;
        clean("an answer", &answer);
        settled().await;
    }
    let mut acts = echoes().into_iter().cycle();
    for (round, faults) in faults().into_iter().enumerate() {
        world.sandbox.set_faults(faults);
        echo.act(acts.next().unwrap());
        let mut events = vec![person(&format!("a-{round}")), person(&format!("b-{round}"))];
        events.extend(others());
        // A batch's own context is merged into its events.
        let body = json!({ "batch": events, "context": { "traits": traits() } }).to_string();
        let answer = post(&world, WRITE_KEY, "/v1/batch", &body).await;
        clean("an answer", &answer);
        settled().await;
    }
    for body in malformed() {
        for path in ["/v1/batch", "/v1/track", "/v1/t", "/v1/zqivy"] {
            clean("an answer", &post(&world, WRITE_KEY, path, &body).await);
        }
        clean(
            "an answer",
            &post(&world, "zq-wrong-key", "/v1/batch", &body).await,
        );
    }
    let pixel = format!(
        "/v1/pixel/track?writeKey={WRITE_KEY}&event=E&userId=zq-user-4711&properties.email=ZqIvy.ZqMarsh%40Example.com"
    );
    clean("a pixel", &get(&world.listen, &pixel).await.body);
    world.sandbox.set_faults(Faults {
        unauthorized: true,
        ..Faults::default()
    });
    clean(
        "an answer",
        &post(&world, WRITE_KEY, "/v1/track", &person("held").to_string()).await,
    );
    settled().await;

    for path in [
        "/metrics",
        "/status",
        "/dead_letters?limit=1000",
        "/ready",
        "/zqivy",
    ] {
        clean(path, &admin(path).await);
    }
    let kept: Value = serde_json::from_str(&admin("/dead_letters").await).unwrap();
    assert!(kept["dead_letters"].as_array().unwrap().len() > 15, "{kept}");
    let wrong = try_send(
        &world.admin,
        "GET",
        "/status",
        &[("authorization", "Bearer zq-wrong-key")],
        b"",
    )
    .await
    .unwrap();
    assert_eq!(wrong.status, 401);
    clean("a refusal of the admin address", &wrong.body);

    process.signal("TERM");
    let exit = process.exit().await;
    assert!(
        exit.stderr.lines().count() > 8,
        "too little is logged to mean anything: {}",
        exit.stderr
    );
    clean("the log", &exit.stderr);
    clean("standard output", &exit.stdout);

    // With the hashing on the source, no sink got a plaintext value.
    let requests = world.sandbox.requests();
    assert!(requests.len() > 15);
    for request in &requests {
        clean("a request to a vendor", &String::from_utf8_lossy(&request.body));
    }
    for seen in echo.seen() {
        clean("a request to the echo", &String::from_utf8_lossy(&seen.body));
    }
    for seen in world.hook.seen() {
        clean("a request to the webhook", &String::from_utf8_lossy(&seen.body));
    }
    let archive = std::fs::read_to_string(world.path("archive.jsonl")).unwrap();
    assert!(archive.lines().count() > 50);
    clean("the archive", &archive);
    // Nor did any touch the disk: the journal, its index, its dead letters.
    let hash = signalbox_core::Sha256Hex::of("zqivy.zqmarsh@example.com");
    let mut readable = 0;
    for (path, bytes) in contents(&world.path("signalbox-journal")) {
        let text = String::from_utf8_lossy(&bytes);
        clean(&path.display().to_string(), &text);
        readable += usize::from(text.contains(hash.as_str()));
    }
    assert!(
        readable > 0,
        "no file of the journal can be read, so nothing was shown"
    );
}

async fn post(world: &World, key: &str, path: &str, body: &str) -> String {
    let key = basic(key);
    let headers = [("authorization", key.as_str())];
    let answer = try_send(&world.listen, "POST", path, &headers, body.as_bytes())
        .await
        .unwrap();
    format!("{}{}", answer.head, answer.body)
}

#[tokio::test]
async fn nor_by_a_dry_run_or_a_validation() {
    let world = World::new().await;
    let mut variables = world.variables();
    variables.push(("ECHO".to_owned(), world.hook.url()));
    let config = world.write("p.toml", &pipeline());
    let mut input = String::new();
    for event in others().into_iter().chain([person("one")]) {
        input.push_str(&format!("{event}\n"));
    }
    // The first is a request of several events, which no line is.
    for body in malformed().into_iter().skip(1) {
        input.push_str(&format!("{body}\n"));
    }
    let exit = run_with(
        &["dry-run", "--config", config.to_str().unwrap()],
        &variables,
        &input,
    )
    .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.lines().len() > 20);
    clean("dry-run", &exit.stdout);
    clean("dry-run", &exit.stderr);

    // Secrets in the wrong places.
    for (from, to) in [
        ("type = \"file\"", "type = \"zq-hook-secret\""),
        ("listen = \"${LISTEN}\"", "listen = \"${TOKEN}\""),
        ("url = \"${HOOK}", "url = \"${TOKEN}"),
        ("base_url = \"${PINTEREST}\"", "base_url = \"${TOKEN}\""),
        ("timeout = \"300ms\"", "timeout = \"${TOKEN}\""),
        ("ad_account_id = \"549755885175\"", "ad_account_id = \"${TOKEN}\""),
        ("base_url = \"${META}\"", "base_url = \"${TOKEN}\""),
        ("base_url = \"${TIKTOK}\"", "base_url = \"${TOKEN}\""),
        ("pixel_id = \"1203948576120394\"", "pixel_id = \"${TOKEN}\""),
        ("access_token = \"${TOKEN}\"", "access_token = \"${TOKEN}\\n\""),
        (
            "conversion_token = \"${TOKEN}\"",
            "conversion_token = \"${TOKEN}\\n\"",
        ),
        ("through = [\"hash\"]", "through = [\"hash\", \"${TOKEN}\"]"),
        ("batch.max_wait = \"10ms\"", "concurrency = \"${TOKEN}\""),
        ("deadline = \"1s\"", "deadline = \"${WRITE_KEY}\""),
    ] {
        let right = pipeline();
        assert!(right.contains(from), "{from}");
        let config = world.write("wrong.toml", &right.replace(from, to));
        let exit =
            crate::support::process::run(&["validate", "--config", config.to_str().unwrap()], &variables)
                .await;
        assert_eq!(exit.code, Some(3), "{to}: {exit:?}");
        clean(to, &exit.stderr);
    }
}
