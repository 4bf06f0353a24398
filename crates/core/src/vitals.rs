//! Numbers that a running component reports about itself, in addition to those that the runtime counts.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Numbers of a source, for the metrics.
#[derive(Debug, Default)]
pub struct Vitals {
    certificate_expires: AtomicI64,
}

impl Vitals {
    /// Notes when the certificate expires that the source shows its clients, in Unix seconds.
    pub fn set_certificate_expiry(&self, at: i64) {
        self.certificate_expires.store(at, Relaxed);
    }

    /// The moment when the source's certificate expires, in Unix seconds; `None` if it shows none.
    pub fn certificate_expiry(&self) -> Option<i64> {
        Some(self.certificate_expires.load(Relaxed)).filter(|at| *at != 0)
    }

    /// Forgets everything, before another component replaces this one.
    pub fn reset(&self) {
        self.certificate_expires.store(0, Relaxed);
    }
}
