//! The pinterest_conversions plugin of Signalbox.
