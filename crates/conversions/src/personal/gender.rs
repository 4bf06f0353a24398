//! Genders.

use super::Dropped;

/// Turns a cleaned text into `m`, `f` or `n`, from the common English spellings; hyphens, also Unicode's, do not matter.
///
/// `x` (passports), `other` and `diverse` are read as `n`, Pinterest's word for neither.
pub(super) fn code(out: &mut String) -> Result<(), Dropped> {
    out.retain(char::is_alphanumeric);
    let code = match out.as_str() {
        "m" | "male" | "man" | "men" | "boy" => "m",
        "f" | "female" | "w" | "woman" | "women" | "girl" => "f",
        "n" | "nonbinary" | "nb" | "enby" | "x" | "other" | "diverse" | "genderqueer" | "genderfluid"
        | "agender" | "neutral" | "genderneutral" => "n",
        _ => return Err(Dropped::UnknownGender),
    };
    out.clear();
    out.push_str(code);
    Ok(())
}
