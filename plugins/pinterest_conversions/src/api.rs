//! Pinterest's replies.

use serde::Deserialize;
use signalbox_http::Reply;

/// The body of a 200, and `details` of a 422.
#[derive(Debug, Deserialize)]
pub(crate) struct Processed {
    /// One for each event, in the order sent.
    pub(crate) events: Vec<EventStatus>,
}

/// The result of one event.
#[derive(Debug, Deserialize)]
pub(crate) struct EventStatus {
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) error_message: Option<String>,
    #[serde(default)]
    pub(crate) warning_message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Processed,
    Failed,
}

/// The body of a failure.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Failed {
    #[serde(default)]
    pub(crate) code: Option<i64>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) details: Option<Processed>,
}

/// Reads the body of a failure; empty if it is not in Pinterest's form.
pub(crate) fn failed(reply: &Reply) -> Failed {
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

/// Returns Pinterest's own words about a failure, if the body is in its form.
pub(crate) fn words(reply: &Reply) -> String {
    failed(reply).message.unwrap_or_default()
}

/// The names that a message like `Additional properties are not allowed ('x', 'y' were unexpected)` quotes.
pub(crate) fn unexpected_properties(message: &str) -> impl Iterator<Item = &str> {
    const LEAD: &str = "Additional properties are not allowed (";
    let list = message.split(LEAD).nth(1).unwrap_or_default();
    let list = list.split(')').next().unwrap_or_default();
    // Every second piece stands between quotes.
    list.split(['\'', '"']).skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_message() {
        let names = |message| unexpected_properties(message).collect::<Vec<_>>();
        assert_eq!(
            names("Additional properties are not allowed ('wifi' was unexpected)"),
            ["wifi"]
        );
        assert_eq!(
            names("x: Additional properties are not allowed ('a', 'b' were unexpected). y 'c'"),
            ["a", "b"]
        );
        assert_eq!(
            names("Additional properties are not allowed (\"a\" was unexpected)"),
            ["a"]
        );
        assert_eq!(names("'event_time' is required"), [""; 0]);
        assert_eq!(names("Additional properties are not allowed ('a"), ["a"]);
        assert_eq!(names(""), [""; 0]);
    }
}
