//! The settings of messages to a webhook.

use std::time::Duration;

use super::{bad, good, pipeline};

const HOOK: &str = "[alerts]\nwebhook = \"https://hooks.example.com/services/T0/s3cret\"\n";

#[test]
fn defaults() {
    let alerts = good(&pipeline(HOOK)).alerts.unwrap();
    assert_eq!(alerts.name(), "Signalbox");
    assert_eq!(alerts.lag(), Duration::from_secs(1_800));
    assert!((alerts.share_rejected() - 0.01).abs() < f64::EPSILON);
    assert_eq!(alerts.certificate(), Duration::from_secs(14 * 86_400));
    assert!(good(&pipeline("")).alerts.is_none());
    assert!(!format!("{alerts:?}").contains("s3cret"));
}

#[test]
fn wrong_values_are_found_and_not_repeated() {
    for (keys, wanted) in [
        (
            "webhook = \"hooks.s3cret.example\"",
            "alerts.webhook: expected a URL that begins with",
        ),
        (
            "webhook = \"ftp://s3cret.example/\"",
            "alerts.webhook: expected a URL that begins with",
        ),
        ("webhook = \"https:///s3cret\"", "alerts.webhook: not a URL"),
        ("webhook = \"https://:443/s3cret\"", "alerts.webhook: not a URL"),
        (
            "webhook = \"https://a.example/s3cret\\n\"",
            "alerts.webhook: not a URL",
        ),
        (
            "webhook = \"https://u:s3cret@a.example/\"",
            "alerts.webhook: the URL must not hold a user name",
        ),
        (
            "webhook = \"https://a.example/#s3cret\"",
            "alerts.webhook: the URL must not end in a fragment",
        ),
        ("token = \"a\"", "alerts.webhook: missing field 'webhook'"),
        (
            "webhook = \"https://a.example\"\ntoken = \"s3cret and more\"",
            "alerts.token: must be of visible ASCII",
        ),
        (
            "webhook = \"https://a.example\"\nname = \" \"",
            "alerts.name: must not be empty",
        ),
        (
            "webhook = \"https://a.example\"\nlag = \"10s\"",
            "alerts.lag: must be at least 1m",
        ),
        (
            "webhook = \"https://a.example\"\nshare_rejected = 1.0",
            "alerts.share_rejected: must be at least 0",
        ),
        (
            "webhook = \"https://a.example\"\nshare_rejected = nan",
            "alerts.share_rejected: must be at least 0",
        ),
        (
            "webhook = \"https://a.example\"\nshare_rejected = -0.1",
            "alerts.share_rejected: must be at least 0",
        ),
    ] {
        let found = bad(&pipeline(&format!("[alerts]\n{keys}\n"))).to_string();
        assert!(found.contains(wanted), "{keys}: {found}");
        assert!(!found.contains("s3cret"), "{keys}: {found}");
    }
}

#[test]
fn a_share_may_come_from_outside_and_be_zero() {
    for share in ["0", "0.0", "0.25"] {
        let alerts = good(&pipeline(&format!("{HOOK}share_rejected = {share}\n"))).alerts;
        assert_eq!(alerts.unwrap().share_rejected(), share.parse::<f64>().unwrap());
    }
}
