//! `signalbox run`

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Config;
use crate::exit::{self, Code};
use crate::router::Router;

pub(crate) async fn run(args: &Config) -> Code {
    // Before anything else, so that a signal during start-up is not lost.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("signalbox: signals cannot be watched: {error}");
            return exit::FAILED;
        }
    };
    let pipeline = match super::load(&args.config) {
        Ok(pipeline) => pipeline,
        Err(code) => return code,
    };
    let deadline = pipeline.shutdown.deadline.0;
    let mut router = match Router::start(pipeline).await {
        Ok(router) => router,
        Err(problem) => {
            eprintln!("signalbox: {problem}");
            return exit::FAILED;
        }
    };
    tracing::info!("running");
    let ended = async {
        router.running.sources_ended().await;
        tracing::info!("every source has ended; delivering what is left");
        router.running.drained().await;
    };
    let name = tokio::select! {
        () = ended => None,
        name = signals.next() => Some(name),
    };
    let left = match name {
        None => router.running.stop(Duration::ZERO).await,
        Some(name) => {
            tracing::info!("{name}: stopping; delivering what is left, for at most {deadline:?}");
            let abort = router.running.abort_handle();
            let stop = router.running.stop(deadline);
            tokio::pin!(stop);
            tokio::select! {
                left = &mut stop => left,
                name = signals.next() => {
                    tracing::warn!("{name} again: giving up at once");
                    abort.cancel();
                    stop.await
                }
            }
        }
    };
    let failed = router.running.failed();
    router.close().await;
    if left > 0 {
        tracing::error!(
            "{left} deliveries were not made and are lost with this process, since the journal is in memory"
        );
        return exit::UNDELIVERED;
    }
    tracing::info!("stopped; everything was delivered or is accounted for");
    if failed { exit::FAILED } else { exit::OK }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Waits for SIGTERM or SIGINT.
pub(super) async fn interrupted() -> std::io::Result<()> {
    Signals::new()?.next().await;
    Ok(())
}
