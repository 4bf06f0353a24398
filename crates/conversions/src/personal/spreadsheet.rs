//! Numbers as spreadsheets write them: `94105.0`, `1.4155550100E+10`, `'02139`, `="02139"`.

/// The spreadsheet has rounded the number, so digits are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rounded;

/// Returns true for a text that may be a number of a spreadsheet: it has a dot or an `e`.
pub(super) fn is_suspect(text: &str) -> bool {
    memchr::memchr3(b'.', b'e', b'E', text.as_bytes()).is_some()
}

/// Writes the digits of a whole number in the form of a spreadsheet to `out` (cleared first). False if the text has another
/// form; `out` is then unspecified.
///
/// # Errors
/// [`Rounded`] if the text has fewer digits than the number.
pub(super) fn whole_number(text: &str, out: &mut String) -> Result<bool, Rounded> {
    out.clear();
    let text = text.trim();
    let text = text.strip_prefix('=').unwrap_or(text);
    let text = text.trim_matches(['"', '\'']);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
        return Ok(false);
    }
    match exponent {
        None if !mantissa.contains('.') => Ok(false),
        None => {
            out.push_str(whole);
            Ok(!fraction.is_empty() && fraction.bytes().all(|b| b == b'0'))
        }
        Some(exponent) => {
            let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
            let Some(places) = exponent
                .parse()
                .ok()
                .filter(|_| are_digits(exponent) && whole.len() == 1)
            else {
                return Ok(false);
            };
            // The zeros of `1.5E+10` may be those of the number, or of the rounding.
            if fraction.len() < places {
                return Err(Rounded);
            }
            let (digits, rest) = fraction.split_at(places);
            out.push_str(whole);
            out.push_str(digits);
            Ok(rest.bytes().all(|b| b == b'0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_spreadsheets_are_whole() {
        let mut out = String::new();
        for (text, found) in [
            ("94105.0", Ok(Some("94105"))),
            ("14155550100.00", Ok(Some("14155550100"))),
            ("1.4155550100E+10", Ok(Some("14155550100"))),
            ("9.4105e4", Ok(Some("94105"))),
            ("9.4105E+04", Ok(Some("94105"))),
            ("'94105.0", Ok(Some("94105"))),
            ("=\"2139.0\"", Ok(Some("2139"))),
            ("1.41556E+10", Err(Rounded)),
            ("1E+10", Err(Rounded)),
            ("94105", Ok(None)),
            ("94105.", Ok(None)),
            ("415.555.0100", Ok(None)),
            ("12.5", Ok(None)),
            ("1.25E+1", Ok(None)),
            ("E+5", Ok(None)),
            ("1E", Ok(None)),
            ("1E+99999999999999999999", Ok(None)),
            ("ada.0", Ok(None)),
            ("", Ok(None)),
        ] {
            let read = whole_number(text, &mut out).map(|is| is.then_some(out.as_str()));
            assert_eq!(read, found, "{text}");
        }
    }
}
