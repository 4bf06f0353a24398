//! Reading events from a stream: pulled through a durable consumer, acknowledged when the journal has them.

mod config;
mod consumer;
mod message;
mod options;
mod reader;
mod trouble;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use signalbox_core::{Source, SourceContext, SourceTask, StartError};

pub use config::NatsSourceConfig;
use consumer::Wanted;
pub use options::{Format, StartAt};
use reader::{Ending, Reader, until};
use trouble::Trouble;

use crate::link::Link;

/// Pause before the source connects or opens its consumer again.
const PAUSE: Duration = Duration::from_secs(1);
/// Time between two log lines about a trouble that lasts.
const REMIND: Duration = Duration::from_secs(60);
/// Topic of the source's note in the status.
const TOPIC: &str = "nats";

/// A built `nats` source.
struct NatsSource {
    wanted: Wanted,
    link: Link,
}

#[async_trait]
impl Source for NatsSource {
    /// Fails for no trouble of the servers, which may be away while a router starts.
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        Ok(Box::pin(async move {
            self.run(&context).await;
            Ok(())
        }))
    }
}

impl NatsSource {
    /// Reads until the source is stopped, and begins again after each trouble.
    async fn run(&self, context: &SourceContext) {
        let mut log = Log::new(context);
        loop {
            let Some(opened) = until(&context.shutdown, self.open(context)).await else {
                return;
            };
            let trouble = match opened {
                Ok(mut reader) => {
                    log.reading(&self.wanted.stream);
                    match reader.run().await {
                        Ending::Stopped => return,
                        Ending::Trouble(trouble) => trouble,
                    }
                }
                Err(trouble) => trouble,
            };
            log.tell(&trouble);
            if until(&context.shutdown, tokio::time::sleep(PAUSE))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    async fn open<'c>(&self, context: &'c SourceContext) -> Result<Reader<'c>, Trouble> {
        let open = self.link.open().await.map_err(Trouble::Connect)?;
        // Requests of the vendor's client are large futures, and this one lives in the source's task.
        let reading = Box::pin(consumer::open(&self.wanted, &open)).await?;
        Ok(Reader::new(context, open, reading))
    }
}

/// Writes troubles into the log and the status.
struct Log<'c> {
    context: &'c SourceContext,
    told: Option<(Instant, String)>,
}

impl Log<'_> {
    fn new(context: &SourceContext) -> Log<'_> {
        Log { context, told: None }
    }

    fn reading(&mut self, stream: &str) {
        let source = &*Arc::clone(&self.context.name);
        tracing::info!(source, stream, "reading from NATS");
        self.context
            .vitals
            .note(TOPIC, format!("reads the stream `{stream}`"));
        self.told = None;
    }

    /// Tells a trouble once, and again each minute while it lasts.
    fn tell(&mut self, trouble: &Trouble) {
        let told = trouble.to_string();
        self.context
            .vitals
            .note(TOPIC, format!("does not read at the moment: {told}"));
        if self
            .told
            .as_ref()
            .is_some_and(|(at, last)| *last == told && at.elapsed() < REMIND)
        {
            return;
        }
        let source = &*self.context.name;
        tracing::warn!(source, "not reading from NATS: {told}; trying again each second");
        self.told = Some((Instant::now(), told));
    }
}
