//! Event quality scores: `GET /v5/ad_accounts/{ad_account_id}/conversion_eqs`, computed from the accepted events.
//!
//! Parameters, shapes and words are those of Pinterest's OpenAPI description 5.23.0. How Pinterest rates the coverage is not
//! published, so the rating is our choice: the mean coverage of all components decides.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use crate::reply::Reply;

/// Least mean coverage of the rating `GOOD`, in percent.
const GOOD: f64 = 70.0;
/// Least mean coverage of the rating `FAIR`; below, it is `NEEDS_IMPROVEMENT`.
const FAIR: f64 = 40.0;

const SOURCES: [&str; 5] = ["TAG", "MMP", "FILE_UPLOAD", "CONVERSIONS_API", "NATIVE"];
const PLATFORMS: [&str; 9] = [
    "WEB",
    "MOBILE",
    "MOBILE_ANDROID",
    "MOBILE_IOS",
    "OFFLINE",
    "PINTEREST_WEB",
    "PINTEREST_ANDROID",
    "PINTEREST_IOS",
    "POINT_OF_SALE",
];

/// The components, with the object and the property of an event that each looks at.
const COMPONENTS: [(&str, &str, &[&str]); 11] = [
    ("advertiser_external_id", "user_data", &["external_id"]),
    ("click_id_epik", "user_data", &["click_id"]),
    ("external_event_id", "", &["event_id"]),
    ("hashed_email", "user_data", &["em"]),
    ("hashed_maid", "user_data", &["hashed_maids"]),
    ("ip_address", "user_data", &["client_ip_address"]),
    ("order_id", "custom_data", &["order_id"]),
    ("order_value", "custom_data", &["value"]),
    ("product_id", "custom_data", &["content_ids", "contents"]),
    ("source_url", "", &["event_source_url"]),
    ("user_agent", "user_data", &["client_user_agent"]),
];

/// The parameters of a call.
struct Wanted<'a> {
    lookback: &'a str,
    seconds: i64,
    platform: Option<&'a str>,
    source: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn read(query: &'a str) -> Result<Wanted<'a>, &'static str> {
        let mut wanted = Wanted {
            lookback: "",
            seconds: 0,
            platform: None,
            source: None,
        };
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "lookback_period" => {
                    wanted.lookback = value;
                    wanted.seconds = match value {
                        "1d" => 86_400,
                        "14d" => 14 * 86_400,
                        _ => return Err("'lookback_period' is not one of ['1d', '14d']"),
                    };
                }
                "source_platform" if PLATFORMS.contains(&value) => wanted.platform = Some(value),
                "source_platform" => return Err("'source_platform' is not a source platform"),
                "ingestion_source" if SOURCES.contains(&value) => wanted.source = Some(value),
                "ingestion_source" => return Err("'ingestion_source' is not an ingestion source"),
                _ => {}
            }
        }
        match wanted.lookback {
            "" => Err("'lookback_period' is a required parameter"),
            _ => Ok(wanted),
        }
    }

    fn takes(&self, platform: &str) -> bool {
        self.platform
            .is_none_or(|wanted| platform == wanted || wanted == "MOBILE" && platform.starts_with("MOBILE_"))
    }
}

/// Answers a call; `events` are the accepted ones, as they came. An error names the parameter that is wrong.
pub(super) fn answer(query: &str, events: &[String], now: i64) -> Result<Reply, &'static str> {
    let wanted = Wanted::read(query)?;
    let mut platforms: BTreeMap<&'static str, BTreeMap<String, Tally>> = BTreeMap::new();
    if wanted.source.is_none_or(|source| source == "CONVERSIONS_API") {
        for event in events
            .iter()
            .filter_map(|event| serde_json::from_str::<Value>(event).ok())
        {
            let platform = match event["action_source"].as_str() {
                Some("app_android") => "MOBILE_ANDROID",
                Some("app_ios") => "MOBILE_IOS",
                Some("offline") => "OFFLINE",
                _ => "WEB",
            };
            let at = event["event_time"].as_i64().unwrap_or_default();
            let name = event["event_name"].as_str().unwrap_or_default();
            if wanted.takes(platform) && at > now - wanted.seconds {
                let tallies = platforms.entry(platform).or_default();
                tallies.entry(name.to_owned()).or_default().add(&event);
            }
        }
    }
    let scores = platforms
        .iter()
        .map(|(platform, tallies)| score(platform, tallies, wanted.lookback));
    Ok(Reply::json(StatusCode::OK, &scores.collect::<Vec<Value>>()))
}

/// The events of one name, and how many of them carried each component.
#[derive(Default)]
struct Tally {
    events: u32,
    carried: [u32; COMPONENTS.len()],
}

impl Tally {
    fn add(&mut self, event: &Value) {
        self.events += 1;
        for (count, (_, object, properties)) in self.carried.iter_mut().zip(COMPONENTS) {
            let object = if object.is_empty() { event } else { &event[object] };
            let is_set = |value: &Value| match value {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => true,
            };
            *count += u32::from(properties.iter().any(|property| is_set(&object[*property])));
        }
    }

