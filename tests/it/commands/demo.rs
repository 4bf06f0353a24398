//! `signalbox demo`: the README's first command.

use super::signalbox;

#[tokio::test]
async fn the_sums_close() {
    let exit = signalbox(&["demo"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stdout.contains("\nThe sums:\n"), "{}", exit.stdout);
    assert!(!exit.stdout.contains("  NO "), "{}", exit.stdout);
    // The Californian who opted out is shown as Pinterest got the order.
    assert!(
        exit.stdout.contains("\"opt_out_type\": \"LDP\""),
        "{}",
        exit.stdout
    );
    for private in ["carmen.reyes", "Carmen", "Okafor", "555"] {
        assert!(!exit.stderr.contains(private), "{}", exit.stderr);
    }
    assert!(!exit.stdout.contains("carmen.reyes"), "{}", exit.stdout);
}
