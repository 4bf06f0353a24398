//! Every fault, seen from the client.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn rate_limits_with_and_without_retry_after() {
    let sandbox = faulty(json!({ "rate_limit": { "every_nth": 2, "retry_after_s": 7 } })).await;
    assert_eq!(post(&sandbox, good(1)).await.status, 200);
    let limited = post(&sandbox, good(1)).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
    assert_eq!(limited.json()["code"], 8);

    let sandbox = faulty(json!({ "rate_limit": {} })).await;
    let limited = post(&sandbox, good(1)).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, None));
    assert_eq!(sandbox.counts().accepted, 0);
}

#[tokio::test]
async fn unavailable_a_few_times() {
    let sandbox = faulty(json!({ "unavailable": { "times": 2, "retry_after_s": 1 } })).await;
    for expected in [503, 503, 200, 200] {
        let answer = post(&sandbox, good(1)).await;
        assert_eq!(answer.status, expected);
        if expected == 503 {
            assert_eq!(
                (answer.json()["code"].as_u64(), answer.header("retry-after")),
                (Some(4197), Some("1"))
            );
        }
    }
    assert_eq!(sandbox.counts().faults["unavailable"], 2);
}

#[tokio::test]
async fn switches_stay_until_changed() {
    for (name, status, code) in [
        ("unauthorized", 401, 2),
        ("forbidden", 403, 29),
        ("not_found", 404, 404),
    ] {
        let sandbox = faulty(json!({ name: true })).await;
        for _ in 0..2 {
            let answer = post(&sandbox, good(1)).await;
            assert_eq!(
                (answer.status, answer.json()["code"].as_u64()),
                (status, Some(code))
            );
        }
        sandbox.set_faults(signalbox_sandbox::Faults::default());
        assert_eq!(post(&sandbox, good(1)).await.status, 200);
        assert_eq!(sandbox.counts().faults[name], 2);
        assert_sums_close(&sandbox);
    }
}

#[tokio::test]
async fn any_status() {
    for code in [200_u16, 202, 408, 409, 422, 425, 500, 502] {
        let sandbox = faulty(json!({ "status": { "code": code } })).await;
        let answer = post(&sandbox, good(1)).await;
        assert_eq!(answer.status, code);
        assert!(answer.json().get("details").is_none());
        assert_eq!(sandbox.counts().accepted, 0);
    }
    let sandbox = faulty(json!({ "status": { "code": 204 } })).await;
    assert_eq!(post(&sandbox, good(1)).await.text, "");
}

#[tokio::test]
async fn redirects() {
    let sandbox = faulty(json!({ "redirect": { "location": "http://127.0.0.1:1/" } })).await;
    let answer = post(&sandbox, good(1)).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("http://127.0.0.1:1/"))
    );
}

#[tokio::test]
async fn whole_requests_refused() {
    let sandbox = faulty(json!({ "bad_request": { "times": 1 } })).await;
    let answer = post(&sandbox, good(2)).await;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(4196)));
    assert_eq!(post(&sandbox, good(2)).await.status, 200);
}

#[tokio::test]
async fn poisoned_events_refuse_all_and_are_not_named() {
    let sandbox = faulty(json!({ "poison_event_ids": ["1"] })).await;
    let answer = post(&sandbox, good(3)).await;
    assert_eq!(
        answer.json(),
        json!({ "code": 4196, "message": "The request was refused." })
    );
    assert_eq!(post(&sandbox, data(&[event("0"), event("2")])).await.status, 200);
    let counts = sandbox.counts();
    assert_eq!(
        (counts.refused, counts.accepted, counts.faults["poison_event_ids"]),
        (3, 2, 1)
    );
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn a_property_becomes_unexpected() {
    let sandbox = faulty(json!({ "unexpected_property": "custom_data" })).await;
    let mut with = event("1");
    with["custom_data"] = json!({ "value": "1" });
    let answer = post(&sandbox, data(&[with])).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["message"],
        "Additional properties are not allowed ('custom_data' was unexpected)"
    );
    assert_eq!(post(&sandbox, good(1)).await.status, 200);
    assert_eq!(sandbox.counts().faults["unexpected_property"], 1);
}

#[tokio::test]
async fn too_many_bytes() {
    let sandbox = faulty(json!({ "max_bytes": good(2).len() })).await;
    assert_eq!(post(&sandbox, good(2)).await.status, 200);
    assert_eq!(post(&sandbox, good(3)).await.status, 413);
    assert_eq!(sandbox.counts().faults["max_bytes"], 1);
}

