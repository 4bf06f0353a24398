//! TLS as the system wants it, set up once for all sinks.

use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt as _;

/// Sinks that begin within this time share what was read of the system's certificates. Those that begin later, by a
/// reload for instance, read them again and find what was installed meanwhile.
const FRESH: Duration = Duration::from_secs(60);

/// Makes ring the TLS provider of this process, unless one is installed already. [`crate::Client::new`] does it; call
/// it at start if something else uses TLS before.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that there is one already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// TLS that trusts whom the system trusts; `None` if that is nobody. Reads files.
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
