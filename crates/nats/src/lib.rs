//! The connection to NATS servers, which the journal on JetStream and the plugin `nats` share.
//!
//! [`Connection`] holds the settings, [`with_connection!`] puts them into the settings of a component. With the feature
//! `client`, [`connect`] opens the connection: it words every fault for the operator, tells changes of the connection in
//! the log and in a [`watch`](tokio::sync::watch) channel, and leaves servers that no longer answer ([`Watchdog`]).

mod address;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
mod events;
#[cfg(feature = "client")]
mod rotation;
mod settings;
#[cfg(feature = "client")]
mod watchdog;

#[cfg(feature = "client")]
pub use client::{Client, connect};
#[cfg(feature = "client")]
pub use error::{ConnectError, Fault};
#[cfg(feature = "client")]
pub use events::State;
pub use settings::{Connection, ConnectionTls};
#[cfg(feature = "client")]
pub use watchdog::Watchdog;

/// For [`with_connection!`].
#[doc(hidden)]
pub use signalbox_core::Secret;
