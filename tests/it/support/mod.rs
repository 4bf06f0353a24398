//! Helpers of the tests.

pub(crate) mod client;
pub(crate) mod disk;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod pipe;
pub(crate) mod pipeline;
pub(crate) mod process;
pub(crate) mod world;

use std::time::{Duration, Instant};

/// The longest that anything is waited for: far more than it takes, since machines differ.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Polls until there is an answer.
///
/// # Panics
/// After [`PATIENCE`], with what `shown` says.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>, shown: impl Fn() -> String) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited in vain: {}", shown());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
