//! Opens the stream of states.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use serde::{Deserialize, Serialize};
use signalbox_nats::Watchdog;

use super::Book;
use super::key::Key;
use super::store::{Refused, Store, Write};
use super::values::{Values, json, read};
use crate::nats::keys;
use crate::nats::patience::START;
use crate::nats::stream::{ensure, refuse_lost_states};
use crate::nats::subjects::Subjects;
use crate::seal::keys_file::JournalKeys;
use crate::{DeadLetterQuota, JournalError, Keys};

/// The format of the records. Routers with an older one refuse to open the journal.
const FORMAT: u32 = 1;

/// The identity of the journal.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) format: u32,
}

/// The settings of a stream of states.
pub(crate) struct StoreOptions {
    pub(crate) prefix: String,
    pub(crate) replicas: usize,
    /// The name of this router.
    pub(crate) node: String,
    /// The id of this process.
    pub(crate) start: String,
    pub(crate) quota: DeadLetterQuota,
    /// The operator's keys.
    pub(crate) keys: Option<Keys>,
}

/// A stream of states that was opened, with the journal's id and its keys.
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) id: String,
    pub(crate) keys: Option<JournalKeys>,
}

/// The configuration of the stream.
pub(crate) fn config(subjects: &Subjects, replicas: usize) -> stream::Config {
    stream::Config {
        name: subjects.stream("ST"),
        description: Some("Signalbox: states of sinks and sources, dead letters".into()),
        subjects: vec![subjects.subject(&["st"]) + ".>"],
        storage: stream::StorageType::File,
        num_replicas: replicas,
        max_messages_per_subject: 1,
        allow_atomic_publish: true,
        allow_message_ttl: true,
        ..stream::Config::default()
    }
}

impl Store {
    /// Opens the stream or makes it, and reads all records.
    ///
    /// # Errors
    /// [`JournalError`] if the servers do not take part, if the stream has other properties, or if the keys do not open it.
    pub(crate) async fn open(
        context: jetstream::Context,
        options: StoreOptions,
        watchdog: Option<Arc<Watchdog>>,
    ) -> Result<Opened, JournalError> {
        let subjects = Subjects::new(&options.prefix);
        let name = subjects.stream("ST");
        let wanted = config(&subjects, options.replicas);
        refuse_lost_states(&context, &name, &subjects.stream("EV")).await?;
        ensure(&context, &wanted).await?;
        let stream = context.get_stream_no_info(&name).await;
        let stream =
            stream.map_err(|error| JournalError(format!("the stream {name} cannot be opened: {error}")))?;
        let until = Instant::now() + START;
        let keys = keys::open(&context, &stream, &subjects, options.keys.as_ref(), until).await?;
        let values = Values::new(keys.as_ref().map(|keys| keys.records.clone()));
        let book = Book::new(options.quota);
        let store =
            Arc::new(Store::new(context, stream, subjects, values, options.start, book).watched(watchdog));
        let follower = store.clone();
        tokio::spawn(async move { follower.follow().await });
        // Records that were written before this one have been read when it is.
        let seen = [Write::set(Key::Seen(options.node), b"{}".to_vec())];
        let reading = store.write_and_read(&seen, until);
        let reading = tokio::time::timeout_at(until.into(), reading).await;
        reading.map_err(|_| {
            JournalError(format!("the stream {name} was not read in {} s", START.as_secs()))
        })??;
        let id = store.identify(&name, until).await?;
        Ok(Opened { store, id, keys })
    }

    /// Reads the journal's identity, or gives it one.
    async fn identify(&self, stream: &str, until: Instant) -> Result<String, JournalError> {
        loop {
            let found = self.book().identity.clone();
            if let Some(found) = found {
                let identity: Option<Identity> = read(&found);
                let identity = identity
                    .ok_or_else(|| JournalError(format!("the identity of the stream {stream} is damaged")))?;
                if identity.format > FORMAT {
                    return Err(JournalError(format!(
                        "the stream {stream} was written by a newer version of Signalbox (format {}, this one knows {FORMAT}): \
                         start that version",
                        identity.format
                    )));
                }
                return Ok(identity.id);
            }
            let identity = Identity {
                id: uuid::Uuid::new_v4().to_string(),
                format: FORMAT,
            };
            let write = Write::set(Key::Identity, json(&identity)?).over(0);
            match self.write_and_read(&[write], until).await {
                Ok(_) => {}
                // Another router was first, and its record is read in a moment.
                Err(Refused::Fenced) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(refused) => return Err(refused.into()),
            }
        }
    }
}
