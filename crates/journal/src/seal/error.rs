//! The error of sealing.

use ring::error::Unspecified;

/// The failure of the system's random numbers, or of the cipher, which accepts everything that a journal writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers, so nothing can be sealed")]
pub struct SealError;

impl From<Unspecified> for SealError {
    fn from(_: Unspecified) -> SealError {
        SealError
    }
}

impl From<SealError> for std::io::Error {
    fn from(error: SealError) -> std::io::Error {
        std::io::Error::other(error)
    }
}
