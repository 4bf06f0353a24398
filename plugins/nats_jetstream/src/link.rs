//! The connection of a component, which opens with its first use.

use std::time::Duration;

use async_nats::jetstream::{Context, context::ContextBuilder};
use signalbox_nats::{Client, ConnectError, Connection, connect};
use tokio::sync::Mutex;

/// Time for a server's answer to a request or to a published message. An election of a stream's leader takes 4 to 8
/// seconds.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// The settings of a connection, and the connection once it has been used.
pub(crate) struct Link {
    connection: Connection,
    /// The component, for log lines and the server's list of connections: `sink copy`.
    name: String,
    open: Mutex<Option<Open>>,
}

/// An open connection.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
}

impl Link {
    pub(crate) fn new(connection: Connection, name: String) -> Link {
        Link {
            connection,
            name,
            open: Mutex::new(None),
        }
    }

    /// Returns the connection, and opens it if this is its first use. From then on it reconnects by itself.
    pub(crate) async fn open(&self) -> Result<Open, ConnectError> {
        let mut open = self.open.lock().await;
        if let Some(open) = &*open {
            return Ok(open.clone());
        }
        let client = connect(&self.connection, &self.name).await?;
        let jetstream = ContextBuilder::new().timeout(ANSWER).build(client.nats().clone());
        let opened = Open { client, jetstream };
        *open = Some(opened.clone());
        Ok(opened)
    }

    /// Returns the connection if it has been opened.
    pub(crate) async fn opened(&self) -> Option<Open> {
        self.open.lock().await.clone()
    }
}

impl Open {
    /// Returns the time without a server, if there is none at the moment.
    pub(crate) fn down(&self) -> Option<Duration> {
        let state = *self.client.state().borrow();
        (!state.connected).then(|| state.since.elapsed())
    }

    /// Waits until everything written so far has reached the server, for [`ANSWER`] at most. Returns false if it has not.
    pub(crate) async fn flush(&self) -> bool {
        let flushed = tokio::time::timeout(ANSWER, self.client.nats().flush()).await;
        matches!(flushed, Ok(Ok(())))
    }
}
