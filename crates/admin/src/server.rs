//! The admin address's server: it listens, and ends politely.
//!
//! Anybody may be able to reach the address, and it must not use up the router's sockets: connections are few and
//! short, and silent ones give way to others.

use std::net::SocketAddr;
use std::time::Duration;

use signalbox_config::{AdminTls, check_admin};
use signalbox_http::server::{Broken, Certificate, Limits};
use signalbox_runtime::sockets::open_listener;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::AdminState;
use crate::guard::{Access, Guard};
use crate::routes::{PageRoutes, acts, router};

/// The limits of the address. A scraper whose connection reaches the end of its life opens another.
const LIMITS: Limits = Limits {
    connections: 64,
    body_bytes: BODY_BYTES,
    read_timeout: Duration::from_secs(15),
    write_timeout: Duration::from_secs(300),
    life: Some(Duration::from_secs(300)),
    half_close: false,
    linger: Duration::ZERO,
    ending: Duration::from_secs(1),
    drain: Duration::from_secs(2),
};

/// The largest body of a request: that of an erasure, which names people.
pub(crate) const BODY_BYTES: usize = 512 * 1024;

/// A running admin address.
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl AdminServer {
    /// Where it listens; the port is the real one also if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end after `stop` was cancelled: at most one second for answers under way.
    pub async fn stopped(self) {
        // The task does not panic; if it did, it has stopped all the same.
        let _ = self.task.await;
    }
}

/// Starts the admin address with the routes of its page; it stops when `stop` is cancelled. Cancel it last, so that status stays visible while
/// sinks drain.
///
/// # Errors
/// The first fault of [`check_admin`], or why the address cannot be listened on.
pub async fn serve(
    listen: SocketAddr,
    access: Access,
    state: AdminState,
    page: PageRoutes,
    stop: CancellationToken,
) -> Result<AdminServer, String> {
    let faults = check_admin(listen, access.token.as_ref(), &access.tokens);
    if let Some(fault) = faults.into_iter().next() {
        let help = fault.help.iter().map(|help| format!("; {help}"));
        return Err(format!("admin.{fault}{}", help.collect::<String>()));
    }
    let certificate = access.tls.as_ref().map(certificate).transpose();
    let certificate =
        certificate.map_err(|broken| format!("admin.tls.{}: {}", broken.file, broken.message))?;
    let tls = certificate.map(|certificate| certificate.start(state.vitals.clone()));
    let tls = tls.transpose().map_err(|error| format!("admin.tls: {error}"))?;
    let (tls, keep_new) = tls.unzip();
    let listener = open_listener(listen)
        .and_then(TcpListener::from_std)
        .map_err(|error| cannot_listen(listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot_listen(listen, &error))?;
    let guard = Guard::new(listen, access, acts(&page), state.audit.clone(), page.sign_in);
    let router = router(state, page.router, guard);
    let serving = signalbox_http::server::serve(listener, router, LIMITS, tls, stop);
    let task = tokio::spawn(async move {
        match keep_new {
            None => serving.await,
            Some(keep_new) => tokio::select! {
                () = serving => {}
                () = keep_new => {}
            },
        }
    });
    tracing::info!(%address, "the admin address is open");
    Ok(AdminServer { address, task })
}

/// Reads the certificate and the key.
///
/// # Errors
/// The file that cannot be used, and the reason.
pub fn certificate(tls: &AdminTls) -> Result<Certificate, Broken> {
    Certificate::read(&tls.certificate, &tls.key, tls.check_every())
}

fn cannot_listen(listen: SocketAddr, error: &std::io::Error) -> String {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; something else listens there (another Signalbox?), choose another port"
        }
        std::io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege, choose a higher one",
        std::io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    format!("the admin address {listen} cannot be opened: {error}{remedy}")
}
