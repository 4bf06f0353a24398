//! Reads little-endian numbers, and the fixed part that the journal's own file formats have in common.

use twox_hash::XxHash3_64;

/// The flaw for which bytes are refused.
pub(crate) type Flaw = &'static str;

pub(crate) const SHORT: Flaw = "it is cut short";

/// Bytes that are read from front to back.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Flaw> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Flaw> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Flaw> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Flaw> {
        self.array().map(i64::from_le_bytes)
    }
}

/// Checks a fixed part: a magic, the format version, the length up to and including the checksum of all before it.
/// Returns the version and the bytes between the length and the checksum; `None` if there is no intact fixed part.
pub(crate) fn fixed_part<'a>(bytes: &'a [u8], magic: &[u8; 8]) -> Option<(u16, Bytes<'a>)> {
    let mut rest = Bytes(bytes.strip_prefix(magic)?);
    let (version, length) = (rest.u16().ok()?, rest.u16().ok()?);
    let (fields, checksum) = bytes.get(..length.into())?.split_last_chunk::<8>()?;
    let intact = XxHash3_64::oneshot(fields) == u64::from_le_bytes(*checksum);
    intact.then_some((version, Bytes(fields.get(12..)?)))
}
