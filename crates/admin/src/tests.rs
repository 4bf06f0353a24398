mod audit;
mod roles;
mod sign_in;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use async_trait::async_trait;
use signalbox_config::TelemetrySettings;
use signalbox_core::{Reason, Secret};
use signalbox_journal::{
    DeadLetter, Journal, Letters, Log, MemoryJournal, SinkState, Start, States, Subscription,
};
use signalbox_runtime::delivery::Stage;
use signalbox_runtime::ledger::{SinkLedger, SourceLedger};
use signalbox_runtime::operate::{Acted, Piece, ReplayPlan, ReplayRange, ResendRequest, Resent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;

const TOKEN: &str = "s3cret-t0ken-of-the-operator";

struct Pipeline {
    ready: Mutex<Result<(), String>>,
    journal: MemoryJournal,
    /// True while the journal answers nothing about its sinks.
    stuck: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl StatusSource for Pipeline {
    fn journal(&self) -> &dyn Journal {
        &self.journal
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, String> {
        if self.stuck.load(std::sync::atomic::Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.journal.sinks().await.map_err(|error| error.to_string())
    }

    fn ready(&self) -> Result<(), String> {
        self.ready.lock().unwrap().clone()
    }

    fn stage(&self, _: &str) -> Option<Arc<Stage>> {
        None
    }

    fn sink_notes(&self, sink: &str) -> Vec<String> {
        if sink == "pin" {
            vec!["leaves out 'custom_data.np'".to_owned()]
        } else {
            Vec::new()
        }
    }

    async fn retry(&self, _: Piece) -> Result<Acted, String> {
        Err("no sink runs in this test".to_owned())
    }

    async fn replay(&self, sink: String, range: ReplayRange, _: bool) -> Result<ReplayPlan, String> {
        signalbox_runtime::operate::plan_replay(&self.journal, &sink, range)
            .await
            .map(|(plan, _)| plan)
    }

    async fn resend(&self, _: &ResendRequest) -> Result<Resent, String> {
        Err("nothing to send again".to_owned())
    }

    async fn forget(
        &self,
        _: signalbox_runtime::forget::Forget,
    ) -> Result<Vec<signalbox_runtime::forget::Forgotten>, String> {
        Err("nothing to forget".to_owned())
    }

    async fn erase(
        &self,
        _: &signalbox_runtime::erase::EraseRequest,
    ) -> Result<signalbox_runtime::erase::Erased, String> {
        Err("nothing to erase".to_owned())
    }

    async fn reload(&self) -> Result<String, String> {
        Ok("reloaded".to_owned())
    }
}

async fn pipeline() -> (Arc<Pipeline>, AdminState) {
    let mut ledger = Ledger::default();
    let source = SourceLedger::default();
    source.received.add(12);
    source.journalled.add(10);
    source.duplicate.add(1);
    source.rejected.add("not_json", 1);
    ledger.sources.insert("web".into(), Arc::new(source));
    let sink = SinkLedger::default();
    sink.journalled.add(10);
    sink.delivered.add(6);
    sink.filtered.add("no_trigger", 2);
    sink.rejected.add("bad_field", 1);
    sink.records.retried.add("rate_limited", 4);
    sink.records.warnings.add("left_out contents[0].price", 1);
    sink.records.warnings.add("left_out contents[1].price", 1);
    sink.records
        .warnings
        .add("left_out properties.ada@example.com", 1);
    // A destination that quotes the request in its answer: only a redacted part of the quote is kept.
    let reason = Reason::from_vendor(
        "unauthorized",
        "Pinterest refused the token",
        "pina_AKRSQSJKLDFHGKSDJFHGKJSDHFGKJHSDFKJGH is not valid",
    );
    sink.held
        .begin(signalbox_runtime::hold::HoldCause::Destination, reason);
    ledger.sinks.insert("pin".into(), Arc::new(sink));
    let journal = MemoryJournal::new(1 << 20);
    let letter = |component: &str, id: &str, reason: &str| DeadLetter {
        component: component.to_owned(),
        message_id: id.to_owned(),
        reason: reason.to_owned(),
        payload: Some("{\"type\":\"track\"}".to_owned()),
        ..DeadLetter::default()
    };
    let letters = vec![
        letter("source:web", "m1", "not_json"),
        letter("pin", "m2", "bad_field"),
    ];
    journal.bury(letters).await.unwrap();
    let pipeline = Arc::new(Pipeline {
        ready: Mutex::new(Ok(())),
        journal,
        stuck: false.into(),
    });
    let telemetry = Arc::new(Telemetry::new(&TelemetrySettings::default(), &ledger).unwrap());
    let state = AdminState::new(ledger, telemetry, Arc::clone(&pipeline) as Arc<dyn StatusSource>);
    (pipeline, state)
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// One request as any client would send it; `extra` are more header lines.
async fn ask(address: SocketAddr, request: &str, extra: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\nx-signalbox: 1\r\nconnection: close\r\n{extra}\r\n"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &format!("GET {path}"), "").await
}

async fn start(state: AdminState, token: Option<&str>) -> (AdminServer, CancellationToken) {
    let access = Access {
        token: token.map(Secret::new),
        ..Access::default()
    };
    start_with(state, access).await
}

async fn start_with(state: AdminState, access: Access) -> (AdminServer, CancellationToken) {
    let stop = CancellationToken::new();
    let server = serve(
        "127.0.0.1:0".parse().unwrap(),
        access,
        state,
        PageRoutes::default(),
        stop.clone(),
    )
    .await
    .unwrap();
    (server, stop)
}

#[tokio::test]
async fn every_path_answers_and_others_do_not_exist() {
    let (pipeline, state) = pipeline().await;
    let (server, stop) = start(state, None).await;
    let at = server.address();

    assert_eq!(get(at, "/health").await.status, 200);
    assert_eq!(get(at, "/ready").await.body, "ready\n");
    *pipeline.ready.lock().unwrap() = Err("stopping".to_owned());
    let ready = get(at, "/ready").await;
    assert_eq!((ready.status, &*ready.body), (503, "not ready: stopping\n"));
    assert_eq!(get(at, "/health").await.status, 200, "alive while it stops");

    let metrics = get(at, "/metrics").await;
    assert!(
        metrics.head.contains("content-type: text/plain; version=0.0.4"),
        "{}",
        metrics.head
    );
    assert!(
        metrics
            .body
            .contains("signalbox_sink_events_delivered_total{sink=\"pin\"} 6"),
        "{}",
        metrics.body
    );

    for path in ["/", "/status/", "/admin", "/metrics%2f", "//health"] {
        assert_eq!(get(at, path).await.status, 404, "{path}");
    }
    assert_eq!(ask(at, "POST /status", "content-length: 0\r\n").await.status, 405);
    assert_eq!(ask(at, "HEAD /metrics", "").await.body, "");

    stop.cancel();
    server.stopped().await;
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn status_has_every_number_and_reads_back() {
    let (_, state) = pipeline().await;
    let (server, stop) = start(state, None).await;
    let answer = get(server.address(), "/status").await;
    assert!(
        answer.head.contains("content-type: application/json"),
        "{}",
        answer.head
    );
    assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
    let status: Status = serde_json::from_str(&answer.body).unwrap();
    assert!(status.ready && status.sums_close);
    let web = &status.sources["web"];
    assert_eq!(
        (web.received, web.journalled, web.unaccounted, web.dead_letters),
        (12, 10, 0, 1)
    );
    let pin = &status.sinks["pin"];
    assert_eq!(
        (pin.journalled, pin.delivered, pin.pending, pin.letters.kept),
        (10, 6, 1, 1)
    );
    assert_eq!(pin.notes, ["leaves out 'custom_data.np'"]);
    assert_eq!(pin.held.as_ref().unwrap().code, "unauthorized");
    let warnings = [
        ("left_out contents[].price".to_owned(), 2),
        ("left_out other".to_owned(), 1),
    ];
    assert_eq!(pin.records.warnings, BTreeMap::from(warnings));
    assert!(!answer.body.contains("pina_"), "{}", answer.body);
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn a_journal_that_does_not_answer_keeps_no_status_waiting() {
    let (pipeline, state) = pipeline().await;
    let (server, stop) = start(state, None).await;
    let status = async || -> Status {
        let answer = get(server.address(), "/status").await;
        serde_json::from_str(&answer.body).unwrap()
    };
    let _gone = pipeline
        .journal
        .reader("gone", &Subscription::new(["web"], Start::End))
        .await
        .unwrap();
    let told = status().await;
    assert_eq!((told.orphans.len(), told.orphans_age_seconds), (1, Some(0)));
    pipeline.stuck.store(true, std::sync::atomic::Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let asked = std::time::Instant::now();
    let told = status().await;
    assert!(
        asked.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(told.sinks["pin"].delivered, 6);
    assert!(
        told.orphans.len() == 1 && told.orphans_age_seconds >= Some(1),
        "{told:?}"
    );
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn dead_letters_are_chosen_and_hold_no_payload() {
    let (_, state) = pipeline().await;
    let (server, stop) = start(state, None).await;
    let list = async |query: &str| -> Vec<String> {
        let answer = get(server.address(), &format!("/dead_letters{query}")).await;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(json["kept"], serde_json::json!({"pin": 1, "source:web": 1}));
        let letters = json["dead_letters"].as_array().unwrap();
        assert!(
            letters
                .iter()
                .all(|letter| letter.get("payload").is_none() && letter.get("bytes").is_none())
        );
        letters
            .iter()
            .map(|letter| letter["message_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(list("").await.len(), 2);
    assert_eq!(list("?limit=1").await.len(), 1);
    assert_eq!(list("?sink=pin").await, ["m2"]);
    assert_eq!(list("?sink=source%3Aweb&reason=not_json").await, ["m1"]);
    assert!(list("?sink=pin&reason=not_json").await.is_empty());
    assert_eq!(
        get(server.address(), "/dead_letters?limit=many").await.status,
        400
    );
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn a_token_guards_everything_but_health() {
    let (_, state) = pipeline().await;
    let (server, stop) = start(state, Some(TOKEN)).await;
    let at = server.address();
    assert_eq!(get(at, "/health").await.status, 200);
    assert_eq!(get(at, "/live").await.status, 200);
    let right = format!("authorization: Bearer {TOKEN}\r\n");
    for path in ["/ready", "/metrics", "/status", "/dead_letters", "/nothing"] {
        let wrong = [
            String::new(),
            "authorization: Bearer\r\n".to_owned(),
            "authorization: Bearer wrong\r\n".to_owned(),
            format!("authorization: Bearer {TOKEN}x\r\n"),
            format!("authorization: Bearer {}\r\n", &TOKEN[1..]),
            format!("authorization: Basic {TOKEN}\r\n"),
            format!("x-token: {TOKEN}\r\n"),
        ];
        for header in wrong {
            let answer = ask(at, &format!("GET {path}?token={TOKEN}"), &header).await;
            assert_eq!(answer.status, 401, "{path} {header}");
            assert!(
                answer.head.contains("www-authenticate: bearer"),
                "{}",
                answer.head
            );
            assert!(!answer.body.contains(TOKEN), "{}", answer.body);
        }
        let answer = ask(at, &format!("GET {path}"), &right).await;
        assert_eq!(
            answer.status,
            if path == "/nothing" { 404 } else { 200 },
            "{path}"
        );
        assert!(!answer.body.contains(TOKEN), "{}", answer.body);
    }
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_remedy() {
    let (_, state) = pipeline().await;
    let (server, stop) = start(state.clone(), None).await;
    let error = serve(
        server.address(),
        Access::default(),
        state,
        PageRoutes::default(),
        stop.clone(),
    )
    .await
    .unwrap_err();
    assert!(
        error.contains(&server.address().to_string()) && error.contains("another port"),
        "{error}"
    );
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_hold_up_the_stop() {
    let (_, state) = pipeline().await;
    let (server, stop) = start(state, None).await;
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    silent.write_all(b"GET /status HTTP/1.1\r\nhost:").await.unwrap();
    // The one above is being served once a later one has been.
    assert_eq!(get(server.address(), "/health").await.status, 200);
    stop.cancel();
    server.stopped().await;
    assert!(matches!(silent.read(&mut [0; 16]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn the_address_is_not_opened_for_strangers() {
    let (_, state) = pipeline().await;
    for (listen, token, fault) in [
        (
            "0.0.0.0:0",
            None,
            "admin.listen: an address that other machines can reach needs a token; set admin.token",
        ),
        ("127.0.0.1:0", Some(" "), "admin.token: must not be empty"),
        (
            "127.0.0.1:0",
            Some("hunter2 é"),
            "admin.token: may hold visible ASCII characters only",
        ),
    ] {
        let access = Access {
            token: token.map(Secret::new),
            ..Access::default()
        };
        let stop = CancellationToken::new();
        let error = serve(
            listen.parse().unwrap(),
            access,
            state.clone(),
            PageRoutes::default(),
            stop,
        )
        .await
        .unwrap_err();
        assert!(error.starts_with(fault) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn people_can_read_it() {
    let (pipeline, state) = pipeline().await;
    let mut status = state.status();
    status.uptime_seconds = 12;
    status.version = "0.1.0".to_owned();
    assert_eq!(
        status.render_human(),
        "\
Signalbox 0.1.0, up 12 s, ready

source  received  journalled  duplicate  filtered  rejected  refused
web           12          10          1         0         1        0

sink  journalled  delivered  filtered  rejected  expired  pending  retried  state
pin           10          6         2         1        0        1        4   held

web: rejected: 1 not_json
pin: filtered: 2 no_trigger
pin: rejected: 1 bad_field
pin: retried records: 4 rate_limited
pin: warnings: 2 left_out contents[].price, 1 left_out other
pin: held: Pinterest refused the token: … is not valid (unauthorized, cause: destination)
pin: note: leaves out 'custom_data.np'

The sums close.
"
    );
    *pipeline.ready.lock().unwrap() = Err("starting".to_owned());
    state.live.read().unwrap().0.sources["web"].received.add(1);
    let text = state.status().render_human();
    assert!(
        text.contains("not ready: starting") && text.ends_with("\nThe sums do not close.\n"),
        "{text}"
    );
}

#[test]
fn the_groups_of_a_sink_are_flat_in_json() {
    let json = serde_json::to_value(SinkStatus::default()).unwrap();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "journalled",
            "delivered",
            "filtered",
            "unheard",
            "rejected",
            "expired",
            "pending",
            "disabled",
            "removed_inputs",
            "sums_close",
            "oldest_pending_age_seconds",
            "held",
            "holds",
            "attempts",
            "in_flight",
            "records_delivered",
            "records_duplicate",
            "bytes_delivered",
            "records_rejected",
            "records_retried",
            "records_late",
            "records_unattributed",
            "warnings",
            "notes",
            "dead_letters",
            "dead_letter_bytes",
            "dead_letter_max_bytes",
            "dead_letters_dropped",
        ]
    );
    let read: SinkStatus = serde_json::from_value(json).unwrap();
    assert_eq!(read, SinkStatus::default());
}

#[tokio::test]
async fn the_certificate_of_the_address_itself_is_looked_at() {
    let (_, state) = pipeline().await;
    let told = |state: &AdminState| {
        let troubles = state.troubles().into_iter();
        let certificates = troubles.filter(|trouble| trouble.kind == "certificate");
        certificates
            .map(|trouble| format!("{} {}", trouble.component, trouble.text))
            .collect::<Vec<_>>()
    };
    assert!(told(&state).is_empty());
    let in_days = |days: i64| jiff::Timestamp::now().as_second() + days * 86_400 + 60;
    state.vitals.set_certificate_expiry(in_days(2));
    assert_eq!(told(&state), ["[admin] has a certificate that expires in 2 days"]);
    state.vitals.set_certificate_expiry(in_days(-2));
    assert_eq!(told(&state), ["[admin] has an expired certificate"]);
    state.vitals.set_certificate_expiry(in_days(90));
    assert!(told(&state).is_empty());
}
