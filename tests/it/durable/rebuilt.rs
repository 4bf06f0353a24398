//! The loss of the state: the events that come again, and the reports about it.

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};

#[tokio::test]
async fn without_its_state_one_file_comes_again_and_status_says_how_much() {
    one_file_comes_again(|state| std::fs::remove_file(state).unwrap()).await;
}

#[tokio::test]
async fn an_empty_state_is_a_missing_one() {
    one_file_comes_again(|state| std::fs::write(state, "").unwrap()).await;
}

async fn one_file_comes_again(lose: impl Fn(&std::path::Path)) {
    let mut rig = Rig::start_with(&pipeline("", "")).await;
    post_all(&rig.world.listen, &orders("old", 40)).await;
    rig.settled().await;
    rig.stop().await;
    // The first event of the next run begins the next file.
    rig.again().await;
    let new = orders("new", 5);
    post_all(&rig.world.listen, &new).await;
    rig.settled().await;
    rig.kill();
    lose(&rig.world.path("signalbox-journal/state.redb"));
    rig.world.hook.forget();
    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(ids(&rig.world.hooked(), "messageId"), ids(&new, "messageId"));
    let hook = &status.sinks["hook"];
    assert_eq!((hook.delivered, hook.journalled), (45, 45), "{status:#?}");
    assert_eq!(status.sources["shop"].journalled, 45, "{status:#?}");
    assert!(status.sums_close, "{status:#?}");
    let again = status.journal.may_come_again.as_ref().unwrap();
    assert_eq!(again["hook"], 5);
    let log = rig.router().stderr();
    assert!(
        log.contains("the journal's state is missing beside its events"),
        "{log}"
    );
    assert!(log.contains("may come again"), "{log}");
    let told = rig.told(&["status"]).await;
    assert!(told.contains("may come again"), "{told}");
    rig.stop().await;
    rig.again().await;
    assert_eq!(rig.settled().await.journal.may_come_again, None);
}
