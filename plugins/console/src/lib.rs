//! The console plugin of Signalbox.
