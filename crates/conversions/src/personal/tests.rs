use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::rules::{META, PINTEREST, SEGMENT, SEGMENT_META, SEGMENT_TIKTOK, TIKTOK};
use super::*;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const IVY: &str = "ce38229635d6a3976034a98fb4923805dca39b18a12200a8c498fc2811144cfd";

/// Returns the text that is hashed, or the code of the reason why none is.
fn pinterest(field: Field, text: &str) -> String {
    let mut out = "left over".to_owned();
    match normalise(field, &PINTEREST, text, &mut out) {
        Ok(_) => out,
        Err(dropped) => format!("!{}", dropped.code()),
    }
}

fn check(field: Field, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(&pinterest(field, text), expected, "{field:?} {text:?}");
    }
}

#[test]
fn emails() {
    check(
        Field::Email,
        &[
            ("IVY.Marsh@EXAMPLE.com", "ivy.marsh@example.com"),
            (
                " ivy\u{3000}.marsh\u{a0}@ example.com\u{feff}\n",
                "ivy.marsh@example.com",
            ),
            ("ivy.marsh\u{200b}@example.com", "ivy.marsh@example.com"),
            // Not white space to JavaScript, nor a zero-width blank.
            ("ivy\u{85}@example.com", "ivy\u{85}@example.com"),
            ("Ivy.Marsh+Promo@Gmail.com", "ivy.marsh+promo@gmail.com"),
            ("", "!empty"),
            (" \t\u{200b}", "!empty"),
            ("false", "!junk"),
            (" N/A ", "!junk"),
            ("null", "!junk"),
            ("ivy.marsh", "!not_an_email"),
            ("@example.com", "!not_an_email"),
            ("ivy@", "!not_an_email"),
            ("ivy@@example.com", "!not_an_email"),
            ("Ivy <ivy@example.com>", "!not_an_email"),
            ("a@example.com, b@example.com", "!several_values"),
            ("a735c3e8bc21cbe0f03e501a1529e0b4", "!foreign_hash"),
            ("2c66c6e3c743465602c6dcd8e9412bee5fb846ed", "!foreign_hash"),
        ],
    );
}

#[test]
fn phones() {
    check(
        Field::Phone,
        &[
            ("+1 (415) 555-0134", "14155550134"),
            ("0014155550134", "14155550134"),
            ("000415 555 0134", "4155550134"),
            ("tel:+1-415-555-0134", "14155550134"),
            ("٠١٢٣٤٥٦٧٨٩", "123456789"),
            ("０３-１２３４", "!phone_length"),
            ("unknown", "!no_digits"),
            ("+", "!no_digits"),
            ("000", "!no_digits"),
            ("", "!empty"),
            ("a735c3e8bc21cbe0f03e501a1529e0b4", "!foreign_hash"),
        ],
    );
}