    /// Returns the coverage of a component in percent, with two digits behind the point.
    fn coverage(&self, component: usize) -> f64 {
        let share = f64::from(self.carried[component]) / f64::from(self.events.max(1));
        (share * 10_000.0).round() / 100.0
    }
}

fn score(platform: &str, tallies: &BTreeMap<String, Tally>, lookback: &str) -> Value {
    let (mut components, mut sum) = (serde_json::Map::new(), 0.0);
    for (index, (component, ..)) in COMPONENTS.iter().enumerate() {
        let mut by_event = serde_json::Map::new();
        for (name, tally) in tallies {
            let coverage = tally.coverage(index);
            sum += coverage;
            let mut details = json!({ "coverage": coverage });
            if *component == "external_event_id" {
                // No tag sends to the sandbox, so that no event came twice.
                details["overlap"] = json!(0);
            }
            if coverage == 0.0 {
                let reason = format!("No {name} event of the period carries it.");
                details["issues"] = json!([{ "id": format!("{component}__{name}"), "name": "Missing parameter", "reason": reason }]);
            }
            by_event.insert(name.clone(), details);
        }
        components.insert((*component).to_owned(), Value::Object(by_event));
    }
    let rated = u32::try_from(COMPONENTS.len() * tallies.len()).unwrap_or(u32::MAX);
    let mean = sum / f64::from(rated.max(1));
    let status = match mean {
        _ if mean >= GOOD => "GOOD",
        _ if mean >= FAIR => "FAIR",
        _ => "NEEDS_IMPROVEMENT",
    };
    json!({
        "overall_status": status,
        "quality_components": components,
        "ingestion_source": "CONVERSIONS_API",
        "source_platform": platform,
        "lookback_period": lookback,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_442_122;

    fn event(source: &str, age: i64, user_data: Value, custom_data: Value) -> String {
        json!({
            "event_name": "checkout", "action_source": source, "event_time": NOW - age, "event_id": "e",
            "user_data": user_data, "custom_data": custom_data,
        })
        .to_string()
    }

    fn answered(query: &str, events: &[String]) -> Value {
        let reply = answer(query, events, NOW).unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        serde_json::from_slice(&reply.body).unwrap()
    }

    #[test]
    fn coverage_is_counted_by_platform_and_name() {
        let events = [
            event(
                "web",
                60,
                json!({ "em": ["h"] }),
                json!({ "value": "7", "contents": [{ "id": "p" }] }),
            ),
            event("web", 90_000, json!({ "em": [] }), json!({ "value": "" })),
            event("app_ios", 60, json!({ "hashed_maids": ["h"] }), json!({})),
        ];
        let scores = answered("lookback_period=14d", &events);
        assert_eq!(scores.as_array().unwrap().len(), 2);
        let web = &scores[1];
        assert_eq!(web["source_platform"], "WEB");
        let components = &web["quality_components"];
        assert_eq!(components["hashed_email"]["checkout"]["coverage"], 50.0);
        assert_eq!(components["product_id"]["checkout"]["coverage"], 50.0);
        assert_eq!(
            components["external_event_id"]["checkout"],
            json!({ "coverage": 100.0, "overlap": 0 })
        );
        assert_eq!(
            components["click_id_epik"]["checkout"]["issues"][0]["name"],
            "Missing parameter"
        );
        assert_eq!(web["overall_status"], "NEEDS_IMPROVEMENT");
        let day = answered("lookback_period=1d&source_platform=WEB", &events);
        assert_eq!(
            day[0]["quality_components"]["hashed_email"]["checkout"]["coverage"],
            100.0
        );
        let mobile = answered("lookback_period=1d&source_platform=MOBILE", &events);
        assert_eq!(mobile[0]["source_platform"], "MOBILE_IOS");
        assert_eq!(
            answered("lookback_period=1d&ingestion_source=TAG", &events),
            json!([])
        );
    }

    #[test]
    fn the_mean_coverage_decides() {
        let everything = json!({ "em": ["h"], "external_id": ["h"], "click_id": "c", "hashed_maids": ["h"],
            "client_ip_address": "192.0.2.1", "client_user_agent": "a" });
        // Eight, and five, of eleven components.
        for (user_data, custom_data, status) in [
            (everything, json!({ "value": "7" }), "GOOD"),
            (
                json!({ "em": ["h"], "client_user_agent": "a" }),
                json!({ "value": "7", "order_id": "A" }),
                "FAIR",
            ),
        ] {
            let scores = answered("lookback_period=1d", &[event("web", 0, user_data, custom_data)]);
            assert_eq!(scores[0]["overall_status"], status);
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        for query in [
            "",
            "lookback_period=7d",
            "lookback_period=1d&source_platform=TV",
            "lookback_period=1d&ingestion_source=FAX",
        ] {
            assert!(answer(query, &[], NOW).is_err(), "{query}");
        }
    }
}
