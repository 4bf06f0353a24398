//! A guard that counts each request exactly once, answered or abandoned.

use std::sync::Arc;

use bytes::Bytes;

use crate::reply::Reply;
use crate::state::{Memory, Received, Shared};
use crate::vendor::Vendor;

/// Counts a request when it comes and its answer when it goes. Dropped without an answer, it counts a client that hung
/// up.
pub(crate) struct RequestGuard {
    shared: Arc<Shared>,
    received: Option<Received>,
}

impl RequestGuard {
    pub(crate) fn new(shared: Arc<Shared>, vendor: Option<Vendor>, target: String, body: Bytes) -> Self {
        shared.memory().count(vendor, |counts| {
            counts.requests += 1;
            counts.bytes += body.len() as u64;
        });
        Self {
            shared,
            received: Some(Received {
                vendor,
                target,
                status: None,
                body,
            }),
        }
    }

    pub(crate) fn close(mut self, reply: &Reply) {
        let Some(mut received) = self.received.take() else {
            return;
        };
        let mut memory = self.shared.memory();
        if !reply.cut {
            let status = reply.status.as_u16();
            memory.count(received.vendor, |counts| {
                *counts.by_status.entry(status).or_default() += 1;
            });
            received.status = Some(status);
        }
        tracing::info!(
            vendor = received.vendor.map(Vendor::name),
            status = received.status,
            bytes = received.body.len(),
            "answered a request"
        );
        keep(&mut memory, received);
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if let Some(received) = self.received.take() {
            let mut memory = self.shared.memory();
            memory.count(received.vendor, |counts| counts.abandoned += 1);
            keep(&mut memory, received);
        }
    }
}

fn keep(memory: &mut Memory, received: Received) {
    let bytes = received.target.len() + received.body.len();
    memory.requests.push(bytes, received);
}
