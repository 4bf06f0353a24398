//! Numbers that only a running component knows, reported in addition to the runtime's counts.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Numbers of a source, for the metrics.
#[derive(Debug, Default)]
pub struct Vitals {
    certificate_expires: AtomicI64,
}

impl Vitals {
    /// Sets the expiry of the source's server certificate, in Unix seconds.
    pub fn set_certificate_expiry(&self, at: i64) {
        self.certificate_expires.store(at, Relaxed);
    }

    /// Returns the expiry of the source's server certificate, in Unix seconds; `None` without a certificate.
    pub fn certificate_expiry(&self) -> Option<i64> {
        Some(self.certificate_expires.load(Relaxed)).filter(|at| *at != 0)
    }

    /// Clears all numbers, before another component replaces this one.
    pub fn reset(&self) {
        self.certificate_expires.store(0, Relaxed);
    }
}
