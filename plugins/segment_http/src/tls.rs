//! HTTPS: the certificate, and a newer one when its files change.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, Vitals};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// A certificate and its key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate, followed by those of the authorities between it and a root. Required.
    pub certificate: String,

    /// PEM file with the certificate's private key. Required.
    pub key: String,

    /// How often the files are looked at; new contents serve new connections, those there are go on. A broken pair
    /// is logged and the last good one kept. Default `10s`.
    #[serde(default = "default_check_every")]
    pub check_every: HumanDuration,
}

fn default_check_every() -> HumanDuration {
    HumanDuration::from_secs(10)
}

/// The contents of both files.
#[derive(PartialEq, Eq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A problem with one of the two files.
#[derive(Debug)]
struct Broken {
    setting: &'static str,
    message: String,
}

/// Ready for TLS.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    check_every: Duration,
    loaded: Pair,
    first: Arc<CertifiedKey>,
}

/// Shows no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl TlsConfig {
    /// Returns a warning if users other than the owner may use the key.
    pub(crate) fn exposed(&self) -> Option<BuildError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let there = std::fs::metadata(&self.key).ok()?;
            let told = signalbox_core::exposed(self.key.as_ref(), there.mode())?;
            Some(BuildError::new("tls.key", told))
        }
        #[cfg(not(unix))]
        None
    }

    /// Reads both files.
    pub(crate) fn prepare(&self) -> Result<Tls, BuildError> {
        let fault = |broken: Broken| BuildError::new(format!("tls.{}", broken.setting), broken.message);
        if self.check_every.0.is_zero() {
            return Err(BuildError::new("tls.check_every", "must be longer than nothing"));
        }
        let read = |setting, path: &str| {
            std::fs::read(path).map_err(|error| {
                fault(Broken {
                    setting,
                    message: unreadable(&error),
                })
            })
        };
        let loaded = Pair {
            certificate: read("certificate", &self.certificate)?,
            key: read("key", &self.key)?,
        };
        let first = loaded.certified().map_err(fault)?;
        Ok(Tls {
            certificate: (&self.certificate).into(),
            key: (&self.key).into(),
            check_every: self.check_every.0,
            loaded,
            first,
        })
    }
}

fn unreadable(error: &std::io::Error) -> String {
    format!("the file cannot be read: {error}")
}

impl Pair {
    fn certified(&self) -> Result<Arc<CertifiedKey>, Broken> {
        let broken = |setting, message: &str| Broken {
            setting,
            message: message.to_owned(),
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| broken("certificate", "not PEM"))?;
        if chain.is_empty() {
            return Err(broken("certificate", "no certificate in the file"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| broken("key", "no private key in PEM in the file"))?;
        // The errors speak of the kind of mistake only.
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map(Arc::new)
            .map_err(|error| Broken {
                setting: "key",
                message: format!("the key does not fit the certificate, or is of an unknown kind: {error}"),
            })
    }
}

/// Hands out the newest certificate.
#[derive(Debug)]
struct Newest(watch::Receiver<Arc<CertifiedKey>>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.borrow().clone())
    }
}

/// Reports the expiry of the first certificate, which is the one that clients look at.
fn tell_expiry(certified: &CertifiedKey, vitals: &Vitals) {
    let Some(Ok((_, certificate))) = certified.cert.first().map(|der| X509Certificate::from_der(der)) else {
        return;
    };
    let expires = certificate.validity().not_after.timestamp();
    if UNIX_EPOCH + Duration::from_secs(u64::try_from(expires).unwrap_or(0)) < SystemTime::now() {
        tracing::warn!("the certificate has expired: clients refuse the connection; renew it");
    }
    vitals.set_certificate_expiry(expires);
}

impl Tls {
    /// Returns the acceptor for secure connections, and a task that keeps its certificate current and never ends.
    /// `vitals` learns the expiry of the certificate in use.
    pub(crate) fn start(
        self,
        vitals: Arc<Vitals>,
    ) -> Result<(TlsAcceptor, impl Future<Output = ()> + Send + 'static), rustls::Error> {
        let (sender, receiver) = watch::channel(self.first.clone());
        tell_expiry(&self.first, &vitals);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Newest(receiver)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok((TlsAcceptor::from(Arc::new(config)), self.keep_new(sender, vitals)))
    }

    async fn keep_new(mut self, sender: watch::Sender<Arc<CertifiedKey>>, vitals: Arc<Vitals>) {
        let mut failing = None;
        loop {
            tokio::time::sleep(self.check_every).await;
            match self.look().await {
                Ok(None) => failing = None,
                Ok(Some(certified)) => {
                    failing = None;
                    tell_expiry(&certified, &vitals);
                    sender.send_replace(certified);
                    tracing::info!(certificate = %self.certificate.display(), "a new certificate is in use");
                }
                // The first time it may be one of two files just being replaced.
                Err(broken) => match &failing {
                    None => failing = Some(false),
                    Some(true) => {}
                    Some(false) => {
                        failing = Some(true);
                        tracing::warn!(
                            "tls.{}: {}; the last good certificate stays in use",
                            broken.setting,
                            broken.message
                        );
                    }
                },
            }
        }
    }

    /// The certificate, if the files have changed.
    async fn look(&mut self) -> Result<Option<Arc<CertifiedKey>>, Broken> {
        let read = async |setting, path: &PathBuf| {
            tokio::fs::read(path).await.map_err(|error| Broken {
                setting,
                message: unreadable(&error),
            })
        };
        let pair = Pair {
            certificate: read("certificate", &self.certificate).await?,
            key: read("key", &self.key).await?,
        };
        if pair == self.loaded {
            return Ok(None);
        }
        let certified = pair.certified()?;
        self.loaded = pair;
        Ok(Some(certified))
    }
}
