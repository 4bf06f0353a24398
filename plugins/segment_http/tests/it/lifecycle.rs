//! Starting and stopping.

use std::time::Duration;

use serde_json::json;
use signalbox_core::{BuildContext, PluginKind, Side, SourceConfig, plugins};
use signalbox_testkit::IntakeDouble;
use tokio_util::sync::CancellationToken;

use crate::support::{KEY, Service, basic, config, open, request};

const EVENT: &[u8] = br#"{"event":"E","userId":"u"}"#;

#[test]
fn it_is_listed_and_built_by_name() {
    assert!(
        plugins()
            .iter()
            .any(|info| info.kind == PluginKind::Source && info.name == "segment_http")
    );
    let context = BuildContext {
        name: "web".into(),
        place: Side::Source,
    };
    let build = |settings| {
        let config: Box<dyn SourceConfig> =
            serde_json::from_value(settings).map_err(|error| error.to_string())?;
        config
            .build(&context)
            .map(drop)
            .map_err(|errors| errors[0].to_string())
    };
    assert_eq!(
        build(json!({"type": "segment_http", "write_keys": ["k"]})),
        Ok(())
    );
    let missing = build(json!({"type": "segment_http"})).unwrap_err();
    assert!(missing.contains("write_keys"), "{missing}");
    let none = build(json!({"type": "segment_http", "write_keys": []})).unwrap_err();
    assert!(none.starts_with("write_keys: "), "{none}");
    let unknown = build(json!({"type": "segment_http", "write_keys": ["k"], "port": 1})).unwrap_err();
    assert!(unknown.contains("port"), "{unknown}");
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_remedy() {
    let service = Service::start().await;
    let taken = config(json!({"listen": service.address.to_string()}));
    let error = open(taken, &IntakeDouble::default(), CancellationToken::new())
        .await
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(
        text.contains(&service.address.to_string()) && text.contains("`listen`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_200_comes_only_after_the_events_are_stored() {
    let service = Service::held().await;
    let mut connection = service.connect().await;
    let key = basic(KEY);
    connection
        .write(&request("POST", "/v1/track", &[("Authorization", &key)], EVENT))
        .await;
    service.double.called(1).await;
    let mut byte = [0];
    let early = connection.stream.try_read(&mut byte);
    assert_eq!(early.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    service.double.hold(false);
    assert_eq!(connection.answer().await.status, 200);
    assert_eq!(service.events().len(), 1);
}

#[tokio::test]
async fn stopping_answers_what_is_under_way_and_closes_the_rest() {
    let service = Service::held().await;
    let key = basic(KEY);
    let event = request("POST", "/v1/track", &[("Authorization", &key)], EVENT);
    let mut idle = service.connect().await;
    idle.write(&request("POST", "/v1/m", &[], b"{}")).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut busy = service.connect().await;
    busy.write(&event).await;
    service.double.called(1).await;

    service.shutdown.cancel();
    assert!(idle.try_answer().await.is_none(), "an idle connection is closed");
    // The port is closed, if not at once.
    while tokio::net::TcpStream::connect(service.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    service.double.hold(false);
    assert_eq!(busy.answer().await.status, 200);
    assert!(busy.try_answer().await.is_none());
    service.task.await.unwrap().unwrap();
    assert_eq!(service.double.events().len(), 1);
}

#[tokio::test]
async fn a_request_that_crosses_the_word_to_stop_is_answered() {
    let service = Service::start().await;
    let key = basic(KEY);
    let event = request("POST", "/v1/track", &[("Authorization", &key)], EVENT);
    let (mut kept, mut fresh) = (service.connect().await, service.connect().await);
    kept.write(&event).await;
    let answer = kept.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    // The other one is accepted, too, but has said nothing yet.
    service.shutdown.cancel();
    for connection in [&mut kept, &mut fresh] {
        connection.write(&event).await;
        let answer = connection.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(connection.try_answer().await.is_none());
    }
    service.task.await.unwrap().unwrap();
    assert_eq!(service.double.events().len(), 3);
}

#[tokio::test]
async fn with_a_request_on_every_connection_the_next_waits_its_turn() {
    let service = Service::held_with(json!({"max_connections": 1})).await;
    let key = basic(KEY);
    let event = request("POST", "/v1/track", &[("Authorization", &key)], EVENT);
    let mut first = service.connect().await;
    first.write(&event).await;
    service.double.called(1).await;
    let mut second = service.connect().await;
    second.write(&event).await;
    let early = tokio::time::timeout(Duration::from_millis(100), service.double.called(2));
    assert!(early.await.is_err(), "the second is not served yet");
    service.double.hold(false);
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(second.answer().await.status, 200);
    assert!(first.try_answer().await.is_none(), "it gave way");
    assert_eq!(service.events().len(), 2);
}
