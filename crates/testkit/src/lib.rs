//! Contract checks, builders and runners for tests.
