//! `signalbox run`

use std::path::Path;
use std::time::{Duration, SystemTime};

use signalbox_config::{self as config, ProcessEnvironment};
use signalbox_runtime::operate::Command;
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::running::{Next, Turn};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::load::load;
use crate::cli::RunArgs;
use crate::exit::{self, Code, Failure};
use crate::router::Router;

/// Interval at which `--watch-config` looks at the file.
const WATCH: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: &RunArgs) -> Result<Code, Failure> {
    // First of all: no other file may have taken their numbers.
    let sockets = crate::sockets::inherited();
    // Before anything else, so that a signal during start-up is not lost.
    let mut signals = Signals::new()?;
    let path = &args.config.config;
    let pipeline = load(path)?;
    let mut deadline = pipeline.shutdown.deadline.0;
    let durable = pipeline.journal.is_durable();
    // The future holds the whole pipeline.
    let mut router = Box::pin(Router::start(pipeline, sockets)).await?;
    let shared = router.running.journal().is_shared();
    tracing::info!("running");
    let mut watch = Watch::new(args.watch_config.then_some(path));
    let name = loop {
        let why = tokio::select! {
            why = signals.next() => why,
            next = router.running.next() => match next {
                Next::RanOut => break None,
                Next::Turn(turn) => Why::Turn(turn),
            },
            Some(command) = router.commands.recv() => Why::Command(command),
            () = watch.changed() => Why::Reload("the file changed"),
        };
        match why {
            Why::Stop(name) => break Some(name),
            Why::Turn(turn) => router.turn(turn).await,
            Why::Command(command) => {
                if let Some(reply) = router.serve(command).await {
                    // The receiver is gone if the client hung up.
                    let _ = reply.send(reload(&mut router, path, &mut deadline, "asked to").await);
                }
            }
            Why::Reload(why) => {
                // The result is in the log.
                let _ = reload(&mut router, path, &mut deadline, why).await;
            }
        }
    };
    router.stop_alerts();
    let mut cut_short = false;
    let left = match name {
        None => router.running.stop(Duration::ZERO).await,
        Some(name) => {
            if shared {
                tracing::info!(
                    "{name}: stopping; finishing the requests under way, for at most {deadline:?}"
                );
            } else {
                tracing::info!("{name}: stopping; delivering what is left, for at most {deadline:?}");
            }
            let abort = router.running.abort_handle();
            let stop = router.running.stop(deadline);
            tokio::pin!(stop);
            tokio::select! {
                left = &mut stop => left,
                name = signals.stop() => {
                    tracing::warn!("{name} again: giving up at once");
                    abort.cancel();
                    let left = stop.await;
                    cut_short = left > 0;
                    left
                }
            }
        }
    };
    let failed = router.running.failed();
    let refusing = router.running.journal().refusing();
    let files_are_gone = refusing.is_some_and(|refusing| refusing.until_restart);
    router.close().await;
    if left > 0 && files_are_gone {
        tracing::error!(
            "{left} deliveries were not made and are lost with this process, unless the journal's files are put back"
        );
        return Ok(exit::UNDELIVERED);
    } else if cut_short && durable {
        tracing::error!(
            "cut short with {left} deliveries to make: they are in the journal for the next start, but a request that \
             was under way may have arrived, and then its records arrive twice"
        );
    } else if left > 0 && shared {
        tracing::info!("{left} deliveries are left in the journal; the other routers go on with them");
    } else if left > 0 && durable {
        tracing::info!("{left} deliveries are left in the journal; the next start goes on with them");
    } else if left > 0 {
        tracing::error!(
            "{left} deliveries were not made and are lost with this process: the journal is in memory"
        );
        return Ok(exit::UNDELIVERED);
    } else {
        tracing::info!("stopped; everything was delivered or is accounted for");
    }
    Ok(if failed || cut_short {
        exit::FAILED
    } else {
        exit::OK
    })
}

enum Why {
    Stop(&'static str),
    Turn(Turn),
    Command(Command),
    Reload(&'static str),
}

/// Reloads the pipeline. An invalid file changes nothing; its problems are logged and returned.
async fn reload(
    router: &mut Router,
    path: &Path,
    deadline: &mut Duration,
    why: &str,
) -> Result<String, String> {
    let built = config::load_file(path, &ProcessEnvironment).and_then(Pipeline::build);
    let result = match built {
        _ if router.running.is_draining() => Err("the router is about to end".to_owned()),
        Ok(pipeline) => {
            *deadline = pipeline.shutdown.deadline.0;
            for warning in &pipeline.warnings {
                tracing::warn!("{warning}");
            }
            router.reload(pipeline).await
        }
        Err(diagnostics) => Err(format!("the new configuration is not used:\n{diagnostics}")),
    };
    match &result {
        Ok(told) => tracing::info!("reload ({why}): {told}"),
        Err(problem) => tracing::error!("reload ({why}): {problem}"),
    }
    result
}

/// Looks at a file's time and length.
struct Watch<'a> {
    path: Option<&'a Path>,
    last: Option<(SystemTime, u64)>,
}

impl<'a> Watch<'a> {
    fn new(path: Option<&'a Path>) -> Watch<'a> {
        let last = path.and_then(stamp);
        Watch { path, last }
    }

    /// Returns when the file has changed and stands still; never if none is watched. Cancel safe.
    async fn changed(&mut self) {
        let Some(path) = self.path else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(WATCH).await;
            let now = stamp(path);
            // A file that is gone is being replaced.
            if now.is_some() && now != self.last {
                self.last = now;
                return;
            }
        }
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Signals, String> {
        let watch = |kind| signal(kind).map_err(|error| format!("signals cannot be watched: {error}"));
        Ok(Signals {
            terminate: watch(SignalKind::terminate())?,
            interrupt: watch(SignalKind::interrupt())?,
            hangup: watch(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    async fn next(&mut self) -> Why {
        tokio::select! {
            _ = self.terminate.recv() => Why::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Why::Stop("SIGINT"),
            _ = self.hangup.recv() => Why::Reload("SIGHUP"),
        }
    }
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn interrupted() -> Result<(), String> {
    Signals::new()?.stop().await;
    Ok(())
}
