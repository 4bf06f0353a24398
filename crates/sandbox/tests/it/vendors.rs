//! Three vendors on one address: each with its own paths, answers, faults and counts.

use serde_json::{Value, json};
use signalbox_sandbox::{Counts, Faults, RateLimit, Sandbox, SandboxConfig, Vendor, start};

use crate::support::*;

/// Sends `n` good events to the vendor.
async fn send_good(sandbox: &Sandbox, vendor: Vendor, n: usize) -> Answer {
    send(good_of(sandbox, vendor, n)).await.unwrap()
}

#[tokio::test]
async fn one_address_takes_the_events_of_all() {
    let sandbox = sandbox().await;
    for (vendor, n) in [(Vendor::Pinterest, 1), (Vendor::Meta, 2), (Vendor::TikTok, 3)] {
        let answer = send_good(&sandbox, vendor, n).await;
        assert_eq!(answer.status, 200, "{vendor}: {}", answer.text);
        assert_eq!(sandbox.counts_of(vendor).accepted, n as u64, "{vendor}");
        assert_eq!(sandbox.events_of(vendor).len(), n, "{vendor}");
    }
    let counts = sandbox.counts();
    assert_eq!((counts.accepted, counts.requests, counts.duplicates), (6, 3, 0));
    assert_eq!(sandbox.events().len(), 6);
    assert_sums_close(&sandbox);

    let told = own(&sandbox, "GET", "counts", "").await.json();
    assert_eq!(told["accepted"], 6);
    assert_eq!(told["by_vendor"]["meta"]["accepted"], 2);
    let meta = own(&sandbox, "GET", "counts?vendor=meta", "").await;
    assert_eq!(
        serde_json::from_str::<Counts>(&meta.text).unwrap(),
        sandbox.counts_of(Vendor::Meta)
    );
    let events = own(&sandbox, "GET", "events?vendor=tiktok&limit=2", "").await;
    let ids: Vec<Value> = events
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event_id"].clone())
        .collect();
    assert_eq!(ids, ["1", "2"]);
    assert_eq!(own(&sandbox, "GET", "events?vendor=snap", "").await.status, 400);
}

#[tokio::test]
async fn only_the_vendors_asked_for_are_played() {
    let config = SandboxConfig {
        vendors: vec![Vendor::Meta],
        ..SandboxConfig::default()
    };
    let sandbox = start(config).await.unwrap();
    for (vendor, status) in [
        (Vendor::Pinterest, 404),
        (Vendor::Meta, 200),
        (Vendor::TikTok, 404),
    ] {
        assert_eq!(send_good(&sandbox, vendor, 1).await.status, status, "{vendor}");
    }
    assert_eq!(sandbox.counts().requests, 3);
    assert_eq!(sandbox.counts().by_vendor.len(), 1);
}

#[tokio::test]
async fn faults_belong_to_all_vendors_or_to_one() {
    let sandbox = sandbox().await;
    sandbox.set_faults(Faults {
        rate_limit: Some(RateLimit::times(1)),
        ..Faults::default()
    });
    // The fault strikes once at each vendor, in the vendor's own words.
    for (vendor, status) in [
        (Vendor::Pinterest, 429),
        (Vendor::Meta, 400),
        (Vendor::TikTok, 401),
    ] {
        assert_eq!(send_good(&sandbox, vendor, 1).await.status, status, "{vendor}");
        assert_eq!(send_good(&sandbox, vendor, 1).await.status, 200, "{vendor}");
        assert_eq!(sandbox.counts_of(vendor).faults["rate_limit"], 1, "{vendor}");
    }
    let set = own(&sandbox, "PUT", "faults?vendor=meta", r#"{"unauthorized":true}"#).await;
    assert_eq!((set.status, &set.json()["unauthorized"]), (200, &json!(true)));
    assert_eq!(send_good(&sandbox, Vendor::Meta, 1).await.status, 401);
    assert_eq!(send_good(&sandbox, Vendor::TikTok, 1).await.status, 200);
    assert!(sandbox.faults_of(Vendor::Meta).unauthorized);
    assert_eq!(sandbox.faults().rate_limit, Some(RateLimit::times(1)));
    let told = own(&sandbox, "GET", "faults?vendor=meta", "").await;
    assert_eq!(told.json(), set.json());

    sandbox.set_faults_of(
        Vendor::TikTok,
        Faults {
            forbidden: true,
            ..Faults::default()
        },
    );
    assert_eq!(
        send_good(&sandbox, Vendor::TikTok, 1).await.json()["code"],
        40_001
    );
    // Faults for all replace those of one.
    sandbox.set_faults(Faults::default());
    assert_eq!(send_good(&sandbox, Vendor::Meta, 1).await.status, 200);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn tokens_and_ids_by_vendor() {
    let sandbox = start(SandboxConfig {
        token: Some(TOKEN.to_owned()),
        tokens: [(Vendor::TikTok, "other".to_owned())].into(),
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    for (vendor, status) in [
        (Vendor::Pinterest, 200),
        (Vendor::Meta, 200),
        (Vendor::TikTok, 401),
    ] {
        assert_eq!(send_good(&sandbox, vendor, 1).await.status, status, "{vendor}");
    }
    let sandbox = start(SandboxConfig {
        pixel_id: Some("12345".to_owned()),
        event_source_id: Some("other".to_owned()),
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let meta = send_good(&sandbox, Vendor::Meta, 1).await;
    assert_eq!(
        (meta.status, &meta.json()["error"]["error_subcode"]),
        (400, &json!(33))
    );
    assert_eq!(
        send_good(&sandbox, Vendor::TikTok, 1).await.json()["code"],
        40_001
    );
}