#[test]
fn names_and_ids() {
    check(
        Field::FirstName,
        &[
            ("  Mary Ann ", "maryann"),
            ("O'Brien-Smith", "o'brien-smith"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("ΑΣ ΒΣ", "ασβς"),
            ("Σ", "σ"),
            ("İ", "i\u{307}"),
            ("Jose\u{301}", "jos\u{e9}"),
            ("Jose\u{200b}\u{301}", "jos\u{e9}"),
            ("Nan", "nan"),
            ("NULL", "!junk"),
            ("-", "!junk"),
            ("undefined undefined", "!junk"),
        ],
    );
    check(
        Field::ExternalId,
        &[
            ("U_80417", "u_80417"),
            (" u 1 ", "u 1"),
            ("0", "!junk"),
            ("nil", "!junk"),
            ("anonymous", "!junk"),
            ("00000000-0000-0000-0000-000000000000", "!junk"),
            (
                "a735c3e8bc21cbe0f03e501a1529e0b4",
                "a735c3e8bc21cbe0f03e501a1529e0b4",
            ),
        ],
    );
    check(
        Field::MobileAdId,
        &[
            (
                "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB",
                "7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db",
            ),
            ("00000000-0000-0000-0000-000000000000", "!junk"),
            ("a8acc527c5a76c7c01ec35847cd5d4b8b462f768", "!foreign_hash"),
        ],
    );
}

#[test]
fn genders() {
    for (code, texts) in [
        ("m", &["M", "male", " MALE ", "man", "boy"][..]),
        ("f", &["f", "Female", "woman", "W"]),
        (
            "n",
            &[
                "n",
                "non-binary",
                "Non Binary",
                "nonbinary",
                "non\u{2011}binary",
                "x",
                "other",
                "nb",
            ],
        ),
        ("!unknown_gender", &["prefer not to say", "q", "3"]),
        ("!junk", &["unknown", "n/a", "false"]),
    ] {
        for text in texts {
            assert_eq!(pinterest(Field::Gender, text), code, "{text}");
        }
    }
}

#[test]
fn birthdays() {
    for text in [
        "19900115",
        "1990-01-15",
        " 1990 01 15 ",
        "1990/1/15",
        "1990.01.15",
        "15.01.1990",
        "15/01/1990",
        "01/15/1990",
        "1-15-1990",
        "15011990",
        "01151990",
        "1990-01-15T00:00:00.000Z",
        "1990-01-15T00:00:00+02:00",
        "1990-01-15 00:00:00 UTC",
        "1990-01-15T08:30:00",
        "January 15, 1990",
        "Jan 15 1990",
        "15 Jan. 1990",
        "15-Jan-1990",
        "15th of January 1990",
        "Monday, January 15th, 1990",
        "Mon Jan 15 1990 00:00:00 GMT+0100 (Central European Standard Time)",
        "1990 January 15",
        "١٩٩٠-٠١-١٥",
        "1990年1月15日",
        "1990\u{2011}01\u{2011}15",
    ] {
        assert_eq!(pinterest(Field::DateOfBirth, text), "19900115", "{text}");
    }
    assert_eq!(pinterest(Field::DateOfBirth, "03/03/1990"), "19900303");
    for text in [
        "01/02/1990",
        "01.02.1990",
        "01021990",
        "01/02/90",
        "90-01-15",
        "1990-01-14T23:00:00Z",
    ] {
        assert_eq!(pinterest(Field::DateOfBirth, text), "!ambiguous_date", "{text}");
    }
    for text in [
        "1990-02-30",
        "1990-13-01",
        "31/31/1990",
        "0001-01-01",
        "9999-12-31",
        "1990",
        "1990-01",
        "632361600",
        "yesterday",
        "n/a",
        "false",
        "1990-01-15 and more",
        "15 Jan Feb 1990",
        "1990-01-15-01",
        "15x/01/1990",
    ] {
        assert_eq!(pinterest(Field::DateOfBirth, text), "!unreadable_date", "{text}");
    }
    assert_eq!(pinterest(Field::DateOfBirth, " "), "!empty");
}

#[test]
fn places() {
    check(
        Field::City,
        &[
            ("San Francisco", "sanfrancisco"),
            ("St. John's", "stjohns"),
            ("São Paulo", "sãopaulo"),
            ("MÜNCHEN", "münchen"),
            ("القاهرة", "القاهرة"),
            ("दिल्ली", "दिल्ली"),
            ("Nan", "nan"),
            ("(null)", "!junk"),
            ("nu-ll", "!junk"),
            ("...", "!junk"),
        ],
    );
    check(
        Field::State,
        &[
            ("CA", "ca"),
            ("New York", "ny"),
            ("US-CA", "ca"),
            ("puerto rico", "pr"),
            ("Ontario", "on"),
            ("Armed Forces Europe", "ae"),
            ("Other", "!junk"),
            ("Île-de-France", "île-de-france"),
            ("NA", "!junk"),
        ],
    );
    check(
        Field::Zip,
        &[
            ("94107", "94107"),
            ("94107-1234", "94107"),
            ("94107 1234", "94107"),
            ("941071234", "941071234"),
            ("01234", "01234"),
            ("SW1A 1AA", "sw1a1aa"),
            ("K1A-0B1", "k1a0b1"),
            ("1000-205", "1000205"),
            ("01310-100", "01310100"),
            ("〒100-0001", "1000001"),
            ("１００-０００１", "1000001"),
            ("00000", "!junk"),
            ("n/a", "!junk"),
        ],
    );
    check(
        Field::Country,
        &[
            ("US", "us"),
            ("us ", "us"),
            ("USA", "us"),
            ("United States of America", "us"),
            ("UK", "gb"),
            ("Deutschland", "de"),
            ("NA", "na"),
            ("zz", "!unknown_country"),
            ("840", "us"),
            ("Atlantis", "!unknown_country"),
        ],
    );
}

#[test]
fn signs_that_go_hide_no_state() {
    for rules in [&META, &TIKTOK] {
        for (text, expected) in [
            ("&New York", "ny"),
            ("+Ontario+", "on"),
            ("&ÅK", "ak"),
            ("&Île-de-France", "îledefrance"),
        ] {
            let mut out = String::new();
            normalise(Field::State, rules, text, &mut out).unwrap();
            assert_eq!(out, expected, "{text}");
        }
    }
}

#[test]
fn hashed_values_are_passed_on() {
    let mut scratch = String::new();
    for text in [
        IVY,
        &IVY.to_uppercase(),
        &format!("  {IVY}\n"),
        &format!("{}\n{}", &IVY[..30], &IVY[30..]),
    ] {
        for field in Field::ALL {
            assert_eq!(
                hash(field, &PINTEREST, text, &mut scratch).unwrap().as_str(),
                IVY,
                "{field:?}"
            );
        }
    }
    assert_eq!(
        hash(Field::Email, &PINTEREST, "Ivy.Marsh@example.com", &mut scratch)
            .unwrap()
            .as_str(),
        IVY
    );
    let segment = |text: &str| {
        let hash = segment::hash(Field::Email, &SEGMENT, text, &mut String::new());
        hash.map(|hash| hash.as_str().to_owned())
    };
    assert_eq!(segment(&IVY.to_uppercase()), Ok(IVY.to_uppercase()));
    assert_ne!(segment(&format!(" {IVY}")), Ok(IVY.to_owned()));
    assert_eq!(segment("  "), Ok(String::new()));
}

#[test]
fn errors_and_debug_hold_no_value() {
    let mut scratch = String::new();
    let dropped = hash(Field::Email, &PINTEREST, "secret-person", &mut scratch).unwrap_err();
    assert!(!format!("{} {dropped:?} {}", dropped.message(), dropped.code()).contains("secret"));
}

#[test]
fn names_are_split() {
    for (full, first, last) in [
        ("Ivy Marsh", "Ivy", "Marsh"),
        ("  Ivy Jane\u{a0}Marsh ", "Ivy", "Marsh"),
        ("Marsh, Ivy Jane", "Ivy", "Marsh"),
        ("van der Berg, Dr. Ivy", "Ivy", "van der Berg"),
        ("Dr. Ivy Marsh Jr.", "Ivy", "Marsh"),
        ("Ivy Marsh, Ph.D.", "Ivy", "Marsh"),
        ("Marsh, Ivy, Jr.", "Ivy", "Marsh"),
        ("Ivy", "Ivy", ""),
        ("Dr. Marsh", "", "Marsh"),
        ("Ivy Jr.", "Ivy", ""),
        ("Marsh,", "Marsh", ""),
        ("", "", ""),
        (",", "", ""),
        ("Mr.", "", ""),
        (IVY, "", ""),
        ("Guest User", "", ""),
        ("null  null", "", ""),
        ("Nan", "Nan", ""),
    ] {
        let (a, b) = split_name(full);
        assert_eq!(
            (a.unwrap_or_default(), b.unwrap_or_default()),
            (first, last),
            "{full}"
        );
    }
}

/// Texts that come near every rule: words it knows, separators, blanks, hex, other scripts, anything.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("".to_owned()),
        "[0-9]{1,9}",
        "[a-fA-F0-9]{30,64}",
        "[ \\-./,:@()'&+T\u{200b}\u{a0}\u{3000}\u{301}\u{345}]{1,3}",
        "(?i)(us|usa|the|california|new york|france|null|na|jan|male|washington|saint|mr|jr)",
        "[İıΣσςßẞKÅǅﬁ\u{1f88}\u{0307}\u{0323}\u{0338}]{1,4}",
        "[٠-٩०-९０-９]{1,8}",
        "\\PC{0,6}",
        any::<String>(),
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

fn rules() -> impl Strategy<Value = &'static Rules> {
    proptest::sample::select(vec![
        &PINTEREST,
        &META,
        &TIKTOK,
        &SEGMENT,
        &SEGMENT_META,
        &SEGMENT_TIKTOK,
    ])
}

