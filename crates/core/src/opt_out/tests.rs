use proptest::prelude::*;

use super::*;
use crate::{Event, Receipt};

fn read(signal: OptOutSignal, event: &str) -> Signalled {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 0,
    };
    signal.read(&Event::parse(event, receipt).unwrap())
}

/// Reads a signal with this value in `context.privacy`.
fn value(signal: OptOutSignal, value: &str) -> Signalled {
    let key = signal.keys()[0];
    read(
        signal,
        &format!(r#"{{"context":{{"privacy":{{"{key}":{value}}}}}}}"#),
    )
}

fn is_unreadable(signalled: &Signalled) -> bool {
    matches!(signalled, Signalled::Unreadable { .. })
}

#[test]
fn global_privacy_control_is_a_question_like_others() {
    for (json, expected) in [
        ("true", Signalled::OptedOut),
        ("1", Signalled::OptedOut),
        ("\"1\"", Signalled::OptedOut),
        ("false", Signalled::No),
        ("\"0\"", Signalled::No),
        ("null", Signalled::Nothing),
    ] {
        assert_eq!(value(OptOutSignal::Gpc, json), expected, "{json}");
    }
    assert!(is_unreadable(&value(OptOutSignal::Gpc, "\"maybe\"")));
}

#[test]
fn the_third_letter_of_a_us_privacy_string_counts() {
    for (string, expected) in [
        ("1YNN", Signalled::No),
        ("1YYN", Signalled::OptedOut),
        ("1-Y-", Signalled::OptedOut),
        (" 1nyn ", Signalled::OptedOut),
        ("1---", Signalled::Nothing),
        ("", Signalled::Nothing),
    ] {
        assert_eq!(
            value(OptOutSignal::UsPrivacy, &format!("\"{string}\"")),
            expected,
            "{string}"
        );
    }
    for broken in ["\"2YYN\"", "\"1YY\"", "\"1YXN\"", "\"yes\"", "1", "{}"] {
        assert!(is_unreadable(&value(OptOutSignal::UsPrivacy, broken)), "{broken}");
    }
}

/// Strings from the IAB's specification and from the tests of its JavaScript library (iabgpp-es), headers of our own.
#[test]
fn strings_of_the_privacy_platform_are_decoded() {
    let out = Signalled::OptedOut;
    for (string, expected) in [
        // The US privacy string alone, and after a section for Europe.
        ("DBABTA~1YNN", Signalled::No),
        ("DBABTA~1YYN", out.clone()),
        (
            "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN",
            Signalled::No,
        ),
        (
            "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
            Signalled::Nothing,
        ),
        ("DBAA", Signalled::Nothing),
        // US National: everything opted out; neither sharing nor advertising; nothing applies; GPC.
        ("DBABLA~BVVVkkkkkpFY.YA", out.clone()),
        ("DBABLA~BVVVkkkkkpFY", out.clone()),
        ("DBABLA~BVQqAAAACg", Signalled::No),
        ("DBABLA~BAAAAAAAAABA.QA", Signalled::Nothing),
        ("DBABLA~BAAAAAAAAABA.YA", out.clone()),
        ("DBABLA~CAAAAAAAAABA.QA", Signalled::Nothing),
        // California: opted out of sale; the second version of the test opts out of sale as well.
        ("DBABBg~BVWSSSVY.YA", out.clone()),
        ("DBABBg~BbYbGwXY", out.clone()),
        ("DBABBg~BAAAAABA.QA", Signalled::Nothing),
        // Utah, whose choices come one field later.
        ("DBABFg~BVVkklW", out.clone()),
        // All sections of the first release, with defaults.
        (
            "DBACOaw~CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAAAA.QAAA.IAAA~CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAA.YAAAAAAAAAA~1---~BAAAAAAAAAA.QA~BAAAAAAA.QA~BAAAAAA~BAAAAAA.QA~BAAAAAAA~BAAAAAAA.QA",
            Signalled::Nothing,
        ),
    ] {
        assert_eq!(gpp::parse(string, None), Ok(expected), "{string}");
    }
}

/// Writes a section: a version, notices of 1 and these choices.
fn section(version: u32, notices: usize, choices: &[u32]) -> String {
    let fields = std::iter::repeat_n(1, notices).chain(choices.iter().copied());
    let mut bits = format!("{version:06b}");
    bits.extend(fields.map(|field| format!("{field:02b}")));
    encoded(&bits)
}

fn encoded(bits: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits: Vec<u8> = bits.bytes().map(|bit| bit - b'0').collect();
    let sextets = digits.chunks(6).map(|six| {
        let value = six.iter().fold(0, |value, bit| value << 1 | usize::from(*bit));
        char::from(ALPHABET[value << (6 - six.len())])
    });
    sextets.collect()
}

/// Writes a header that lists one section.
fn header(id: u32) -> String {
    let mut numbers = vec![1, 2];
    while numbers[numbers.len() - 1] + numbers[numbers.len() - 2] <= id {
        numbers.push(numbers[numbers.len() - 1] + numbers[numbers.len() - 2]);
    }
    while numbers[numbers.len() - 1] > id {
        numbers.pop();
    }
    let mut rest = id;
    let mut code = vec!['0'; numbers.len()];
    for (place, number) in numbers.iter().enumerate().rev() {
        if *number <= rest {
            rest -= number;
            code[place] = '1';
        }
    }
    let code: String = code.into_iter().collect();
    encoded(&format!("000011000001{:012b}0{code}1", 1))
}

#[test]
fn every_released_section_has_its_choices_at_their_place() {
    for id in 7..=23 {
        let (notices, choices) = match id {
            7 => (6, 3),
            11 | 18 => (4, 2),
            _ => (3, 2),
        };
        for out in 0..choices {
            let mut fields = vec![2; choices];
            let string = |fields: &[u32]| format!("{}~{}", header(id), section(1, notices, fields));
            assert_eq!(gpp::parse(&string(&fields), None), Ok(Signalled::No), "{id}");
            fields[out] = 1;
            assert_eq!(
                gpp::parse(&string(&fields), None),
                Ok(Signalled::OptedOut),
                "{id} {out}"
            );
            fields[out] = 3;
            assert!(gpp::parse(&string(&fields), None).is_err(), "{id} {out}");
            assert!(
                gpp::parse(
                    &format!("{}~{}", header(id), section(9, notices, &[2, 2, 2])),
                    None
                )
                .is_err()
            );
        }
    }
    for id in [24, 25, 26, 27, 28, 40] {
        let told = gpp::parse(&format!("{}~{}", header(id), section(1, 3, &[2, 2])), None).unwrap_err();
        assert!(told.contains(&format!("section {id}")), "{told}");
    }
}

#[test]
fn sections_that_do_not_apply_do_not_count() {
    let event = |sid: &str| format!(r#"{{"context":{{"gpp":"DBABLA~BVVVkkkkkpFY.YA"{sid}}}}}"#);
    for (sid, expected) in [
        ("", Signalled::OptedOut),
        (r#","gpp_sid":[7]"#, Signalled::OptedOut),
        (r#","gpp_sid":"2_7""#, Signalled::OptedOut),
        (r#","applicableSections":["7"]"#, Signalled::OptedOut),
        (r#","gpp_sid":7"#, Signalled::OptedOut),
        (r#","gpp_sid":"""#, Signalled::OptedOut),
        (r#","gpp_sid":null"#, Signalled::OptedOut),
        (r#","gpp_sid":[8]"#, Signalled::Nothing),
        (r#","gpp_sid":[-1]"#, Signalled::Nothing),
        (r#","gpp_sid":[]"#, Signalled::Nothing),
    ] {
        assert_eq!(read(OptOutSignal::Gpp, &event(sid)), expected, "{sid}");
    }
    assert!(is_unreadable(&read(
        OptOutSignal::Gpp,
        &event(r#","gpp_sid":"seven""#)
    )));
    let object = r#"{"gppString":"DBABLA~BVVVkkkkkpFY","applicableSections":[7]}"#;
    assert_eq!(value(OptOutSignal::Gpp, object), Signalled::OptedOut);
}

#[test]
fn a_string_that_cannot_be_read_is_told_without_its_text() {
    for string in [
        "z",
        "canary",
        "DBABLA",
        "DBABLA~",
        "DBABLA~z",
        "DBABLA~B",
        "DBABLA~B!VVkkkkkpFY",
        "~~~",
    ] {
        let Signalled::Unreadable { path, why } = value(OptOutSignal::Gpp, &format!("\"{string}\"")) else {
            panic!("{string}")
        };
        assert_eq!(path, "context.privacy.gpp");
        assert!(!why.contains("canary"), "{why}");
    }
}

#[test]
fn opt_out_types_list_jurisdictions() {
    for (json, expected) in [
        ("\"LDP\"", Signalled::OptedOut),
        ("\"other, ldp\"", Signalled::OptedOut),
        ("[\"LDP\"]", Signalled::OptedOut),
        ("\"\"", Signalled::Nothing),
        ("null", Signalled::Nothing),
        ("false", Signalled::No),
    ] {
        assert_eq!(value(OptOutSignal::OptOutType, json), expected, "{json}");
    }
    assert!(is_unreadable(&value(OptOutSignal::OptOutType, "\"GDPR\"")));
}

#[test]
fn signals_are_found_wherever_senders_put_them_and_one_opt_out_is_enough() {
    for event in [
        r#"{"context":{"us_privacy":"1YYN"}}"#,
        r#"{"context":{"consent":{"uspString":"1YYN"}}}"#,
        r#"{"properties":{"usPrivacy":"1YYN"}}"#,
        r#"{"context":{"us_privacy":"1YNN"},"properties":{"us_privacy":"1YYN"}}"#,
        r#"{"context":{"us_privacy":"broken"},"properties":{"us_privacy":"1YYN"}}"#,
    ] {
        assert_eq!(
            read(OptOutSignal::UsPrivacy, event),
            Signalled::OptedOut,
            "{event}"
        );
    }
    let mixed = r#"{"context":{"us_privacy":"broken"},"properties":{"us_privacy":"1YNN"}}"#;
    assert!(is_unreadable(&read(OptOutSignal::UsPrivacy, mixed)));
    for signal in [
        OptOutSignal::Gpc,
        OptOutSignal::UsPrivacy,
        OptOutSignal::Gpp,
        OptOutSignal::OptOutType,
    ] {
        assert_eq!(
            read(
                signal,
                r#"{"context":{"privacy":"strict","consent":null},"properties":[]}"#
            ),
            Signalled::Nothing
        );
        let setting: OptOutSignal = serde_json::from_str(&format!("\"{}\"", signal.name())).unwrap();
        assert_eq!(setting, signal);
    }
}

proptest! {
    #[test]
    fn arbitrary_strings_never_panic(string in "(D[A-Z]{3,5}|.{0,9})(~[A-Za-z0-9_.-]{0,20}){0,5}", id in 0u32..70) {
        let _ = gpp::parse(&string, None);
        let _ = gpp::parse(&string, Some(&[id]));
        let _ = gpp::parse(&format!("{}~{string}", header(id.max(1))), None);
        let _ = us_privacy::parse(&string);
    }
}
