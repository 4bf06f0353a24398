//! The segment_http plugin of Signalbox.
