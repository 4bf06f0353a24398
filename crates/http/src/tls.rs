//! TLS of clients: with the settings of the system, shared by all sinks, and with one certificate alone.

use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::ConfigVerifierExt as _;

/// Time for which sinks share one reading of the system's certificates. Sinks that start later, after a reload for
/// instance, read them again and find newly installed ones.
const FRESH: Duration = Duration::from_secs(60);

/// Installs ring as the TLS provider of this process, unless one is installed already. [`crate::Client::new`] calls
/// this; call it at start if something else uses TLS earlier.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that there is one already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Returns TLS for clients of the one server that has the first certificate of a PEM file. No other certificate is trusted, and this
/// one under any name and at any time.
///
/// # Errors
/// The reason why the file cannot be used.
pub fn trusting_only(certificate: &Path) -> Result<ClientConfig, String> {
    let text = std::fs::read(certificate).map_err(|error| format!("cannot be read: {error}"))?;
    let first = CertificateDer::pem_slice_iter(&text).next();
    let pinned = first
        .and_then(Result::ok)
        .ok_or_else(|| "holds no certificate in PEM".to_owned())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Pinned {
        certificate: pinned,
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Trusts one certificate. That the server has its key is verified as always.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.certificate {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Returns TLS with the root certificates of the system; `None` if there are none. Reads files.
pub(crate) fn of_system() -> Option<ClientConfig> {
    static READ: Mutex<Option<(Instant, Option<ClientConfig>)>> = Mutex::new(None);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, config)) = &*read
        && at.elapsed() < FRESH
    {
        return config.clone();
    }
    let mut config = ClientConfig::with_platform_verifier().ok();
    if let Some(config) = &mut config {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    }
    *read = Some((Instant::now(), config.clone()));
    config
}
