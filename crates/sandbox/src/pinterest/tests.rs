//! Helpers, and what holds for any input.

mod envelope;
mod rules;
mod types;
mod values;

use serde_json::{Value, json};

use super::schema::EVENT;
use crate::judge::{Refusal, Verdict, unexpected};
use crate::options::SandboxConfig;
use crate::pinterest::Pinterest;
use crate::testing::{HASH, judged};

/// Settings that make the rules stricter.
#[derive(Clone, Copy, Default)]
struct Rules<'a> {
    strict_openapi: bool,
    unexpected_property: Option<&'a str>,
}

fn body<'a>(bytes: &'a [u8], rules: Rules<'_>) -> Result<Vec<Verdict<'a>>, Refusal> {
    let config = SandboxConfig {
        strict_openapi: rules.strict_openapi,
        ..SandboxConfig::default()
    };
    judged(&Pinterest, &config, rules.unexpected_property, bytes)
}

fn minimal() -> Value {
    json!({
        "event_name": "checkout",
        "action_source": "web",
        "event_time": 1_772_442_122,
        "event_id": "e1",
        "user_data": { "em": [HASH] },
    })
}

/// The minimal event with one value set, at a path of object keys and array indices that exist but for the last.
fn with(path: &[&str], value: Value) -> Value {
    let mut event = minimal();
    let mut at = &mut event;
    for name in path {
        if at.is_null() {
            *at = json!({});
        }
        at = &mut at[*name];
    }
    *at = value;
    event
}

fn without(name: &str) -> Value {
    let mut event = minimal();
    event.as_object_mut().unwrap().shift_remove(name);
    event
}

/// The refusal of the request, the failure of the event, and its warning.
#[derive(Debug, PartialEq)]
enum Judged {
    Refused(String),
    Failed(String),
    Warned(String),
    Fine,
}

fn judge_text(event: &str, rules: Rules<'_>) -> Judged {
    match body(format!("{{\"data\":[{event}]}}").as_bytes(), rules) {
        Err(refusal) => {
            assert_eq!(refusal.events, 1);
            Judged::Refused(refusal.message)
        }
        Ok(mut verdicts) => match verdicts.remove(0) {
            Verdict {
                error: Some(error), ..
            } => Judged::Failed(error),
            Verdict {
                warning: Some(warning),
                ..
            } => Judged::Warned(warning),
            Verdict { raw, .. } => {
                assert_eq!(raw, event);
                Judged::Fine
            }
        },
    }
}

fn judge(event: &Value) -> Judged {
    judge_text(&event.to_string(), Rules::default())
}

fn refused(event: &Value, message: &str) {
    assert_eq!(judge(event), Judged::Refused(message.to_owned()), "{event}");
}

fn failed(event: &Value, message: &str) {
    assert_eq!(judge(event), Judged::Failed(message.to_owned()), "{event}");
}

fn request(text: &str) -> String {
    body(text.as_bytes(), Rules::default()).unwrap_err().message
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = body(&bytes, Rules::default());
    }

    #[test]
    fn any_wrong_value_anywhere_gets_a_verdict(field in 0..EVENT.len(), text in ".{0,40}") {
        let name = EVENT[field].name;
        for value in [json!(text), json!([text]), json!({ text.as_str(): text }), json!(1), Value::Null] {
            let judged = judge(&with(&[name], value));
            if let Judged::Failed(message) | Judged::Warned(message) = judged {
                proptest::prop_assert!(text.len() < 12 || !message.contains(&text));
            }
        }
    }
}
