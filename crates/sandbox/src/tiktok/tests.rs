//! Tables of events and what Meta says to them.
