//! The HTTP sink kit. The author of an HTTP destination writes pure functions (a [`Destination`]: the form of a
//! request, the meaning of a reply); [`HttpSink`] builds a [`signalbox_core::Sink`] from them and decides nothing else.
//! The runtime retries, paces, bisects and holds.
//!
//! The kit guarantees for every destination:
//! - A failure to connect (DNS, TCP, TLS) wrote nothing. Any later failure may have been written, and says so.
//! - Only a [`Destination`] can call a record delivered; no failure, redirect or unreadable reply ever is.
//! - Redirects are not followed, the environment's proxy variables are not read, no reply is longer in memory
//!   than [`ClientOptions::max_reply_bytes`].
//! - No message names more of a URL than its host: paths and queries hold ids and tokens.
//!
//! [`server`] is the other side: the listeners of sources, of the admin address and of the sandbox.

mod body;
mod client;
mod failure;
mod message;
mod retry_after;
pub mod server;
mod sink;
mod status;
mod test_event;
mod tls;

pub use body::{Body, join};
pub use bytes::Bytes;
pub use client::{Client, ClientError, ClientOptions};
pub use failure::Failure;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use message::{Reply, Request, bearer, parse_url, secret_value};
pub use reqwest::Url;
pub use retry_after::{MAX_RETRY_AFTER, retry_after};
pub use sink::{Destination, HttpSink, ScoreRequest};
pub use status::{Class, StatusTable};
pub use tls::{install_tls, trusting_only};
