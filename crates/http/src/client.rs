//! The client: one pool of connections per sink.

use std::fmt;
use std::sync::Once;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect;
use signalbox_core::Secret;

use crate::{Failure, Reply, Request};

/// How a [`Client`] connects.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Time for DNS, TCP and TLS together. Default 10 s. The time for the whole request is the runtime's.
    pub connect_timeout: Duration,
    /// URL of a proxy to send everything through, with its credentials if it wants some. Default none; the
    /// environment's `HTTPS_PROXY` and the like are never read.
    pub proxy: Option<Secret>,
    /// The `User-Agent` header. Default `signalbox/VERSION`.
    pub user_agent: String,
    /// Most bytes of a reply's body; a longer one is a failure. Default 4,000,000.
    pub max_reply_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            connect_timeout: Duration::from_secs(10),
            proxy: None,
            user_agent: concat!("signalbox/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_reply_bytes: 4_000_000,
        }
    }
}

/// Options that no client can be made of. Shows no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// [`ClientOptions::proxy`] is no URL of a proxy.
    #[error("not the URL of a proxy; expected one such as \"http://proxy.example.com:3128\"")]
    Proxy,
    /// [`ClientOptions::user_agent`] holds characters that no header may carry.
    #[error("the user agent holds characters that a header must not carry")]
    UserAgent,
    /// TLS could not be set up.
    #[error("TLS could not be set up on this system")]
    Tls,
}

/// Servers and load balancers commonly close idle connections after 60 s or more; staying well below it means
/// that we close first, and no request meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(30);

/// Makes ring the TLS provider of this process, unless one is installed already. [`Client::new`] does it; call
/// it at start if something else uses TLS before.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that there is one already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Sends requests over connections that are kept alive. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    max_reply_bytes: usize,
    roots: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// Makes a client. Touches no network and needs no async runtime.
    ///
    /// # Errors
    /// [`ClientError`] for options that do not fit.
    pub fn new(options: &ClientOptions) -> Result<Client, ClientError> {
        install_tls();
        if http::HeaderValue::from_str(&options.user_agent).is_err() {
            return Err(ClientError::UserAgent);
        }
        let proxy = match &options.proxy {
            Some(url) => Some(proxy(url)?),
            None => None,
        };
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(options.user_agent.clone())
                .connect_timeout(options.connect_timeout)
                .pool_idle_timeout(IDLE)
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate();
            match proxy.clone() {
                Some(proxy) => builder.proxy(proxy),
                None => builder,
            }
        };
        let (inner, roots) = match builder().build() {
            Ok(client) => (client, true),
            // Without a single root certificate on the system there is no verifier. Plain HTTP must work all
            // the same; with no roots to trust, every TLS connection fails, as it should.
            Err(_) => match builder().tls_certs_only([]).build() {
                Ok(client) => (client, false),
                Err(_) => return Err(ClientError::Tls),
            },
        };
        Ok(Client {
            inner,
            max_reply_bytes: options.max_reply_bytes,
            roots,
        })
    }

    /// Sends a request once and reads the whole reply.
    ///
    /// # Errors
    /// [`Failure`] if no complete reply came; it tells whether the request may have been written.
    pub async fn send(&self, request: Request) -> Result<Reply, Failure> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let mut response = self
            .inner
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| Failure::of(&error, &host))?;
        let declared = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
        if declared > self.max_reply_bytes {
            return Err(Failure::too_large(&host, self.max_reply_bytes));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Failure::of(&error, &host))?
        {
            if body.len() + chunk.len() > self.max_reply_bytes {
                return Err(Failure::too_large(&host, self.max_reply_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Bytes::from(body),
        })
    }

    /// What the operator should know, for [`signalbox_core::Sink::notes`].
    pub fn notes(&self) -> Vec<String> {
        if self.roots {
            Vec::new()
        } else {
            vec![
                "no root certificates were found on this system, so no https:// address can be reached; \
                 install the package ca-certificates and start again"
                    .to_owned(),
            ]
        }
    }
}

fn proxy(url: &Secret) -> Result<reqwest::Proxy, ClientError> {
    let parsed = reqwest::Url::parse(url.expose()).map_err(|_| ClientError::Proxy)?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none_or(str::is_empty) {
        return Err(ClientError::Proxy);
    }
    reqwest::Proxy::all(parsed).map_err(|_| ClientError::Proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_outside_of_any_runtime() {
        assert!(Client::new(&ClientOptions::default()).is_ok());
        assert!(ClientOptions::default().user_agent.starts_with("signalbox/"));
    }

    #[test]
    fn options_that_do_not_fit() {
        let error = |options: ClientOptions| Client::new(&options).unwrap_err();
        for proxy in ["", "proxy.example.com:3128", "ftp://proxy.example.com", "http://"] {
            let options = ClientOptions {
                proxy: Some(Secret::new(proxy)),
                ..ClientOptions::default()
            };
            assert_eq!(error(options), ClientError::Proxy, "{proxy}");
        }
        let options = ClientOptions {
            user_agent: "a\nb".to_owned(),
            ..ClientOptions::default()
        };
        assert_eq!(error(options), ClientError::UserAgent);
    }
}
