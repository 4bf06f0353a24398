//! Listening sockets that outlive the sources using them.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use signalbox_core::Sockets;

/// Keeps every listening socket of the process open until [`OpenSockets::keep_only`] lets go of it. While one source
/// gives way to another on the same address, connections wait in the socket's backlog instead of being refused.
#[derive(Debug, Default)]
pub struct OpenSockets(Mutex<BTreeMap<SocketAddr, TcpListener>>);

impl OpenSockets {
    /// Takes over a socket that is listening already.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn adopt(&self, listener: TcpListener) -> io::Result<SocketAddr> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        self.open().insert(address, listener);
        Ok(address)
    }

    /// Closes every socket but these.
    pub fn keep_only(&self, addresses: &[SocketAddr]) {
        self.open().retain(|address, _| addresses.contains(address));
    }

    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<SocketAddr, TcpListener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sockets for OpenSockets {
    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let mut open = self.open();
        if let Some(listener) = open.get(&address) {
            return listener.try_clone();
        }
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let handle = listener.try_clone()?;
        // Port 0 asks for any free port each time.
        if address.port() != 0 {
            open.insert(address, listener);
        }
        Ok(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_opened_once_and_closed_when_let_go() {
        let sockets = OpenSockets::default();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let address = sockets.listen(any).unwrap().local_addr().unwrap();
        let (first, second) = (sockets.listen(address).unwrap(), sockets.listen(address).unwrap());
        drop((first, second));
        assert!(TcpListener::bind(address).is_err(), "it is still open");
        sockets.keep_only(&[]);
        assert!(TcpListener::bind(address).is_ok());
    }
}
