//! The client of the admin API of a running router, and the journal of a stopped one in its place.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use signalbox_admin::Query;
use signalbox_config::{AdminAddress, JournalKind, JournalSettings};
use signalbox_journal::SinkState;
use signalbox_runtime::history;
use signalbox_runtime::identity::{HEADER, JournalIdentity};
use signalbox_runtime::journal::{self, LostErasures};
use signalbox_runtime::operate::{StatusSource as _, Stopped};

use super::load::load_for_operators;
use crate::exit::{self, Failure};
use crate::terminal::{complain, tell};

/// Time limit of an answer of a running router.
const PATIENCE: Duration = Duration::from_secs(60);

/// Time limit of an answer that may take long: as long as an answer of the admin address may take.
const LONG_PATIENCE: Duration = Duration::from_secs(300);

pub(super) enum AdminClient {
    Running(Live),
    Stopped(Stopped),
}

impl AdminClient {
    /// Does some work with a client, and the names that [`AdminClient::open`] returns.
    pub(super) async fn with<T>(
        config: &Path,
        work: impl AsyncFnOnce(&AdminClient, Vec<String>) -> Result<T, String>,
    ) -> Result<T, Failure> {
        AdminClient::with_lost(config, LostErasures::Refused, work).await
    }

    /// Does the same; says what to do with a journal whose list of erasures is lost.
    pub(super) async fn with_lost<T>(
        config: &Path,
        lost: LostErasures,
        work: impl AsyncFnOnce(&AdminClient, Vec<String>) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let (client, names) = AdminClient::open(config, lost).await?;
        let result = work(&client, names).await;
        if let AdminClient::Stopped(stopped) = client {
            // Closes the files.
            stopped.close().await;
        }
        Ok(result?)
    }

    /// Finds the running router, for commands that the files of a stopped one cannot answer.
    pub(super) async fn running(config: &Path) -> Result<Live, Failure> {
        let settings = load_for_operators(config)?;
        let Some(admin) = &settings.admin else {
            let problem = "only a running router can be asked this: give it an [admin] listen address";
            return Err(problem.to_owned().into());
        };
        let live = Live::find(admin, &settings.journal).await?;
        live.ok_or_else(|| format!("no router answers at {}", admin.listen).into())
    }

    /// Lists the sinks that the journal knows.
    pub(super) async fn sinks(&self) -> Result<Vec<SinkState>, String> {
        match self {
            AdminClient::Running(live) => live.get("/sinks", &Query::default()).await,
            AdminClient::Stopped(stopped) => stopped.sinks().await,
        }
    }

