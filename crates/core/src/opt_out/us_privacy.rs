//! The US privacy string of the IAB, version 1: version, notice given, opted out of sale, covered by a limited service
//! provider agreement; each `Y`, `N` or `-` for "does not apply".

use super::signalled::{Signalled, text};
use crate::Node;

pub(super) fn read(node: Node<'_>) -> Result<Signalled, String> {
    text(node)?.map_or(Ok(Signalled::Nothing), parse)
}

/// Reads a string such as `1YNN`.
pub(super) fn parse(text: &str) -> Result<Signalled, String> {
    let [version, notice, sale, agreement] = text.as_bytes() else {
        return Err("it is no US privacy string".to_owned());
    };
    let is_letter = |byte: &u8| matches!(byte.to_ascii_uppercase(), b'Y' | b'N' | b'-');
    if ![notice, sale, agreement].into_iter().all(is_letter) {
        return Err("it is no US privacy string".to_owned());
    }
    if *version != b'1' {
        return Err("its version is not 1".to_owned());
    }
    Ok(match sale.to_ascii_uppercase() {
        b'Y' => Signalled::OptedOut,
        b'N' => Signalled::No,
        _ => Signalled::Nothing,
    })
}
