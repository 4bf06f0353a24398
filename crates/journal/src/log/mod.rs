//! The log: frames of events in a list of files, which are deleted as a whole.

mod aligned;
pub(crate) mod bytes;
pub(crate) mod encode;
pub(crate) mod file_key;
pub(crate) mod files;
pub(crate) mod frame;
mod frame_file;
pub(crate) mod heading;
pub(crate) mod layout;
pub(crate) mod log_file;
pub(crate) mod mark;
pub(crate) mod missing;
pub(crate) mod scan;
pub(crate) mod sealer;
mod summary;
pub(crate) mod tail_cache;
pub(crate) mod takeover;
mod walk;
pub(crate) mod watch;

pub(crate) use aligned::AlignedBuffer;
