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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_stay_as_files_have_them() {
        // Made by the crate xxhash-rust, with which all files up to November 2026 were written.
        for (len, expected) in [
            (241, 0x02e8_cd95_421c_6d02),
            (1_024, 0xe5d7_8baf_a45b_2aa5),
            (1_025, 0xe95c_4228_8f28_186e),
            (5_000, 0xb418_500f_c423_20ee_u64),
        ] {
            let value: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            assert_eq!(checked(&value)[..8], expected.to_le_bytes(), "{len}");
            assert_eq!(verified(&checked(&value)), Some(&value[..]));
        }
    }
}
