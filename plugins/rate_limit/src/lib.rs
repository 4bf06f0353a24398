//! The rate_limit plugin of Signalbox.
