//! The pipeline: its components, their wiring and rates, settings, reference and mappings.

mod data;
mod graph;
mod html;
mod reference;

use maud::Markup;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_admin::Caller;
use signalbox_config::ComponentOutline;
use signalbox_core::{MappingOutline, PluginKind};

pub(crate) use self::data::Pipeline;
use self::data::{Component, Setting};
use crate::problem::Problem;
use crate::rates::Counts;
use crate::rows::rows;
use crate::state::Page;
use crate::view::View;

/// The query of the pipeline.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Name of the only sink whose mappings are listed.
    sink: Option<String>,
    /// Name of the mapping of that sink whose fields are listed; the others come without.
    mapping: Option<String>,
}

impl View for Pipeline {
    const NAME: &'static str = "pipeline";
    const TITLE: &'static str = "Pipeline";
    const ABOUT: &'static str = "The sources, transforms and sinks of the running file: wiring, rates, settings without \
                                 secrets, reference and mappings.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<Pipeline, Problem> {
        let source = page.admin.source();
        let outline = source.outline();
        let tester = source.tester();
        let status = page.admin.status();
        let sources = status
            .sources
            .iter()
            .map(|(name, source)| (key(PluginKind::Source, name), source.received));
        let sinks = status
            .sinks
            .iter()
            .map(|(name, sink)| (key(PluginKind::Sink, name), sink.delivered));
        let counts: Counts = sources.chain(sinks).collect();
        let rates = page.rates.read(&counts);
        let kept = page.rows_kept();
        let is_wanted = |name: &str| query.sink.as_deref().is_none_or(|sink| sink == name);
        if !outline
            .iter()
            .any(|one| one.kind == PluginKind::Sink && is_wanted(&one.name))
        {
            return Err(Problem::not_found("There is no such sink."));
        }
        let components = outline.iter().map(|one| {
            let own = key(one.kind, &one.name);
            let mappings = match &tester {
                Some(tester) if one.kind == PluginKind::Sink && is_wanted(&one.name) => {
                    tester.mappings(&one.name)
                }
                _ => Vec::new(),
            };
            let held = status
                .sinks
                .get(&one.name)
                .filter(|_| one.kind == PluginKind::Sink);
            let held = held
                .and_then(|sink| sink.held.as_ref())
                .map(|hold| hold.message.clone());
            component(
                one,
                chosen(mappings, &query),
                (counts.get(&own), rates.get(&own), &kept),
                held,
            )
        });
        Ok(Pipeline {
            components: components.collect(),
        })
    }

    fn html(&self, query: &Query, _: &Caller) -> Markup {
        html::pipeline(self, query.sink.as_deref(), query.mapping.as_deref())
    }
}

fn key(kind: PluginKind, name: &str) -> String {
    format!("{} {name}", kind.name())
}

/// Leaves the fields to the mapping that the query names: all of them would make a page of thousands of rows.
fn chosen(mappings: Vec<MappingOutline>, query: &Query) -> Vec<MappingOutline> {
    let is_chosen = |name: &str| query.sink.is_some() && query.mapping.as_deref() == Some(name);
    let cut = |mapping: MappingOutline| match is_chosen(&mapping.name) {
        true => mapping,
        false => MappingOutline {
            fields: Vec::new(),
            ..mapping
        },
    };
    mappings.into_iter().map(cut).collect()
}

fn component(
    one: &ComponentOutline,
    mappings: Vec<MappingOutline>,
    (total, rate, kept): (Option<&u64>, Option<&f64>, &str),
    held: Option<String>,
) -> Component {
    let known = signalbox_core::plugins();
    let info = known
        .iter()
        .find(|info| info.kind == one.kind && info.name == one.plugin);
    let settings = one.settings.iter().map(|setting| Setting {
        path: setting.path.clone(),
        value: setting.value.clone(),
    });
    Component {
        kind: one.kind.name().to_owned(),
        name: one.name.clone(),
        plugin: one.plugin.to_owned(),
        summary: info.map(|info| info.summary.to_owned()).unwrap_or_default(),
        inputs: one.inputs.clone(),
        through: one.through.clone(),
        enabled: one.enabled,
        held,
        events: total.copied(),
        rows: match one.kind {
            PluginKind::Source => rows(kept, "", &[("source", &one.name)]),
            PluginKind::Transform => String::new(),
            PluginKind::Sink => rows(kept, "delivered", &[("sink", &one.name)]),
        },
        per_minute: rate.copied(),
        settings: settings.collect(),
        reference: info
            .map(|info| reference::keys(&(info.schema)().to_value()))
            .unwrap_or_default(),
        mappings,
    }
}
