//! The replies of vendors, as their pages have them.

use serde_json::{Value, json};
use signalbox_testkit::contract::Replies;

pub(super) fn pinterest() -> Replies {
    fn of(statuses: &[&str]) -> Value {
        let event = |status: &&str| match *status {
            "failed" => json!({ "status": status, "error_message": "{echo}" }),
            _ => json!({ "status": status, "error_message": "", "warning_message": "" }),
        };
        let events: Vec<Value> = statuses.iter().map(event).collect();
        let processed = statuses.iter().filter(|status| **status == "processed").count();
        json!({ "num_events_received": events.len(), "num_events_processed": processed, "events": events })
    }
    fn but_one(records: usize, index: usize) -> Value {
        let mut statuses = vec!["processed"; records];
        statuses[index] = "failed";
        of(&statuses)
    }
    Replies {
        accepts: Some(|records| of(&vec!["processed"; records]).to_string()),
        refuses_one: vec![
            |records, index| (200, but_one(records, index).to_string()),
            |records, index| {
                let body = json!({ "code": 1, "message": "{echo}", "details": but_one(records, index) });
                (422, body.to_string())
            },
        ],
        names_one: Vec::new(),
        unclear: &[
            r#"{"num_events_received":3,"num_events_processed":3,"events":[]}"#,
            r#"{"num_events_received":1,"num_events_processed":1,"events":"processed"}"#,
            r#"{"num_events_received":1,"num_events_processed":1,"events":[{},{},{}]}"#,
        ],
        refused: &[(400, r#"{"code":4196,"message":"{echo}"}"#)],
        throttled: &[(429, r#"{"code":8,"message":"{echo}"}"#)],
        unauthorized: &[
            (401, r#"{"code":2,"message":"Authentication failed. {echo}"}"#),
            (403, r#"{"code":7,"message":"{echo}"}"#),
            (404, r#"{"code":50,"message":"{echo}"}"#),
        ],
        probe_passes: &[
            (
                200,
                r#"{"num_events_received":1,"num_events_processed":1,"events":[{"status":"processed"}]}"#,
            ),
            (400, r#"{"code":4196,"message":"{echo}"}"#),
        ],
    }
}

/// Meta refuses a request as a whole. The error's code decides, not the status.
pub(super) fn meta() -> Replies {
    Replies {
        accepts: Some(|records| {
            json!({ "events_received": records, "messages": [], "fbtrace_id": "AbC" }).to_string()
        }),
        refuses_one: Vec::new(),
        names_one: Vec::new(),
        unclear: &[
            r#"{"messages":[]}"#,
            r#"{"events_received":"3","messages":[]}"#,
            r#"{"success":true}"#,
        ],
        refused: &[
            (
                400,
                r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804050,"is_transient":false,"error_user_title":"{echo}","error_user_msg":"{echo}","fbtrace_id":"AbC"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"{echo}","type":"OAuthException","code":100}}"#,
            ),
        ],
        throttled: &[
            (
                400,
                r#"{"error":{"message":"{echo}","type":"OAuthException","code":4}}"#,
            ),
            (
                403,
                r#"{"error":{"message":"{echo}","code":80004,"is_transient":true}}"#,
            ),
            (400, r#"{"error":{"message":"{echo}","code":2}}"#),
            (500, r#"{"error":{"message":"{echo}","code":1}}"#),
            (
                400,
                r#"{"error":{"message":"{echo}","code":100,"is_transient":true}}"#,
            ),
        ],
        unauthorized: &[
            (
                401,
                r#"{"error":{"message":"{echo}","type":"OAuthException","code":190}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"{echo}","type":"OAuthException","code":190}}"#,
            ),
            (
                403,
                r#"{"error":{"message":"{echo}","type":"OAuthException","code":10}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"{echo}","type":"OAuthException","code":200}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"{echo}","code":100,"error_subcode":33}}"#,
            ),
        ],
        probe_passes: &[(
            400,
            r#"{"error":{"message":"(#100) {echo}","type":"OAuthException","code":100}}"#,
        )],
    }
}

/// TikTok's verdict is the code, and its message may name the bad event; the status is often 200.
pub(super) fn tiktok() -> Replies {
    Replies {
        accepts: Some(|_| json!({ "code": 0, "message": "OK", "request_id": "1", "data": {} }).to_string()),
        refuses_one: Vec::new(),
        names_one: vec![
            |_, index| (200, named(&format!("data[{index}].event: {{echo}}"))),
            |_, index| (400, named(&format!("Invalid value: data.{index}.user"))),
            |_, index| (200, named(&format!("the event at index {index} is invalid"))),
        ],
        unclear: &[r#"{"message":"OK"}"#, r#"{"code":"0"}"#, "OK"],
        refused: &[
            (
                200,
                r#"{"code":40002,"message":"Invalid value for event_id: not a valid string."}"#,
            ),
            (400, r#"{"code":40002,"message":"{echo}"}"#),
        ],
        throttled: &[
            (401, r#"{"code":40100,"message":"{echo}"}"#),
            (200, r#"{"code":40100,"message":"{echo}"}"#),
            (200, r#"{"code":50000,"message":"{echo}"}"#),
            (500, r#"{"code":40700,"message":"{echo}"}"#),
        ],
        unauthorized: &[
            (200, r#"{"code":40001,"message":"{echo}"}"#),
            (401, r#"{"code":40104,"message":"{echo}"}"#),
            (200, r#"{"code":40105,"message":"{echo}"}"#),
            (401, r#"{"code":40110,"message":"{echo}"}"#),
        ],
        probe_passes: &[
            (200, r#"{"code":40002,"message":"{echo}"}"#),
            (400, r#"{"code":40002,"message":"{echo}"}"#),
        ],
    }
}

fn named(message: &str) -> String {
    json!({ "code": 40002, "message": message, "request_id": "1", "data": {} }).to_string()
}
