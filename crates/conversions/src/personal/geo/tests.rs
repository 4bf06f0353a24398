use std::collections::HashMap;

use signalbox_core::Sha256Hex;

use super::*;

fn hashed(text: &str) -> String {
    Sha256Hex::of(text).as_str().to_owned()
}

#[test]
fn tables_are_whole() {
    assert_eq!(STATES.len(), 57);
    assert_eq!(COUNTRIES.len(), 249);
    assert!(COUNTRIES.is_sorted_by(|a, b| a.alpha2 < b.alpha2));
    assert_eq!(countries::TABLE.lines().count(), COUNTRIES.len());
    assert_eq!(states::TABLE.lines().count(), STATES.len());
}

#[test]
fn columns_hold_codes_and_names() {
    let is_code = |text: &str, letters| text.len() == letters && text.bytes().all(|b| b.is_ascii_uppercase());
    let is_name = |name: &str| !name.is_empty() && name.trim() == name && name.len() <= LONGEST;
    for country in COUNTRIES.iter() {
        assert!(
            is_code(country.alpha2, 2) && is_code(country.alpha3, 3),
            "{country:?}"
        );
        assert!(country.names().all(is_name), "{country:?}");
    }
    for state in STATES.iter() {
        assert!(is_code(state.code, 2) && state.names().all(is_name), "{state:?}");
    }
}

#[test]
fn no_name_or_code_means_two_countries_or_states() {
    let mut seen = HashMap::new();
    for country in COUNTRIES.iter() {
        let names = country.names().map(key_of_name);
        for text in names.chain([country.alpha3.to_lowercase()]) {
            let before = seen.insert(text.clone(), country.alpha2);
            assert!(before.is_none_or(|alpha2| alpha2 == country.alpha2), "{text}");
        }
    }
    let mut seen = HashMap::new();
    for state in STATES.iter() {
        for name in state.names() {
            let before = seen.insert(key_of_name(name), state.code);
            assert!(before.is_none_or(|code| code == state.code), "{name}");
        }
    }
}

#[test]
fn segments_names_are_whole() {
    assert_eq!(FIFTY_STATES.len(), 50);
    assert_eq!(COUNTRY_NAMES_OF_SEGMENT.len(), 246);
    for (name, code) in [
        ("afghanistan", "AF"),
        ("alandislands", "AX"),
        ("cocos(keeling)islands", "CC"),
        ("congo,democraticrepublic", "CD"),
        ("coted'ivoire", "CI"),
        ("guinea-bissau", "GW"),
        ("heardisland&mcdonaldislands", "HM"),
        ("netherlandsantilles", "AN"),
        ("palestine", "PS"),
        ("palestinianterritory,occupied", "PS"),
        ("southgeorgiaandsandwichisl.", "GS"),
        ("virginislands,u.s.", "VI"),
    ] {
        assert_eq!(COUNTRY_NAMES_OF_SEGMENT.code(name), Some(code), "{name}");
    }
    for name in [
        "usa",
        "uk",
        "deutschland",
        "southkorea",
        "russia",
        "northkorea",
        "c\u{f4}ted'ivoire",
    ] {
        assert_eq!(COUNTRY_NAMES_OF_SEGMENT.code(name), None, "{name}");
    }
    assert_eq!(FIFTY_STATES.code("northdakota"), Some("ND"));
    assert_eq!(FIFTY_STATES.code("puertorico"), None);
}

#[test]
fn provinces_in_many_spellings() {
    for (text, code) in [
        ("ontario", "ON"),
        ("ca-on", "ON"),
        ("can_qc", "QC"),
        ("québec", "QC"),
        ("b.c.", "BC"),
        ("colombie-britannique", "BC"),
        ("île-du-prince-édouard", "PE"),
        ("nouvelleécosse", "NS"),
        ("ontario(on)", "ON"),
        ("on-ontario", "ON"),
        ("ontario,canada", "ON"),
        ("on,ca", "ON"),
    ] {
        assert_eq!(province_in(text), Some(code), "{text}");
    }
    for text in ["on", "us-on", "ca-", "ca-zz", "bayern"] {
        assert_eq!(province_in(text), None, "{text}");
    }
}

#[test]
fn states_in_many_spellings() {
    for (text, code) in [
        ("CA", "CA"),
        (" ca ", "CA"),
        ("c.a.", "CA"),
        ("California", "CA"),
        ("CALIFORNIA", "CA"),
        ("new  york", "NY"),
        ("NewYork", "NY"),
        ("US-CA", "CA"),
        ("us_ca", "CA"),
        ("USA - Texas", "TX"),
        ("Washington", "WA"),
        ("Washington, D.C.", "DC"),
        ("D.C.", "DC"),
        ("District of Columbia", "DC"),
        ("Hawaiʻi", "HI"),
        ("Hawai'i", "HI"),
        ("North-Carolina", "NC"),
        ("Puerto Rico", "PR"),
        ("New York (NY)", "NY"),
        ("NY - New York", "NY"),
        ("Texas, US", "TX"),
        ("TX, USA", "TX"),
        ("Texas/United States", "TX"),
        ("North-Carolina (NC)", "NC"),
        ("[CA] California", "CA"),
        ("Virgin Islands", "VI"),
    ] {
        assert_eq!(state_code(text), Some(code), "{text}");
    }
    for text in [
        "",
        " ",
        "ON",
        "Ontario",
        "zz",
        "US-ZZ",
        "US-",
        "u",
        "Île-de-France",
        "New York (NJ)",
        "New York, Paris",
        "US, USA",
        "Armed Forces Europe",
        "us",
        "加州",
    ] {
        assert_eq!(state_code(text), None, "{text}");
    }
}

