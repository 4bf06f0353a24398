//! Postal codes: letters and digits, repaired where only one reading is left.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use signalbox_segment::value::{is_js_space, js_trim};

use super::field::Dropped;
use super::geo;
use super::place::Place;
use super::spreadsheet::{self, Rounded};
use super::text::ascii_digit;

/// Countries whose postal codes are digits alone: alpha-2 code, prefixes that people write before them, number of digits,
/// and whether they may begin with a zero, which spreadsheets lose.
#[rustfmt::skip]
const DIGITS_ONLY: [(&str, &[&str], usize, bool); 36] = [
    ("AT", &["a", "at"], 4, false), ("AU", &["au"], 4, true), ("BE", &["b", "be"], 4, false),
    ("BG", &["bg"], 4, false), ("BR", &["br", "cep"], 8, true), ("CH", &["ch"], 4, false), ("CZ", &["cz"], 5, false),
    ("DE", &["d", "de"], 5, true), ("DK", &["dk"], 4, true), ("EE", &["ee"], 5, false), ("ES", &["e", "es"], 5, true),
    ("FI", &["fi", "fin"], 5, true), ("FR", &["f", "fr"], 5, true), ("GR", &["gr"], 5, false), ("HR", &["hr"], 5, false),
    ("HU", &["h", "hu"], 4, false), ("IN", &["in"], 6, false), ("IT", &["i", "it"], 5, true), ("JP", &["jp"], 7, true),
    ("KR", &["kr"], 5, true), ("LI", &["fl", "li"], 4, false), ("LT", &["lt"], 5, true), ("LU", &["l", "lu"], 4, false),
    ("MX", &["mx", "cp"], 5, true), ("NO", &["n", "no"], 4, true), ("PL", &["pl"], 5, true), ("PR", &["pr"], 5, true),
    ("RO", &["ro"], 6, true), ("RS", &["rs", "srb"], 5, false), ("SE", &["s", "se"], 5, false),
    ("SG", &["sg", "s"], 6, true), ("SI", &["si"], 4, false), ("SK", &["sk"], 5, true), ("TR", &["tr"], 5, true),
    ("UA", &["ua"], 5, true), ("US", &["us", "usa", "zip"], 5, true),
];

/// The states whose postal codes begin with a zero.
const ZERO_STATES: [&str; 9] = ["CT", "MA", "ME", "NH", "NJ", "PR", "RI", "VI", "VT"];
/// The states whose postal codes begin with two zeros.
const TWO_ZERO_STATES: [&str; 2] = ["PR", "VI"];

/// Brings a postal code to letters and digits, lower case, in `out`, which holds the cleaned text. `text` is the given one.
///
/// A ZIP+4 is cut to its first five digits. The prefix of a country (`D-80331`) and a state before or behind (`CA 94105`)
/// go; a leading zero that a spreadsheet took comes back where the country's codes have a fixed number of digits.
pub(super) fn normal_form(text: &str, place: &dyn Place, out: &mut String) -> Result<(), Dropped> {
    // Most codes are digits, or end in other ways than numbers of spreadsheets.
    match spreadsheet::is_suspect(text) {
        false => letters_and_digits(out),
        true => {
            let mut digits = String::new();
            match spreadsheet::whole_number(text, &mut digits) {
                Ok(true) => *out = digits,
                Ok(false) => letters_and_digits(out),
                Err(Rounded) => return Err(Dropped::RoundedNumber),
            }
        }
    }
    if out.len() == 9 && is_zip_plus_four(text) {
        out.truncate(5);
        return Ok(());
    }
    without_country(out);
    without_letters(text, place, out);
    if out.len() != 5 && out.bytes().all(|b| b.is_ascii_digit()) {
        repaired(place, out);
    }
    Ok(())
}

/// Keeps letters, and digits as ASCII.
fn letters_and_digits(out: &mut String) {
    if out.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return;
    }
    if out.is_ascii() {
        out.retain(|c| c.is_ascii_alphanumeric());
    } else {
        let kept = out
            .chars()
            .filter(|&c| c.is_alphanumeric() || is_combining_mark(c));
        *out = kept.map(|c| ascii_digit(c).unwrap_or(c)).nfc().collect();
    }
}

/// Takes the country before a Dutch or a Canadian code, whose forms no other code has behind these letters.
fn without_country(out: &mut String) {
    let fits = |form: &str| {
        out.len() == form.len()
            && out.bytes().zip(form.bytes()).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'*' => byte.is_ascii_alphabetic(),
                letter => byte == letter,
            })
    };
    if fits("nl0000**") || fits("ca*0*0*0") {
        out.drain(..2);
    }
}

/// Takes a country's prefix, or a state of the United States before or behind, from a code of digits.
fn without_letters(text: &str, place: &dyn Place, out: &mut String) {
    const MOST_LETTERS: usize = 3;
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let digits = out.trim_matches(is_letter);
    let letters = out.len() - digits.len();
    let before = out.len() - out.trim_start_matches(is_letter).len();
    if letters == 0
        || letters > MOST_LETTERS
        || digits.is_empty()
        || before != 0 && before != letters
        || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return;
    }
    let word = match before {
        0 => &out[digits.len()..],
        _ => &out[..before],
    };
    let country = place.country();
    let is_state = || {
        matches!(country, None | Some("US"))
            && matches!(digits.len(), 5 | 9)
            && word.len() == 2
            && geo::state_code(word).is_some()
    };
    let has_prefix = |(code, prefixes, length, _): &(&str, &[&str], usize, bool)| {
        // Without a country, the prefix must be set off, since other countries have letters in their codes.
        let fits = match country {
            Some(country) => *code == country,
            None => !js_trim(text).bytes().all(|b| b.is_ascii_alphanumeric()),
        };
        // Behind the digits stands the country alone (`94105 USA`).
        let set_off = before != 0 || country.is_some();
        fits && set_off && prefixes.contains(&word) && digits.len() == *length
    };
    if is_state() {
        *out = digits.chars().take(5).collect();
    } else if DIGITS_ONLY.iter().any(has_prefix) {
        *out = digits.to_owned();
    }
}