    /// Finds out if a router runs by this configuration, and returns the names of the components that may have dead
    /// letters. Reads only `[journal]`, `[admin]` and names, and creates no journal where there is none.
    async fn open(config: &Path, lost: LostErasures) -> Result<(AdminClient, Vec<String>), Failure> {
        let settings = load_for_operators(config)?;
        if settings.broken {
            tell(
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
        let problem = match settings.journal.kind {
            JournalKind::Disk => None,
            JournalKind::Memory => {
                Some("no router answers at [admin] listen, and a journal in memory leaves nothing to look at")
            }
            JournalKind::Nats => Some(
                "no router answers at [admin] listen, and a journal on NATS is asked through one: start it, or use the file of \
                 another router that shares the journal",
            ),
        };
        if let Some(problem) = problem {
            return Err(problem.to_owned().into());
        }
        let has_admin = settings.admin.is_some();
        let opened = tokio::task::spawn_blocking(move || {
            let journal = journal::open_existing(&settings.journal, &settings.dead_letters, lost)?;
            let history = settings.history.as_ref();
            let history = history.and_then(|history| history::reader(history, &settings.journal).ok());
            Ok::<_, String>(Stopped::new(journal, settings.disabled).with_history(history))
        });
        match opened.await {
            Ok(Ok(stopped)) => Ok((AdminClient::Stopped(stopped), names)),
            Ok(Err(problem)) => {
                complain(&problem);
                let hint = if has_admin {
                    "no router answers at [admin] listen"
                } else {
                    "to ask a running router, give it an [admin] listen address"
                };
                Err(hint.to_owned().into())
            }
            Err(_) => Err(Failure::Reported(exit::FAILED)),
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
    /// belongs to another pipeline, and gets no further request.
    async fn find(admin: &AdminAddress, journal: &JournalSettings) -> Result<Option<Live>, Failure> {
        let (client, base) = client(admin)?;
        let reply = match client.get(format!("{base}/health")).send().await {
            Ok(reply) => reply,
            Err(error) if is_of_tls(&error) => return Err(untrusted(admin).into()),
            Err(_) => return Ok(None),
        };
        let header = reply.headers().get(HEADER);
        let router = header
            .and_then(|value| value.to_str().ok())
            .and_then(JournalIdentity::parse);
        let ours = JournalIdentity::of_folder(journal);
        check(router.as_ref(), &ours, admin, journal)?;
        let token = admin.token.clone().map_err(|problem| {
            let problem = format!("the router at {} wants its token: {problem}", admin.listen);
            Failure::Problem(exit::CONFIG, problem)
        })?;
        Ok(Some(Live { client, base, token }))
    }

    /// Sends a GET, and reads the answer.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, String> {
        self.ask(Method::GET, path, query).await
    }

    /// Sends a POST, which changes something, and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, String> {
        self.ask(Method::POST, path, query).await
    }

    /// Sends a POST with a JSON body, whose answer may take minutes, and reads the answer.
    pub(super) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, String> {
        let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request
            .timeout(LONG_PATIENCE)
            .header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    /// Sends a POST with a JSON body, and returns the answer, which goes on for minutes.
    pub(super) async fn post_stream(&self, path: &str, body: &impl Serialize) -> Result<Response, String> {
        let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
        let request = self.client.post(format!("{}{path}", self.base));
        // The connection's life shall begin with the answer.
        let request = request
            .timeout(LONG_PATIENCE)
            .header("connection", "close")
            .header("content-type", "application/json");
        self.reply(request.body(body)).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, query: &Query) -> Result<T, String> {
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.base), query.pairs())
            .map_err(|error| error.to_string())?;
        self.send(self.client.request(method, url)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, String> {
        let reply = self.reply(request).await?;
        let text = reply
            .text()
            .await
            .map_err(|error| error.without_url().to_string())?;
        serde_json::from_str(&text)
            .map_err(|_| "the router's answer is of another version of Signalbox".to_owned())
    }

    /// Sends a request, and waits for the head of its answer.
    async fn reply(&self, request: RequestBuilder) -> Result<Response, String> {
        let mut request = request.header("x-signalbox", "1");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let reply = request
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        if reply.status().is_success() {
            return Ok(reply);
        }
        let text = reply
            .text()
            .await
            .map_err(|error| error.without_url().to_string())?;
        Err(format!("the router answers: {}", text.trim()))
    }
}

/// Returns a client that trusts the router's certificate alone, and the beginning of its addresses.
fn client(admin: &AdminAddress) -> Result<(reqwest::Client, String), Failure> {
    let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let (builder, scheme) = match &admin.certificate {
        None => (builder, "http"),
        Some(certificate) => {
            let tls = signalbox_http::trusting_only(certificate).map_err(|problem| {
                let certificate = certificate.display();
                Failure::Problem(
                    exit::CONFIG,
                    format!("admin.tls.certificate: {certificate} {problem}"),
                )
            })?;
            (builder.tls_backend_preconfigured(tls), "https")
        }
    };
    let client = builder.build().map_err(|error| error.to_string())?;
    Ok((client, format!("{scheme}://{}", admin.listen)))
}

/// True if a router answers, but not by TLS with the certificate of the file.
fn is_of_tls(error: &reqwest::Error) -> bool {
    let mut at = std::error::Error::source(error);
    while let Some(error) = at {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error passes over the error that it holds when it is asked for its source.
        let held = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        at = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    false
}

fn untrusted(admin: &AdminAddress) -> String {
    let certificate = admin.certificate.as_deref().unwrap_or(Path::new(""));
    format!(
        "what answers at {} does not show the certificate of {}, so it is not asked; correct [admin] tls. A router takes a renewed \
         certificate within tls.check_every, and a change of tls with a restart",
        admin.listen,
        certificate.display()
    )
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
    let (own, keys) = match journal.kind {
        JournalKind::Disk => (
            format!("the journal in {}", folder.display()),
            " or [journal] path",
        ),
        JournalKind::Memory => ("a journal in memory".to_owned(), " or [journal] path"),
        JournalKind::Nats => (
            "the journal on NATS of these servers and this prefix".to_owned(),
            ", or [journal] servers or prefix",
        ),
    };
    Err(format!(
        "the router at {at} belongs to another pipeline: it does not run with {own}; correct [admin] listen{keys}, or use the \
         file that router runs by (a relative path starts at the directory the command runs in)"
    ))
}
