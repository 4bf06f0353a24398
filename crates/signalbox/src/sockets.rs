//! Listening sockets handed over by the process manager, so that a restart refuses no connection.

use listenfd::ListenFd;
use signalbox_runtime::sockets::OpenSockets;

/// The sockets this process was started with: those of `LISTEN_FDS`, as systemd passes them (and only if `LISTEN_PID`,
/// when it is there, names this process). A source takes one over when its `listen` is the socket's address. Call it
/// once, first of all: no other file may be open yet.
///
/// Anything but a listening TCP socket is ignored with a warning: a process that then opens its address itself is of
/// more use than none.
#[must_use]
pub(crate) fn inherited() -> OpenSockets {
    let sockets = OpenSockets::default();
    let mut inherited = ListenFd::from_env();
    for place in 0..inherited.len() {
        let adopted = match inherited.take_tcp_listener(place) {
            Ok(Some(listener)) => sockets.adopt(listener),
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        match adopted {
            Ok(address) => tracing::info!(%address, "took over a listening socket"),
            Err(error) => tracing::warn!("a socket handed over (LISTEN_FDS) is not used: {error}"),
        }
    }
    sockets
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    use super::*;

    const ADDRESS: &str = "SIGNALBOX_TEST_ADDRESS";

    /// Runs itself once more as another process, which is handed the socket as its standard input.
    #[test]
    fn a_socket_handed_over_is_used_instead_of_a_new_one() {
        if let Ok(address) = std::env::var(ADDRESS) {
            let access = std::sync::Arc::new(inherited()).access("web".into());
            let listener = access.sockets().listen(address.parse().unwrap()).unwrap();
            listener.set_nonblocking(false).unwrap();
            listener.accept().unwrap().0.write_all(b"taken over").unwrap();
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // It waits in the backlog until the other process is there. This one keeps the address in use.
        let mut waiting = TcpStream::connect(address).unwrap();
        let handed_over = OwnedFd::from(listener.try_clone().unwrap());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sockets::tests::a_socket_handed_over_is_used_instead_of_a_new_one",
            ])
            .env(ADDRESS, address.to_string())
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDS_FIRST_FD", "0")
            .stdin(Stdio::from(handed_over))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "taken over");
        assert!(child.wait().unwrap().success());
    }
}
