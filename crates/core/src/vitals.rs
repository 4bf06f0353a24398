//! What a running component tells about itself in numbers, beside what the runtime counts.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Numbers of a source, for the metrics.
#[derive(Debug, Default)]
pub struct Vitals {
    certificate_expires: AtomicI64,
}

impl Vitals {
    /// Notes when the certificate that it shows its clients expires, in Unix seconds.
    pub fn set_certificate_expiry(&self, at: i64) {
        self.certificate_expires.store(at, Relaxed);
    }

    /// When its certificate expires; `None` if it shows none.
    pub fn certificate_expiry(&self) -> Option<i64> {
        Some(self.certificate_expires.load(Relaxed)).filter(|at| *at != 0)
    }

    /// Forgets everything, before another component takes the place of this one.
    pub fn reset(&self) {
        self.certificate_expires.store(0, Relaxed);
    }
}
