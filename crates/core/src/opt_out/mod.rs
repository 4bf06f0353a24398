//! Opt-out signals that browsers, consent managers and SDKs put into events: Global Privacy Control, US privacy strings,
//! strings of the Global Privacy Platform (GPP), and RudderStack's `optOutType`.

mod bits;
mod gpp;
mod signal;
mod signalled;
mod us_privacy;

#[cfg(test)]
mod tests;

pub use signal::OptOutSignal;
pub use signalled::Signalled;
