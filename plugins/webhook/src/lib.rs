//! The webhook plugin of Signalbox.
