//! Addresses of the rows behind numbers.

use crate::words::link;

/// Returns true if a history whose `events` are `kept` has rows of this outcome. Pending events are listed from the journal.
fn has_rows(kept: &str, outcome: &str) -> bool {
    match kept {
        "all" => true,
        "failures" => ["rejected", "expired", "pending"].contains(&outcome),
        _ => false,
    }
}

/// Returns the address of the rows with an outcome that meet further conditions; an empty outcome stands for all. The address is
/// empty if the history keeps no such rows, by its `events`.
pub(crate) fn rows(kept: &str, outcome: &str, conditions: &[(&str, &str)]) -> String {
    match has_rows(kept, outcome) {
        true => link("events", &[conditions, &[("outcome", outcome)]].concat()),
        false => String::new(),
    }
}

/// Returns the address of the rows of failures, whether rejected or expired, in the same way; `conditions` name their reason.
pub(crate) fn failed_rows(kept: &str, conditions: &[(&str, &str)]) -> String {
    match has_rows(kept, "rejected") {
        true => link("events", conditions),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_are_kept_have_an_address() {
        let conditions = [("sink", "pin")];
        assert_eq!(rows("all", "", &conditions), "/ui/events?sink=pin");
        assert_eq!(
            rows("failures", "expired", &conditions),
            "/ui/events?sink=pin&outcome=expired"
        );
        assert_eq!(rows("failures", "delivered", &conditions), "");
        assert_eq!(rows("off", "rejected", &conditions), "");
        assert_eq!(failed_rows("failures", &conditions), "/ui/events?sink=pin");
        assert_eq!(failed_rows("off", &conditions), "");
    }
}
