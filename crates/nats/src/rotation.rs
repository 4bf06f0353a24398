//! Which server is next, and when.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_nats::{ReconnectToServer, Server, ServerAddr};

/// Longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(2);

/// Goes through the servers in turn: after the loss of one it tries the next, never the same first. The client's own choice
/// is random, and may go back to a server that is cut off from the others.
pub(crate) struct Rotation {
    current: Mutex<Option<ServerAddr>>,
}

impl Rotation {
    pub(crate) fn new() -> Rotation {
        Rotation {
            current: Mutex::new(None),
        }
    }

    /// Notes the server that is connected.
    pub(crate) fn at(&self, server: ServerAddr) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// Returns the server after the last one; `None` if there is only one.
    pub(crate) fn next(&self, pool: &[Server]) -> Option<ReconnectToServer> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pool
            .iter()
            .position(|server| Some(&server.addr) == current.as_ref());
        let next = match at {
            _ if pool.len() < 2 => return None,
            Some(at) => pool.get((at + 1) % pool.len()),
            None => pool.first(),
        };
        let addr = next?.addr.clone();
        *current = Some(addr.clone());
        Some(ReconnectToServer { addr, delay: None })
    }
}

/// Returns the pause before an attempt, the first being 1: 20 ms, doubled up to 2 s, with a quarter of chance so that
/// routers do not come back at once.
pub(crate) fn pause(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(16);
    let pause = Duration::from_millis(20)
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(LONGEST);
    pause.mul_f64(0.75 + fastrand::f64() / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_seconds_and_never_vanish() {
        assert!(pause(0) >= Duration::from_millis(15));
        assert!(pause(1) <= Duration::from_millis(20));
        for attempt in [9, 100, usize::MAX] {
            assert!(pause(attempt) >= Duration::from_millis(1500), "{attempt}");
            assert!(pause(attempt) <= LONGEST, "{attempt}");
        }
    }
}
