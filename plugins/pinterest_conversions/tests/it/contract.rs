//! The contract every sink is held to.

use signalbox_core::{BuildContext, Side, Sink, SinkConfig};
use signalbox_pinterest_conversions::PinterestConversionsConfig;
use signalbox_testkit::contract::{SECRET, check, sample};

fn sink(url: &str, compat: &str) -> Box<dyn Sink> {
    let settings = format!(
        "ad_account_id = \"549755885175\"\nconversion_token = \"{SECRET}\"\nbase_url = \"{url}\"\ncompat = \"{compat}\""
    );
    let config: PinterestConversionsConfig = toml::from_str(&settings).unwrap();
    let context = BuildContext {
        name: "pinterest".into(),
        place: Side::Sink,
    };
    config
        .build(&context)
        .unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sink_keeps_the_contract() {
    check("pinterest_conversions", |url| sink(url, "pinterest"), &sample()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sink_keeps_the_contract_as_segment() {
    check("pinterest_conversions", |url| sink(url, "segment"), &sample()).await;
}
