//! A running source, a double of its intake, and a client that sends exactly the given bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use serde_json::Value;
use signalbox_core::{SourceContext, SourceTask, StartError, Vitals};
use signalbox_segment_http::SegmentHttpConfig;
use signalbox_testkit::IntakeDouble;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const KEY: &str = "cfWriteKey00000000000000000000A1";

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) double: IntakeDouble,
    pub(crate) shutdown: CancellationToken,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) task: JoinHandle<Result<(), StartError>>,
}

pub(crate) fn config(more: Value) -> SegmentHttpConfig {
    let mut settings = serde_json::json!({"listen": "127.0.0.1:0", "write_keys": [KEY]});
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    serde_json::from_value(settings).unwrap()
}

pub(crate) async fn open(
    config: SegmentHttpConfig,
    double: &IntakeDouble,
    shutdown: CancellationToken,
) -> Result<(SocketAddr, SourceTask), StartError> {
    open_with(config, double, shutdown, Arc::default()).await
}

async fn open_with(
    config: SegmentHttpConfig,
    double: &IntakeDouble,
    shutdown: CancellationToken,
    vitals: Arc<Vitals>,
) -> Result<(SocketAddr, SourceTask), StartError> {
    let context = SourceContext {
        name: "web".into(),
        outlet: double.outlet(),
        shutdown,
        checkpoints: signalbox_testkit::MemoryCheckpoints::default().shared(),
        vitals,
        sockets: signalbox_testkit::NewSockets::shared(),
    };
    config.prepare().unwrap().open(context).await
}

impl Service {
    pub(crate) async fn start() -> Service {
        Service::with(serde_json::json!({})).await
    }

    pub(crate) async fn with(settings: Value) -> Service {
        Service::run(settings, IntakeDouble::default()).await
    }

    /// Starts a source whose requests wait until the intake is released.
    pub(crate) async fn held() -> Service {
        Service::held_with(serde_json::json!({})).await
    }

    pub(crate) async fn held_with(settings: Value) -> Service {
        let double = IntakeDouble::default();
        double.hold(true);
        Service::run(settings, double).await
    }

    async fn run(settings: Value, double: IntakeDouble) -> Service {
        let shutdown = CancellationToken::new();
        let vitals = Arc::<Vitals>::default();
        let opened = open_with(config(settings), &double, shutdown.clone(), vitals.clone());
        let (address, task) = opened.await.unwrap();
        Service {
            address,
            double,
            shutdown,
            vitals,
            task: tokio::spawn(task),
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection {
            stream: TcpStream::connect(self.address).await.unwrap(),
            buffer: Vec::new(),
        }
    }

    /// Connects from another address of this machine, which a test takes for another client.
    pub(crate) async fn connect_from(&self, address: &str) -> Connection {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        Connection {
            stream: socket.connect(self.address).await.unwrap(),
            buffer: Vec::new(),
        }
    }

    /// Sends one request on a new connection.
    pub(crate) async fn send(&self, request: &[u8]) -> Answer {
        let mut connection = self.connect().await;
        connection.write(request).await;
        connection.answer().await
    }

    /// POST with the write key in the header.
    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.post_with(path, &[("Authorization", &basic(KEY))], body)
            .await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.send(&request("POST", path, headers, body.as_ref())).await
    }

    /// The events so far, as JSON, and forgets them.
    pub(crate) fn events(&self) -> Vec<Value> {
        let events = self.double.take_events();
        events
            .iter()
            .map(|event| serde_json::from_str(&event.to_json()).unwrap())
            .collect()
    }

    pub(crate) fn rejected(&self) -> Vec<String> {
        let rejected = self.double.take_rejected();
        rejected
            .iter()
            .map(|input| input.reason.code().to_owned())
            .collect()
    }

    pub(crate) fn refused(&self) -> Vec<(u64, String)> {
        let refused = self.double.take_refused();
        refused
            .iter()
            .map(|(count, reason)| (*count, reason.code().to_owned()))
            .collect()
    }
}

pub(crate) fn basic(key: &str) -> String {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{key}:"));
    format!("Basic {credentials}")
}

pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        out += &format!("{name}: {value}\r\n");
    }
    out += &format!("Content-Length: {}\r\n\r\n", body.len());
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Longer than anything here takes, so that a hanging test fails instead.
const PATIENCE: Duration = Duration::from_secs(60);

impl Connection {
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The server may hang up in the middle; the test judges its answer.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next answer; panics if the connection ends first.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer")
    }

    /// The next answer, or `None` if the connection ends without one.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.head().await?;
        let length = answer
            .header("content-length")
            .map_or(0, |value| value.parse().unwrap());
        while self.buffer.len() < length {
            self.more().await.expect("the whole body");
        }
        answer.body = self.buffer.drain(..length).collect();
        Some(answer)
    }

    /// An answer without its body.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (name.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect();
        Some(Answer {
            status,
            headers,
            body: Vec::new(),
        })
    }

    async fn more(&mut self) -> Option<()> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer))
            .await
            .expect("the server to answer or hang up");
        matches!(read, Ok(1..)).then_some(())
    }
}
