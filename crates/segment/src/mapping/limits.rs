//! Bounds on mappings and on the texts they make.

use super::error::RuntimeError;
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

/// Maximum nesting depth of a mapping. Segment has no limit and overflows its stack near 1,900; real mappings nest 6
/// deep.
pub const MAX_DEPTH: usize = 100;

/// Maximum length, in bytes, of a text that a directive makes of an event; a longer one is a run-time error. Keeps
/// hostile events from growing quadratically through templates, replacements and flattened keys.
pub const MAX_TEXT: usize = 1 << 20;

/// Returns the text that a placeholder shows for a value. Cold, so that it is not inlined into the evaluation.
#[cold]
pub(super) fn text_of<'a>(value: Value<'_>, arena: &'a Bump) -> Result<&'a str, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    push_value(&mut out, value)?;
    bounded(out.len())?;
    Ok(out.into_bump_str())
}

/// Appends the text that a placeholder shows for a value.
pub(super) fn push_value(out: &mut BumpString<'_>, value: Value<'_>) -> Result<(), RuntimeError> {
    value.write_text(out).map_err(|_| too_long())
}

/// Fails for a text longer than [`MAX_TEXT`].
pub(super) fn bounded(length: usize) -> Result<(), RuntimeError> {
    if length > MAX_TEXT {
        Err(too_long())
    } else {
        Ok(())
    }
}

fn too_long() -> RuntimeError {
    RuntimeError::new("the text made by a directive is longer than 1 MiB")
}
