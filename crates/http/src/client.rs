//! The client: one pool of connections per sink.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Url, redirect};
use signalbox_core::Secret;

use crate::{Failure, Reply, Request, tls};

/// Options of a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Time for DNS, TCP and TLS together. Default 10 s. The runtime limits the time of the whole request.
    pub connect_timeout: Duration,
    /// URL of a proxy for all requests, with credentials if it needs them. Default none; the environment's
    /// `HTTPS_PROXY` and the like are never read.
    pub proxy: Option<Secret>,
    /// Most bytes of a reply's body; a longer one is a failure. Default 4,000,000.
    pub max_reply_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            connect_timeout: Duration::from_secs(10),
            proxy: None,
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
    /// TLS could not be set up.
    #[error("TLS could not be set up on this system")]
    Tls,
}

/// Time after which an idle connection is closed. Servers and load balancers commonly close theirs after 60 s or more;
/// the client closes first, so that no request meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(30);

/// Sends requests over connections that are kept alive. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    options: ClientOptions,
    /// The client for plain HTTP, without root certificates.
    plain: reqwest::Client,
    /// Created on first use: reading the system's certificates takes a good part of a start, and no source needs to
    /// wait for it.
    secure: OnceLock<Secure>,
}

/// A client for HTTPS; `roots` is true if the system has root certificates.
struct Secure {
    client: reqwest::Client,
    roots: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// Creates a client. Touches no network and no file and needs no async runtime.
    ///
    /// # Errors
    /// [`ClientError`] for options that do not fit.
    pub fn new(options: &ClientOptions) -> Result<Client, ClientError> {
        tls::install_tls();
        let plain = builder(options)?.tls_certs_only([]).build();
        Ok(Client {
            shared: Arc::new(Shared {
                options: options.clone(),
                plain: plain.map_err(|_| ClientError::Tls)?,
                secure: OnceLock::new(),
            }),
        })
    }

    /// Returns the client for a URL.
    async fn to(&self, url: &Url) -> &reqwest::Client {
        let shared = &self.shared;
        if url.scheme() != "https" && !shared.has_secure_proxy() {
            return &shared.plain;
        }
        if shared.secure.get().is_none() {
            let shared = Arc::clone(shared);
            // Reading files blocks. If the task is lost, the next line does its work.
            let _ = tokio::task::spawn_blocking(move || shared.secure().roots).await;
        }
        &shared.secure().client
    }

    /// Sends a request once and reads the whole reply.
    ///
    /// # Errors
    /// [`Failure`] if no complete reply came; it tells whether the request may have been written.
    pub async fn send(&self, request: Request) -> Result<Reply, Failure> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let max = self.shared.options.max_reply_bytes;
        let client = self.to(&request.url).await;
        let mut response = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body.into_sent())
            .send()
            .await
            .map_err(|error| Failure::of(&error, &host))?;
        let declared = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
        if declared > max {
            return Err(Failure::too_large(&host, max));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Failure::of(&error, &host))?
        {
            if body.len() + chunk.len() > max {
                return Err(Failure::too_large(&host, max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Bytes::from(body),
        })
    }

    /// Notes for the operator, for [`signalbox_core::Sink::notes`].
    pub fn notes(&self) -> Vec<String> {
        if self.shared.secure().roots {
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

impl Shared {
    fn secure(&self) -> &Secure {
        self.secure.get_or_init(|| {
            let made = tls::of_system().and_then(|tls| {
                let builder = builder(&self.options).ok()?;
                builder.tls_backend_preconfigured(tls).build().ok()
            });
            // Without a single root certificate on the system there is no verifier. With no roots to trust, every
            // TLS connection fails, as it should.
            Secure {
                roots: made.is_some(),
                client: made.unwrap_or_else(|| self.plain.clone()),
            }
        })
    }

    fn has_secure_proxy(&self) -> bool {
        let proxy = self.options.proxy.as_ref();
        proxy.is_some_and(|url| !url.expose().starts_with("http:"))
    }
}

fn builder(options: &ClientOptions) -> Result<reqwest::ClientBuilder, ClientError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("signalbox/", env!("CARGO_PKG_VERSION")))
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
    Ok(match &options.proxy {
        Some(url) => builder.proxy(proxy(url)?),
        None => builder,
    })
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
    }
}
