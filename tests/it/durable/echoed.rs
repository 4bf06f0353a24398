//! A destination that echoes the token it got, plain and encoded: Signalbox never shows it.

use serde_json::{Value, json};
use signalbox_testkit::Act;

use super::{Rig, pipeline};
use crate::support::client::{get, post_all};
use crate::support::events::orders;
use crate::support::world::World;

/// A token with characters that encodings change, and without a run of letters that would look like a token anyway.
const SECRET: &str = "zq.t?k-5e1c/0a>f";
/// The forms in which the token may come back.
const FORMS: [&str; 11] = [
    "zq.t?k-5e1c/0a>f",
    "Bearer zq.t?k-5e1c/0a>f",
    "zq.t%3Fk-5e1c%2F0a%3Ef",
    "zq.t%253fk-5e1c%252f0a%253ef",
    "enEudD9rLTVlMWMvMGE+Zg==",
    "enEudD9rLTVlMWMvMGE-Zg==",
    "QmVhcmVyIHpxLnQ/ay01ZTFjLzBhPmY=",
    "QmVhcmVyIHpxLnQ_ay01ZTFjLzBhPmY",
    "dXNlcjp6cS50P2stNWUxYy8wYT5m",
    "dXNlcjp6cS50P2stNWUxYy8wYT5m",
    "QmVhcmVyIHpxLnQ%2Fay01ZTFjLzBhPmY%3D",
];

/// The pipeline with this token, and the webhook receiver as Pinterest.
fn text() -> String {
    pipeline("", "concurrency = 1\nbatch.max_events = 1")
        .replace("${PINTEREST}", "${HOOK}/v5")
        .replace("${TOKEN}", SECRET)
}

/// Asserts that this text shows the token in no form.
fn hidden(shown: &str) {
    let unlike = ["Bearer ", "user:"];
    for form in FORMS {
        let bare = unlike
            .iter()
            .fold(form, |form, lead| form.strip_prefix(lead).unwrap_or(form));
        // Parts must be hidden too: a piece of base64 can still be decoded.
        for part in [&bare[..10], &bare[bare.len() - 10..]] {
            assert!(!shown.contains(part), "{part} of {form} in {shown}");
        }
    }
}

/// Starts a router whose Pinterest answers like this.
async fn start(status: u16, body: &Value) -> Rig {
    let world = World::new().await;
    world.hook.act(Act::reply(status, body.to_string()));
    let mut rig = Rig { world, router: None };
    rig.write(&text());
    rig.again().await;
    rig
}

#[tokio::test]
async fn in_what_a_hold_is_told_by() {
    let message = FORMS.join(" and ");
    let rig = start(401, &json!({ "code": 2, "message": message })).await;
    post_all(&rig.world.listen, &orders("e", 2)).await;
    let status = rig.wait(|status| status.sinks["pinterest"].held.is_some()).await;
    let hold = status.sinks["pinterest"].held.clone().unwrap();
    assert!(
        hold.message.contains("[secret] and Bearer [secret] and [secret]"),
        "{hold:?}"
    );
    hidden(&get(&rig.world.admin, "/status").await.body);
    hidden(&get(&rig.world.admin, "/metrics").await.body);
    hidden(&rig.command(&["status"]).await.stdout);
    let probed = rig.command(&["validate", "--probe"]).await;
    assert!(probed.stdout.contains("[secret]"), "{probed:?}");
    hidden(&format!("{probed:?}"));
    rig.router().logged("on hold").await;
    hidden(&rig.router().stderr());
}

#[tokio::test]
async fn in_why_records_are_rejected() {
    // Each answer holds one form, or the rest would be cut off.
    for form in FORMS {
        let refused = json!({ "status": "failed", "error_message": format!("who is {form}?") });
        let rig = start(200, &json!({ "events": [refused] })).await;
        post_all(&rig.world.listen, &orders("e", 1)).await;
        rig.has_letters("pinterest", 1).await;
        let letters = rig.told(&["deadletters", "list", "--json"]).await;
        assert!(letters.contains("[secret]"), "{letters}");
        hidden(&letters);
        hidden(&rig.router().stderr());
    }
}

#[tokio::test]
async fn in_why_a_delivery_is_tried_again() {
    let rig = start(503, &json!({ "code": 1, "message": FORMS[6] })).await;
    post_all(&rig.world.listen, &orders("e", 1)).await;
    rig.router().logged("a delivery failed, trying again").await;
    rig.router().logged("[secret]").await;
    hidden(&rig.router().stderr());
}
