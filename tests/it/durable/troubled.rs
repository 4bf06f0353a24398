//! A history and an audit log on a disk that takes nothing, or with files that cannot be read: the page and the commands tell
//! what is missing, and deliveries go on.

use serde_json::Value;

use super::{Rig, pipeline};
use crate::support::client::{Answer, get, post_all, try_send};
use crate::support::disk::Disk;
use crate::support::events::{order, orders};
use crate::support::until;
use crate::support::world::World;

/// Asks the router to read its file again, which the audit log records.
async fn act(rig: &Rig) -> Answer {
    let headers = [("x-signalbox", "1"), ("content-length", "0")];
    try_send(&rig.world.admin, "POST", "/reload", &headers, b"")
        .await
        .unwrap()
}

/// Returns the pipeline with an audit log and a history on a disk.
fn on(disk: &Disk) -> String {
    let folder = disk.path().display();
    let audit = format!("[admin]\naudit = \"{folder}/audit.jsonl\"\n");
    let history = format!("[history]\npath = \"{folder}/history\"\n");
    pipeline(&history, "").replace("[admin]\n", &audit)
}

#[tokio::test]
async fn a_full_disk_stops_acts_and_rows_but_neither_start_nor_delivery() {
    let Some(disk) = Disk::mount(2) else { return };
    let mut rig = Rig {
        world: World::new().await,
        router: None,
    };
    rig.write(&on(&disk));
    rig.again().await;
    rig.stop().await;
    // The last line is torn at the end of a page, and there is no room to end it.
    let torn = format!("{:>4096}", "{\"n\":7,\"at\":\"20");
    std::fs::write(disk.path().join("audit.jsonl"), torn).unwrap();
    disk.fill();
    rig.again().await;
    post_all(&rig.world.listen, &orders("full", 300)).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, 300);
    let refused = act(&rig).await;
    assert!(
        refused.status == 503 && refused.body.contains("audit.jsonl cannot be written"),
        "{refused:?}"
    );
    let lacks = |status: &signalbox_admin::Status| {
        let history = status.history.as_ref().unwrap();
        history.failing.is_some() && history.lost > 0
    };
    rig.wait(lacks).await;
    let overview = get(&rig.world.admin, "/api/overview").await.json();
    let problems = overview["advice"].to_string();
    assert!(
        problems.contains("the history cannot be written")
            && problems.contains("the audit log cannot be written"),
        "{overview:#}"
    );
    // An event without a row is not said to be unknown.
    let told = "No such event was found in what could be read";
    let shown = get(&rig.world.admin, "/ui/event?message_id=full-7").await;
    assert!(
        shown.status == 404 && shown.body.contains(told) && shown.body.contains("the history lacks "),
        "{shown:?}"
    );
    let exit = rig.command(&["events", "--message-id", "full-7"]).await;
    assert!(
        exit.code == Some(1)
            && exit.stderr.contains("the history lacks ")
            && exit
                .stderr
                .contains("no such event was found in what could be read"),
        "{exit:?}"
    );
    let exit = rig.command(&["report"]).await;
    // SQLite needs room for reading too.
    assert!(
        [
            "newer records are missing: ",
            "sums.db: cannot be used: the disk is full or failing"
        ]
        .iter()
        .any(|told| exit.stderr.contains(told)),
        "{exit:?}"
    );

    disk.clear();
    let done = async || (act(&rig).await.status == 200).then_some(());
    until(done, || rig.router().stderr()).await;
    // Rows are written again with the next event.
    post_all(&rig.world.listen, &[order("later")]).await;
    rig.settled().await;
    rig.wait(|status| status.history.as_ref().unwrap().failing.is_none())
        .await;
    let told = rig.told(&["events", "--message-id", "later"]).await;
    assert!(told.contains("Delivered at the first attempt."), "{told}");
    // The sums waited in memory.
    let sums = rig.lines(&["report", "--sink", "pinterest"]).await;
    let records: u64 = sums.iter().filter_map(|sum| sum["records"].as_u64()).sum();
    assert_eq!(records, 301, "{sums:?}");
    let lines = std::fs::read_to_string(disk.path().join("audit.jsonl")).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["action"], &last["result"]),
        (&"reload".into(), &"done".into()),
        "{lines}"
    );
    rig.stop().await;
}

/// Sends events and waits until the status says why the history cannot be written, and that the events are delivered.
async fn delivers_without_history(rig: &Rig, beginning: &str, delivered: u64, why: &str) {
    post_all(&rig.world.listen, &orders(beginning, 10)).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, delivered);
    let told = |status: &signalbox_admin::Status| {
        let failing = status.history.as_ref().unwrap().failing.as_ref();
        failing.is_some_and(|failing| failing.contains(why))
    };
    rig.wait(told).await;
}

