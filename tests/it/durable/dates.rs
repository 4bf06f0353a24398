//! Dates and days, where commands and settings take a time.

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::orders;

#[tokio::test]
async fn a_replay_begins_at_a_date_or_days_ago() {
    let mut rig = Rig::start_with(&pipeline("[journal]\nretain = \"1d12h\"\n", "")).await;
    post_all(&rig.world.listen, &orders("d", 3)).await;
    rig.settled().await;
    let day = jiff::SignedDuration::from_hours(24);
    let date = |at: jiff::Timestamp| at.to_string()[..10].to_owned();
    let (yesterday, tomorrow) = (
        date(jiff::Timestamp::now() - day),
        date(jiff::Timestamp::now() + day),
    );
    // First the running router answers, then its files do.
    for _ in 0..2 {
        for from in [yesterday.as_str(), "2d", "1d12h"] {
            let plan = rig
                .told(&["replay", "--sink", "hook", "--from", from, "--dry-run"])
                .await;
            assert!(
                plan.starts_with("up to 3 events, positions 0 to 3,"),
                "{from}: {plan}"
            );
        }
        let exit = rig
            .command(&["replay", "--sink", "hook", "--from", &tomorrow, "--dry-run"])
            .await;
        assert_eq!(exit.code, Some(1), "{exit:?}");
        assert!(exit.stderr.contains("nothing to replay"), "{exit:?}");
        let none = rig.lines(&["deadletters", "list", "--older-than", "2d"]).await;
        assert!(none.is_empty(), "{none:?}");
        if rig.router.is_some() {
            rig.stop().await;
        }
    }
    let unclear = rig
        .command(&["replay", "--sink", "hook", "--from", "2026-11-28T10:00:00"])
        .await;
    assert_eq!(unclear.code, Some(64), "{unclear:?}");
    assert!(unclear.stderr.contains("with its zone"), "{unclear:?}");
}
