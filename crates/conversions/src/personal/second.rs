//! Second forms of values, where a vendor does not say which form it knows.

use signalbox_segment::placeholder;
use signalbox_segment::value::{is_js_space, js_trim};

use super::field::Field;
use super::text;

/// Replaces the normal form in `form` by the second one of the value `text`. False if there is no other.
pub(super) fn second_form(field: Field, text: &str, form: &mut String) -> bool {
    match field {
        Field::FirstName | Field::LastName => with_blanks(text, form),
        Field::ExternalId => as_given(text, form),
        _ => false,
    }
}

/// A name of several words, with one blank between each two; a normal form has none.
fn with_blanks(text: &str, form: &mut String) -> bool {
    // Most names are one word.
    if !may_hold_space(text) {
        return false;
    }
    let text = js_trim(text);
    if !text.contains(is_js_space) {
        return false;
    }
    form.clear();
    text::clean_words(text, form);
    form.contains(' ')
}

/// Returns false for a text without a byte that a blank begins with.
fn may_hold_space(text: &str) -> bool {
    let begins = |byte: u8| byte <= b' ' || matches!(byte, 0xc2 | 0xe1..=0xe3 | 0xef);
    text.bytes().fold(false, |any, byte| any | begins(byte))
}

/// An id as it was given; a normal form is in lower case.
fn as_given(text: &str, form: &mut String) -> bool {
    let given = placeholder::trim(text);
    let differs = given != form.as_str();
    if differs {
        form.clear();
        form.push_str(given);
    }
    differs
}

#[cfg(test)]
mod tests {
    use super::super::{Hashed, Nowhere, hash_each, rules};
    use super::*;
    use signalbox_core::Sha256Hex;

    fn hashes(field: Field, rules: &'static super::super::Rules, text: &str) -> Vec<Sha256Hex> {
        let (mut all, mut scratch) = (Vec::new(), String::new());
        hash_each(field, rules, text, &Nowhere, &mut scratch, &mut |result| {
            all.extend(result.map(|Hashed { hash, .. }| hash));
        });
        all
    }

    #[test]
    fn what_a_vendor_may_know_is_hashed_twice() {
        for (field, text, forms) in [
            (Field::FirstName, "Ada", &["ada"][..]),
            (Field::FirstName, " Ada ", &["ada"]),
            (Field::FirstName, " Mary  Ann ", &["maryann", "mary ann"]),
            (Field::FirstName, "Мария\u{a0}Анна", &["марияанна", "мария анна"]),
            (Field::FirstName, "Jean-Luc", &["jean-luc"]),
            (Field::LastName, "de la Cruz", &["delacruz", "de la cruz"]),
            (Field::LastName, "山田 太郎", &["山田太郎", "山田 太郎"]),
            (Field::City, "San José", &["sanjosé"]),
            (Field::ExternalId, "u-7", &["u-7"]),
            (Field::ExternalId, " Cust_99 ", &["cust_99", "Cust_99"]),
            (Field::ExternalId, "A B", &["a b", "A B"]),
            (Field::ExternalId, "ÄB", &["äb", "ÄB"]),
            (Field::ExternalId, "guest", &[]),
        ] {
            let wanted: Vec<Sha256Hex> = forms.iter().map(|form| Sha256Hex::of(form)).collect();
            assert_eq!(hashes(field, &rules::PINTEREST, text), wanted, "{text}");
        }
        let hash = Sha256Hex::of("mary ann");
        assert_eq!(hashes(Field::FirstName, &rules::PINTEREST, hash.as_str()), [hash]);
        assert_eq!(
            hashes(Field::FirstName, &rules::META, "Mary Ann"),
            [Sha256Hex::of("maryann")]
        );
    }
}
