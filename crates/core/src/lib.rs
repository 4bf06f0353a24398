//! The contract of Signalbox: events, records, sources, transforms and sinks; no I/O.
