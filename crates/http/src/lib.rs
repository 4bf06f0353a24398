//! The HTTP sink kit: client, status table, Retry-After, redaction.
