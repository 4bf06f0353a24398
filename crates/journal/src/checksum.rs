//! Values behind a checksum. The store does not verify the values that it reads.

use xxhash_rust::xxh3::xxh3_64;

/// Puts the checksum of a value before it.
pub(crate) fn checked(value: &[u8]) -> Vec<u8> {
    [&xxh3_64(value).to_le_bytes()[..], value].concat()
}

/// Returns the value behind its checksum; `None` if the checksum is wrong.
pub(crate) fn verified(bytes: &[u8]) -> Option<&[u8]> {
    let (checksum, value) = bytes.split_first_chunk::<8>()?;
    (xxh3_64(value) == u64::from_le_bytes(*checksum)).then_some(value)
}
