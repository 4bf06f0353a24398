//! More connections than the source has places for.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::support::{Connection, KEY, Service, basic, request};
use crate::tls::{Files, connect};

const EVENT: &[u8] = br#"{"event":"E","userId":"u"}"#;

/// Far less time than the source takes to give up a silent connection.
const SOON: Duration = Duration::from_secs(10);

fn event() -> Vec<u8> {
    request("POST", "/v1/track", &[("Authorization", &basic(KEY))], EVENT)
}

async fn silent(service: &Service, count: usize) -> Vec<Connection> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(service.connect().await);
    }
    all
}

async fn is_closed(connection: &mut Connection) -> bool {
    matches!(
        timeout(SOON, connection.stream.read(&mut [0; 1])).await,
        Ok(Ok(0) | Err(_))
    )
}

async fn assert_served(connection: &mut Connection) {
    connection.write(&event()).await;
    let answer = timeout(SOON, connection.answer()).await;
    assert_eq!(answer.expect("an answer at once").status, 200);
}

async fn crowded(settings: Value) {
    let mut wanted = settings;
    wanted["max_connections"] = json!(20);
    wanted["read_timeout"] = json!("10m");
    let service = Service::with(wanted).await;
    let mut crowd = silent(&service, 60).await;
    for _ in 0..5 {
        assert_served(&mut service.connect().await).await;
    }
    assert!(is_closed(&mut crowd[0]).await, "the oldest gave way");
    assert_served(&mut crowd[59]).await;
}

#[tokio::test]
async fn silent_connections_of_one_address_keep_nobody_out() {
    crowded(json!({})).await;
}

#[tokio::test]
async fn heads_that_never_end_keep_nobody_out() {
    let service = Service::with(json!({"max_connections": 20, "read_timeout": "10m"})).await;
    let mut crowd = silent(&service, 20).await;
    for connection in &mut crowd {
        connection.write(b"POST /v1/track HTTP/1.1\r\nHost: a\r\n").await;
    }
    assert_served(&mut service.connect().await).await;
}

#[tokio::test]
async fn bodies_that_never_end_keep_nobody_out() {
    let service = Service::with(json!({"max_connections": 20, "read_timeout": "10m"})).await;
    let mut crowd = silent(&service, 40).await;
    let whole = event();
    for connection in &mut crowd {
        connection.write(&whole[..whole.len() - 1]).await;
    }
    for _ in 0..5 {
        assert_served(&mut service.connect_from("127.0.0.2").await).await;
    }
    assert!(is_closed(&mut crowd[0]).await, "the oldest gave way");
}

#[tokio::test]
async fn silent_connections_keep_nobody_out_of_tls() {
    let (files, certificate) = Files::new();
    let settings = json!({"tls": files.settings(), "max_connections": 20, "read_timeout": "10m"});
    let service = Service::with(settings).await;
    let _crowd = silent(&service, 60).await;
    for _ in 0..5 {
        let shaken = timeout(SOON, connect(&service, &certificate, "h2")).await;
        assert!(shaken.expect("a handshake at once").is_ok());
    }
}

#[tokio::test]
async fn those_with_requests_and_those_of_smaller_crowds_stay() {
    let service = Service::held_with(json!({"max_connections": 20, "read_timeout": "10m"})).await;
    // This is the oldest connection of the crowd's address, and it has a request under way.
    let mut busy = service.connect().await;
    busy.write(&event()).await;
    service.double.called(1).await;
    let mut alone = service.connect_from("127.0.0.2").await;
    let _crowd = silent(&service, 60).await;
    service.double.hold(false);
    assert_eq!(busy.answer().await.status, 200);
    assert_served(&mut alone).await;
    assert_served(&mut busy).await;
}

#[tokio::test]
async fn nobody_is_refused_while_places_are_free() {
    let service = Service::with(json!({"max_connections": 60})).await;
    for connection in &mut silent(&service, 60).await {
        assert_served(connection).await;
    }
    assert_eq!(service.events().len(), 60);
}
