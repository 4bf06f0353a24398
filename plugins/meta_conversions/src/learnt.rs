//! Facts that a sink learns from Meta's replies while it runs.

use std::sync::{Mutex, PoisonError};

use signalbox_conversions::Doubt;
use signalbox_http::HeaderMap;

use crate::api::Told;

/// The facts of one sink.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    told: Mutex<Told>,
    /// Replies that tell of another number of events than was sent.
    pub(crate) miscounts: Doubt,
}

impl Learnt {
    /// Notes the usage and the version warning of a reply. Facts that a reply leaves out stay as they were.
    pub(crate) fn headers(&self, headers: &HeaderMap) {
        let Told { version, usage } = Told::read(headers);
        if version.is_none() && usage.is_none() {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.version = version.or_else(|| told.version.take());
        told.usage = usage.or_else(|| told.usage.take());
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).notes()
    }
}
