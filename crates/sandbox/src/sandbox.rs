//! Starting, watching and stopping a sandbox.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use signalbox_http::server::{Limits, serve};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::capture::Capture;
use crate::counts::Counts;
use crate::faults::Faults;
use crate::inject::Injector;
use crate::options::SandboxConfig;
use crate::server::{self, MAX_BODY};
use crate::state::{Received, Shared};
use crate::vendor::Vendor;

/// The limits of the address, wide: the sandbox serves its own machine.
const LIMITS: Limits = Limits {
    connections: 10_000,
    body_bytes: MAX_BODY,
    read_timeout: Duration::from_secs(3600),
    write_timeout: Duration::from_secs(3600),
    life: None,
    half_close: false,
    linger: Duration::ZERO,
    ending: Duration::from_secs(2),
    drain: Duration::from_secs(2),
};

/// A running sandbox. It stops when this is dropped; [`Sandbox::shutdown`] also waits for requests under way.
pub struct Sandbox {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: DropGuard,
    server: JoinHandle<()>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

/// Starts a sandbox inside the current tokio runtime; it serves from the moment this returns.
///
/// # Errors
/// An address that is not loopback (unless allowed) or cannot be listened on, a capture file that cannot be opened;
/// the text names which.
pub async fn start(config: SandboxConfig) -> io::Result<Sandbox> {
    let listen = config.listen;
    if !listen.ip().is_loopback() && !config.allow_remote {
        let message = format!(
            "the sandbox listens on loopback only (127.0.0.1 or ::1), and {} can be reached from other machines",
            listen.ip()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let capture = config.capture.as_deref().map(Capture::open).transpose()?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}")))?;
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    let shared = Shared::new(config, capture, stop.clone());
    let router = server::router(Arc::clone(&shared));
    let server = tokio::spawn(serve(listener, router, LIMITS, None, stop.clone()));
    Ok(Sandbox {
        addr,
        shared,
        stop: stop.drop_guard(),
        server,
    })
}

impl Sandbox {
    /// The address it listens on, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL to use in place of `https://api.pinterest.com/v5`: `http://127.0.0.1:PORT/v5`.
    pub fn base_url(&self) -> String {
        self.base_url_of(Vendor::Pinterest)
    }

    /// Returns the URL to use as `base_url` of a sink: `http://127.0.0.1:PORT/v5` for Pinterest, `http://127.0.0.1:PORT`
    /// for Meta and TikTok.
    pub fn base_url_of(&self, vendor: Vendor) -> String {
        format!("http://{}{}", self.addr, vendor.base_path())
    }

    /// Replaces the faults of all vendors; each vendor's counters and dice start anew. Values out of range act as the
    /// nearest one in range: 200 percent is always, every 0th is never.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.memory().set_common_faults(faults);
    }

    /// Replaces the faults of one vendor, as [`Sandbox::set_faults`] does for all.
    pub fn set_faults_of(&self, vendor: Vendor, faults: Faults) {
        *self.shared.memory().injector(vendor) = Injector::new(faults);
    }

    /// The faults last set for all vendors.
    pub fn faults(&self) -> Faults {
        self.shared.memory().faults(None).clone()
    }

    /// The faults in force at one vendor.
    pub fn faults_of(&self, vendor: Vendor) -> Faults {
        self.shared.memory().faults(Some(vendor)).clone()
    }

    /// Returns the counts since the start or the last reset, of all vendors and of each.
    pub fn counts(&self) -> Counts {
        self.shared.memory().counts().clone()
    }

    /// Returns the counts of one vendor.
    pub fn counts_of(&self, vendor: Vendor) -> Counts {
        self.shared.memory().counts().of(vendor)
    }

    /// The accepted events exactly as received, oldest first: the newest 100,000 and of those at most 64 MiB.
    pub fn events(&self) -> Vec<String> {
        self.newest(|_| true)
    }

    /// The accepted events of one vendor, within the bounds of [`Sandbox::events`].
    pub fn events_of(&self, vendor: Vendor) -> Vec<String> {
        self.newest(|of| of == vendor)
    }

    fn newest(&self, wanted: impl Fn(Vendor) -> bool) -> Vec<String> {
        let memory = self.shared.memory();
        let events = memory.events.newest(usize::MAX, |(vendor, _)| wanted(*vendor));
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// The requests to any path but the sandbox's own, oldest first: the newest 1000 and of those at most 64 MiB.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.memory().requests.newest(usize::MAX, |_| true)
    }

    /// Forgets counts, events, requests and faults. The capture file stays as it is.
    pub fn reset(&self) {
        self.shared.memory().reset();
    }

    /// Stops: takes no new connections, and answers requests under way (slow answers at once) for at most two seconds.
    pub async fn shutdown(self) {
        drop(self.stop);
        // The task does not panic; if it did, it has stopped all the same.
        let _ = self.server.await;
    }
}
