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
