//! Names and ids that shops make: shown where they are no personal data.

use super::{looks_like, looks_like_phone_number, scrub_text};
use crate::may_be_address;

/// The name that stands for names which look personal.
pub const HIDDEN_NAME: &str = "…";
/// Most characters of a name that are shown.
const LONGEST: usize = 100;

/// Returns a name, such as that of an event, as it is shown and counted: cut at 100 characters if it is long, and
/// [`HIDDEN_NAME`] if it looks like an e-mail address or a phone number or holds one.
#[must_use]
pub fn shown_name(name: &str) -> String {
    if looks_like_phone_number(name) || looks_like(name).is_some() || scrub_text(name).is_some() {
        return HIDDEN_NAME.to_owned();
    }
    name.chars().take(LONGEST).collect()
}

/// Returns true for an id, such as that of an order, that looks like an e-mail address or a phone number or holds one. Digits
/// alone are no phone number here, since ids are made of them.
#[must_use]
pub fn looks_personal(id: &str) -> bool {
    may_be_address(id) || looks_like(id).is_some() || scrub_text(id).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_that_look_personal_are_hidden() {
        for name in [
            "ivy@example.com",
            "Mail to ivy%40example.com",
            "+49 30 901820",
            "030 901820 11",
        ] {
            assert_eq!(shown_name(name), HIDDEN_NAME, "{name}");
        }
        assert_eq!(shown_name("Order Completed"), "Order Completed");
        assert_eq!(shown_name(&"ü".repeat(500)), "ü".repeat(LONGEST));
        for (id, personal) in [
            ("ivy@example.com", true),
            ("order-ivy＠example.com", true),
            ("+49 30 901820", true),
            ("(030) 901820", true),
            ("A-1001", false),
            ("1000000017", false),
            ("1b4e28ba-2fa1-11d2-883f-0016d3cca427", false),
        ] {
            assert_eq!(looks_personal(id), personal, "{id}");
        }
    }
}
