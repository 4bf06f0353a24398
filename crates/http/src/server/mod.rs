//! The server kit: accepts connections within limits, speaks HTTP/1.1 and HTTP/2 with TLS or without, and drains.
//!
//! An [`Application`] answers requests; [`serve`] does the rest. Any client can reach a listener, so each limit holds
//! against clients that are silent, slow or many: connections give way (`slots`), heads, bodies and answers have their
//! time, and bytes that never become a request are counted (`traffic`).

mod accept;
mod application;
mod certificate;
mod connection;
mod exchange;
mod forwarded;
mod limits;
mod requests;
mod slots;
mod traffic;
mod write_timeout;

pub use accept::serve;
pub use application::{Application, NoAnswer, Peer};
pub use certificate::{Broken, Certificate};
pub use exchange::close_after;
pub use forwarded::{
    X_FORWARDED_FOR, forwarded_over_https, forwarding_header, forwarding_hop, is_trusted, sender_ip,
};
pub use limits::{BEYOND_BODIES, Limits};
pub use slots::neighbourhood;
