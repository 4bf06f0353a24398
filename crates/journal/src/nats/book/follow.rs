//! Reads the stream of states from its beginning, and goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use futures_util::StreamExt as _;

use super::key::Key;
use super::store::{START, Store, TOMBSTONE};

/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(500);

impl Store {
    /// Reads for ever. It must be the only reader of the book.
    pub(super) async fn follow(self: Arc<Store>) {
        let mut told = false;
        let mut heard = Instant::now();
        loop {
            if heard.elapsed() > TOMBSTONE / 2 {
                // Tombstones may have gone meanwhile, and with them the word that a record is removed.
                tracing::warn!("the states are read anew: the servers were out of reach for long");
                self.book().begin_anew();
            }
            if let Err(error) = self.follow_once(&mut heard, &mut told).await
                && !std::mem::replace(&mut told, true)
            {
                tracing::warn!("the states cannot be read from the servers, trying again: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow_once(&self, heard: &mut Instant, told: &mut bool) -> Result<(), async_nats::Error> {
        let next = self.book().read_to + 1;
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ..OrderedConfig::default()
        };
        let consumer = self.stream.create_consumer(config).await?;
        let mut messages = consumer.messages().await?;
        *heard = Instant::now();
        if std::mem::take(told) {
            tracing::info!("the states are read from the servers again");
        }
        while let Some(message) = messages.next().await {
            let message = message?;
            *heard = Instant::now();
            let info = message.info()?;
            let sequence = info.stream_sequence;
            let own = message
                .headers
                .as_ref()
                .and_then(|headers| headers.get(START))
                .is_some_and(|start| start.as_str() == self.start);
            self.take_in(&message.subject, sequence, &message.payload, own);
            self.read_to.send_replace(sequence);
        }
        Ok(())
    }

    fn take_in(&self, subject: &str, sequence: u64, payload: &[u8], own: bool) {
        let mut book = self.book();
        if sequence <= book.read_to {
            return;
        }
        let Some(key) = Key::parse(subject, &self.subjects) else {
            // A newer version may keep more than this one knows.
            book.read_to = sequence;
            return;
        };
        let value = self.values.decode(subject, payload);
        let read = match value {
            Some(value) => book.take_in(key, sequence, &value, own),
            None => {
                book.cannot_read(key, sequence);
                false
            }
        };
        drop(book);
        if !read {
            tracing::error!(
                subject,
                "a record of the states cannot be read: it is damaged, or a newer version wrote it"
            );
        }
    }
}
