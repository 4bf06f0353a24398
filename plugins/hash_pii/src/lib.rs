//! The hash_pii plugin of Signalbox.
