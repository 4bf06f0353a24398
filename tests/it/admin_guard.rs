//! The guard of the admin address: it answers the right requests, and silent clients do not hold up the others.

use std::time::Duration;

use signalbox_core::JournalKey;
use signalbox_sandbox::{FailEvents, Faults};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::client::post_all;
use crate::support::events::{orders, unmatched};
use crate::support::process::{Process, run};
use crate::support::until;
use crate::support::world::{World, shop};

const TOKEN: &str = "zq-operator-token-8d1f";

/// Paths that show kept events, cost much, or change something.
const ACTS: [&str; 6] = [
    "POST /dead_letters/discard",
    "POST /dead_letters/retry",
    "POST /replay?sink=hook&from=0",
    "POST /reload",
    "GET /dead_letters?payload=1",
    "GET /dead_letters",
];

async fn start(world: &World, top: &str) -> Process {
    let config = world.write(
        "p.toml",
        &shop(&top.replace("LISTEN", "listen = \"${ADMIN}\""), "", ""),
    );
    world.router(&config).await
}

/// Sends a request of these bytes, and reads the whole answer.
async fn raw(world: &World, request: &str) -> String {
    let mut stream = TcpStream::connect(&*world.admin).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8(answer).unwrap()
}

/// Sends a request with these header lines besides the usual ones; returns the status and the whole answer.
async fn ask(world: &World, line: &str, headers: &[&str]) -> (u16, String) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: 0\r\n{headers}\r\n");
    let answer = raw(world, &request).await;
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_not_answered_to() {
    let world = World::new().await;
    let _process = start(&world, "[admin]\nLISTEN\n").await;
    post_all(&world.listen, &[unmatched("help")]).await;
    for line in ACTS
        .into_iter()
        .chain(["GET /status", "GET /metrics", "GET /nothing"])
    {
        let (status, answer) = ask(&world, line, &["host: evil.example:9464", "x-signalbox: 1"]).await;
        assert_eq!(status, 421, "{line}: {answer}");
        assert!(answer.contains("`hosts` in [admin]"), "{line}: {answer}");
    }
    for host in [
        "[::1].evil.example",
        "evil@127.0.0.1",
        "evil.example:27465@127.0.0.1",
    ] {
        let (status, answer) = ask(&world, "GET /status", &[&format!("host: {host}")]).await;
        assert_eq!(status, 421, "{host}: {answer}");
    }
    let absolute = "GET http://evil.example:9464/dead_letters";
    let (status, _) = ask(&world, absolute, &["host: 127.0.0.1", "x-signalbox: 1"]).await;
    assert_eq!(status, 421);
    for line in ["GET /health", "GET /live", "GET /ready"] {
        let (status, answer) = ask(&world, line, &["host: signalbox.pod.example"]).await;
        assert_eq!(status, 200, "{line}: {answer}");
    }
}

#[tokio::test]
async fn addresses_localhost_and_listed_names_are() {
    let world = World::new().await;
    let _process = start(&world, "[admin]\nLISTEN\nhosts = [\"signalbox.internal\"]\n").await;
    let listen = format!("host: {}", world.admin);
    for host in [
        &*listen,
        "host: 10.1.2.3:9464",
        "host: [::1]:9464",
        "host: localhost:9464",
        "host: Signalbox.Internal",
    ] {
        for line in ["GET /status", "GET /metrics", "GET /dead_letters", "POST /reload"] {
            let (status, answer) = ask(&world, line, &[host, "x-signalbox: 1"]).await;
            assert_eq!(status, 200, "{host} {line}: {answer}");
        }
    }
    let (status, _) = ask(&world, "GET /status", &["host: internal"]).await;
    assert_eq!(status, 421);
}

