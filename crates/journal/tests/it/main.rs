//! Tests of the disk journal.
