//! A stand-in for the Pinterest Conversions API on loopback, with faults on demand.
