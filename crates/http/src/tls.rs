//! TLS with the settings of the system, shared by all sinks.

use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
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
