//! The webhook that takes the messages.

use std::time::{Duration, SystemTime};

use signalbox_config::AlertSettings;
use signalbox_http::header::{AUTHORIZATION, CONTENT_TYPE};
use signalbox_http::{
    Bytes, Client, ClientOptions, HeaderMap, HeaderValue, Method, Request, Url, bearer, parse_url,
    retry_after,
};

/// Time for a request and its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer, of which only the status is read.
const REPLY_BYTES: usize = 64 * 1024;

/// The webhook of `[alerts]`, with the settings of the table. `Debug` shows nothing of it.
pub struct AlertTarget {
    pub(super) settings: AlertSettings,
    url: Url,
    headers: HeaderMap,
    client: Client,
}

impl std::fmt::Debug for AlertTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AlertTarget")
    }
}

/// A message that the webhook has not taken.
pub(super) struct Untaken {
    /// The reason, without any of the URL but its host.
    pub(super) why: String,
    /// The wait that the webhook asks for.
    pub(super) after: Option<Duration>,
}

impl AlertTarget {
    /// Prepares the requests; sends nothing.
    ///
    /// # Errors
    /// The setting that does not fit, without its value.
    pub fn new(settings: AlertSettings) -> Result<AlertTarget, String> {
        let url = parse_url(settings.webhook.expose()).map_err(|error| format!("alerts.webhook: {error}"))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &settings.token {
            let value = bearer(token).ok_or("alerts.token: holds characters that no header may carry")?;
            headers.insert(AUTHORIZATION, value);
        }
        let options = ClientOptions {
            max_reply_bytes: REPLY_BYTES,
            ..ClientOptions::default()
        };
        let client = Client::new(&options).map_err(|error| format!("alerts: {error}"))?;
        Ok(AlertTarget {
            settings,
            url,
            headers,
            client,
        })
    }

    /// Posts a message once.
    pub(super) async fn post(&self, body: Bytes) -> Result<(), Untaken> {
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: body.into(),
        };
        let untaken = |why: String| Untaken { why, after: None };
        let sent = tokio::time::timeout(TIMEOUT, self.client.send(request));
        let Ok(reply) = sent.await else {
            return Err(untaken(format!("no answer within {} s", TIMEOUT.as_secs())));
        };
        let reply = reply.map_err(|failure| untaken(failure.reason.message().to_owned()))?;
        if reply.status.is_success() {
            return Ok(());
        }
        Err(Untaken {
            why: format!("it answered {}", reply.status.as_u16()),
            after: retry_after(&reply.headers, SystemTime::now()),
        })
    }
}
