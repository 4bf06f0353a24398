//! Currencies: the codes of ISO 4217, and the signs that only one currency has.

/// The active codes of ISO 4217 (list one as of 2026), ascending. Codes for metals, bonds, units of account, tests and "no
/// currency" are left out: nothing in a shop costs them.
const CODES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD",
    "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CLF",
    "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB",
    "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW",
    "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
    "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS",
    "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS",
    "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// Signs and abbreviations of a single currency, in lower case: those that the root locale of Unicode's CLDR gives to one
/// currency, and national ones that no other country uses.
#[rustfmt::skip]
const SIGNS: &[(&str, &str)] = &[
    ("€", "EUR"), ("£", "GBP"), ("gb£", "GBP"), ("₹", "INR"), ("₩", "KRW"), ("₪", "ILS"), ("₫", "VND"),
    ("đ", "VND"), ("₱", "PHP"), ("₽", "RUB"), ("₺", "TRY"), ("tl", "TRY"), ("₴", "UAH"), ("грн", "UAH"),
    ("₦", "NGN"), ("₸", "KZT"), ("₾", "GEL"), ("₼", "AZN"), ("₮", "MNT"), ("₲", "PYG"), ("₡", "CRC"), ("₵", "GHS"),
    ("gh₵", "GHS"), ("₭", "LAK"), ("฿", "THB"), ("৳", "BDT"), ("៛", "KHR"), ("؋", "AFN"), ("֏", "AMD"),
    ("kč", "CZK"), ("kc", "CZK"), ("zł", "PLN"), ("zl", "PLN"), ("ft", "HUF"), ("rm", "MYR"), ("rp", "IDR"),
    ("s/", "PEN"), ("b/", "PAB"), ("sfr", "CHF"), ("円", "JPY"), ("r$", "BRL"), ("us$", "USD"), ("u$s", "USD"),
    ("a$", "AUD"), ("au$", "AUD"), ("ca$", "CAD"), ("cdn$", "CAD"), ("nz$", "NZD"), ("hk$", "HKD"), ("nt$", "TWD"),
    ("s$", "SGD"), ("sg$", "SGD"), ("mx$", "MXN"), ("mex$", "MXN"), ("ec$", "XCD"), ("j$", "JMD"), ("tt$", "TTD"),
    ("bds$", "BBD"), ("bz$", "BZD"), ("rd$", "DOP"), ("n$", "NAD"), ("ar$", "ARS"), ("col$", "COP"), ("$u", "UYU"),
    ("cn¥", "CNY"), ("jp¥", "JPY"), ("e£", "EGP"), ("ksh", "KES"), ("tsh", "TZS"), ("ush", "UGX"), ("kz", "AOA"),
    ("د.إ", "AED"), ("ر.س", "SAR"), ("ج.م", "EGP"), ("د.ك", "KWD"), ("ر.ق", "QAR"), ("ر.ع", "OMR"), ("د.ب", "BHD"),
];

/// Signs, abbreviations and words that amounts stand beside, and that do not tell which currency it is.
#[rustfmt::skip]
const UNCLEAR: &[&str] = &[
    "$", "¥", "₨", "rs", "kr", "fr", "c$", "r", "дин", "din", "руб", "р", "лв", "lei", "leu", "bs", "元", "圆", "圓",
    "원", "﷼", "q", "l", "cfa", "fcfa", "nis", "rmb", "yen", "euro", "euros", "dollar", "dollars", "us dollar",
    "us dollars", "pound", "pounds", "rupee", "rupees", "franc", "francs", "peso", "pesos", "real", "reais",
    "krona", "kronor", "krone", "kroner", "złoty", "złotych", "forint", "lira", "yuan", "won", "baht", "₧", "₣",
    "₤", "₥", "₢",
];

/// Codes of currencies without a smaller unit, by ISO 4217.
const WITHOUT_MINOR: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
/// Codes of currencies whose smaller unit is a thousandth, by ISO 4217.
const THOUSANDTHS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// The currency that a text beside an amount names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// The one with this code.
    Code(&'static str),
    /// One of several.
    Unclear,
}

/// Returns the ISO 4217 code that a text names: a code in any letter case, or a sign that one currency has for itself.
/// Blanks around it do not count.
///
/// `None` for codes that ISO 4217 does not have (`RMB`, `YEN`, `BTC`), for its codes that are no money (`XXX`, `XAU`), and
/// for signs of several currencies (`$`, `¥`, `kr`).
#[inline]
pub fn currency(text: &str) -> Option<&'static str> {
    code(text).or_else(|| match sign(text)? {
        Sign::Code(code) => Some(code),
        Sign::Unclear => None,
    })
}

