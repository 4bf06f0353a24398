//! Names that a command was given and nothing has.

use std::path::Path;

use signalbox_config::OperatorSettings;
use signalbox_history::{By, Report, Reported};
use signalbox_runtime::history;

use super::admin_client::AdminClient;
use super::events::reader_of;

/// Before the name of a source in the place of a sink.
const SOURCE: &str = "source:";

/// Says that the pipeline file has no such sink or source, and which there are. `None` if it has them, or cannot be read.
pub(super) fn unknown_component(
    settings: &OperatorSettings,
    sink: Option<&str>,
    source: Option<&str>,
) -> Option<String> {
    if settings.broken {
        return None;
    }
    let is_unknown = |names: &[String], name: &str| names.iter().all(|known| known != name);
    let told = |kind: &str, names: &[String]| {
        Some(format!(
            "there is no such {kind}; there are: {}",
            names.join(", ")
        ))
    };
    let at = sink.and_then(|sink| sink.strip_prefix(SOURCE));
    if let Some(name) = source.or(at)
        && is_unknown(&settings.sources, name)
    {
        return told("source", &settings.sources);
    }
    match sink {
        Some(name) if at.is_none() && is_unknown(&settings.sinks, name) => told("sink", &settings.sinks),
        _ => None,
    }
}

/// Says that the history has no records of such a mapping, and of which it has. `None` if it has, or cannot be asked.
pub(super) async fn unknown_mapping(
    config: &Path,
    settings: &OperatorSettings,
    mapping: &str,
) -> Option<String> {
    let request = Report {
        by: vec![By::Mapping],
        ..Report::default()
    };
    let reported: Result<Reported, _> = AdminClient::with(config, async |client, _| match client {
        AdminClient::Running(live) => live.post_json("/report", &request).await,
        AdminClient::Stopped(_) => history::report(&reader_of(settings)?, &request),
    })
    .await;
    let names = reported
        .ok()?
        .sums
        .into_iter()
        .filter_map(|sum| sum.group.into_iter().next());
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.dedup();
    if names.is_empty() || names.iter().any(|name| name == mapping) {
        return None;
    }
    Some(format!(
        "the history has no records of such a mapping; it has some of: {}",
        names.join(", ")
    ))
}
