//! The log between sources and sinks, and its cursors.
