//! Plain words for match keys, parameters and warnings.

use signalbox_core::{Identifier, Parameter};
use signalbox_history::VALUE_TOO_LARGE;

/// Returns the plain name of a match key.
pub(super) fn identifier(name: &str, kind: Identifier) -> String {
    match kind {
        Identifier::Email => "E-mail address",
        Identifier::Phone => "Phone number",
        Identifier::ExternalId => "Your own user id (external id)",
        Identifier::MobileAdId => "Advertising id of the device",
        Identifier::ClickId => "Click id",
        Identifier::BrowserId => "Browser id",
        Identifier::IpAddress => "IP address",
        Identifier::UserAgent => "User agent",
        Identifier::Detail => return capital(name),
    }
    .to_owned()
}

/// Returns the plain name of a parameter.
pub(super) fn parameter(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Value => "Value",
        Parameter::Currency => "Currency",
        Parameter::OrderId => "Order id",
        Parameter::Contents => "Products",
        Parameter::EventId => "Event id",
        Parameter::SourceUrl => "Page address",
    }
}

/// Makes words of a field's name: `date_of_birth` and `dateOfBirth` become `Date of birth`.
fn capital(name: &str) -> String {
    let mut words = String::new();
    for (place, letter) in name.chars().enumerate() {
        match letter {
            '_' => words.push(' '),
            _ if place == 0 => words.extend(letter.to_uppercase()),
            _ if letter.is_ascii_uppercase() => {
                words.push(' ');
                words.push(letter.to_ascii_lowercase());
            }
            _ => words.push(letter),
        }
    }
    words
}

/// Completes "41 % …" for a code of a warning.
pub(super) fn warning(code: &str) -> String {
    warning_in_words(code).map_or_else(|| code.replace('_', " "), str::to_owned)
}

/// Returns plain words for the code of a warning, such as `without country code`; `None` for codes that say it themselves.
#[must_use]
pub fn warning_in_words(code: &str) -> Option<&'static str> {
    let phrase = match code {
        "no_country_code" => "without country code",
        "no_digits" => "without digits",
        "phone_length" => "too short or too long for a phone number",
        "vanity_number" => "with letters in the phone number",
        "rounded_number" => "rounded by a spreadsheet",
        "not_an_email" => "not an e-mail address",
        "junk" => "a placeholder such as n/a",
        "empty" => "empty",
        "several_values" => "several values in one text",
        "foreign_hash" => "hashed in another way than SHA-256",
        "hashed_by_other_rules" => "hashed by the rules of another platform",
        "wanted_plain" => "hashed, though the platform wants it plain",
        "unknown_gender" => "an unknown gender",
        "unknown_country" => "an unknown country",
        "unreadable_date" => "not a date",
        "ambiguous_date" => "a date that can be read in two ways",
        "wrong_type" => "of a wrong type",
        "unknown_choice" => "not one of the values that the platform knows",
        "too_long" => "too long",
        "out_of_range" => "out of range",
        "wrong_form" => "in a wrong form",
        "missing_field" => "missing",
        "empty_content" => "a product without content",
        "content_without_id" => "a product without id",
        "unreadable_amount" => "not an amount of money",
        "value_of_products" => "worth computed from the products",
        "currency_of_amount" => "currency read from the text of the value",
        "other_currency" => "in several currencies",
        "unsupported_currency" => "in a currency that the platform does not take",
        "mapping_failed" => "with a mapping that failed",
        "event_id_fallback" => "with the messageId as event id, since the mapped one was empty",
        "ahead_of_arrival" => "with a time in the future",
        "opted_out" => "left out, since the person opted out",
        "opt_out_unreadable" => "with an opt-out that cannot be read",
        "ldp_incomplete" | "ldu_incomplete" => "with an opt-out that lacks state or country",
        "missing_for_website" => "without a value that the platform asks websites for",
        "scrubbed" => "with personal data that was taken out",
        VALUE_TOO_LARGE => "too large for the history, whose sums lack it",
        "location_unusable" => "with a location that cannot be read",
        _ => return None,
    };
    Some(phrase)
}

/// Formats a share of a total in percent, such as `41`, `0.4`, `99.6`. 0 and 100 mean none and all.
pub(super) fn percent(count: u64, total: u64) -> String {
    if total == 0 || count >= total {
        return if total == 0 { "0" } else { "100" }.to_owned();
    }
    let thousandths = (count * 1_000 + total / 2) / total;
    match (count, thousandths) {
        (0, _) => "0".to_owned(),
        (_, 0) => "less than 0.1".to_owned(),
        (_, 1_000..) => "99.9".to_owned(),
        (_, 100..=989) => format!("{}", (thousandths + 5) / 10),
        (_, small) if small % 10 == 0 => format!("{}", small / 10),
        (_, small) => format!("{}.{}", small / 10, small % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_and_never_to_none_or_all() {
        for (count, total, expected) in [
            (0, 0, "0"),
            (0, 7, "0"),
            (7, 7, "100"),
            (41, 100, "41"),
            (1, 3, "33"),
            (2, 3, "67"),
            (1, 1_000, "0.1"),
            (1, 100_000, "less than 0.1"),
            (99_999, 100_000, "99.9"),
            (995, 1_000, "99.5"),
            (5, 100, "5"),
            (55, 1_000, "5.5"),
        ] {
            assert_eq!(percent(count, total), expected, "{count} of {total}");
        }
    }

    #[test]
    fn names_of_fields_become_words() {
        for (name, words) in [
            ("date_of_birth", "Date of birth"),
            ("firstName", "First name"),
            ("zip", "Zip"),
        ] {
            assert_eq!(identifier(name, Identifier::Detail), words);
        }
    }
}
