//! The source: a listener with its limits, and the application behind it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::{Source, SourceContext, SourceTask, StartError};
use signalbox_http::server::{Certificate, Limits, serve};
use signalbox_segment::ingest::MAX_BATCH_BYTES;
use tokio::net::TcpListener;

use crate::admission::Admission;
use crate::application::SourceApplication;
use crate::ingest::Ingest;
use crate::settings::Settings;
use crate::wrong_keys::WrongKeys;

/// The time for requests under way after the order to stop. SDKs wait 8 to 15 s.
const DRAIN: Duration = Duration::from_secs(5);

/// The time for which HTTP/1.1 connections still accept requests after the order to stop.
const LINGER: Duration = Duration::from_millis(500);

/// The time for the requests of a connection that has to end, unless `read_timeout` is longer.
const ENDING: Duration = Duration::from_secs(10);

/// A built `segment_http` source.
#[derive(Debug)]
pub struct SegmentHttp {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Certificate>,
    pub(crate) max_connections: usize,
    pub(crate) max_per_address: Option<usize>,
    pub(crate) settings: Settings,
}

impl SegmentHttp {
    /// Opens the port; says which it is (for port 0), and returns the work as a future.
    ///
    /// # Errors
    /// [`StartError`] if the address cannot be listened on.
    pub async fn open(self, context: SourceContext) -> Result<(SocketAddr, SourceTask), StartError> {
        let listener = context
            .sockets
            .listen(self.listen)
            .and_then(TcpListener::from_std)
            .map_err(|error| cannot_listen(self.listen, &error))?;
        let address = listener.local_addr().unwrap_or(self.listen);
        let secure = self.tls.is_some();
        tracing::info!(source = &*context.name, %address, secure, "listening for Segment SDKs");
        let limits = self.limits();
        let (tls, keep_new) = match self.tls.map(|tls| tls.start(context.vitals.clone())).transpose() {
            Ok(started) => started.unzip(),
            Err(error) => return Err(StartError(format!("tls: {error}"))),
        };
        let server = Arc::new(Ingest {
            source: context.name,
            outlet: context.outlet,
            settings: self.settings,
            admission: Admission::default(),
            wrong_keys: WrongKeys::default(),
            vitals: context.vitals,
            proxy_told: AtomicBool::new(false),
        });
        let application = SourceApplication::new(server, self.max_per_address);
        let serving = serve(listener, application, limits, tls, context.shutdown);
        Ok((
            address,
            Box::pin(async move {
                match keep_new {
                    None => serving.await,
                    Some(keep_new) => tokio::select! {
                        () = serving => {}
                        () = keep_new => {}
                    },
                }
                Ok(())
            }),
        ))
    }

    fn limits(&self) -> Limits {
        let read_timeout = self.settings.read_timeout;
        Limits {
            connections: self.max_connections,
            body_bytes: MAX_BATCH_BYTES,
            read_timeout,
            write_timeout: read_timeout,
            life: None,
            // A client that has sent all it wants to may close its side; that cancels nothing.
            half_close: true,
            linger: LINGER,
            ending: read_timeout.max(ENDING),
            drain: DRAIN,
        }
    }
}

#[async_trait]
impl Source for SegmentHttp {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        Ok(self.open(context).await?.1)
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> StartError {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there: stop it, or choose another port in `listen`"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose a higher one in `listen`"
        }
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has it: use 127.0.0.1, 0.0.0.0 or an own address in `listen`"
        }
        _ => "check `listen`",
    };
    StartError(format!("cannot listen on {address}: {error}; {help}"))
}
