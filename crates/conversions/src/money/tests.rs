//! Amounts as shops write them.

use proptest::prelude::*;
use signalbox_segment::value::Number;

use super::*;

#[rustfmt::skip]
const READ: &[(&str, &str, Option<&str>)] = &[
    // As JSON has it.
    ("12", "12", None), ("12.5", "12.5", None), ("12.50", "12.5", None), ("-12", "-12", None), ("+12", "12", None),
    ("  12.5 ", "12.5", None), (".5", "0.5", None), ("12.", "12", None), ("1e3", "1000", None), ("1.5e-2", "0.015", None),
    ("007", "7", None), ("-0", "0", None), ("0.10", "0.1", None), ("12345678901234567890", "12345678901234567890", None),
    ("0.3000000000000000000000001", "0.3", None), ("1.234", "1.234", None), ("1234567.89", "1234567.89", None),
    // Signs and codes.
    ("$12", "12", None), ("$ 12", "12", None), ("12$", "12", None), ("12 $", "12", None), ("$12.00 USD", "12", Some("USD")),
    ("US$12", "12", Some("USD")), ("USD12", "12", Some("USD")), ("USD 12.50", "12.5", Some("USD")), ("12.50 USD", "12.5", Some("USD")),
    ("12.50usd", "12.5", Some("USD")), ("USD: 12", "12", Some("USD")), ("€12", "12", Some("EUR")), ("€ 12,50", "12.5", Some("EUR")),
    ("12,50 €", "12.5", Some("EUR")), ("12,50\u{a0}€", "12.5", Some("EUR")), ("EUR 12,50", "12.5", Some("EUR")), ("£9.99", "9.99", Some("GBP")),
    ("₹1,23,456.70", "123456.7", Some("INR")), ("Rs. 500", "500", None), ("Rs.500", "500", None), ("Rs 1,299/-", "1299", None),
    ("R$ 10,00", "10", Some("BRL")), ("kr 99", "99", None), ("99 kr", "99", None), ("99 kr.", "99", None), ("kr.99", "99", None), ("99:-", "99", None),
    ("1 299 Kč", "1299", Some("CZK")), ("49,99 zł", "49.99", Some("PLN")), ("CHF 1'234.50", "1234.5", Some("CHF")), ("Fr. 12.50", "12.5", None),
    ("SFr. 12.-", "12", Some("CHF")), ("¥1500", "1500", None), ("1500円", "1500", Some("JPY")), ("￥1,500", "1500", None), ("₩15,000", "15000", Some("KRW")),
    ("RM 5.90", "5.9", Some("MYR")), ("Rp 150.000,00", "150000", Some("IDR")), ("S/. 12.50", "12.5", Some("PEN")), ("S/.12.50", "12.5", Some("PEN")),
    ("1 500,00 ₽", "1500", Some("RUB")), ("1500 руб.", "1500", None), ("₺1.234,50", "1234.5", Some("TRY")), ("1.234,50 TL", "1234.5", Some("TRY")),
    ("12 د.إ", "12", Some("AED")), ("د.إ 12", "12", Some("AED")), ("12 euros", "12", None), ("5 dollars", "5", None), ("500 RMB", "500", None),
    ("A$12", "12", Some("AUD")), ("C$12", "12", None), ("NT$1,200", "1200", Some("TWD")), ("＄１２", "12", None), ("€12 EUR", "12", Some("EUR")),
    ("€12 USD", "12", None), ("$.50", "0.5", None), ("USD .50", "0.5", Some("USD")), ("R 1 299,00", "1299", None),
    // Separators.
    ("1,234.50", "1234.5", None), ("1.234,50", "1234.5", None), ("1'234.50", "1234.5", None), ("1’234.50", "1234.5", None), ("1 234,50", "1234.5", None),
    ("1\u{a0}234,50", "1234.5", None), ("1\u{202f}234,50", "1234.5", None), ("1\u{2009}234.50", "1234.5", None), ("12,50", "12.5", None), ("12,5", "12.5", None),
    ("1,234", "1234", None), ("12,345", "12345", None), ("123,456", "123456", None), ("1,234,567", "1234567", None), ("1.234.567", "1234567", None),
    ("1 234 567", "1234567", None), ("1'234'567", "1234567", None), ("12,34,567.89", "1234567.89", None), ("12,34,567", "1234567", None),
    ("1,234,567.89", "1234567.89", None), ("1.234.567,89", "1234567.89", None), ("0,123", "0.123", None), ("1234,567", "1234.567", None),
    ("0,99", "0.99", None), (",50", "0.5", None), ("1,2345", "1.2345", None), ("1 234", "1234", None), ("1'234", "1234", None), ("1234,50", "1234.5", None),
    ("12.-", "12", None), ("12,-", "12", None), ("12,--", "12", None), ("12,—", "12", None), ("€ 12,-", "12", Some("EUR")), ("12,- €", "12", Some("EUR")), ("500/-", "500", None),
    ("1.299,-", "1299", None), ("1.299,- €", "1299", Some("EUR")), ("1,299.-", "1299", None), ("1.299,--", "1299", None), ("1 299:-", "1299", None),
    // Three digits beside a currency.
    ("JPY 1.500", "1500", Some("JPY")), ("1.500 円", "1500", Some("JPY")), ("₩15.000", "15000", Some("KRW")), ("KWD 1.234", "1.234", Some("KWD")),
    ("$1,234", "1234", None), ("1.234.567 €", "1234567", Some("EUR")), ("€ 0.125", "0.125", Some("EUR")), ("€ 1234.567", "1234.567", Some("EUR")), ("USD$ 5", "5", Some("USD")),
    // Minus.
    ("-$12", "-12", None), ("$-12", "-12", None), ("- 12", "-12", None), ("−12", "-12", None), ("(12.00)", "-12", None), ("($12.00)", "-12", None),
    ("$(12.00)", "-12", None), ("(12,50 €)", "-12.5", Some("EUR")), ("(12.00) USD", "-12", Some("USD")), ("-12,50 €", "-12.5", Some("EUR")), ("+$5", "5", None),
    // Other scripts, invisible characters.
    ("१२", "12", None), ("१२.५०", "12.5", None), ("٣٤٫٥", "34.5", None), ("١٬٢٣٤٫٥٠", "1234.5", None), ("１２．５０", "12.5", None), ("\u{200f}12.50\u{200e}", "12.5", None),
    ("๑๒", "12", None), ("\u{feff}12", "12", None), ("۱۲،۵۰", "12.5", None),
];

