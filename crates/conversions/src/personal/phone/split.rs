//! The numbers in a text: several of them, labels, extensions, letters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::super::text::ascii_digit;

/// Fewest digits of a number. A shorter part of a text is the end of a number, or an extension.
pub(super) const SHORTEST: usize = 7;
/// Number of numbers taken from one text. A person has fewer.
const MOST: usize = 8;
/// Number of digits kept of one number; E.164 allows 15, and prefixes come on top.
const MOST_DIGITS: usize = 32;

/// A number as written, in ASCII.
#[derive(Default, Clone)]
pub(super) struct Written {
    /// The digits, those of other scripts as ASCII.
    pub(super) digits: String,
    /// A plus stands before the first digit.
    pub(super) plus: bool,
    /// Letters stand between the digits or behind them, as in `1 800 FLOWERS`.
    pub(super) letters: bool,
}

/// Words that stand between two numbers.
const BETWEEN: [&str; 14] = [
    "or", "and", "oder", "und", "ou", "et", "o", "y", "e", "ed", "of", "en", "eller", "или",
];
/// Words before an extension, which does not belong to the number: those of libphonenumber and some more.
const EXTENSIONS: [&str; 16] = [
    "ext",
    "extn",
    "extension",
    "extensión",
    "xtn",
    "xt",
    "x",
    "int",
    "anexo",
    "poste",
    "dw",
    "durchwahl",
    "nst",
    "доб",
    "interno",
    "ramal",
];
/// Words beside a number that tell its kind.
const LABELS: [&str; 25] = [
    "tel",
    "telephone",
    "telefon",
    "téléphone",
    "teléfono",
    "telefono",
    "phone",
    "ph",
    "mobile",
    "mobil",
    "mob",
    "cell",
    "cellular",
    "handy",
    "portable",
    "movil",
    "móvil",
    "home",
    "work",
    "office",
    "whatsapp",
    "privat",
    "fax",
    "m",
    "h",
];

/// Splits a text into the numbers that it holds.
///
/// Parts begin at a plus, a comma, a semicolon, a slash, a bar, a line break, and a word such as `or`. A part with too few
/// digits for a number belongs to the one before it if that is too short, too (`0171/1234567`), or made of such parts alone
/// (`06/12/34/56/78`); else it is an extension or another ending (`020 7946 0958/59`), and goes.
pub(super) fn split(text: &str) -> Vec<Written> {
    let mut splitting = Splitting::default();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if let Some(digit) = ascii_digit(c) {
            splitting.digit(digit);
        } else if c.is_alphabetic() {
            let mut end = at + c.len_utf8();
            let in_word = |c: char| c.is_alphabetic() || is_combining_mark(c);
            while let Some((next, c)) = chars.next_if(|(_, c)| in_word(*c)) {
                end = next + c.len_utf8();
            }
            splitting.word(&text[at..end]);
        } else {
            match c {
                '+' | '\u{ff0b}' => splitting.plus(),
                '#' | '\u{ff03}' | '~' | '\u{ff5e}' if !splitting.part.digits.is_empty() => {
                    splitting.extension = true
                }
                ',' | ';' | '/' | '|' | '&' | '\n' | '\r' | '\u{3001}' | '\u{60c}' => splitting.end(),
                _ => {}
            }
        }
        if splitting.numbers.len() > MOST {
            break;
        }
    }
    splitting.finish()
}

#[derive(Default)]
struct Splitting {
    numbers: Vec<Written>,
    part: Written,
    /// The digits to come are those of an extension.
    extension: bool,
    /// All parts of the last number are too short for one: the separators stand between groups of its digits.
    in_groups: bool,
}

impl Splitting {
    fn digit(&mut self, digit: char) {
        if !self.extension && self.part.digits.len() < MOST_DIGITS {
            self.part.digits.push(digit);
        }
    }

    fn plus(&mut self) {
        if !self.part.digits.is_empty() {
            self.end();
        }
        self.extension = false;
        self.part.plus = true;
    }

