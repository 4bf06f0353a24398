//! The key of one file of frames.

use std::sync::OnceLock;

use super::bytes::Flaw;
use crate::Position;
use crate::seal::cipher::{Opener, Sealed, Sealer};
use crate::seal::error::SealError;
use crate::seal::operator::Keys;
use crate::seal::wrapped::{Locked, Purpose, Wrapped};

/// Opens the frames of a file. Each frame names the file's key, which is unwrapped once.
pub(crate) struct FileKey {
    keys: Option<Keys>,
    /// The position in the file's name.
    pub(super) first: Position,
    /// True if each frame of the file must be sealed.
    pub(super) sealed: bool,
    opener: OnceLock<(Wrapped, Opener)>,
}

impl FileKey {
    /// The key of the file that begins at a position. Without the operator's keys it opens no sealed frame; with `sealed` no other.
    pub(crate) fn new(keys: Option<&Keys>, first: Position, sealed: bool) -> FileKey {
        FileKey {
            keys: keys.cloned(),
            first,
            sealed,
            opener: OnceLock::new(),
        }
    }

    /// Decrypts a text of the file in place.
    ///
    /// # Errors
    /// The reason, if it cannot be decrypted.
    pub(super) fn open(
        &self,
        wrapped: &Wrapped,
        sealed: &Sealed,
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<(), Flaw> {
        let opened = match self.opener.get().filter(|(known, _)| known == wrapped) {
            Some((_, opener)) => opener.open(sealed, aad, text),
            None => {
                let opener = self.unwrap(wrapped)?;
                let opened = opener.open(sealed, aad, text);
                if opened {
                    let _ = self.opener.set((*wrapped, opener));
                }
                opened
            }
        };
        match opened {
            true => Ok(()),
            false => Err("it is undamaged, and was not sealed for this place of this file"),
        }
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<Opener, Flaw> {
        let keys = self
            .keys
            .as_ref()
            .ok_or("it is sealed, and the journal has no key")?;
        let key = wrapped.unwrap(keys, Purpose::Frames(self.first));
        let key = key.map_err(|locked| match locked {
            Locked::Unlisted(_) => "it was sealed under a key that is not listed",
            Locked::Damaged => "the key that stands in it was not wrapped for this file",
        })?;
        key.opener().map_err(|_| "the cipher does not accept its key")
    }
}

/// Seals the frames of a file that grows. The process that begins the file makes the key, and nothing else writes with it:
/// a later process begins another file.
pub(crate) struct WritingKey {
    /// The position in the file's name.
    pub(super) first: Position,
    pub(super) wrapped: Wrapped,
    pub(super) sealer: Sealer,
}

impl WritingKey {
    /// Makes the key of a file that begins at a position.
    pub(crate) fn new(keys: &Keys, first: Position) -> Result<WritingKey, SealError> {
        let (key, wrapped) = Wrapped::new_key(keys, Purpose::Frames(first))?;
        let sealer = key.into_sealer()?;
        Ok(WritingKey {
            first,
            wrapped,
            sealer,
        })
    }
}