fn screened() -> impl Strategy<Value = &'static Rules> {
    proptest::sample::select(vec![&PINTEREST, &META, &TIKTOK])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn normalising_twice_is_normalising_once(
        text in texts(),
        field in proptest::sample::select(&Field::ALL),
        rules in screened(),
    ) {
        let (mut once, mut twice) = (String::new(), String::new());
        if normalise(field, rules, &text, &mut once).is_ok() {
            prop_assert!(!once.is_empty());
            prop_assert!(normalise(field, rules, &once, &mut twice).is_ok());
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn hashing_is_idempotent_and_never_of_nothing(
        text in texts(),
        field in proptest::sample::select(&Field::ALL),
        rules in rules(),
    ) {
        // Fields that are sent plain have no hashes.
        prop_assume!(rules.reading_of(field) != step::Reading::Clean);
        let mut scratch = String::new();
        if let Ok(first) = hash(field, rules, &text, &mut scratch) {
            prop_assert_ne!(first.as_str(), EMPTY);
            prop_assert_eq!(first.as_str().len(), 64);
            prop_assert!(first.as_str().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            prop_assert_eq!(hash(field, rules, first.as_str(), &mut scratch), Ok(first));
            prop_assert_eq!(hash(field, rules, &first.as_str().to_uppercase(), &mut scratch), Ok(first));
        }
    }

    #[test]
    fn hash_of_normalised_is_hash(
        text in texts(),
        field in proptest::sample::select(&Field::ALL),
        rules in screened(),
    ) {
        let (mut normalised, mut scratch) = (String::new(), String::new());
        if normalise(field, rules, &text, &mut normalised).is_ok() {
            let direct = hash(field, rules, &text, &mut scratch);
            prop_assert_eq!(hash(field, rules, &normalised, &mut scratch), direct);
        }
    }

    #[test]
    fn composed_and_decomposed_are_the_same(text in texts(), field in proptest::sample::select(&Field::ALL)) {
        let (nfc, nfd): (String, String) = (text.nfc().collect(), text.nfd().collect());
        prop_assert_eq!(pinterest(field, &nfc), pinterest(field, &nfd));
    }

    #[test]
    fn segment_sends_hashes_and_blanks_only(text in texts(), field in proptest::sample::select(&Field::ALL)) {
        let mut scratch = String::new();
        match segment::hash(field, &SEGMENT, &text, &mut scratch) {
            Ok(value) => {
                let sent = value.as_str().to_owned();
                prop_assert!(sent.is_empty() || (sent.len() == 64 && sent.bytes().all(|b| b.is_ascii_hexdigit())));
                let again = segment::hash(field, &SEGMENT, &sent, &mut scratch);
                prop_assert_eq!(again.map(|again| again.as_str().to_owned()), Ok(sent.clone()));
            }
            Err(dropped) => prop_assert!(field == Field::Phone && dropped == Dropped::NoDigits),
        }
    }

    #[test]
    fn both_rules_agree_on_plain_names(text in "[A-Za-z '.-]{2,20}[b-df-hj-km-z]") {
        // Segment hashes placeholders, too.
        prop_assume!(signalbox_segment::placeholder::placeholder(&text).is_none());
        let (mut a, mut b) = (String::new(), String::new());
        prop_assert_eq!(
            hash(Field::LastName, &PINTEREST, &text, &mut a),
            hash(Field::LastName, &SEGMENT, &text, &mut b)
        );
    }

    #[test]
    fn splitting_and_geo_never_panic(text in texts()) {
        let (first, last) = split_name(&text);
        prop_assert!(first.is_none_or(|part| !part.is_empty()) && last.is_none_or(|part| !part.is_empty()));
        let _ = (geo::state_code(&text), geo::country_code(&text));
    }
}
