//! Where operators' questions go: to the admin address of a running router, else to the journal of a stopped one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use signalbox_runtime::admin::StatusSource;
use signalbox_runtime::config::{AdminSettings, JournalKind};
use signalbox_runtime::journal;
use signalbox_runtime::operate::Stopped;

use crate::exit::{self, Code};

/// How long a running router may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) enum Desk {
    Running(Live),
    Stopped(Stopped),
}

impl Desk {
    /// Finds out whether a router runs by this configuration.
    /// Also gives the names of the components that may have dead letters.
    pub(super) async fn open(config: &Path) -> Result<(Desk, Vec<String>), Code> {
        let pipeline = super::load(config)?;
        let sources = pipeline
            .sources
            .iter()
            .map(|source| format!("source:{}", source.name));
        let sinks = pipeline.sinks.iter().map(|sink| sink.options.name.to_string());
        let names = sinks.chain(sources).collect();
        if let Some(admin) = &pipeline.admin {
            let live = Live::new(admin)?;
            if live.is_there().await {
                return Ok((Desk::Running(live), names));
            }
        }
        if pipeline.journal.kind == JournalKind::Memory {
            eprintln!(
                "signalbox: no router answers at [admin] listen, and a journal in memory leaves nothing to look at"
            );
            return Err(exit::FAILED);
        }
        let (settings, letters) = (pipeline.journal.clone(), pipeline.dead_letters.clone());
        let opened = tokio::task::spawn_blocking(move || journal::open(&settings, &letters)).await;
        match opened {
            Ok(Ok(journal)) => Ok((Desk::Stopped(Stopped::new(journal)), names)),
            Ok(Err(problem)) => {
                eprintln!("signalbox: {problem}");
                if pipeline.admin.is_none() {
                    eprintln!("signalbox: to ask a running router, give it an [admin] listen address");
                }
                Err(exit::FAILED)
            }
            Err(_) => Err(exit::FAILED),
        }
    }

    /// Lets go of the files.
    pub(super) async fn close(self) {
        if let Desk::Stopped(stopped) = self {
            stopped.close().await;
        }
    }
}

/// The admin address of a running router.
pub(super) struct Live {
    client: reqwest::Client,
    base: String,
    token: Option<signalbox_core::Secret>,
}

impl Live {
    fn new(admin: &AdminSettings) -> Result<Live, Code> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| {
                eprintln!("signalbox: {error}");
                exit::FAILED
            })?;
        Ok(Live {
            client,
            base: format!("http://{}", admin.listen),
            token: admin.token.clone(),
        })
    }

    async fn is_there(&self) -> bool {
        self.client
            .get(format!("{}/health", self.base))
            .send()
            .await
            .is_ok()
    }

    /// GET, or POST for what changes something; the answer as JSON.
    pub(super) async fn ask(
        &self,
        post: bool,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Value, String> {
        let query: Vec<String> = query
            .iter()
            .map(|(key, value)| format!("{key}={}", encode(value)))
            .collect();
        let url = format!("{}{path}?{}", self.base, query.join("&"));
        let mut request = if post {
            self.client.post(url).header("x-signalbox", "1")
        } else {
            self.client.get(url)
        };
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let reply = request
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        let status = reply.status();
        let text = reply
            .text()
            .await
            .map_err(|error| error.without_url().to_string())?;
        if !status.is_success() {
            return Err(format!("the router answers: {}", text.trim()));
        }
        serde_json::from_str(&text)
            .map_err(|_| "the router's answer is no JSON; is it another version?".to_owned())
    }
}

/// Everything but letters and digits, percent-encoded.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Asks on the terminal; without one the answer is no.
pub(super) fn confirmed(question: &str, yes: bool) -> bool {
    use std::io::{BufRead as _, IsTerminal as _};
    if yes {
        return true;
    }
    if !std::io::stdin().is_terminal() {
        eprintln!("signalbox: {question} Say --yes to do it.");
        return false;
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Shorthand for what a stopped router answers by the same trait.
pub(super) fn source(stopped: &Stopped) -> Arc<dyn StatusSource> {
    Arc::new(stopped.clone())
}
