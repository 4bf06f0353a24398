//! Listening sockets that outlive the sources using them.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signalbox_core::Sockets;
use socket2::{Domain, Protocol, Socket, Type};

/// Backlog of a listening socket. A few hundred clients that reconnect at once overflow the standard library's 128. The
/// system may allow less (`net.core.somaxconn`).
const BACKLOG: i32 = 1024;

/// Opens a non-blocking listening socket.
///
/// # Errors
/// Errors of the operating system.
pub fn open_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a restart bind while old connections of the port are in TIME_WAIT. On other systems the option would allow two
    // programs on one port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Keeps listening sockets open while one source gives way to another on the same address: connections wait in the
/// backlog instead of being refused. A socket without users is closed.
#[derive(Debug, Default)]
pub struct OpenSockets(Mutex<SocketTable>);

#[derive(Debug, Default)]
struct SocketTable {
    open: BTreeMap<SocketAddr, OpenSocket>,
    last: u64,
}

#[derive(Debug)]
struct OpenSocket {
    listener: TcpListener,
    /// Its users; empty for an inherited socket that no source has asked for yet.
    users: Vec<User>,
}

#[derive(Debug, Clone)]
struct User {
    id: u64,
    source: Arc<str>,
    /// True if the source is about to end: another source may take the address.
    leaving: bool,
}

impl OpenSockets {
    /// Takes over a socket that is listening already, with its backlog.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn adopt(&self, listener: TcpListener) -> io::Result<SocketAddr> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        self.state().open.insert(
            address,
            OpenSocket {
                listener,
                users: Vec::new(),
            },
        );
        Ok(address)
    }

    /// Returns a source's access. Dropping it closes its sockets, unless another source uses them.
    pub fn access(self: &Arc<Self>, source: Arc<str>) -> SocketAccess {
        let mut state = self.state();
        state.last += 1;
        SocketAccess {
            sockets: self.clone(),
            id: state.last,
            source,
        }
    }

    fn state(&self) -> MutexGuard<'_, SocketTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, address: SocketAddr, user: User) -> io::Result<TcpListener> {
        let mut state = self.state();
        if let Some(open) = state.open.get_mut(&address) {
            if let Some(other) = open
                .users
                .iter()
                .find(|other| !other.leaving && other.source != user.source)
            {
                let told = format!("the source '{}' listens there", other.source);
                return Err(io::Error::new(io::ErrorKind::AddrInUse, told));
            }
            open.users.push(user);
            return open.listener.try_clone();
        }
        let listener = open_listener(address)?;
        let handle = listener.try_clone()?;
        // Port 0 asks for any free port each time.
        if address.port() != 0 {
            state.open.insert(
                address,
                OpenSocket {
                    listener,
                    users: vec![user],
                },
            );
        }
        Ok(handle)
    }
}

/// One source's access to the sockets of the process.
#[derive(Debug)]
pub struct SocketAccess {
    sockets: Arc<OpenSockets>,
    id: u64,
    source: Arc<str>,
}

impl SocketAccess {
    /// Marks the source as about to end: another source may take its addresses over.
    pub fn leave(&self) {
        for open in self.sockets.state().open.values_mut() {
            open.users
                .iter_mut()
                .filter(|user| user.id == self.id)
                .for_each(|user| user.leaving = true);
        }
    }

    /// Returns the sockets in the form that sources get.
    pub fn sockets(&self) -> Arc<dyn Sockets> {
        let user = User {
            id: self.id,
            source: self.source.clone(),
            leaving: false,
        };
        Arc::new(SourceSockets {
            sockets: self.sockets.clone(),
            user,
        })
    }
}

impl Drop for SocketAccess {
    fn drop(&mut self) {
        self.sockets.state().open.retain(|_, open| {
            let used = open.users.iter().any(|user| user.id == self.id);
            open.users.retain(|user| user.id != self.id);
            !used || !open.users.is_empty()
        });
    }
}

#[derive(Debug)]
struct SourceSockets {
    sockets: Arc<OpenSockets>,
    user: User,
}

impl Sockets for SourceSockets {
    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        self.sockets.listen(address, self.user.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn an_address_goes_from_one_source_to_the_next_and_is_closed_at_last() {
        let (sockets, address) = (Arc::new(OpenSockets::default()), free());
        let old = sockets.access("web".into());
        drop(old.sockets().listen(address).unwrap());
        // The same source, built anew by a reload; then another one that takes its place.
        let new = sockets.access("web".into());
        drop(new.sockets().listen(address).unwrap());
        drop(old);
        assert!(TcpListener::bind(address).is_err(), "it is still open");
        let other = sockets.access("app".into());
        let refused = other.sockets().listen(address).unwrap_err();
        assert!(refused.to_string().contains("'web' listens there"), "{refused}");
        new.leave();
        drop(other.sockets().listen(address).unwrap());
        drop(new);
        assert!(TcpListener::bind(address).is_err(), "it is still open");
        drop(other);
        assert!(TcpListener::bind(address).is_ok());
    }

    #[test]
    fn hundreds_may_connect_before_anybody_is_let_in() {
        let address = free();
        let access = Arc::new(OpenSockets::default()).access("web".into());
        let _listener = access.sockets().listen(address).unwrap();
        let wait = std::time::Duration::from_millis(900);
        let all: Vec<_> = (0..400)
            .map(|_| std::net::TcpStream::connect_timeout(&address, wait))
            .collect();
        let failed = all.iter().filter(|connected| connected.is_err()).count();
        assert_eq!(failed, 0);
    }

    #[test]
    fn what_was_handed_over_waits_for_its_source() {
        let sockets = Arc::new(OpenSockets::default());
        let address = sockets.adopt(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        drop(sockets.access("none".into()));
        let access = sockets.access("web".into());
        assert_eq!(
            access.sockets().listen(address).unwrap().local_addr().unwrap(),
            address
        );
    }
}
