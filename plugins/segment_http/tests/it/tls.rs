//! HTTPS and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{KEY, Service, basic, config};

const EVENT: &str = r#"{"event":"E","userId":"u"}"#;

/// A certificate in files.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> (Files, CertificateDer<'static>) {
        let files = Files(tempfile::tempdir().unwrap());
        let certificate = files.renew();
        (files, certificate)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.path("key.pem"), signing_key.serialize_pem()).unwrap();
        std::fs::write(self.path("certificate.pem"), cert.pem()).unwrap();
        cert.der().clone()
    }

    pub(crate) fn settings(&self) -> Value {
        json!({"certificate": self.path("certificate.pem"), "key": self.path("key.pem"), "check_every": "20ms"})
    }
}

pub(crate) async fn connect(
    service: &Service,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(service.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn track(uri: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(uri)
        .header("host", "localhost")
        .header("authorization", basic(KEY))
        .body(Full::new(body.into()))
        .unwrap()
}

pub(crate) async fn http2(
    service: &Service,
    trusted: &CertificateDer<'static>,
) -> http2::SendRequest<Full<Bytes>> {
    let stream = connect(service, trusted, "h2").await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn both_versions_of_http_over_tls() {
    let (files, certificate) = Files::new();
    let service = Service::with(json!({"tls": files.settings()})).await;

    let stream = connect(&service, &certificate, "http/1.1").await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(track("/v1/track", EVENT)).await.unwrap();
    assert_eq!(
        (answer.status(), answer.version()),
        (StatusCode::OK, Version::HTTP_11)
    );
    drop(sender);
    driver.await.unwrap().unwrap();

    let mut sender = http2(&service, &certificate).await;
    let many = (0..100).map(|i| {
        let body = if i % 2 == 0 { EVENT } else { "{" };
        sender.send_request(track("https://localhost/v1/track", body))
    });
    for (i, sent) in many.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = sent.await.unwrap();
        assert_eq!(answer.status(), if i % 2 == 0 { 200 } else { 400 });
        assert_eq!(answer.version(), Version::HTTP_2);
    }
    assert_eq!(service.events().len(), 51);

    let get = |uri: String| Request::get(uri).body(Full::default()).unwrap();
    let settings = sender
        .send_request(get(format!("https://localhost:99/v1/projects/{KEY}/settings")))
        .await
        .unwrap();
    let body = settings.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap();
    let segment = &document["integrations"]["Segment.io"];
    assert_eq!(
        (&segment["apiHost"], &segment["protocol"]),
        (&json!("localhost:99/v1"), &json!("https"))
    );

    // HTTP/2 refuses more than a megabyte too, and the connection goes on.
    let large = sender
        .send_request(track("https://localhost/v1/batch", vec![b' '; 1_300_000]))
        .await
        .unwrap();
    assert_eq!(large.status(), 400);
    let answer = sender
        .send_request(track("https://localhost/v1/track", EVENT))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn whoever_speaks_no_tls_gets_nothing() {
    let (files, _) = Files::new();
    let service = Service::with(json!({"tls": files.settings(), "read_timeout": "200ms"})).await;
    for bytes in [&b"POST /v1/track HTTP/1.1\r\n\r\n"[..], b"", b"\x16\x03\x01"] {
        let mut connection = service.connect().await;
        connection.write(bytes).await;
        assert!(connection.head().await.is_none(), "hung up on");
    }
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    let (files, certificate) = Files::new();
    let service = Service::with(json!({"tls": files.settings(), "read_timeout": "50ms"})).await;
    let stream = connect(&service, &certificate, "h2").await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let answer = sender
        .send_request(track("https://localhost/v1/track", EVENT))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    driver.await.unwrap().unwrap();
    assert!(sender.is_closed());
}

#[tokio::test]
async fn stopping_answers_http2_requests_under_way() {
    let (files, certificate) = Files::new();
    let service = Service::held_with(json!({"tls": files.settings()})).await;
    let mut sender = http2(&service, &certificate).await;
    let sent = sender.send_request(track("https://localhost/v1/track", EVENT));
    let answer = tokio::spawn(sent);
    service.double.called(1).await;
    service.shutdown.cancel();
    service.double.hold(false);
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    service.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_a_broken_one_changes_nothing() {
    let (files, old) = Files::new();
    let service = Service::with(json!({"tls": files.settings()})).await;
    let mut before = http2(&service, &old).await;
    std::fs::write(files.path("certificate.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(connect(&service, &old, "h2").await.is_ok());

    let new = files.renew();
    let renewed = async {
        while connect(&service, &new, "h2").await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), renewed)
        .await
        .unwrap();
    assert!(connect(&service, &old, "h2").await.is_err());
    let answer = before
        .send_request(track("https://localhost/v1/track", EVENT))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "connections there are go on");
}

#[test]
fn broken_files_are_told_when_the_pipeline_is_built() {
    let (files, _) = Files::new();
    let (other, _) = Files::new();
    let path = |settings: Value| {
        config(json!({"tls": settings})).prepare().err().unwrap()[0]
            .path
            .clone()
    };
    let with = |certificate: String, key: String| path(json!({"certificate": certificate, "key": key}));
    let (certificate, key) = (files.path("certificate.pem"), files.path("key.pem"));
    assert_eq!(with(certificate.clone(), other.path("key.pem")), "tls.key");
    assert_eq!(with(certificate.clone(), certificate.clone()), "tls.key");
    assert_eq!(with(key.clone(), key.clone()), "tls.certificate");
    assert_eq!(with(certificate, files.path("none")), "tls.key");
    let mut settings = files.settings();
    settings["check_every"] = json!("0s");
    assert_eq!(path(settings), "tls.check_every");
}