#[tokio::test]
async fn single_events_fail_and_are_warned_about() {
    let faults = json!({ "fail_events": { "every_nth": 3 }, "warn_events": { "every_nth": 2 } });
    let sandbox = faulty(faults).await;
    let body = post(&sandbox, good(4)).await.json();
    assert_eq!(body["num_events_processed"], 3);
    assert_eq!(body["events"][2]["status"], "failed");
    assert_eq!(
        body["events"][1]["warning_message"],
        "This warning was asked for."
    );
    let accepted: Vec<String> = ["0", "1", "3"].iter().map(|id| event(id).to_string()).collect();
    assert_eq!(sandbox.events(), accepted);

    let sandbox = faulty(json!({ "fail_events": {} })).await;
    assert_eq!(post(&sandbox, good(2)).await.status, 422);
    let sandbox = faulty(json!({ "fail_events": { "times": 1 }, "partial_as_422": true })).await;
    let partial = post(&sandbox, good(2)).await;
    assert_eq!(partial.status, 422);
    assert_eq!(partial.json()["details"]["num_events_processed"], 1);
    assert_eq!(post(&sandbox, good(2)).await.status, 200);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn resets_before_and_after_the_events_are_taken() {
    for (after_accept, accepted, unrecorded) in [(false, 0, 2), (true, 2, 0)] {
        let sandbox = faulty(json!({ "reset": { "times": 1, "after_accept": after_accept } })).await;
        let response = post_to(&sandbox, &format!("{ACCOUNT}/events"), good(2))
            .send()
            .await
            .unwrap();
        // The head and some of the body came through; the end did not.
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.is_err());
        let counts = sandbox.counts();
        assert_eq!((counts.accepted, counts.unrecorded), (accepted, unrecorded));
        assert_eq!(counts.faults["reset"], 1);
        assert_eq!(post(&sandbox, good(2)).await.status, 200);
        assert_eq!(sandbox.counts().duplicates, accepted);
        assert_sums_close(&sandbox);
    }
}

#[tokio::test]
async fn short_and_unreadable_bodies() {
    let sandbox = faulty(json!({ "short_body": {} })).await;
    let body = post(&sandbox, good(2)).await.json();
    assert_eq!(body["num_events_received"], 2);
    assert_eq!(body["events"].as_array().unwrap().len(), 1);

    for form in ["html", "truncated", "empty"] {
        let sandbox = faulty(json!({ "garbage_body": { "form": form } })).await;
        let answer = post(&sandbox, good(2)).await;
        assert_eq!(answer.status, 200);
        assert!(serde_json::from_str::<serde_json::Value>(&answer.text).is_err());
        assert_eq!(answer.text.is_empty(), form == "empty");
        assert_eq!(sandbox.counts().accepted, 2);
    }
}

/// A client that gives up first: nothing is recorded unless the answer alone was late.
#[tokio::test]
async fn slow_answers_and_clients_that_hang_up() {
    for (after_accept, accepted) in [(false, 0), (true, 1)] {
        let slow = json!({ "slow": { "delay_ms": 600_000, "times": 1, "after_accept": after_accept } });
        let sandbox = faulty(slow).await;
        let request = tokio::spawn(send(post_to(&sandbox, &format!("{ACCOUNT}/events"), good(1))));
        while sandbox.counts().faults.is_empty() {
            tokio::task::yield_now().await;
        }
        // Dropping the request closes its connection.
        request.abort();
        while sandbox.counts().abandoned == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sandbox.counts().accepted, accepted);
        assert_eq!(sandbox.requests()[0].status, None);
        assert_eq!(post(&sandbox, good(1)).await.status, 200);
        assert_sums_close(&sandbox);
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_slow_answers() {
    let sandbox = faulty(json!({ "slow": { "delay_ms": 600_000 } })).await;
    let request = post_to(&sandbox, &format!("{ACCOUNT}/events"), good(1));
    let answer = tokio::spawn(send(request));
    while sandbox.counts().faults.is_empty() {
        tokio::task::yield_now().await;
    }
    sandbox.shutdown().await;
    assert_eq!(answer.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn faults_combine() {
    let faults = json!({
        "seed": 3,
        "slow": { "delay_ms": 1 },
        "rate_limit": { "percent": 20 },
        "unavailable": { "every_nth": 5 },
        "reset": { "percent": 10, "after_accept": true },
        "fail_events": { "percent": 10 },
    });
    let sandbox = faulty(faults.clone()).await;
    let run = async |sandbox: &signalbox_sandbox::Sandbox| {
        for _ in 0..60 {
            let answer = send(post_to(sandbox, &format!("{ACCOUNT}/events"), good(5))).await;
            assert!(answer.map_or(true, |answer| [200, 429, 503].contains(&answer.status)));
        }
        sandbox.counts()
    };
    let counts = run(&sandbox).await;
    for name in ["slow", "rate_limit", "unavailable", "reset", "fail_events"] {
        assert!(counts.faults[name] > 0, "{name}");
    }
    assert_sums_close(&sandbox);
    // The same seed, the same faults.
    assert_eq!(run(&faulty(faults).await).await, counts);
}
