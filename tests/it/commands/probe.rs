//! `validate --probe`: it distinguishes token and account errors, and delivers nothing.

use signalbox_sandbox::{Faults, SandboxConfig, Vendor};

use crate::support::process::{Exit, run};
use crate::support::world::{TOKEN, World, shop};

async fn probe(world: &World, text: &str) -> Exit {
    let config = world.write("p.toml", text);
    run(
        &["validate", "--probe", "--config", config.to_str().unwrap()],
        &world.variables(),
    )
    .await
}

async fn picky() -> World {
    World::with(SandboxConfig {
        token: Some(TOKEN.to_owned()),
        ad_account_id: Some("549755885175".to_owned()),
        ..SandboxConfig::default()
    })
    .await
}

#[tokio::test]
async fn everything_is_well() {
    let world = picky().await;
    let exit = probe(&world, &shop("", "", "")).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{exit:?}");
    for line in [
        "p.toml: valid (1 source, 3 sinks)",
        "probe sinks.archive: ok",
        "probe sinks.hook: ok",
        "probe sinks.pinterest: ok",
    ] {
        assert!(
            exit.stdout.lines().any(|found| found.ends_with(line)),
            "{line}: {exit:?}"
        );
    }
    let counts = world.sandbox.counts();
    assert_eq!((counts.test_requests, counts.accepted), (1, 0));
    assert!(world.hooked().is_empty() && world.archived().is_empty());
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_account_are_told_apart() {
    let world = picky().await;
    for (right, wrong, setting, other, code) in [
        (
            "${TOKEN}",
            "zq-some-other-token",
            "conversion_token",
            "ad_account_id",
            "(unauthorized)",
        ),
        (
            "549755885175",
            "1",
            "ad_account_id",
            "conversion_token",
            "(forbidden)",
        ),
    ] {
        let exit = probe(&world, &shop("", "", "").replace(right, wrong)).await;
        assert_eq!(exit.code, Some(5), "{setting}: {exit:?}");
        let mut lines = exit.stdout.lines();
        let line = lines
            .find(|line| line.starts_with("probe sinks.pinterest: "))
            .unwrap();
        assert!(line.contains(setting) && line.ends_with(code), "{line}");
        assert!(!line.contains(other), "{line}");
        assert!(!format!("{exit:?}").contains("zq-some-other-token"));
    }
}

/// A pipeline with a sink for each vendor, whose ids end with `id`.
fn three_vendors(world: &World, token: &str, id: &str) -> String {
    let [pinterest, meta, tiktok] = Vendor::ALL.map(|vendor| world.sandbox.base_url_of(vendor));
    format!(
        r#"
[sources.shop]
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["${{WRITE_KEY}}"]

[sinks.pinterest]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "{pinterest}"
ad_account_id = "54975588517{id}"
conversion_token = "{token}"

[sinks.meta]
type = "meta_conversions"
inputs = ["shop"]
base_url = "{meta}"
pixel_id = "120394857612039{id}"
access_token = "{token}"

[sinks.tiktok]
type = "tiktok_events"
inputs = ["shop"]
base_url = "{tiktok}"
pixel_code = "C4WILDROSE0HOME0000{id}"
access_token = "{token}"
"#
    )
}

#[tokio::test]
async fn each_vendor_is_probed_and_books_nothing() {
    let world = World::with(SandboxConfig {
        token: Some(TOKEN.to_owned()),
        ad_account_id: Some("549755885175".to_owned()),
        pixel_id: Some("1203948576120395".to_owned()),
        event_source_id: Some("C4WILDROSE0HOME00005".to_owned()),
        ..SandboxConfig::default()
    })
    .await;
    // The token, the last digit of the ids, and the reason at each vendor.
    for (token, id, code, reasons) in [
        (TOKEN, "5", 0, ["ok", "ok", "ok"]),
        (
            "zq-other-token",
            "5",
            5,
            ["unauthorized", "unauthorized", "unauthorized"],
        ),
        (TOKEN, "4", 5, ["forbidden", "not_found", "forbidden"]),
    ] {
        let exit = probe(&world, &three_vendors(&world, token, id)).await;
        assert_eq!(exit.code, Some(code), "{exit:?}");
        for (vendor, reason) in Vendor::ALL.into_iter().zip(reasons) {
            let start = format!("probe sinks.{vendor}: ");
            let line = exit.stdout.lines().find(|line| line.starts_with(&start)).unwrap();
            let end = if reason == "ok" {
                ": ok".to_owned()
            } else {
                format!("({reason})")
            };
            assert!(line.ends_with(&end), "{line}");
        }
        assert!(!format!("{exit:?}").contains("zq-other-token"));
    }
    for vendor in Vendor::ALL {
        let counts = world.sandbox.counts_of(vendor);
        assert_eq!((counts.requests, counts.accepted), (3, 0), "{vendor}");
        assert!(world.sandbox.events_of(vendor).is_empty());
    }
}

#[tokio::test]
async fn nobody_answers_or_not_in_time() {
    let world = World::new().await;
    let nobody = format!("{}/v5", signalbox_testkit::server::nobody());
    let exit = probe(&world, &shop("", "", "").replace("${PINTEREST}", &nobody)).await;
    assert_eq!(exit.code, Some(5));
    assert!(exit.stdout.contains("(connect_failed)\n"), "{exit:?}");
    // The other sinks are asked all the same.
    assert!(exit.stdout.contains("probe sinks.hook: ok\n"), "{exit:?}");

    let slow = signalbox_sandbox::Slow {
        delay_ms: 60_000,
        ..signalbox_sandbox::Slow::always()
    };
    world.sandbox.set_faults(Faults {
        slow: Some(slow),
        ..Faults::default()
    });
    let exit = probe(&world, &shop("", "", "timeout = \"200ms\"")).await;
    assert_eq!(exit.code, Some(5));
    assert!(
        exit.stdout
            .contains("probe sinks.pinterest: no answer within 200ms (timed_out)\n"),
        "{exit:?}"
    );
}

#[tokio::test]
async fn a_wrong_file_is_not_probed() {
    let world = World::new().await;
    let exit = probe(&world, &shop("", "", "tset = true")).await;
    assert_eq!(exit.code, Some(3));
    assert_eq!(exit.stdout, "");
    assert_eq!(world.sandbox.counts().requests, 0);
}
