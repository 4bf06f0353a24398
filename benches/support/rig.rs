//! Both ends of the router in the end-to-end bench, as cheap as possible.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A stand-in for the three vendors that takes everything and only counts.
pub(crate) struct Rig {
    /// Its address with the scheme.
    pub(crate) url: String,
    /// Its certificate in PEM, if it serves HTTPS.
    pub(crate) certificate: Option<String>,
    received: watch::Receiver<usize>,
}

impl Rig {
    pub(crate) async fn start(secure: bool) -> Rig {
        let (certificate, tls) = secure.then(tls).unzip();
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let (count, received) = watch::channel(0);
        let count = Arc::new(count);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let (count, tls) = (count.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, count).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, count).await,
                            Err(error) => eprintln!("TLS with the router failed: {error}"),
                        },
                    }
                });
            }
        });
        Rig {
            url: format!("{}://{address}", if secure { "https" } else { "http" }),
            certificate,
            received,
        }
    }

    /// Waits until this number of events came.
    pub(crate) async fn received(&self, wanted: usize) {
        let mut received = self.received.clone();
        let all = tokio::time::timeout(PATIENCE, received.wait_for(|count| *count >= wanted)).await;
        assert!(all.is_ok(), "{} of {wanted} events came", *self.received.borrow());
    }
}

/// Serves a connection until it ends.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, count: Arc<watch::Sender<usize>>) {
    let service = service_fn(move |request| answer(request, count.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // The router ends connections when it likes.
    let _ = connection.await;
}

/// A certificate of this machine in PEM, and TLS with it.
fn tls() -> (String, TlsAcceptor) {
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]);
    let CertifiedKey { cert, signing_key } = made.unwrap_or_else(|error| panic!("{error}"));
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap_or_else(|error| panic!("{error}"));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap_or_else(|error| panic!("{error}"));
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