#[test]
fn countries_in_many_spellings() {
    for (text, code) in [
        ("US", "US"),
        ("us ", "US"),
        ("u.s.a.", "US"),
        ("USA", "US"),
        ("United States", "US"),
        ("united states of america", "US"),
        ("The United States of America", "US"),
        ("UK", "GB"),
        ("GBR", "GB"),
        ("Etats-Unis", "US"),
        ("Vereinigtes Königreich", "GB"),
        ("Nouvelle-Zélande", "NZ"),
        ("Corea del Sur", "KR"),
        ("JAPÃO", "JP"),
        ("The Netherlands", "NL"),
        ("Netherlands (the)", "NL"),
        ("Bahamas, The", "BS"),
        ("Gambia (the)", "GM"),
        ("Korea (the Republic of)", "KR"),
        ("Korea (the Democratic People's Republic of)", "KP"),
        ("Congo (the Democratic Republic of the)", "CD"),
        ("Bosnia & Herzegovina", "BA"),
        ("Cote d’Ivoire", "CI"),
        ("CÔTE D'IVOIRE", "CI"),
        ("Turkey", "TR"),
        ("türkiye", "TR"),
        ("Turkiye", "TR"),
        ("Deutschland", "DE"),
        ("españa", "ES"),
        ("Viet Nam", "VN"),
        ("Trinidad & Tobago", "TT"),
        ("St. Vincent & the Grenadines", "VC"),
        ("Georgia", "GE"),
        ("840", "US"),
        ("276", "DE"),
        ("36", "AU"),
        ("en_US", "US"),
        ("FR-FR", "FR"),
        ("US-CA", "US"),
        ("United States (US)", "US"),
        ("United Kingdom (UK)", "GB"),
        ("DE - Germany", "DE"),
        ("Germany/Deutschland", "DE"),
        ("Österreich", "AT"),
        ("Schweiz", "CH"),
        ("中国", "CN"),
        ("États-Unis", "US"),
    ] {
        assert_eq!(country_code(text), Some(code), "{text}");
    }
    for text in [
        "US of A",
        "XX",
        "EU",
        "999",
        "1840",
        "Germany, France",
        "",
        "zz",
        "Atlantis",
        "California",
        "the",
        "u",
        "europe",
    ] {
        assert_eq!(country_code(text), None, "{text}");
    }
}

#[test]
fn hashes_of_codes_and_names_are_known() {
    // The two examples on Pinterest's LDP page are the hashes of upper-case codes.
    assert!(hashed("CA").starts_with("4b650e5c"));
    assert!(hashed("US").starts_with("9b202ecb"));
    for text in [
        "CA",
        "ca",
        "California",
        "california",
        "CALIFORNIA",
        "US-CA",
        "us-ca",
    ] {
        assert_eq!(state_code(&hashed(text)), Some("CA"), "{text}");
        assert_eq!(state_code(&hashed(text).to_uppercase()), Some("CA"), "{text}");
    }
    for text in ["New York", "newyork", "NEW YORK", "NEWYORK", "ny"] {
        assert_eq!(state_code(&hashed(text)), Some("NY"), "{text}");
    }
    for text in ["US", "us", "usa", "USA", "United States", "unitedstates"] {
        assert_eq!(country_code(&hashed(text)), Some("US"), "{text}");
        assert_eq!(country_code(&hashed(text).to_uppercase()), Some("US"), "{text}");
    }
    for state in STATES.iter() {
        let name = state.names().next().unwrap();
        for text in [state.code, &state.code.to_lowercase(), name, &name.to_lowercase()] {
            assert_eq!(state_code(text), Some(state.code), "{text}");
            assert_eq!(state_code(&hashed(text)), Some(state.code), "{text}");
        }
    }
    for country in COUNTRIES.iter() {
        let name = country.names().next().unwrap();
        for text in [
            country.alpha2,
            country.alpha3,
            name,
            &country.alpha2.to_lowercase(),
            &name.to_uppercase(),
        ] {
            assert_eq!(country_code(text), Some(country.alpha2), "{text}");
            assert_eq!(country_code(&hashed(text)), Some(country.alpha2), "{text}");
        }
    }
    assert_eq!(state_code(&hashed("Ontario")), None);
    assert_eq!(country_code(&hashed("Atlantis")), None);
}

#[test]
fn what_hash_pii_leaves_is_known() {
    use crate::personal::rules::{PINTEREST, SEGMENT};
    use crate::personal::{Field, hash};
    let mut scratch = String::new();
    for rules in [&PINTEREST, &SEGMENT] {
        for state in STATES.iter() {
            for text in state.names().chain([state.code]) {
                let hash = hash(Field::State, rules, text, &mut scratch).unwrap();
                assert_eq!(
                    state_code(hash.as_str()),
                    Some(state.code),
                    "{text} {}",
                    rules.name()
                );
            }
        }
        for country in COUNTRIES.iter() {
            for text in country.names().chain([country.alpha2, country.alpha3]) {
                let hash = hash(Field::Country, rules, text, &mut scratch).unwrap();
                assert_eq!(
                    country_code(hash.as_str()),
                    Some(country.alpha2),
                    "{text} {}",
                    rules.name()
                );
            }
        }
    }
}

#[test]
fn armed_forces_have_codes_and_forms_have_words() {
    for (text, code) in [
        ("armedforceseurope", Some("AE")),
        ("armedforces(ap)", Some("AP")),
        ("armedforcesamericas", Some("AA")),
        ("armedforcesmiddleeast", Some("AE")),
        ("armedforces", None),
        ("texas", None),
    ] {
        assert_eq!(armed_forces_in(text), code, "{text}");
    }
    assert!(
        is_no_state("other")
            && is_no_state("pleaseselectaregion,stateorprovince.")
            && is_no_state("--pleaseselect--")
            && !is_no_state("texas")
    );
}