/// Cuts a ZIP+4 without its dash, and puts back a lost zero.
fn repaired(place: &dyn Place, out: &mut String) {
    let Some(country) = place.country() else { return };
    let Some((_, _, length, zeros)) = DIGITS_ONLY.iter().find(|(code, ..)| *code == country) else {
        return;
    };
    let american = matches!(country, "US" | "PR");
    if american && out.len() == 9 {
        out.truncate(5);
    } else if american && out.len() == 3 {
        let known = country == "PR"
            || place
                .state()
                .is_some_and(|state| TWO_ZERO_STATES.contains(&state));
        if known {
            out.insert_str(0, "00");
        }
    } else if *zeros && out.len() + 1 == *length {
        let contradicts = country == "US" && place.state().is_some_and(|state| !ZERO_STATES.contains(&state));
        if !contradicts {
            out.insert(0, '0');
        }
    }
}

/// Returns true for five digits, then blanks, dashes or a plus, then four digits.
fn is_zip_plus_four(text: &str) -> bool {
    let (mut first, mut between, mut last) = (0, 0, 0);
    for c in js_trim(text).chars() {
        let digit = ascii_digit(c).is_some();
        match (digit, between) {
            (true, 0) => first += 1,
            (true, _) => last += 1,
            (false, _) if last == 0 && is_zip_separator(c) => between += 1,
            (false, _) => return false,
        }
    }
    first == 5 && last == 4
}

fn is_zip_separator(c: char) -> bool {
    is_js_space(c) || matches!(c, '-' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::super::rules::PINTEREST;
    use super::super::{Field, Nowhere, normalise_at};
    use super::*;

    struct In(Option<&'static str>, Option<&'static str>);

    impl Place for In {
        fn country(&self) -> Option<&'static str> {
            self.0
        }

        fn state(&self) -> Option<&'static str> {
            self.1
        }
    }

    fn read(text: &str, place: &dyn Place) -> String {
        let mut out = String::new();
        match normalise_at(Field::Zip, &PINTEREST, text, place, &mut out) {
            Ok(_) => out,
            Err(dropped) => dropped.code().to_owned(),
        }
    }

    #[test]
    fn codes_are_repaired_where_one_reading_is_left() {
        for (country, state, text, code) in [
            ("US", None, "94105-1234", "94105"),
            ("US", None, "941051234", "94105"),
            ("US", Some("MA"), "2139", "02139"),
            ("US", None, "2139", "02139"),
            ("US", Some("CA"), "2139", "2139"),
            ("US", Some("PR"), "901", "00901"),
            ("PR", None, "901", "00901"),
            ("US", Some("CA"), "901", "901"),
            ("US", None, "CA 94105", "94105"),
            ("US", None, "94105 CA", "94105"),
            ("US", None, "CA 94105-1234", "94105"),
            ("US", None, "US-94105", "94105"),
            ("US", None, "94105 USA", "94105"),
            ("US", None, "94105.0", "94105"),
            ("US", None, "2139.0", "02139"),
            ("US", None, "9.4105E+4", "94105"),
            ("US", None, "9.41E+4", "rounded_number"),
            ("DE", None, "D-80331", "80331"),
            ("DE", None, "D 80331", "80331"),
            ("DE", None, "DE80331", "80331"),
            ("DE", None, "1067", "01067"),
            ("DE", None, "941051234", "941051234"),
            ("SE", None, "SE-111 22", "11122"),
            ("CH", None, "CH-8001", "8001"),
            ("CH", None, "800", "800"),
            ("PL", None, "PL-00-950", "00950"),
            ("NO", None, "150", "0150"),
            ("GB", None, "SW1A 2AA", "sw1a2aa"),
            ("GB", None, "E1 6AN", "e16an"),
            ("CA", None, "K1A 0A6", "k1a0a6"),
            ("NL", None, "1234 AB", "1234ab"),
            ("NL", None, "D-80331", "d80331"),
            ("NL", None, "NL-1234 AB", "1234ab"),
            ("CA", None, "CA K1A 0A6", "k1a0a6"),
            ("LV", None, "LV-1010", "lv1010"),
            ("AR", None, "C1425", "c1425"),
            ("US", None, "00000", "junk"),
        ] {
            assert_eq!(read(text, &In(Some(country), state)), code, "{text} {country}");
        }
    }

    #[test]
    fn without_a_country_less_is_repaired() {
        for (text, code) in [
            ("94105-1234", "94105"),
            ("941051234", "941051234"),
            ("2139", "2139"),
            ("CA 94105", "94105"),
            ("D-80331", "80331"),
            ("SE-111 22", "11122"),
            ("D80331", "d80331"),
            ("B1636", "b1636"),
            ("SW1A 2AA", "sw1a2aa"),
            ("94105.0", "94105"),
            ("\u{669}\u{664}\u{661}\u{660}\u{665}", "94105"),
        ] {
            assert_eq!(read(text, &Nowhere), code, "{text}");
        }
    }
}