/// The codes as numbers, which compare faster than texts.
const NUMBERS: [u32; CODES.len()] = {
    let mut numbers = [0; CODES.len()];
    let mut at = 0;
    while at < numbers.len() {
        let code = CODES[at].as_bytes();
        numbers[at] = u32::from_be_bytes([0, code[0], code[1], code[2]]);
        at += 1;
    }
    numbers
};

/// Returns the code of three letters, in any letter case.
#[inline]
fn code(text: &str) -> Option<&'static str> {
    let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
    let [a, b, c] = letters.map(|letter| letter.to_ascii_uppercase());
    let at = NUMBERS.binary_search(&u32::from_be_bytes([0, a, b, c])).ok()?;
    CODES.get(at).copied()
}

/// Returns the currency that a text beside an amount names; `None` if it names none.
pub(super) fn sign(text: &str) -> Option<Sign> {
    let plain = |c: char| c.is_whitespace() || super::read::is_invisible(c);
    let text = text.trim_matches(plain);
    if let Some(code) = code(text) {
        return Some(Sign::Code(code));
    }
    // Signs are short; a long text need not be lower-cased.
    if text.is_empty() || text.len() > 24 {
        return None;
    }
    let lower: String = text
        .chars()
        .filter_map(narrow)
        .flat_map(char::to_lowercase)
        .collect();
    let lower = lower.trim_matches('.');
    // Also `USD$` and `€ EUR`.
    if let Some(code) = code(lower.trim_matches(['$', '€', '£', '¥', '₹', ' '])) {
        return Some(Sign::Code(code));
    }
    // Also `US $`, and `$ US` as in French.
    let joined = lower.replace(' ', "");
    let turned = joined.strip_prefix('$').map(|country| format!("{country}$"));
    let is = |sign: &str| sign == joined || turned.as_deref() == Some(sign);
    if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| is(sign)) {
        return Some(Sign::Code(code));
    }
    UNCLEAR.contains(&lower).then_some(Sign::Unclear)
}

/// Returns the number of digits that the smaller unit of a currency has.
pub(super) fn minor_digits(code: &str) -> u8 {
    let is = |codes: &str| codes.split(' ').any(|known| known == code);
    if is(WITHOUT_MINOR) {
        0
    } else if is(THOUSANDTHS) {
        3
    } else {
        2
    }
}

/// Returns the usual form of a wide or small character that keyboards for Chinese and Japanese make, and nothing for one
/// that is invisible.
fn narrow(c: char) -> Option<char> {
    match c {
        _ if super::read::is_invisible(c) => None,
        '＄' | '﹩' => Some('$'),
        '￡' => Some('£'),
        '￥' => Some('¥'),
        '￦' => Some('₩'),
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(c as u32 - 0xfee0),
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_signs_are_in_lower_case() {
        assert!(CODES.is_sorted());
        for (sign, code) in SIGNS {
            assert!(CODES.contains(code), "{code}");
            assert_eq!(sign.to_lowercase(), *sign);
            assert!(!UNCLEAR.contains(sign), "{sign}");
            assert_eq!(
                SIGNS.iter().filter(|(other, _)| other == sign).count(),
                1,
                "{sign}"
            );
        }
        for sign in UNCLEAR {
            assert_eq!(sign.to_lowercase(), *sign);
        }
    }

    #[test]
    fn currencies_are_codes_of_iso_4217() {
        for (text, code) in [
            ("USD", Some("USD")),
            ("usd", Some("USD")),
            (" Eur\u{a0}", Some("EUR")),
            ("\u{200b}GBP", Some("GBP")),
            ("€", Some("EUR")),
            ("£", Some("GBP")),
            ("AUD$", Some("AUD")),
            ("$ USD", Some("USD")),
            ("Kč", Some("CZK")),
            ("R$", Some("BRL")),
            ("US$", Some("USD")),
            ("US $", Some("USD")),
            ("$ CA", Some("CAD")),
            ("$U", Some("UYU")),
            ("R $", Some("BRL")),
            ("ＵＳＤ", Some("USD")),
            ("zł", Some("PLN")),
            ("₹", Some("INR")),
            ("S/.", Some("PEN")),
            ("د.إ", Some("AED")),
            ("XAF", Some("XAF")),
            ("XCG", Some("XCG")),
            ("$", None),
            ("¥", None),
            ("￥", None),
            ("kr", None),
            ("Rs.", None),
            ("C$", None),
            ("YEN", None),
            ("RMB", None),
            ("BTC", None),
            ("USDT", None),
            ("XXX", None),
            ("XTS", None),
            ("XAU", None),
            ("XAG", None),
            ("XDR", None),
            ("DEM", None),
            ("HRK", None),
            ("840", None),
            ("US", None),
            ("dollars", None),
            ("US Dollar", None),
            ("n/a", None),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(currency(text), code, "{text}");
        }
    }
}
