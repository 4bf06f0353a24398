//! `signalbox demo`: the README's first command.

use super::signalbox;
use crate::support::client::get;
use crate::support::process::{Process, command};
use crate::support::until;

#[tokio::test]
async fn the_sums_close() {
    let exit = signalbox(&["demo"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stdout.contains("\nThe sums:\n"), "{}", exit.stdout);
    assert!(!exit.stdout.contains("  NO "), "{}", exit.stdout);
    // The order of the Californian who opted out is shown as each platform got it.
    for shown in [
        "\nPinterest\n  event_name                               \"checkout\"\n",
        "  custom_data.opt_out_type                 \"LDP\"\n",
        "\nMeta\n  event_name                               \"Purchase\"\n",
        "  data_processing_options                  [\"LDU\"]\n",
        "\nTikTok\n  event                                    \"Purchase\"\n",
        "  limited_data_use                         true\n",
    ] {
        assert!(exit.stdout.contains(shown), "{shown}\n{}", exit.stdout);
    }
    for private in ["carmen.reyes", "Carmen", "Okafor", "555"] {
        assert!(!exit.stderr.contains(private), "{}", exit.stderr);
    }
    assert!(!exit.stdout.contains("carmen.reyes"), "{}", exit.stdout);
}

#[tokio::test]
async fn it_goes_on_with_its_page_until_a_signal() {
    let demo = Process::spawn(&mut command(&["demo", "--keep"], &[]));
    let told = until(
        async || demo.stdout().contains("/ui/overview").then(|| demo.stdout()),
        || demo.stderr(),
    );
    let told = told.await;
    let (_, rest) = told.split_once("http://").unwrap();
    let (admin, _) = rest.split_once("/ui/overview").unwrap();
    // Visitors come after the events of the demo, and the page counts them.
    let funnels = until(
        async || {
            let overview = get(admin, "/api/overview").await.json();
            let steps = overview["funnels"][0]["steps"].clone();
            (steps[0]["events"].as_u64()? > 32).then_some(steps)
        },
        || demo.stderr(),
    );
    assert_eq!(funnels.await[0]["name"], "received");
    let page = get(admin, "/ui/overview").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<h1"), "{}", page.body);
    demo.signal("INT");
    let exit = demo.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    for private in ["visitor1@", "Okafor", "555"] {
        assert!(!exit.stderr.contains(private), "{}", exit.stderr);
        assert!(!page.body.contains(private), "{}", page.body);
    }
}