#[tokio::test]
async fn the_right_token_may_come_by_any_name() {
    let world = World::new().await;
    let _process = start(&world, &format!("[admin]\nLISTEN\ntoken = \"{TOKEN}\"\n")).await;
    let (right, wrong) = (
        format!("authorization: Bearer {TOKEN}"),
        "authorization: Bearer wrong",
    );
    for line in ["GET /status", "GET /dead_letters"] {
        assert_eq!(
            ask(&world, line, &["host: ops.example", &right]).await.0,
            200,
            "{line}"
        );
        assert_eq!(
            ask(&world, line, &["host: ops.example", wrong]).await.0,
            421,
            "{line}"
        );
        assert_eq!(
            ask(&world, line, &["host: localhost", wrong]).await.0,
            401,
            "{line}"
        );
    }
    // A page that got hold of the token cannot send it from another origin.
    let foreign = ["host: localhost", "origin: http://evil.example", &right];
    assert_eq!(ask(&world, "GET /status", &foreign).await.0, 403);
    assert_eq!(ask(&world, "GET /live", &["host: ops.example"]).await.0, 200);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_everywhere() {
    let world = World::new().await;
    let _process = start(&world, "[admin]\nLISTEN\n").await;
    let host = format!("host: {}", world.admin);
    for line in ACTS
        .into_iter()
        .chain(["GET /status", "GET /metrics", "GET /health", "GET /ready"])
    {
        for origin in [
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
            "https://localhost",
        ] {
            let origin = format!("origin: {origin}");
            let (status, answer) = ask(&world, line, &[&host, &origin, "x-signalbox: 1"]).await;
            assert_eq!(status, 403, "{line} {origin}: {answer}");
            assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        }
    }
    let own = format!("origin: http://{}", world.admin);
    assert_eq!(ask(&world, "GET /status", &[&host, &own]).await.0, 200);
}

#[tokio::test]
async fn kept_events_are_shown_to_tools_and_people_not_to_pages() {
    let world = World::new().await;
    let _process = start(&world, "[admin]\nLISTEN\n").await;
    for (header, status) in [
        ("accept: */*", 403),
        ("sec-fetch-site: cross-site", 403),
        ("sec-fetch-site: same-site", 403),
        ("sec-fetch-site: same-origin", 200),
        ("sec-fetch-site: none", 200),
        ("x-signalbox: 1", 200),
    ] {
        for line in ["GET /dead_letters", "GET /dead_letters?payload=1"] {
            let (found, answer) = ask(&world, line, &["host: localhost", header]).await;
            assert_eq!(found, status, "{line} {header}: {answer}");
        }
    }
    let typed = ["host: evil.example", "sec-fetch-site: same-origin"];
    assert_eq!(ask(&world, "GET /dead_letters", &typed).await.0, 421);
    // A request that changes something needs the header, with any headers of a browser.
    let (status, answer) = ask(
        &world,
        "POST /reload",
        &["host: localhost", "sec-fetch-site: none"],
    )
    .await;
    assert_eq!(status, 403);
    assert!(answer.contains("X-Signalbox"), "{answer}");
    // Monitoring asks for counts by a bare address.
    assert_eq!(ask(&world, "GET /metrics", &["host: 10.1.2.3:9464"]).await.0, 200);
}

/// Has Pinterest reject an event, and waits until its dead letter is kept.
async fn keep_one(world: &World, authorization: &str) {
    world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents::times(1)),
        ..Faults::default()
    });
    post_all(&world.listen, &orders("kept", 1)).await;
    let kept = async || {
        let (_, status) = ask(world, "GET /status", &["host: localhost", authorization]).await;
        status.contains("\"dead_letters\": 1").then_some(())
    };
    until(kept, || "no dead letter is kept".to_owned()).await;
}

#[tokio::test]
async fn plain_payloads_are_for_the_operators_token_on_this_machine_too() {
    for token in [None, Some(TOKEN)] {
        let world = World::new().await;
        let key = JournalKey::new([7; 32]).to_text();
        let mut top = format!(
            "[journal]\nkey = \"{key}\"\n[dead_letters]\npersonal_data = \"plain\"\n\n[admin]\nLISTEN\n"
        );
        if let Some(token) = token {
            top.push_str(&format!("token = \"{token}\"\n"));
        }
        let _process = start(&world, &top).await;
        let authorization = format!("authorization: Bearer {}", token.unwrap_or("none"));
        keep_one(&world, &authorization).await;
        for line in ["GET /dead_letters?payload=1", "GET /dead_letters?payload=%31"] {
            let headers = ["host: localhost", "x-signalbox: 1", &authorization];
            let (status, answer) = ask(&world, line, &headers).await;
            let shown = answer.contains("ada.okafor@example.com");
            match token {
                Some(_) => assert!(status == 200 && shown, "{answer}"),
                None => {
                    assert!(status == 403 && !shown, "{answer}");
                    assert!(answer.contains("`token` in [admin]"), "{answer}");
                }
            }
            let (status, answer) = ask(&world, line, &headers[..2]).await;
            assert!(
                [401, 403].contains(&status) && !answer.contains("ada.okafor"),
                "{answer}"
            );
        }
        let listed = ["host: localhost", "x-signalbox: 1", &authorization];
        assert_eq!(ask(&world, "GET /dead_letters", &listed).await.0, 200);
    }
}

#[tokio::test]
async fn the_commands_get_their_answers_with_and_without_a_token() {
    for token in ["", "token = \"zq-operator-token-8d1f\"\n"] {
        let world = World::new().await;
        let _process = start(&world, &format!("[admin]\nLISTEN\n{token}")).await;
        let config = world.path("p.toml").display().to_string();
        for arguments in [
            vec!["status", "--config", &config],
            vec!["deadletters", "list", "--config", &config],
            vec!["deadletters", "discard", "--yes", "--config", &config],
        ] {
            let exit = run(&arguments, &world.variables()).await;
            assert_eq!(exit.code, Some(0), "{arguments:?}: {exit:?}");
        }
    }
}

#[tokio::test]
async fn requests_have_exactly_one_host_and_doubtful_lengths_end_the_connection() {
    let world = World::new().await;
    let _process = start(&world, "[admin]\nLISTEN\n").await;
    for (request, status) in [
        ("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        (
            "GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
            "400",
        ),
        ("GET /health HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = raw(&world, request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request}: {answer}");
    }
    let doubtful = "GET /health HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
                    0\r\n\r\nGET /status HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = raw(&world, doubtful).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn silent_connections_do_not_hold_up_the_others() {
    let world = World::new().await;
    let _process = start(&world, "[admin]\nLISTEN\n").await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&*world.admin).await.unwrap());
    }
    for _ in 0..5 {
        let answered = timeout(Duration::from_secs(5), ask(&world, "GET /health", &["host: a"])).await;
        assert_eq!(answered.expect("an answer at once").0, 200);
    }
    // The oldest connection gave way.
    let ended = timeout(Duration::from_secs(5), silent[0].read(&mut [0; 1])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
}