/// Waits until the history has the record of an event that is sent now.
async fn is_kept_again(rig: &Rig, message_id: &str) {
    rig.wait(|status| status.history.as_ref().unwrap().failing.is_none())
        .await;
    post_all(&rig.world.listen, &[order(message_id)]).await;
    rig.settled().await;
    let told = rig.told(&["events", "--message-id", message_id]).await;
    assert!(told.contains("Delivered at the first attempt."), "{told}");
}

#[tokio::test]
async fn a_first_start_without_room_for_the_history_begins_it_later() {
    let Some(disk) = Disk::mount(2) else { return };
    disk.fill();
    let history = format!("[history]\npath = \"{}/history\"\n", disk.path().display());
    let mut rig = Rig::start_with(&pipeline(&history, "")).await;
    let key = disk.path().join("history.key");
    delivers_without_history(&rig, "full", 10, "the disk is full").await;
    assert!(std::fs::read_to_string(&key).is_ok_and(|key| key.is_empty()) || !key.exists());
    disk.clear();
    is_kept_again(&rig, "later").await;
    assert!(std::fs::read_to_string(&key).unwrap().len() > 20);
    // A journal that gets a key hides persons behind that one, and records of before are still found.
    rig.stop().await;
    let sealed = format!("[journal]\nkey = \"${{JOURNAL_KEY}}\"\n{history}");
    rig.write(&pipeline(&sealed, ""));
    rig.again().await;
    is_kept_again(&rig, "sealed").await;
    let told = rig.told(&["events", "--message-id", "later"]).await;
    assert!(told.contains("Delivered at the first attempt."), "{told}");
}

#[tokio::test]
async fn a_read_only_history_is_read_and_delays_no_delivery() {
    let Some(disk) = Disk::mount(4) else { return };
    let mut rig = Rig {
        world: World::new().await,
        router: None,
    };
    rig.write(&pipeline(
        &format!("[history]\npath = \"{}/history\"\n", disk.path().display()),
        "",
    ));
    // A first start in a folder in which nothing can be made.
    disk.remount(true);
    rig.again().await;
    delivers_without_history(&rig, "first", 10, "give the router's user the right to write it").await;
    disk.remount(false);
    is_kept_again(&rig, "kept").await;
    rig.stop().await;
    // The files are there, and cannot be written any more.
    disk.remount(true);
    let told = rig.told(&["events", "--message-id", "kept"]).await;
    assert!(told.contains("Delivered at the first attempt."), "{told}");
    rig.again().await;
    delivers_without_history(&rig, "second", 21, "give the router's user the right to write it").await;
    let told = rig.told(&["events", "--message-id", "kept"]).await;
    assert!(told.contains("Delivered at the first attempt."), "{told}");
    let sums = rig.lines(&["report", "--sink", "pinterest"]).await;
    let records: u64 = sums.iter().filter_map(|sum| sum["records"].as_u64()).sum();
    assert_eq!(records, 11, "the sums of what waited were written: {sums:?}");
    rig.stop().await;
    disk.remount(false);
    rig.again().await;
    is_kept_again(&rig, "again").await;
}

#[tokio::test]
async fn a_history_that_cannot_be_read_takes_no_other_number_from_the_page() {
    let rig = Rig::start_with(&pipeline("[history]\npath = \"${FOLDER}/history\"\n", "")).await;
    post_all(&rig.world.listen, &orders("g", 3)).await;
    rig.settled().await;
    let admin = &rig.world.admin;
    assert_eq!(get(admin, "/api/overview").await.json()["unread"], Value::Null);
    // An operator has moved the sums away, and something else has their name.
    let sums = rig.world.path("history/sums.db");
    std::fs::rename(&sums, rig.world.path("sums.db")).unwrap();
    std::fs::create_dir(&sums).unwrap();
    let overview = get(admin, "/api/overview").await;
    assert_eq!(overview.status, 200, "{overview:?}");
    let overview = overview.json();
    let unread = overview["unread"].as_str().unwrap();
    assert!(unread.contains("sums.db"), "{unread}");
    assert!(overview["breakdowns"].is_null(), "{overview:#}");
    let funnels = overview["funnels"].as_array().unwrap();
    let pinterest = funnels
        .iter()
        .find(|funnel| funnel["sink"] == "pinterest")
        .unwrap();
    assert_eq!(pinterest["steps"][0]["events"], 3, "{overview:#}");
    let advice = overview["advice"].to_string();
    assert!(advice.contains("the history cannot be read"), "{advice}");
    for (path, told) in [
        ("/ui/overview", "The history cannot be read. "),
        ("/ui/failures", "No failures"),
        (
            "/ui/failures",
            "The trends are missing, since the history cannot be read. ",
        ),
    ] {
        let shown = get(admin, path).await;
        assert!(
            shown.status == 200 && shown.body.contains(told),
            "{path}: {}",
            shown.body
        );
    }
}
