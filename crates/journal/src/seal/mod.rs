//! The seal of a journal on disk: what holds personal data is encrypted with AES-256-GCM.
//!
//! ```text
//! operator's key ──wraps──▶ a data key for each file of frames   in the file's heading, and in each of its frames
//!                └─wraps──▶ the state key and the id key         in keys.bin
//! ```
//! The operator's key encrypts nothing but keys, so a new one takes effect without writing old files anew: they stay
//! readable as long as the old key is listed.
//!
//! A nonce never depends on a position, since a failed commit uses its position again. A file of frames has a data key of its
//! own, and only the process that made the key writes with it: it counts from 0, and after a crash another file with another
//! key is begun. The state key outlives processes, so each derives its own key from it by a random number
//! ([`records`]).

pub(crate) mod cipher;
pub(crate) mod error;
pub(crate) mod id_key;
pub(crate) mod keys_file;
pub(crate) mod operator;
pub(crate) mod records;
pub(crate) mod wrapped;
