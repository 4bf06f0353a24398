use proptest::prelude::*;

use super::*;

/// A country, or none.
struct In(Option<&'static str>);

impl Place for In {
    fn country(&self) -> Option<&'static str> {
        self.0
    }

    fn state(&self) -> Option<&'static str> {
        None
    }
}

/// Reads a text: numbers with their country behind `+`, others as they are, errors by their codes.
fn read(text: &str, country: Option<&'static str>) -> Vec<String> {
    let mut found = Vec::new();
    numbers(text, &In(country), &mut String::new(), &mut |number, digits| {
        found.push(match number {
            Ok(Number::International) => format!("+{digits}"),
            Ok(Number::National) => digits.clone(),
            Err(dropped) => dropped.code().to_owned(),
        });
        ControlFlow::Continue(())
    });
    found
}

#[test]
fn international_numbers_need_no_country() {
    for (text, number) in [
        ("+1 (415) 555-0100", "+14155550100"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+44 0161 496 0000", "+441614960000"),
        ("+41 (044) 668 18 00", "+41446681800"),
        ("+49 0171 1234567", "+491711234567"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("+39 06 698 0000", "+39066980000"),
        ("+39 (0)6 698 0000", "+39066980000"),
        ("+225 07 01 23 45 67", "+2250701234567"),
        ("+36 06 1 234 5678", "+3612345678"),
        ("+7 8 495 123-45-67", "+74951234567"),
        ("+1 1 415 555 0100", "+14155550100"),
        ("0044 20 7946 0958", "+442079460958"),
        ("00 44 (0) 20 7946 0958", "+442079460958"),
        ("011 44 20 7946 0958", "+442079460958"),
        ("+0044 20 7946 0958", "+442079460958"),
        ("+001 (616) 954-78 88", "+16169547888"),
        ("14155550100", "+14155550100"),
        ("442079460958", "+442079460958"),
        ("14155550100.0", "+14155550100"),
        ("1.4155550100E+10", "+14155550100"),
        ("'+14155550100", "+14155550100"),
        ("tel:+1-415-555-0100;ext=5", "+14155550100"),
        ("\u{200e}+972-50-555-0142\u{200e}", "+972505550142"),
        (
            "+\u{661} \u{664}\u{661}\u{665} \u{665}\u{665}\u{665} \u{660}\u{661}\u{660}\u{660}",
            "+14155550100",
        ),
        ("\u{ff0b}１４１５５５５０１００", "+14155550100"),
    ] {
        for country in [None, Some("DE"), Some("US"), Some("BR")] {
            // Brazil dials 011 for São Paulo, and German numbers may begin with 44 and have twelve digits.
            let inside = text.starts_with("011") && matches!(country, Some("BR" | "DE"));
            if inside || text.starts_with("44") && country == Some("DE") {
                continue;
            }
            assert_eq!(read(text, country), [number], "{text} {country:?}");
        }
    }
}

#[test]
fn national_numbers_take_the_code_of_their_country() {
    for (country, text, number) in [
        ("GB", "020 7946 0958", "+442079460958"),
        ("DE", "0171 1234567", "+491711234567"),
        ("DE", "0171/1234567", "+491711234567"),
        ("DE", "491711234567", "+491711234567"),
        ("FR", "06 12 34 56 78", "+33612345678"),
        ("US", "(415) 555-0100", "+14155550100"),
        ("US", "1 415 555 0100", "+14155550100"),
        ("CA", "613-555-0142", "+16135550142"),
        ("IT", "06 698 0000", "+39066980000"),
        ("IT", "347 123 4567", "+393471234567"),
        ("IT", "393 123 4567", "+393931234567"),
        ("AR", "011 15-2345-6789", "+5491123456789"),
        ("BR", "0 41 11 98765-4321", "+5511987654321"),
        ("BR", "011 98765-4321", "+5511987654321"),
        ("BR", "55 11 98765-4321", "+5511987654321"),
        ("HU", "06 1 234 5678", "+3612345678"),
        ("RU", "8 (495) 123-45-67", "+74951234567"),
        ("RU", "812 123-45-67", "+78121234567"),
        ("LT", "8 612 34567", "+37061234567"),
        ("CI", "07 01 23 45 67", "+2250701234567"),
        ("JP", "090-1234-5678", "+819012345678"),
        ("AU", "0412 345 678", "+61412345678"),
        ("IN", "098765 43210", "+919876543210"),
        ("IN", "91234 56789", "+919123456789"),
        ("SG", "8123 4567", "+6581234567"),
        ("PL", "48 123 45 67", "+48481234567"),
        ("CH", "044 668 18 00", "+41446681800"),
        ("DE", "14155550100", "+14155550100"),
        ("US", "442079460958", "+442079460958"),
        ("AQ", "020 7946 0958", "2079460958"),
    ] {
        assert_eq!(read(text, Some(country)), [number], "{text} {country}");
    }
}

#[test]
fn national_numbers_without_a_country_stay_national() {
    for (text, number) in [
        ("020 7946 0958", "2079460958"),
        ("06 12 34 56 78", "612345678"),
        ("(415) 555-0100", "4155550100"),
        ("650 555 1212", "6505551212"),
        ("011 98765-4321", "11987654321"),
        ("5550100", "5550100"),
        ("000415 555 0134", "4155550134"),
    ] {
        assert_eq!(read(text, None), [number], "{text}");
    }
    assert_eq!(
        read("(415) 555-0100 or (415) 555-0199", None),
        ["4155550100", "4155550199"]
    );
}

#[test]
fn several_numbers_are_read_each() {
    assert_eq!(
        read(
            "020 7946 0958 / +1 415 555 0100; 123, 1-800-FLOWERS-55",
            Some("GB")
        ),
        ["+442079460958", "+14155550100"]
    );
}

#[test]
fn prefixes_that_look_like_numbers_go() {
    for (text, country, number) in [
        ("8 (800) 555-35-35", Some("RU"), "+78005553535"),
        ("8 (495) 123-45-67", Some("RU"), "+74951234567"),
        ("8 029 123-45-67", Some("BY"), "+375291234567"),
        ("+36 06 20 123 4567", None, "+36201234567"),
        ("06/12/34/56/78", Some("FR"), "+33612345678"),
    ] {
        assert_eq!(read(text, country), [number], "{text}");
    }
}

#[test]
fn other_texts_are_no_numbers() {
    for (text, code) in [
        ("", "no_digits"),
        ("n/a", "no_digits"),
        ("+", "no_digits"),
        ("000", "no_digits"),
        ("0000000000", "no_digits"),
        ("123", "phone_length"),
        ("+1", "phone_length"),
        ("+1 415 555", "phone_length"),
        ("+1234567890123456", "phone_length"),
        ("1234567890123456", "phone_length"),
        ("+999 123 4567", "phone_length"),
        ("+51000000000", "phone_length"),
        ("+44 20 7946 09581234", "phone_length"),
        ("1111111111", "junk"),
        ("+1111 111 1111", "junk"),
        ("9999999", "junk"),
        ("+1 800 FLOWERS", "vanity_number"),
        ("1-800-555-CARE", "vanity_number"),
        ("1.41556E+10", "rounded_number"),
    ] {
        for country in [None, Some("GB")] {
            assert_eq!(read(text, country), [code], "{text} {country:?}");
        }
    }
    assert_eq!(read("555-0100", Some("US")), ["phone_length"]);
    assert_eq!(read("123", Some("GB")), ["phone_length"]);
    assert_eq!(read("0000000001", Some("US")), ["phone_length"]);
    assert_eq!(read("12345", Some("DE")), ["phone_length"]);
    read(&"0".repeat(100_000), None);
    read(&"1/".repeat(100_000), None);
}

proptest! {
    #[test]
    fn numbers_with_their_country_are_read_as_themselves(
        text in "[+]?[0-9]{1,24}|[+0-9 ()/,.x-]{1,30}",
        country in prop::option::of(prop::sample::select(vec!["US", "DE", "IT", "BR", "RU", "GB", "AQ", "CI"])),
    ) {
        for number in read(&text, country) {
            let Some(digits) = number.strip_prefix('+') else { continue };
            prop_assert!(directory::is_possible(digits), "{} {:?}: {}", text, country, number);
            prop_assert_eq!(read(&number, None), [&*number], "{} {:?}", text, country);
        }
    }
}