    fn word(&mut self, word: &str) {
        let word: String = word.to_lowercase().nfc().collect();
        let is = |words: &[&str]| words.contains(&word.as_str());
        if self.part.digits.is_empty() {
            // `tel:`, or the name of its owner.
        } else if is(&BETWEEN) {
            self.end();
        } else if is(&EXTENSIONS) {
            self.extension = true;
        } else if !is(&LABELS) {
            self.part.letters = true;
        }
    }

    /// Ends a part.
    fn end(&mut self) {
        self.extension = false;
        let part = std::mem::take(&mut self.part);
        if part.digits.is_empty() {
            // A plus stays with the digits behind a separator.
            self.part.plus = part.plus;
            return;
        }
        let is_short = part.digits.len() < SHORTEST;
        match self.numbers.last_mut() {
            Some(number) if !part.plus && (number.digits.len() < SHORTEST || self.in_groups && is_short) => {
                number.digits.push_str(&part.digits);
                number.letters |= part.letters;
                self.in_groups &= is_short;
            }
            Some(_) if is_short => {}
            _ => {
                self.numbers.push(part);
                self.in_groups = is_short;
            }
        }
    }

    fn finish(mut self) -> Vec<Written> {
        self.end();
        self.numbers.truncate(MOST);
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let one = |number: Written| {
            let (plus, letters) = (
                if number.plus { "+" } else { "" },
                if number.letters { "!" } else { "" },
            );
            format!("{plus}{}{letters}", number.digits)
        };
        split(text).into_iter().map(one).collect()
    }

    #[test]
    fn texts_hold_one_number() {
        for (text, number) in [
            ("+1 (312) 555-0142", "+13125550142"),
            ("tel:+1-312-555-0142;ext=9", "+13125550142"),
            ("0171 1234567 te\u{301}le\u{301}phone", "01711234567"),
            ("0171 1234567 e\u{300}", "01711234567!"),
            ("+1 312.555.0142 ext. 9", "+13125550142"),
            ("+1 312.555.0142 EXT 9", "+13125550142"),
            ("13125550142 x9", "13125550142"),
            ("13125550142x9", "13125550142"),
            ("001 312 555 0142 #9", "0013125550142"),
            ("+1 312 555 0142, 9", "+13125550142"),
            ("+1 312 555 0142 доб. 9", "+13125550142"),
            ("0171/1234567", "01711234567"),
            ("+49 171/1234567", "+491711234567"),
            ("020 7946 0958/59", "02079460958"),
            ("06/12/34/56/78", "0612345678"),
            ("0470/12.34.56", "0470123456"),
            ("0470/12/34/56", "0470123456"),
            ("Mobile: 0171 1234567", "01711234567"),
            ("0171 1234567 (mobile)", "01711234567"),
            ("+\u{661}\u{663}\u{661}\u{662}", "+1312"),
            ("\u{ff0b}１３", "+13"),
            ("1 800 FLOWERS", "1800!"),
            ("1-800-555-CARE", "1800555!"),
            ("0171 1234567 Ada", "01711234567!"),
            ("+ 14155550100", "+14155550100"),
        ] {
            assert_eq!(read(text), [number], "{text}");
        }
    }

    #[test]
    fn texts_hold_several_numbers() {
        for text in [
            "+14155550100, +442079460958",
            "+14155550100; +442079460958",
            "+14155550100/+442079460958",
            "+14155550100 | +442079460958",
            "+14155550100 or +442079460958",
            "+1 415 555 0100 und +44 20 7946 0958",
            "+1 415 555 0100 ext. 5, +44 20 7946 0958 (home)",
            "+1 415 555 0100+44 20 7946 0958",
            "+14155550100\n+442079460958\n",
        ] {
            assert_eq!(read(text), ["+14155550100", "+442079460958"], "{text}");
        }
        assert_eq!(
            read("(415) 555-0100 or (415) 555-0199"),
            ["4155550100", "4155550199"]
        );
        assert_eq!(read(&"5550100,".repeat(10_000)).len(), MOST);
    }

    #[test]
    fn texts_without_digits_hold_none() {
        for text in ["", "none", "+", "ext.", "n/a", ",;/"] {
            assert_eq!(read(text), [""; 0], "{text}");
        }
    }
}
