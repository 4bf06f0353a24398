//! `signalbox demo`: the README's first command.

use super::signalbox;

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
