//! The report of a router to the other routers of its journal: names, numbers and codes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use signalbox_journal::NodeReport;

use crate::ledger::{ByCode, Ledger, SinkLedger, SourceLedger, UNOPENED};
use crate::pipeline::Pipeline;
use crate::telemetry::VERSION;

/// The facts of which reports are made.
#[derive(Debug, Default)]
pub(super) struct OwnFacts {
    ledger: Ledger,
    fingerprints: BTreeMap<String, String>,
    admin: Option<String>,
}

type Sums = BTreeMap<String, u64>;

impl OwnFacts {
    /// Takes the facts of a pipeline and of its ledger.
    pub(super) fn of(pipeline: &Pipeline, ledger: &Ledger) -> OwnFacts {
        let sources = pipeline.sources.iter();
        let sources = sources.map(|source| (format!("sources.{}", source.name), source.common_fingerprint));
        let sinks = pipeline.sinks.iter().chain(&pipeline.disabled);
        let sinks = sinks.map(|sink| (format!("sinks.{}", sink.options.name), sink.fingerprint));
        let fingerprint = |(name, value): (String, u64)| (name, format!("{value:016x}"));
        OwnFacts {
            ledger: ledger.clone(),
            fingerprints: sources.chain(sinks).map(fingerprint).collect(),
            admin: pipeline.admin.as_ref().map(|admin| admin.listen.to_string()),
        }
    }

    /// Makes the report of this moment. Its counts are those of this process, so that they add up over routers.
    pub(super) fn report(&self) -> NodeReport {
        let driven = self.ledger.sinks.iter().filter(|(_, sink)| sink.is_driven_here());
        let held = driven.clone().filter_map(|(name, sink)| {
            let (_, reason) = sink.held.first()?;
            Some((name.to_string(), reason.code().to_owned()))
        });
        let all = self.ledger.sinks.iter();
        let unopened = all.filter(|(_, sink)| sink.unopened.load(Relaxed));
        let unopened = unopened.map(|(name, _)| (name.to_string(), UNOPENED.to_owned()));
        let sources = self.ledger.sources.iter();
        let sources = sources.map(|(name, source)| (format!("sources.{name}"), of_source(source)));
        let sinks = driven
            .clone()
            .map(|(name, sink)| (format!("sinks.{name}"), of_sink(sink)));
        NodeReport {
            version: VERSION.to_owned(),
            admin: self.admin.clone(),
            fingerprints: self.fingerprints.clone(),
            held: held.chain(unopened).collect(),
            sums: sources.chain(sinks).collect(),
        }
    }
}

fn total(counts: &ByCode) -> u64 {
    counts.of_this_process().values().sum()
}

fn named<const N: usize>(sums: [(&str, u64); N]) -> Sums {
    sums.map(|(name, sum)| (name.to_owned(), sum)).into()
}

fn of_source(source: &SourceLedger) -> Sums {
    named([
        ("received", source.received.of_this_process()),
        ("journalled", source.journalled.of_this_process()),
        ("duplicate", source.duplicate.of_this_process()),
        ("filtered", total(&source.filtered)),
        ("rejected", total(&source.rejected)),
        ("refused", total(&source.refused)),
    ])
}

fn of_sink(sink: &SinkLedger) -> Sums {
    named([
        ("delivered", sink.delivered.of_this_process()),
        ("filtered", total(&sink.filtered)),
        ("rejected", total(&sink.rejected)),
        ("expired", total(&sink.expired)),
        ("pending", sink.pending()),
    ])
}
