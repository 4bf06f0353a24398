//! Values behind a checksum. The store does not verify the values that it reads.

use twox_hash::XxHash3_64;

/// Puts the checksum of a value before it.
pub(crate) fn checked(value: &[u8]) -> Vec<u8> {
    [&XxHash3_64::oneshot(value).to_le_bytes()[..], value].concat()
}

/// Returns the value behind its checksum; `None` if the checksum is wrong.
pub(crate) fn verified(bytes: &[u8]) -> Option<&[u8]> {
    let (checksum, value) = bytes.split_first_chunk::<8>()?;
    (XxHash3_64::oneshot(value) == u64::from_le_bytes(*checksum)).then_some(value)
}