#[rustfmt::skip]
const REFUSED: &[&str] = &[
    "", " ", "free", "Free!", "gratis", "n/a", "null", "undefined", "NaN", "Infinity", "-Infinity", "1e400", "0x1F", "$", "USD", "-", "()", ".", ",",
    "1,23,4", "1.23.4", "1,234.567.89", "1,2345,678", "0,123,456", "1 23", "12 50", "1  234", "1'23", "1.234 567", "1,234'567.8 9", "1234,567,890",
    "12px", "12%", "12 %", "12 pcs", "12k", "1.2M", "2 x 12", "12-13", "$12 - $15", "12/13", "12:30", "2026-11-28", "from $12", "$12 off", "12.50/month",
    "--12", "-(12)", "(12", "12)", "12.00-", "12-", "€-", "+-12", "0.5 BTC", "50¢", "true", "{\"amount\":12}", "12 12", "12 USD each", "12,50,", "ABC 12",
    "€1.299", "1.299 €", "$1.234", "KWD 1,234", "1.299.-", "12,99,-", "1_234", "1.234,56,78", "９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９９",
];

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, number, currency) in READ {
        let amount = read(text);
        let found = amount.map(|amount| (amount.number.to_string(), amount.currency));
        assert_eq!(found, Ok(((*number).to_owned(), *currency)), "{text}");
    }
}

#[test]
fn other_texts_are_no_amounts() {
    for text in REFUSED {
        let found = read(text).map(|amount| amount.number.to_string());
        assert!(found.is_err(), "{text}: {found:?}");
    }
    assert_eq!(read("1,23,4").unwrap_err(), Unreadable::Ambiguous);
    assert_eq!(read("free").unwrap_err(), Unreadable::NoAmount);
}

#[test]
fn sums_and_products_have_no_noise() {
    let of = |text: &str| Decimal::parse(text).unwrap();
    let text = |number: Option<Decimal>| number.unwrap().to_string();
    assert_eq!(text(of("0.1").plus(of("0.2"))), "0.3");
    assert_eq!(text(of("0.1").times(of("3"))), "0.3");
    assert_eq!(text(of("119.00").minus(of("19.00"))), "100");
    assert_eq!(text(of("19.99").times(of("3"))), "59.97");
    assert_eq!(text(of("-0.05").plus(of("0.05"))), "0");
    assert_eq!(text(Decimal::of(Number::Double(0.1 + 0.2))), "0.3");
    assert_eq!(text(Decimal::of(Number::Source("1e2"))), "100");
    assert!(Decimal::of(Number::Double(f64::NAN)).is_none());
    assert!(Decimal::of(Number::Source("1e400")).is_none());
    let large = of("99999999999999999999999999999999999999");
    assert!(large.times(large).is_none() && large.plus(large).is_none());
}

proptest! {
    #[test]
    fn what_is_written_with_separators_is_read_again(cents in 0_i64..100_000_000_000, style in 0_usize..5) {
        let (whole, cents) = (cents / 100, cents % 100);
        let digits = whole.to_string();
        let (thousands, point) = [(",", "."), (".", ","), ("'", "."), (" ", ","), ("", ",")][style];
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push_str(thousands);
            }
            grouped.push(digit);
        }
        let text = format!("{grouped}{point}{cents:02}");
        let wanted = Decimal::parse(&format!("{whole}.{cents:02}")).unwrap().to_string();
        prop_assert_eq!(read(&text).unwrap().number.to_string(), wanted, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+().,' $€0-9a-zA-Z٫٬]{0,24}") {
        if let Ok(amount) = read(&text) {
            prop_assert!(text.chars().any(|c| c.is_ascii_digit()));
            let again = amount.number.to_string();
            prop_assert_eq!(read(&again).unwrap().number.to_string(), again);
        }
    }
}
