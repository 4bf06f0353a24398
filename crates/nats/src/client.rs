//! Opening the connection.

use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use signalbox_core::{BuildError, Secret};
use tokio::sync::watch;

use crate::events::Events;
use crate::rotation::{Rotation, pause};
use crate::{ConnectError, Connection, ConnectionTls, Fault, State, Watchdog};

/// Time for TCP, TLS and the greeting together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval of pings. Two without an answer end a connection, so a server whose machine is gone is noticed in 15 s.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// A connection that reconnects without end. Cheap to clone; the connection ends with the last clone.
#[derive(Debug, Clone)]
pub struct Client {
    nats: async_nats::Client,
    state: watch::Receiver<State>,
    watchdog: Arc<Watchdog>,
}

impl Client {
    /// Returns the vendor's client.
    pub fn nats(&self) -> &async_nats::Client {
        &self.nats
    }

    /// Returns a context for JetStream.
    pub fn jetstream(&self) -> async_nats::jetstream::Context {
        async_nats::jetstream::new(self.nats.clone())
    }

    /// Returns the state of the connection, which changes with it.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Returns the watchdog, which all requests over this connection share.
    pub fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }
}

/// Connects to the first server that can be used, in an order of chance. From then on the client reconnects by itself and
/// without end, to the servers in turn, with pauses of 20 ms to 2 s.
///
/// `name` is the user of the connection, such as the journal or a component, in log lines and in the server's list of
/// connections.
///
/// # Errors
/// [`ConnectError`] if no server can be used; it says for each why.
pub async fn connect(connection: &Connection, name: &str) -> Result<Client, ConnectError> {
    install_tls();
    let faults = connection.faults();
    if !faults.is_empty() {
        return Err(ConnectError::Settings(faults));
    }
    let mut servers = Vec::new();
    for (at, server) in connection.servers.iter().enumerate() {
        let address: ServerAddr = server.parse().map_err(|_: io::Error| {
            ConnectError::Settings(vec![BuildError::new(
                format!("servers.{at}"),
                "is no address of a server",
            )])
        })?;
        servers.push(address);
    }
    let events = Arc::new(Events::new(name));
    let rotation = Arc::new(Rotation::new());
    let options = options(connection, name, &events, &rotation)?;
    let mut order: Vec<usize> = (0..servers.len()).collect();
    fastrand::shuffle(&mut order);
    let mut tried = Vec::new();
    for at in order {
        let Some(address) = servers.get(at) else { continue };
        // One at a time, so that each has its own fault.
        match Box::pin(options.clone().connect(address.clone())).await {
            Ok(nats) => {
                rotation.at(address.clone());
                // The list is not empty, and a client that has ended meanwhile tells so at its first request.
                let _ = nats.set_server_pool(servers).await;
                let state = events.state();
                return Ok(Client {
                    watchdog: Arc::new(Watchdog::new(nats.clone(), state.clone())),
                    nats,
                    state,
                });
            }
            Err(error) => tried.push((at, Fault::of(&error))),
        }
    }
    tried.sort_by_key(|(at, _)| *at);
    let named = |(at, fault): (usize, Fault)| Some((connection.servers.get(at)?.clone(), fault));
    Err(ConnectError::NoServer(
        tried.into_iter().filter_map(named).collect(),
    ))
}

/// Installs ring as the TLS provider of this process, unless one is installed already.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that there is one already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn options(
    connection: &Connection,
    name: &str,
    events: &Arc<Events>,
    rotation: &Arc<Rotation>,
) -> Result<ConnectOptions, ConnectError> {
    let events = Arc::clone(events);
    let rotation = Arc::clone(rotation);
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .ignore_discovered_servers()
        .reconnect_delay_callback(pause)
        .reconnect_to_server_callback(move |pool, _| {
            let next = rotation.next(&pool);
            async move { next }
        })
        .event_callback(move |event| {
            events.hear(&event);
            async {}
        });
    let text = |secret: &Secret| secret.expose().trim().to_owned();
    if let Some(creds) = &connection.credentials {
        // The parser wants a line's end after the last line.
        let creds = format!("{}\n", text(creds));
        options = options.credentials(&creds).map_err(|_| {
            let fault = BuildError::new("credentials", "holds a JWT or a seed that cannot be read");
            ConnectError::Settings(vec![fault.help("make the file anew with `nsc generate creds`")])
        })?;
    }
    if let (Some(user), Some(password)) = (&connection.user, &connection.password) {
        options = options.user_and_password(user.clone(), text(password));
    }
    if let Some(token) = &connection.token {
        options = options.token(text(token));
    }
    if let Some(seed) = &connection.nkey {
        options = options.nkey(text(seed));
    }
    Ok(match &connection.tls {
        Some(tls) => with_tls(options.require_tls(true), tls),
        None => options,
    })
}

fn with_tls(mut options: ConnectOptions, tls: &ConnectionTls) -> ConnectOptions {
    if let Some(ca) = &tls.ca {
        options = options.add_root_certificates(ca.clone());
    }
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    options
}
