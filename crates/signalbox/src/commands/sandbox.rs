//! `signalbox sandbox`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use signalbox_sandbox::{Faults, Sandbox, SandboxConfig, Vendor};

use super::run::interrupted;
use crate::cli::SandboxArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) async fn run(args: SandboxArgs) -> Result<Code, Failure> {
    let faults = args.faults.as_deref().map(Faults::from_json).transpose();
    let faults = faults.map_err(|problem| Failure::Problem(exit::USAGE, format!("--faults: {problem}")))?;
    let (token, tokens) = tokens(&args.token);
    let config = SandboxConfig {
        listen: args.listen,
        vendors: played(&args.vendor),
        capture: args.capture,
        token,
        tokens,
        ad_account_id: args.ad_account_id,
        pixel_id: args.pixel_id,
        event_source_id: args.event_source_id,
        custom_events: args.custom_events,
        strict_openapi: args.strict_openapi,
        strict: args.strict,
        any_age: args.any_age,
        ..SandboxConfig::default()
    };
    let sandbox = signalbox_sandbox::start(config.clone()).await;
    let sandbox = sandbox.map_err(|error| error.to_string())?;
    if let Some(faults) = faults {
        sandbox.set_faults(faults);
    }
    print(&greeting(&config, &sandbox));
    interrupted().await?;
    let counts = sandbox.counts();
    sandbox.shutdown().await;
    for (vendor, counts) in &counts.by_vendor {
        print(&format!(
            "{}: {} events accepted in {} requests\n",
            vendor.title(),
            counts.accepted,
            counts.requests
        ));
    }
    print(&format!(
        "{} events accepted in {} requests\n",
        counts.accepted, counts.requests
    ));
    Ok(exit::OK)
}

/// Returns the vendors that were asked for, all if none was.
fn played(asked: &[Vendor]) -> Vec<Vendor> {
    let played = |vendor: &Vendor| asked.is_empty() || asked.contains(vendor);
    Vendor::ALL.into_iter().filter(played).collect()
}

/// Returns the token of all vendors, and those of single ones: `meta=TOKEN`.
fn tokens(given: &[String]) -> (Option<String>, BTreeMap<Vendor, String>) {
    let mut common = None;
    let mut own = BTreeMap::new();
    for text in given {
        let named = text.split_once('=');
        match named.and_then(|(name, token)| Some((name.parse().ok()?, token))) {
            Some((vendor, token)) => {
                own.insert(vendor, token.to_owned());
            }
            None => common = Some(text.clone()),
        }
    }
    (common, own)
}

/// Returns the settings that point a sink of each vendor at the sandbox, and the sandbox's own addresses.
fn greeting(config: &SandboxConfig, sandbox: &Sandbox) -> String {
    let titles: Vec<&str> = config.vendors.iter().map(|vendor| vendor.title()).collect();
    let mut text = format!("Playing the conversions API of {}.\n", titles.join(", "));
    for &vendor in &config.vendors {
        let (sink, id_setting, id, token_setting) = match vendor {
            Vendor::Pinterest => (
                "pinterest_conversions",
                "ad_account_id",
                config.ad_account_id.as_deref().unwrap_or("549755885175"),
                "conversion_token",
            ),
            Vendor::Meta => (
                "meta_conversions",
                "pixel_id",
                config.pixel_id.as_deref().unwrap_or("1203948576120394"),
                "access_token",
            ),
            Vendor::TikTok => (
                "tiktok_events",
                "pixel_code",
                config
                    .event_source_id
                    .as_deref()
                    .unwrap_or("C4SANDBOX0HOME000001"),
                "access_token",
            ),
        };
        let token = if config.token.is_some() || config.tokens.contains_key(&vendor) {
            "${TOKEN}"
        } else {
            "any"
        };
        let url = sandbox.base_url_of(vendor);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[sinks.{vendor}]\n\
             type = \"{sink}\"\n\
             base_url = \"{url}\"\n\
             {id_setting} = \"{id}\"\n\
             {token_setting} = \"{token}\"\n"
        );
    }
    let addr = sandbox.addr();
    let _ = write!(
        text,
        "\nFaults: PUT http://{addr}/_sandbox/faults   Counts: GET http://{addr}/_sandbox/counts\n"
    );
    text
}
