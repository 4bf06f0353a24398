//! The client of the admin API of a running router, and the journal of a stopped one in its place.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use signalbox_config::{self as config, AdminAddress, JournalKind, JournalSettings, ProcessEnvironment};
use signalbox_runtime::identity::{HEADER, JournalIdentity};
use signalbox_runtime::journal;
use signalbox_runtime::operate::{StatusSource, Stopped};

use super::complain;
use crate::exit::{self, Code};

/// How long a running router may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) enum AdminClient {
    Running(Live),
    Stopped(Stopped),
}

impl AdminClient {
    /// Finds out if a router runs by this configuration, and returns the names of the components that may have dead
    /// letters. Reads only `[journal]`, `[admin]` and names, and creates no journal where there is none.
    pub(super) async fn open(config: &Path) -> Result<(AdminClient, Vec<String>), Code> {
        let settings = config::load_for_operators(config, &ProcessEnvironment).map_err(|diagnostics| {
            super::tell(&diagnostics.to_string());
            exit::CONFIG
        })?;
        if settings.broken {
            super::tell(
                "note: the file is no TOML outside of [journal] and [admin]; 'signalbox validate' tells what is wrong",
            );
        }
        let sources = settings.sources.iter().map(|name| format!("source:{name}"));
        let names = settings.sinks.iter().cloned().chain(sources).collect();
        if let Some(admin) = &settings.admin
            && let Some(live) = Live::find(admin, &settings.journal).await?
        {
            return Ok((AdminClient::Running(live), names));
        }
        if settings.journal.kind == JournalKind::Memory {
            complain(
                "no router answers at [admin] listen, and a journal in memory leaves nothing to look at",
            );
            return Err(exit::FAILED);
        }
        let has_admin = settings.admin.is_some();
        let opened = tokio::task::spawn_blocking(move || {
            journal::open_existing(&settings.journal, &settings.dead_letters)
        });
        match opened.await {
            Ok(Ok(journal)) => Ok((AdminClient::Stopped(Stopped::new(journal)), names)),
            Ok(Err(problem)) => {
                complain(&problem);
                if has_admin {
                    complain("no router answers at [admin] listen");
                } else {
                    complain("to ask a running router, give it an [admin] listen address");
                }
                Err(exit::FAILED)
            }
            Err(_) => Err(exit::FAILED),
        }
    }

    /// Lets go of the files.
    pub(super) async fn close(self) {
        if let AdminClient::Stopped(stopped) = self {
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
    /// Finds the router at the admin address, if one answers there. A router with another journal than the file names
    /// belongs to another pipeline, and is asked nothing more.
    async fn find(admin: &AdminAddress, journal: &JournalSettings) -> Result<Option<Live>, Code> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| {
                complain(&error.to_string());
                exit::FAILED
            })?;
        let base = format!("http://{}", admin.listen);
        let Ok(reply) = client.get(format!("{base}/health")).send().await else {
            return Ok(None);
        };
        let header = reply.headers().get(HEADER);
        let router = header
            .and_then(|value| value.to_str().ok())
            .and_then(JournalIdentity::parse);
        let ours = JournalIdentity::of_folder(journal);
        if let Err(problem) = check(router.as_ref(), &ours, admin, journal) {
            complain(&problem);
            return Err(exit::FAILED);
        }
        let token = admin.token.clone().map_err(|problem| {
            complain(&format!(
                "the router at {} wants its token: {problem}",
                admin.listen
            ));
            exit::CONFIG
        })?;
        Ok(Some(Live { client, base, token }))
    }

    /// GET, or POST for what changes something; the answer as JSON.
    pub(super) async fn ask(
        &self,
        post: bool,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Value, String> {
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.base), query)
            .map_err(|error| error.to_string())?;
        let request = if post {
            self.client.post(url)
        } else {
            self.client.get(url).header("x-signalbox", "1")
        };
        let mut request = request.header("x-signalbox", "1");
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

/// Returns `Ok` if the command may ask this router, else a sentence that says why not.
fn check(
    router: Option<&JournalIdentity>,
    ours: &JournalIdentity,
    admin: &AdminAddress,
    journal: &JournalSettings,
) -> Result<(), String> {
    let at = admin.listen;
    let Some(router) = router else {
        return Err(format!(
            "what answers at {at} is no router of this version of Signalbox; correct [admin] listen, or use the version \
             that runs there"
        ));
    };
    if router.is(ours) {
        return Ok(());
    }
    let folder = std::path::absolute(journal.folder()).unwrap_or(journal.folder());
    let own = match journal.kind {
        JournalKind::Disk => format!("the journal in {}", folder.display()),
        JournalKind::Memory => "a journal in memory".to_owned(),
    };
    Err(format!(
        "the router at {at} belongs to another pipeline: it does not run with {own}; correct [admin] listen or [journal] \
         path, or use the file that router runs by (a relative path starts at the directory the command runs in)"
    ))
}

/// Ends a command that would have to ask when nobody is there to answer, before it does anything.
pub(super) fn somebody_answers(what: &str, yes: bool) -> Result<(), Code> {
    use std::io::IsTerminal as _;
    if yes || std::io::stdin().is_terminal() {
        return Ok(());
    }
    complain(&format!(
        "{what}, and nobody is at the terminal to confirm it: say --yes"
    ));
    Err(exit::USAGE)
}

/// Asks on the terminal; without one the answer is no.
pub(super) fn confirmed(question: &str, yes: bool) -> bool {
    use std::io::{BufRead as _, IsTerminal as _};
    if yes {
        return true;
    }
    if !std::io::stdin().is_terminal() {
        complain(&format!("{question} Say --yes to do it."));
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
