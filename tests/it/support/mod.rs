//! What the tests share.

pub(crate) mod client;
pub(crate) mod disk;
pub(crate) mod events;
pub(crate) mod pipe;
pub(crate) mod process;
pub(crate) mod world;

use std::future::Future;
use std::time::{Duration, Instant};

/// The longest that anything is waited for: far more than it takes, since machines differ.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Asks until there is an answer.
///
/// # Panics
/// After [`PATIENCE`], with what `shown` says.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    mut ask: impl FnMut() -> F,
    shown: impl Fn() -> String,
) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited in vain: {}", shown());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A port that nobody uses and that the system gives to no outgoing connection, so that it is still free when it is
/// taken.
pub(crate) fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Below the ephemeral range; another process of these tests starts somewhere else.
    let start = std::process::id().wrapping_mul(977);
    loop {
        let at = start.wrapping_add(NEXT.fetch_add(1, Relaxed)) % 20_000;
        let port = 12_000 + at as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
