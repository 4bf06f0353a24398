//! Rules of further vendors can be written as data: their published values come out.

use signalbox_conversions::personal::rules::Step;
use signalbox_conversions::personal::{Field, Form, Rules, hash, normalise};

/// TikTok's: phones as E.164, names without punctuation; city, state and country are sent as normalised text.
static TIKTOK: Rules = Rules::new(
    "tiktok",
    true,
    &[
        (Field::Email, &[Step::EmailAddress]),
        (
            Field::Phone,
            &[Step::Digits, Step::NoLeadingZeros, Step::Prefix("+")],
        ),
        (Field::FirstName, &[Step::LettersAndDigits]),
        (Field::LastName, &[Step::LettersAndDigits]),
        (Field::City, &[Step::LettersAndDigits]),
        (Field::State, &[Step::State, Step::LettersAndDigits]),
        (Field::Zip, &[Step::PostalCode]),
        (Field::Country, &[Step::Country]),
    ],
);

#[test]
fn published_values_come_out() {
    let mut scratch = String::new();
    for (field, text, expected) in [
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
    ] {
        let hash = hash(field, &TIKTOK, text, &mut scratch).unwrap();
        assert_eq!(hash.as_str(), expected, "{field:?}");
        // A hash of a normal form is the hash of the value.
        assert_eq!(normalise(field, &TIKTOK, text, &mut scratch), Ok(Form::Plain));
        let normal = scratch.clone();
        assert_eq!(normalise(field, &TIKTOK, &normal, &mut scratch), Ok(Form::Plain));
        assert_eq!(scratch, normal);
    }
    for (field, text, expected) in [
        (Field::LastName, "O'Brien-Smith", "obriensmith"),
        (Field::State, "New York", "ny"),
        (Field::State, "Nord-Holland", "nordholland"),
        (Field::City, "Saint-Denis", "saintdenis"),
        (Field::Country, "Deutschland", "de"),
    ] {
        assert_eq!(normalise(field, &TIKTOK, text, &mut scratch), Ok(Form::Plain));
        assert_eq!(scratch, expected);
    }
}