async fn answer(
    request: Request<Incoming>,
    count: Arc<watch::Sender<usize>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let count_of = |open: &str| memchr::memmem::find_iter(&body, open).count();
    let (events, text) = if path.starts_with("/open_api") {
        let text = r#"{"code":0,"message":"OK","request_id":"1","data":{}}"#;
        (count_of(r#"{"event":"#), text.to_owned())
    } else {
        let events = count_of(r#"{"event_name":"#);
        let status = [r#"{"status":"processed","error_message":null,"warning_message":null}"#];
        let status = status.repeat(events).join(",");
        let pinterest = format!(
            r#"{{"num_events_received":{events},"num_events_processed":{events},"events":[{status}]}}"#
        );
        let meta = format!(r#"{{"events_received":{events},"messages":[],"fbtrace_id":"1"}}"#);
        let text = if path.starts_with("/v5") { pinterest } else { meta };
        (events, text)
    };
    count.send_modify(|count| *count += events);
    Ok(Response::new(Full::new(Bytes::from(text))))
}

/// A complete request to a source.
pub(crate) fn request(host: &str, path: &str, body: &[u8], gzip: bool) -> Vec<u8> {
    let mut packed = Vec::new();
    let (body, encoding) = if gzip {
        let mut encoder = GzEncoder::new(&mut packed, Compression::default());
        encoder
            .write_all(body)
            .and_then(|()| encoder.finish().map(drop))
            .unwrap_or_else(|error| panic!("{error}"));
        (&packed[..], "content-encoding: gzip\r\n")
    } else {
        (body, "")
    };
    // "bench-key:" in base64.
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic YmVuY2gta2V5Og==\r\n\
         content-type: application/json\r\n{encoding}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A connection that waits for each answer.
pub(crate) struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    /// Connects, waiting for the router to listen.
    pub(crate) async fn connect(address: &str) -> Client {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(stream) = TcpStream::connect(address).await {
                let _ = stream.set_nodelay(true);
                return Client {
                    stream,
                    answer: vec![0; 4096],
                };
            }
            assert!(Instant::now() < end, "the router does not listen");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Posts a request; how long the answer took, which must be a success.
    pub(crate) async fn post(&mut self, request: &[u8]) -> Duration {
        let start = Instant::now();
        self.stream
            .write_all(request)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.answer[length..]).await;
            length += read.unwrap_or_else(|error| panic!("{error}"));
            let text = String::from_utf8_lossy(&self.answer[..length]);
            // The answer to an accepted request is one short object.
            if text.ends_with('}') {
                assert!(text.starts_with("HTTP/1.1 200"), "{text}");
                return start.elapsed();
            }
            assert!(length < self.answer.len(), "{text}");
        }
    }
}

/// Keeps this process and those that it starts off the first core, if there is another one.
pub(crate) fn leave_first_core() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut set = CpuSet::new();
    (1..cores.max(2)).for_each(|core| set.set(core));
    // With one core it stays.
    let _ = sched_setaffinity(None, &set);
}

/// Returns an address without a listener.
pub(crate) fn free_address() -> String {
    let listener = StdListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.unwrap_or_else(|error| panic!("{error}")).to_string()
}

/// The router's process; it is killed when dropped.
pub(crate) struct Router(Child);

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Router {
    /// Starts the program that `command` names, on a number of cores.
    pub(crate) fn start(mut command: Command, config: &Path, cores: Option<usize>) -> Router {
        command
            .args(["run", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // A process has the cores of the thread that starts it.
        let child = std::thread::spawn(move || {
            if let Some(cores) = cores {
                let mut set = CpuSet::new();
                (0..cores).for_each(|core| set.set(core));
                sched_setaffinity(None, &set).unwrap_or_else(|error| panic!("{error}"));
            }
            command.spawn().unwrap_or_else(|error| panic!("{error}"))
        });
        let child = child.join();
        let mut router = Router(child.unwrap_or_else(|_| panic!("the router does not start")));
        let log = router.0.stderr.take().map(BufReader::new);
        // Read, lest the router waits for room in the pipe; shown where something is wrong.
        std::thread::spawn(move || {
            for line in log.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                if line.contains("ERROR") || line.contains("WARN") {
                    eprintln!("{line}");
                }
            }
        });
        router
    }

    /// Asks the router to end, and waits for it.
    pub(crate) fn end(mut self) {
        let process = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let asked = process.map(|process| kill_process(process, Signal::TERM));
        assert_eq!(asked, Some(Ok(())));
        let end = Instant::now() + PATIENCE;
        let ended = loop {
            match self.0.try_wait().unwrap_or_else(|error| panic!("{error}")) {
                Some(ended) => break ended,
                None => assert!(Instant::now() < end, "the router does not end"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(ended.success(), "the router ended with {ended}");
    }

    /// User and system time, all threads, in the kernel's ticks of 10 ms.
    pub(crate) fn cpu_time(&self) -> Duration {
        cpu_time_of_process(self.0.id())
    }

    /// The same of the thread with this name.
    pub(crate) fn cpu_time_of_thread(&self, name: &str) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id()));
        let mut paths = threads
            .into_iter()
            .flatten()
            .flatten()
            .map(|thread| thread.path());
        let is_named = |path: &PathBuf| {
            let known = std::fs::read_to_string(path.join("comm"));
            known.is_ok_and(|known| known.trim_end() == name)
        };
        let thread = paths.find(is_named).unwrap_or_default();
        cpu_time_of(&thread.join("stat").to_string_lossy())
    }

    /// A figure of the process's memory by its name: `VmRSS:`, or `VmHWM:` for the most that was ever resident.
    pub(crate) fn memory_kb(&self, name: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or(0.0)
    }
}

/// User and system time of a process, all threads.
pub(crate) fn cpu_time_of_process(id: u32) -> Duration {
    cpu_time_of(&format!("/proc/{id}/stat"))
}

fn cpu_time_of(stat: &str) -> Duration {
    let text = std::fs::read_to_string(stat).unwrap_or_default();
    // The name of program or thread, in parentheses, may hold blanks; utime and stime are fields 14 and 15.
    let fields = text
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace())
        .into_iter()
        .flatten();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
