//! Rules over a whole event.

use serde_json::Value;

use super::time::{self, EventTime};
use super::values::is_number;
use crate::api::Circumstances;
use crate::judge::facts::{Facts, Findings};

/// The subcode for events that are too old.
const TOO_OLD: u32 = 2_804_003;
/// The subcode for no, or too broad, customer data.
const WEAK_IDENTITY: u32 = 2_804_050;

const DAY: i64 = 86_400;

/// Sets of `user_data` too broad to find a person with: an event with one of them, or a part of one, is invalid.
const TOO_BROAD: [&[&str]; 4] = [
    &["ct", "country", "st", "zp", "ge", "client_user_agent"],
    &["db", "client_user_agent"],
    &["fn", "ge"],
    &["ln", "ge"],
];

/// The members of `user_data` that help to find a person.
const IDENTIFIERS: [&str; 26] = [
    "em",
    "ph",
    "fn",
    "ln",
    "ge",
    "db",
    "ct",
    "st",
    "zp",
    "country",
    "external_id",
    "client_ip_address",
    "client_user_agent",
    "fbc",
    "fbp",
    "subscription_id",
    "fb_login_id",
    "lead_id",
    "anon_id",
    "madid",
    "page_id",
    "page_scoped_user_id",
    "ctwa_clid",
    "ig_account_id",
    "ig_sid",
    "partner_id",
];

/// Checks for the properties that the event's name and `action_source` require.
pub(super) fn required(event: &Facts, found: &mut Findings) {
    if !event.has("event_name") {
        found.error("'event_name' is empty");
    }
    if event.text("event_name") == "Purchase" {
        for name in ["currency", "value"] {
            if !event.has(name) {
                found.error(format!("'custom_data.{name}' is required for Purchase"));
            }
        }
        if event.has("value") && !is_number(event.text("value")) {
            found.error("'custom_data.value' does not hold a number");
        }
    }
    match event.text("action_source") {
        "website" => {
            if !event.has("event_source_url") {
                found.error("'event_source_url' is required for website events");
            }
            // Required by Meta's page, yet its API takes events without.
            if !event.has("client_user_agent") {
                found.warning("'client_user_agent' is required for website events");
            }
        }
        "app" => {
            if !event.has("advertiser_tracking_enabled") {
                found.error("'app_data.advertiser_tracking_enabled' is required for app events");
            }
            if !event.has("extinfo") {
                found.error("'app_data.extinfo' is required for app events");
            }
        }
        "business_messaging" => {
            let person = [
                "ctwa_clid",
                "page_scoped_user_id",
                "page_id",
                "ig_sid",
                "ig_account_id",
            ];
            if !person.iter().any(|name| event.has(name)) {
                found.error(
                    "'user_data' needs ctwa_clid, or the ids of a page, for business_messaging events",
                );
            }
        }
        _ => {}
    }
    if event.has("extinfo") {
        extinfo(event.text("extinfo"), found);
    }
}

/// Checks the list of 16: `a2` or `i2` first, the version of the system in the fifth place.
fn extinfo(raw: &str, found: &mut Findings) {
    let items: Vec<Value> = match serde_json::from_str(raw) {
        Ok(Value::Array(items)) => items,
        // Meta's mobile SDKs send the list as a text.
        Ok(Value::String(text)) => serde_json::from_str(&text).unwrap_or_default(),
        _ => Vec::new(),
    };
    if items.len() != 16 {
        found.error("'app_data.extinfo' is not a list of 16 items");
        return;
    }
    if !matches!(items[0].as_str(), Some("a2" | "i2")) {
        found.error("'app_data.extinfo[0]' is not a2 or i2");
    }
    if items[4].as_str().is_none_or(str::is_empty) {
        found.error("'app_data.extinfo[4]' must hold the version of the operating system");
    }
}

/// Refuses events whose `user_data` is empty or too broad.
pub(super) fn identity(event: &Facts, found: &mut Findings) {
    let given: Vec<&str> = IDENTIFIERS.into_iter().filter(|name| event.has(name)).collect();
    if given.is_empty() {
        found.coded(WEAK_IDENTITY, "'user_data' holds no customer information");
    } else if TOO_BROAD
        .iter()
        .any(|set| given.iter().all(|name| set.contains(name)))
    {
        found.coded(
            WEAK_IDENTITY,
            "'user_data' holds a combination that is too broad to find a person with",
        );
    }
}

/// Refuses times that are unreadable, or older than 7 days (62 for `physical_store`).
pub(super) fn age(around: &Circumstances<'_>, event: &Facts, found: &mut Findings) {
    let seconds = match time::read(event.text("event_time")) {
        EventTime::Seconds(seconds) => seconds,
        EventTime::Text(_) if around.config.strict => {
            found.error("'event_time' is of type string, expected integer");
            return;
        }
        EventTime::Text(seconds) => {
            found.warning("'event_time' is not an integer of Unix seconds");
            seconds
        }
        EventTime::NotSeconds => {
            found.error("'event_time' does not hold Unix seconds");
            return;
        }
        EventTime::Unreadable => {
            found.error("'event_time' is not a time");
            return;
        }
    };
    let days = match event.text("action_source") {
        "physical_store" => 62,
        _ => 7,
    };
    if !around.config.any_age && seconds < around.now - days * DAY {
        found.coded(TOO_OLD, format!("'event_time' is more than {days} days ago"));
    }
}

/// The codes of the states in which Meta limits the use of data: 0 lets Meta find the state, the others are California
/// to Rhode Island.
const STATES: std::ops::RangeInclusive<i64> = 1000..=1013;

/// Returns true if Limited Data Use can be applied, false if it cannot; none if the event does not ask for it.
pub(super) fn limited_data_use(event: &Facts, found: &mut Findings) -> Option<bool> {
    let code = |name: &str| event.text(name).parse::<i64>().ok();
    let country = code("data_processing_options_country");
    let state = code("data_processing_options_state");
    if let Some(code) = state
        && code != 0
        && !STATES.contains(&code)
    {
        found.error("'data_processing_options_state' is not 0 or 1000 to 1013");
    }
    if country.is_some() && state.is_none() {
        found.error("'data_processing_options_country' needs data_processing_options_state");
    }
    if !event.has("data_processing_options") {
        return None;
    }
    Some(match (country, state) {
        // Meta then finds the place by the address.
        (Some(0), Some(0)) | (None, None) => event.has("client_ip_address"),
        (Some(1), Some(state)) => STATES.contains(&state),
        _ => false,
    })
}
