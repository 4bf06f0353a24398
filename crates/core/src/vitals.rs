//! Facts that only a running component knows, reported in addition to the runtime's counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Numbers of a source for the metrics, and notes for the status.
#[derive(Debug, Default)]
pub struct Vitals {
    certificate_expires: AtomicI64,
    notes: Mutex<BTreeMap<&'static str, String>>,
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

    /// Sets a note for the operator, a sentence without personal data. A later one of the same topic replaces it.
    pub fn note(&self, topic: &'static str, sentence: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.insert(topic, sentence);
    }

    /// Returns the notes, in the order of their topics.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.values().cloned().collect()
    }

    /// Clears everything, before another component replaces this one.
    pub fn reset(&self) {
        self.certificate_expires.store(0, Relaxed);
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
