//! Listening sockets for sources under test.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use signalbox_core::Sockets;

/// Opens a new socket each time.
#[derive(Debug, Default)]
pub struct NewSockets;

impl NewSockets {
    /// For a `SourceContext`.
    pub fn shared() -> Arc<dyn Sockets> {
        Arc::new(NewSockets)
    }
}

impl Sockets for NewSockets {
    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

/// Passes on one socket, which listens for as long as this lives: connections wait in its backlog between two sources.
#[derive(Debug)]
pub struct OneSocket(TcpListener);

impl OneSocket {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn open() -> io::Result<Arc<OneSocket>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Arc::new(OneSocket(listener)))
    }

    /// Returns the address.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Sockets for OneSocket {
    fn listen(&self, _: SocketAddr) -> io::Result<TcpListener> {
        self.0.try_clone()
    }
}
