//! The rules of Meta and TikTok: their published values come out, and the cases that their pages name.

use signalbox_conversions::personal::rules::{META, TIKTOK};
use signalbox_conversions::personal::{Field, Form, Rules, hash, normalise};

const IVY: &str = "ce38229635d6a3976034a98fb4923805dca39b18a12200a8c498fc2811144cfd";
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn published(rules: &'static Rules, values: &[(Field, &str, &str)]) {
    let mut scratch = String::new();
    for (field, text, expected) in values {
        let hash = hash(*field, rules, text, &mut scratch).unwrap();
        assert_eq!(hash.as_str(), *expected, "{field:?} {text}");
        // A hash of a normal form is the hash of the value.
        assert_eq!(normalise(*field, rules, text, &mut scratch), Ok(Form::Plain));
        let normal = scratch.clone();
        assert_eq!(normalise(*field, rules, &normal, &mut scratch), Ok(Form::Plain));
        assert_eq!(scratch, normal);
    }
}

/// Checks normal forms, or `!` and the code of the reason why there is none.
fn normal_forms(rules: &Rules, values: &[(Field, &str, &str)]) {
    let mut scratch = String::new();
    for (field, text, expected) in values {
        let found = match normalise(*field, rules, text, &mut scratch) {
            Ok(_) => scratch.clone(),
            Err(dropped) => format!("!{}", dropped.code()),
        };
        assert_eq!(found, *expected, "{} {field:?} {text}", rules.name());
    }
}

#[test]
fn metas_published_values_come_out() {
    published(
        &META,
        &[
            (
                Field::Email,
                "John_Smith@gmail.com ",
                "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
            ),
            (
                Field::Phone,
                "+1 (650) 555-1212",
                "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
            ),
            (
                Field::FirstName,
                "Mary",
                "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
            ),
            (
                Field::FirstName,
                "정",
                "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
            ),
            (
                Field::FirstName,
                "Vale\u{301}ry",
                "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
            ),
            (
                Field::DateOfBirth,
                "2/16/1997",
                "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
            ),
            (
                Field::Country,
                "US",
                "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
            ),
        ],
    );
}

#[test]
fn values_in_metas_form() {
    normal_forms(
        &META,
        &[
            (Field::Email, "ivy marsh@example.com", "!not_an_email"),
            (Field::Phone, "+001 (616) 954-78 88", "16169547888"),
            (Field::Phone, "٠١٢٣٤٥٦٧٨٩", "123456789"),
            (Field::Phone, "555-012", "!phone_length"),
            (Field::Phone, "1234567890123456", "!phone_length"),
            (Field::LastName, "Na'than-Boile", "nathanboile"),
            (Field::LastName, "-", "!junk"),
            (Field::FirstName, "N.U.L.L", "!junk"),
            (Field::Gender, "Female", "f"),
            (Field::Gender, "non-binary", "!unknown_gender"),
            (Field::DateOfBirth, "1995-05-03", "19950503"),
            (Field::DateOfBirth, "05-03-1995", "!ambiguous_date"),
            (Field::City, "München", "münchen"),
            (Field::City, "東京", "東京"),
            (Field::City, "Washington, D.C.", "washingtondc"),
            (Field::State, "District of Columbia", "dc"),
            (Field::State, "US-CA", "ca"),
            (Field::State, "Québec", "qc"),
            (Field::State, "Île-de-France", "îledefrance"),
            (Field::Zip, "37221-3312", "37221"),
            (Field::Zip, "SW1A 1AA", "sw1a1aa"),
            (Field::Country, "USA", "us"),
            (Field::Country, "UK", "gb"),
            (Field::Country, "Deutschland", "de"),
            (Field::Country, "Atlantis", "!unknown_country"),
            (Field::Country, "zz", "!unknown_country"),
            (Field::ExternalId, " User 42 ", "User 42"),
            (Field::ExternalId, "null", "!junk"),
            (Field::Email, "a735c3e8bc21cbe0f03e501a1529e0b4", "!foreign_hash"),
            (Field::Email, &format!(" {} ", IVY.to_uppercase()), IVY),
            (Field::Email, &format!("{IVY}.AQ"), IVY),
            (Field::Email, OF_NOTHING, "!junk"),
            (Field::Email, &format!("{OF_NOTHING}.AQ"), "!junk"),
            (Field::Phone, &format!("{IVY}.AQYBAQIA"), IVY),
            (Field::Email, &format!("{IVY}.abc"), "!not_an_email"),
        ],
    );
}

#[test]
fn tiktoks_published_values_come_out() {
    published(
        &TIKTOK,
        &[
            (
                Field::Email,
                " Alice_ABC@gmail.com",
                "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f",
            ),
            (
                Field::Phone,
                "001 (213) 373-4253",
                "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd",
            ),
            (
                Field::ExternalId,
                "user_123",
                "80fba0ae1c48e3978e43e4efc365e14e12ea0c830ba8ba5b9a2dafc7e3f2ab8b",
            ),
            (
                Field::MobileAdId,
                "AAAAAA-2222-1111-8787-809e92233ba0",
                "0ebad966881e1eebffe69b3abf624631cf83ec9bf8cb3ce134c7c75c6d8ee7fc",
            ),
        ],
    );
}

#[test]
fn values_in_tiktoks_form() {
    normal_forms(
        &TIKTOK,
        &[
            (Field::Phone, "+44 (0)20 7946 0958", "+442079460958"),
            (Field::Phone, "0044 20 7946 0958", "+442079460958"),
            (Field::Phone, "020 7946 0958", "!national_number"),
            (Field::Phone, "(0)20 7946 0958", "!national_number"),
            (Field::Phone, "none", "!no_digits"),
            (Field::Phone, "+", "!no_digits"),
            (Field::Phone, "123456789012345", "!national_number"),
            (Field::Phone, "13125550142", "+13125550142"),
            (Field::Phone, "1234567890123456", "!phone_length"),
            (Field::LastName, "O'Brien-Smith", "obriensmith"),
            (Field::State, "New York", "ny"),
            (Field::State, "Nord-Holland", "nordholland"),
            (Field::City, "Saint-Denis", "saintdenis"),
            (Field::City, "Köln", "köln"),
            (Field::Country, "Deutschland", "de"),
            (Field::Zip, "94025-1234", "94025"),
            (Field::ExternalId, "User_1 ", "User_1"),
            (Field::Email, &format!("{IVY}.AQ"), "!not_an_email"),
        ],
    );
}
