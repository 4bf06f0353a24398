//! The file plugin of Signalbox.
