//! A pipeline in this process, from TOML.

use std::sync::Arc;

use signalbox_admin::{Started, Status};
use signalbox_config::{self as config, Environment};
use signalbox_journal::{DeadLetter, DeadLetterFilter};
use signalbox_runtime::operate::Remote;
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::running::Running;
use signalbox_runtime::sockets::OpenSockets;

use super::until;
use super::world::World;

/// The variables of a pipeline file.
pub(crate) struct Variables(pub(crate) Vec<(String, String)>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self
            .0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone()))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }
}

/// A running pipeline.
pub(crate) struct Pipe {
    running: Running,
}

impl Pipe {
    /// Builds and starts a pipeline file.
    pub(crate) async fn start(world: &World, text: &str) -> Pipe {
        // The test opens the socket and hands it over, as a service manager does: the port is known from the start.
        let socket = std::net::TcpListener::bind(&*world.listen).unwrap();
        let sockets = Arc::new(OpenSockets::default());
        let address = sockets.adopt(socket).unwrap();
        if *world.listen != address.to_string() {
            world.listen.is(address);
        }
        let mut pipeline = config::load("test.toml", text, &Variables(world.variables()))
            .and_then(Pipeline::build)
            .unwrap_or_else(|diagnostics| panic!("{diagnostics}\n{text}"));
        pipeline.journal.path.get_or_insert(world.path("journal"));
        let ledger = Running::ledger_of(&pipeline);
        let journal = signalbox_runtime::journal::open(&pipeline.journal, &pipeline.dead_letters).unwrap();
        let running = Running::start(pipeline, journal, ledger, None, sockets)
            .await
            .unwrap();
        Pipe { running }
    }

    pub(crate) fn status(&self) -> Status {
        let (source, _) = Remote::new(&self.running);
        Status::read(self.running.ledger(), &source, Started::now())
    }

    /// Waits until the status is as wanted.
    pub(crate) async fn wait(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let ask = || async { Some(self.status()).filter(&wanted) };
        until(ask, || format!("{:#?}", self.status())).await
    }

    /// Waits until this number of events was received and everything is settled; the sums then close.
    pub(crate) async fn settled(&self, received: u64) -> Status {
        let status = self
            .wait(|status| {
                let sum: u64 = status.sources.values().map(|source| source.received).sum();
                sum >= received && status.sums_close && status.sinks.values().all(|sink| sink.pending == 0)
            })
            .await;
        for (name, sink) in &status.sinks {
            let ends: u64 = [&sink.filtered, &sink.rejected, &sink.expired]
                .iter()
                .flat_map(|m| m.values())
                .sum();
            assert_eq!(sink.journalled, sink.delivered + ends, "{name}: {status:#?}");
        }
        let sum: u64 = status.sources.values().map(|source| source.received).sum();
        assert_eq!(sum, received, "{status:#?}");
        status
    }

    /// The dead letters of a component, newest first: as many as its counts say there are. They are written within the
    /// commit that follows the count.
    pub(crate) async fn dead(&self, component: &str) -> Vec<DeadLetter> {
        let status = self.status();
        let ended: u64 = match component.strip_prefix("source:") {
            Some(source) => status.sources[source].rejected.values().sum(),
            None => {
                let sink = &status.sinks[component];
                sink.rejected.values().chain(sink.expired.values()).sum()
            }
        };
        let filter = DeadLetterFilter {
            component: Some(component.to_owned()),
            ..DeadLetterFilter::default()
        };
        let ask = || async {
            let letters = self.running.journal().dead_letters(&filter, 1000).await.unwrap();
            (letters.len() as u64 >= ended).then_some(letters)
        };
        let letters = until(ask, || format!("{ended} dead letters of {component}")).await;
        letters.into_iter().map(|(_, letter)| letter).collect()
    }

    /// Stops; gives how many deliveries were left.
    pub(crate) async fn stop(mut self, deadline: std::time::Duration) -> u64 {
        self.running.stop(deadline).await
    }
}
