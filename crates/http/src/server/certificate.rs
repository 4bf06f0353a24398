//! HTTPS: the certificate, and a newer one when its files change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use signalbox_core::Vitals;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// The contents of both files.
#[derive(PartialEq, Eq)]
struct PemPair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A problem with one of the two files.
#[derive(Debug)]
pub struct Broken {
    /// `certificate` or `key`.
    pub file: &'static str,
    /// The reason.
    pub message: String,
}

/// A certificate that was read, and the files to read again.
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    check_every: Duration,
    loaded: PemPair,
    first: Arc<CertifiedKey>,
}

/// Shows no key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// The file that cannot be used, and the reason.
    pub fn read(certificate: &Path, key: &Path, check_every: Duration) -> Result<Certificate, Broken> {
        let read = |file, path: &Path| {
            std::fs::read(path).map_err(|error| Broken {
                file,
                message: unreadable(&error),
            })
        };
        let loaded = PemPair {
            certificate: read("certificate", certificate)?,
            key: read("key", key)?,
        };
        let first = loaded.certified()?;
        Ok(Certificate {
            certificate: certificate.into(),
            key: key.into(),
            check_every,
            loaded,
            first,
        })
    }
}

fn unreadable(error: &std::io::Error) -> String {
    format!("the file cannot be read: {error}")
}

impl PemPair {
    fn certified(&self) -> Result<Arc<CertifiedKey>, Broken> {
        let broken = |file, message: &str| Broken {
            file,
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
                file: "key",
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

impl Certificate {
    /// Returns the acceptor for secure connections, and a task that keeps its certificate current and never ends.
    /// `vitals` learns the expiry of the certificate in use.
    ///
    /// # Errors
    /// The error of the TLS library.
    pub fn start(
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
                            broken.file,
                            broken.message
                        );
                    }
                },
            }
        }
    }

    /// The certificate, if the files have changed.
    async fn look(&mut self) -> Result<Option<Arc<CertifiedKey>>, Broken> {
        let read = async |file, path: &PathBuf| {
            tokio::fs::read(path).await.map_err(|error| Broken {
                file,
                message: unreadable(&error),
            })
        };
        let pair = PemPair {
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
