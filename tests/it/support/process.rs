//! The real binary.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use signalbox_admin::Status;

use super::client::try_send;
use super::until;

/// A process of `signalbox`. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// The end of a process.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Exit {
    /// Standard output as JSON lines.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Output {
    fn read(mut from: impl Read + Send + 'static) -> Output {
        let text = Arc::new(Mutex::new(Vec::new()));
        let into = text.clone();
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Output {
            text,
            reading: Some(reading),
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn ended(&self) -> bool {
        self.reading.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) -> String {
        if let Some(reading) = self.reading.take() {
            reading.join().unwrap();
        }
        self.so_far()
    }
}

/// The command, with no environment but these variables.
pub(crate) fn command(arguments: &[&str], variables: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    // A journal with a relative path stays in the test's folder.
    if let Some((_, folder)) = variables.iter().find(|(name, _)| name == "FOLDER") {
        command.current_dir(folder);
    }
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().cloned());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end.
pub(crate) async fn run(arguments: &[&str], variables: &[(String, String)]) -> Exit {
    Process::spawn(&mut command(arguments, variables)).exit().await
}

/// Runs to the end with this on standard input.
pub(crate) async fn run_with(arguments: &[&str], variables: &[(String, String)], input: &str) -> Exit {
    let mut process = Process::spawn(command(arguments, variables).stdin(Stdio::piped()));
    let mut stdin = process.stdin();
    let input = input.to_owned();
    // From a thread: a process that writes much before it has read everything would wait for us otherwise.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let exit = process.exit().await;
    // A process that ends before it has read everything closes the pipe; its exit is judged by the test.
    let _ = writing.join();
    exit
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Process {
        Process::spawn_into(command, Stdio::piped())
    }

    /// With its standard output going there.
    pub(crate) fn spawn_into(command: &mut Command, stdout: Stdio) -> Process {
        let mut child = command.stdout(stdout).spawn().unwrap();
        let stdout = child
            .stdout
            .take()
            .map_or_else(|| Output::read(std::io::empty()), Output::read);
        let stderr = Output::read(child.stderr.take().unwrap());
        Process {
            child,
            stdout,
            stderr,
        }
    }

    /// `signalbox run` with this pipeline file.
    pub(crate) fn router(config: &Path, variables: &[(String, String)]) -> Process {
        Process::spawn(&mut command(
            &["run", "--config", config.to_str().unwrap()],
            variables,
        ))
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, if it was asked for; the process sees its end once this is dropped.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// True once the process has closed its standard error, as it does when it ends.
    pub(crate) fn has_ended(&self) -> bool {
        self.stderr.ended()
    }

    /// Waits until every listener is open, or the process has ended.
    pub(crate) async fn running(&self) {
        // The whole message, in either format of the log: names of modules hold the word too.
        let runs = |line: &str| line.contains("\"message\":\"running\"") || line.ends_with(" running");
        let ask = || async { (self.has_ended() || self.stderr().lines().any(runs)).then_some(()) };
        until(ask, || self.stderr()).await;
    }

    /// Waits until the log holds this.
    pub(crate) async fn logged(&self, text: &str) {
        let ask = || async { self.stderr().contains(text).then_some(()) };
        until(ask, || format!("{text:?} in {}", self.stderr())).await;
    }

    /// Waits until the status that the admin address shows is as wanted.
    pub(crate) async fn status(&self, admin: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let last = Mutex::new(None);
        let ask = || async {
            let answer = try_send(admin, "GET", "/status", &[], b"").await?;
            let status: Status = serde_json::from_str(&answer.body).unwrap();
            *last.lock().unwrap() = Some(status.clone());
            Some(status).filter(&wanted)
        };
        until(ask, || format!("{:#?}\n{}", last.lock().unwrap(), self.stderr())).await
    }

    /// Sends a signal by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) async fn exit(mut self) -> Exit {
        let end = std::time::Instant::now() + super::PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(std::time::Instant::now() < end, "did not end: {}", self.stderr());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        Exit {
            code: status.code(),
            stdout: self.stdout.end(),
            stderr: self.stderr.end(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
