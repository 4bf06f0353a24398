//! A history whose files another program deletes or overwrites while the router runs, or whose file is damaged at its start:
//! events are delivered, and status, page, metrics and webhook tell of the loss.

use std::time::Duration;

use serde_json::Value;
use signalbox_admin::Status;
use signalbox_testkit::{Act, Server};

use super::{Rig, pipeline};
use crate::support::client::{get, post_all};
use crate::support::events::orders;
use crate::support::until;

const FOLDER: &str = "history";
/// Records of three events at three sinks.
const ROWS: u64 = 9;

fn settings(webhook: &Server) -> String {
    let top = format!(
        "[history]\npath = \"${{FOLDER}}/{FOLDER}\"\n[alerts]\nwebhook = \"{}/messages\"\n",
        webhook.url()
    );
    pipeline(&top, "")
}

/// Waits for a loss of this kind, and for the message of the webhook. Returns the sentence about the loss.
async fn lost(rig: &Rig, webhook: &Server, sums: bool) -> String {
    let told = |status: &Status| {
        let losses = &status.history.as_ref()?.losses;
        losses
            .iter()
            .find(|loss| loss.sums == sums)
            .map(ToString::to_string)
    };
    let status = rig.wait(|status| told(status).is_some()).await;
    assert_eq!(status.history.as_ref().unwrap().failing, None);
    let reached = tokio::time::timeout(Duration::from_secs(60), webhook.reached());
    reached.await.expect("a message within a minute");
    let messages = webhook.seen();
    let message: Value = serde_json::from_slice(&messages[messages.len() - 1].body).unwrap();
    assert_eq!(
        (&message["alert"], &message["severity"]),
        (&"history_lost".into(), &"warning".into()),
        "{message}"
    );
    told(&status).unwrap()
}

async fn api(rig: &Rig, path: &str) -> Value {
    let answer = get(&rig.world.admin, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Checks that all views tell the loss.
async fn is_told(rig: &Rig, told: &str, sums: bool) {
    let status = rig.told(&["status"]).await;
    assert!(status.contains(told), "{status}");
    let overview = api(rig, "/api/overview").await;
    assert_eq!(overview["level"], "attention", "{overview}");
    let advice = overview["advice"].to_string();
    assert!(advice.contains("the history lost "), "{advice}");
    let tells = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .any(|line| line.as_str().unwrap().ends_with(told))
    };
    if sums {
        assert!(tells(&overview["breakdowns"]["lost"]), "{overview}");
        let quality = api(rig, "/api/quality").await;
        assert!(tells(&quality["lost"]), "{quality}");
    } else {
        for path in ["/api/events", "/api/events?message_id=a-1"] {
            let events = api(rig, path).await;
            assert!(tells(&events["incomplete"]), "{path}: {events}");
        }
        let command = rig.command(&["events", "--message-id", "a-1"]).await;
        assert!(command.stderr.contains(told), "{command:?}");
    }
    let metrics = get(&rig.world.admin, "/metrics").await.body;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("signalbox_history_file_lost"));
    assert!(line.is_some_and(|line| line.ends_with(" 1")), "{line:?}");
}

/// Checks that events are delivered, and that the history tells what became of them.
async fn goes_on(rig: &Rig, prefix: &str) {
    post_all(&rig.world.listen, &orders(prefix, 1)).await;
    rig.settled().await;
    let id = format!("{prefix}-0");
    let delivered = async || {
        let lives = rig.command(&["events", "--message-id", &id]).await;
        lives
            .stdout
            .contains("Delivered at the first attempt")
            .then_some(())
    };
    until(delivered, || rig.router().stderr()).await;
}

async fn start(webhook: &Server) -> Rig {
    let rig = Rig::start_with(&settings(webhook)).await;
    post_all(&rig.world.listen, &orders("a", 3)).await;
    rig.settled().await;
    let committed = |status: &Status| {
        status
            .history
            .as_ref()
            .is_some_and(|history| history.rows == ROWS)
    };
    rig.wait(committed).await;
    // The page has them committed.
    api(&rig, "/api/overview").await;
    rig
}

fn file(rig: &Rig, beginning: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(rig.world.path(FOLDER)).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    let is_it = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(beginning) && name.ends_with(".db")
    };
    paths.find(is_it).unwrap()
}

#[tokio::test]
async fn a_history_that_is_deleted_tells_how_many_records_are_missing() {
    let webhook = Server::start(Act::reply(200, "ok")).await;
    let mut rig = start(&webhook).await;
    std::fs::remove_dir_all(rig.world.path(FOLDER)).unwrap();
    let rows = lost(&rig, &webhook, false).await;
    assert_eq!(
        rows,
        "the file of records was deleted while the router ran, and 9 records are missing"
    );
    is_told(&rig, &rows, false).await;
    let metrics = get(&rig.world.admin, "/metrics").await.body;
    assert!(
        metrics.contains("signalbox_history_lost_total{cause=\"file_lost\"} 9"),
        "{metrics}"
    );
    let sums = lost(&rig, &webhook, true).await;
    is_told(&rig, &sums, true).await;
    goes_on(&rig, "b").await;
    rig.stop().await;
}

#[tokio::test]
async fn history_files_that_are_overwritten_or_damaged_are_told() {
    let webhook = Server::start(Act::reply(200, "ok")).await;
    let mut rig = start(&webhook).await;
    // After its end, the files alone hold everything.
    rig.stop().await;
    let noise = "this is no database, and long enough to have a heading of one ".repeat(400);
    let sums = file(&rig, "sums");
    std::fs::write(&sums, &noise).unwrap();
    rig.again().await;
    let told = lost(&rig, &webhook, true).await;
    assert!(
        told.starts_with("sums.db is damaged and was set aside as sums.db.corrupt"),
        "{told}"
    );
    is_told(&rig, &told, true).await;
    let rows = file(&rig, "rows-");
    std::fs::write(&rows, &noise).unwrap();
    let told = lost(&rig, &webhook, false).await;
    assert!(
        told.contains(" was overwritten while the router ran and was set aside as rows-"),
        "{told}"
    );
    assert!(told.ends_with("and 9 records are missing"), "{told}");
    is_told(&rig, &told, false).await;
    goes_on(&rig, "c").await;
    rig.stop().await;
}
