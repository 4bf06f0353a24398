//! A router as a process that tests kill, pause and start again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use signalbox_admin::Status;
use signalbox_testkit::Link;

use crate::relay::Relay;
use crate::support::client::try_send;
use crate::support::process::{Exit, Process, command};
use crate::support::world::TOKEN;

/// A router with addresses that stay, and the relay through which it reaches the destinations.
pub(crate) struct Router {
    pub(crate) node: String,
    /// Where its source listens.
    pub(crate) listen: String,
    pub(crate) admin: String,
    pub(crate) relay: Relay,
    /// Its ways to the servers, if they may be cut.
    links: Vec<Link>,
    config: PathBuf,
    variables: Vec<(String, String)>,
    process: Option<(Process, Guard)>,
    /// The times at which its processes were killed.
    pub(crate) killed: Vec<Instant>,
}

/// Kills a process when the test's process is gone, however it ended.
struct Guard(Child);

impl Guard {
    fn of(process: &Process) -> Guard {
        let script = "read -r _; kill -9 \"$1\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "guard", &process.id().to_string()]);
        let silent = shell.stdin(Stdio::piped()).stdout(Stdio::null());
        Guard(silent.stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Router {
    /// Prepares a router, number `at` of its cluster, and starts it. It reaches the three servers through the links, if there
    /// are any.
    pub(crate) async fn start(
        at: usize,
        config: &Path,
        folder: &Path,
        destination: &str,
        servers: &[String],
        links: Vec<Link>,
    ) -> Router {
        let address = [127, 0, 0, 21 + u8::try_from(at).unwrap()];
        // Bound at once, so that they differ.
        let ports = [(); 2].map(|()| TcpListener::bind((std::net::Ipv4Addr::from(address), 0)).unwrap());
        let [listen, admin] = ports.map(|port| port.local_addr().unwrap().to_string());
        let relay = Relay::start(destination).await;
        let node = format!("router-{}", at + 1);
        let variables = [
            ("LISTEN", listen.clone()),
            ("ADMIN", admin.clone()),
            ("NODE", node.clone()),
            ("DESTINATION", relay.url()),
            ("TOKEN", TOKEN.to_owned()),
            ("CACHE", folder.join(&node).display().to_string()),
        ];
        let through = links.iter().map(|link| format!("nats://{}", link.address()));
        let through: Vec<String> = through.collect();
        let servers = if links.is_empty() { servers } else { &through };
        let servers = servers.iter().enumerate();
        let servers = servers.map(|(at, server)| (format!("SERVER_{}", at + 1), server.clone()));
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let mut router = Router {
            node,
            listen,
            admin,
            relay,
            links,
            config: config.to_owned(),
            variables: variables.into_iter().chain(servers).collect(),
            process: None,
            killed: Vec::new(),
        };
        router.launch();
        router
    }

    /// Starts the process, unless it runs.
    pub(crate) fn launch(&mut self) {
        if self.process.is_none() {
            let process = Process::spawn(&mut self.command(&["run"]));
            let guard = Guard::of(&process);
            self.process = Some((process, guard));
        }
    }

    /// Starts the process again, as a supervisor does, if it ended since it reached no server.
    pub(crate) fn revive(&mut self) {
        let ended = self
            .process
            .as_ref()
            .is_some_and(|(process, _)| process.has_ended());
        if ended {
            let log = self.log();
            assert!(
                log.contains("no NATS server can be used"),
                "{} ended: {log}",
                self.node
            );
            println!(
                "{} ended, since it reached no server, and starts again",
                self.node
            );
            self.process = None;
            self.launch();
        }
    }

    /// Gives this router a file that differs from those of the others, from its next start on.
    pub(crate) fn change_file(&mut self, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        self.config = self.config.with_file_name(format!("{}.toml", self.node));
        std::fs::write(&self.config, change(text)).unwrap();
    }

    /// A command of the program with this router's file and variables.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let config = self.config.to_str().unwrap();
        command(&[arguments, &["--config", config]].concat(), &self.variables)
    }

    /// Waits until the router serves.
    pub(crate) async fn running(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.status().await.is_some_and(|status| status.ready) {
            let ended = self
                .process
                .as_ref()
                .is_none_or(|(process, _)| process.has_ended());
            let late = Instant::now() > end;
            assert!(!late && !ended, "{} is not ready: {}", self.node, self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().0.id()
    }

    pub(crate) fn kill(&mut self) {
        // Dropping kills.
        if self.process.take().is_some() {
            self.killed.push(Instant::now());
        }
    }

    /// Cuts or mends the ways to the servers and back. The destination stays in reach.
    pub(crate) fn cut(&self, there: bool, back: bool) {
        for link in &self.links {
            link.cut_there(there);
            link.cut_back(back);
        }
    }

    /// Sends a signal by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        let (process, _) = self.process.as_ref().unwrap();
        process.signal(name);
    }

    /// Stops the process in order, and waits for its end.
    pub(crate) async fn stop(&mut self) -> Exit {
        self.signal("TERM");
        let (process, _guard) = self.process.take().unwrap();
        let exit = process.exit().await;
        assert_eq!(exit.code, Some(0), "{}: {exit:?}", self.node);
        exit
    }

    pub(crate) fn log(&self) -> String {
        let process = self.process.as_ref();
        process.map_or_else(String::new, |(process, _)| process.stderr())
    }

    /// Returns the status; none while the router does not answer.
    pub(crate) async fn status(&self) -> Option<Status> {
        let asking = try_send(&self.admin, "GET", "/status", &[], b"");
        let answer = tokio::time::timeout(Duration::from_secs(2), asking)
            .await
            .ok()??;
        serde_json::from_str(&answer.body).ok()
    }
}
