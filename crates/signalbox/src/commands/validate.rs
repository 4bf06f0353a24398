//! `signalbox validate`

use serde::Serialize;
use signalbox_config::{Diagnostic, JournalKind};
use signalbox_core::escape::{plain, plain_json};
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::probe::Probes;

use super::admin_client::AdminClient;
use super::load::load_silently;
use crate::cli::ValidateArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// The note of a pipeline whose journal is on NATS.
const SERVERS: &str = "the NATS servers of [journal] were not asked: 'signalbox run' checks them, and ends if they cannot hold the journal";

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct Report {
    file: String,
    valid: bool,
    /// Numbers of the components; absent if the file is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sinks: Option<usize>,
    /// Number of further sinks that are disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_sinks: Option<usize>,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    /// The parts that only a start can check.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'static str>,
    /// With `--against-journal`: a sentence for each group of pending events that the file no longer mentions or holds back.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<Vec<String>>,
    /// With `--probe`: the answer of each sink's destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    probes: Option<Vec<Probed>>,
}

/// An error or a warning, and its place.
#[derive(Serialize)]
struct Finding {
    path: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
struct Probed {
    sink: String,
    ok: bool,
    /// The reason why the destination would not take deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Finding {
    fn of(diagnostics: &[Diagnostic]) -> Vec<Finding> {
        let finding = |one: &Diagnostic| Finding {
            path: one.path.clone(),
            message: one.message.clone(),
            help: one.help.clone(),
            line: one.position.map(|position| position.line),
            column: one.position.map(|position| position.column),
        };
        diagnostics.iter().map(finding).collect()
    }
}

pub(crate) async fn run(args: &ValidateArgs) -> Result<Code, Failure> {
    let mut report = Report {
        file: args.config.config.display().to_string(),
        valid: false,
        sources: None,
        sinks: None,
        disabled_sinks: None,
        errors: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        journal: None,
        probes: None,
    };
    let pipeline = match load_silently(&args.config.config) {
        Ok(pipeline) => pipeline,
        Err(diagnostics) => {
            if args.json {
                report.errors = Finding::of(diagnostics.as_slice());
                report.print();
            } else {
                tell(&diagnostics.to_string());
            }
            return Ok(exit::CONFIG);
        }
    };
    report.valid = true;
    report.sources = Some(pipeline.sources.len());
    report.sinks = Some(pipeline.sinks.len());
    report.disabled_sinks = Some(pipeline.disabled.len()).filter(|count| *count > 0);
    report.warnings = Finding::of(&pipeline.warnings);
    if pipeline.journal.kind == JournalKind::Nats {
        report.notes.push(SERVERS);
    }
    if args.against_journal {
        report.journal = Some(against_journal(&pipeline, args).await?);
    }
    if args.probe {
        report.probes = Some(probed(&pipeline).await);
    }
    if args.json {
        report.print();
    } else {
        for warning in &pipeline.warnings {
            tell(&format!("warning: {warning}"));
        }
        report.print_text();
    }
    let refused = |probe: &Probed| !probe.ok;
    Ok(if args.deny_warnings && !report.warnings.is_empty() {
        exit::CONFIG
    } else if report.probes.iter().flatten().any(refused) {
        exit::PROBE
    } else {
        exit::OK
    })
}

impl Report {
    fn print(&self) {
        let json = serde_json::to_string(self).unwrap_or_default();
        print(&format!("{}\n", plain_json(&json)));
    }

    fn print_text(&self) {
        let some = |count: Option<usize>, what: &str| match count.unwrap_or_default() {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let (sources, sinks) = (some(self.sources, "source"), some(self.sinks, "sink"));
        let disabled = self.disabled_sinks.map(|count| format!(", {count} disabled"));
        let disabled = disabled.unwrap_or_default();
        print(&format!("{}: valid ({sources}, {sinks}{disabled})\n", self.file));
        for note in &self.notes {
            print(&format!("note: {note}\n"));
        }
        for debt in self.journal.iter().flatten() {
            print(&format!("journal: {debt}\n"));
        }
        if self.journal.as_ref().is_some_and(Vec::is_empty) {
            print("journal: nothing is pending that this file does not speak of\n");
        }
        for Probed { sink, reason, .. } in self.probes.iter().flatten() {
            let line = reason.as_deref().unwrap_or("ok");
            print(&format!("probe sinks.{sink}: {}\n", plain(line)));
        }
    }
}

/// Lists the journal's events that the file no longer mentions.
async fn against_journal(pipeline: &Pipeline, args: &ValidateArgs) -> Result<Vec<String>, Failure> {
    let known = AdminClient::with(&args.config.config, async |client, _| client.sinks().await).await?;
    let debts = pipeline.listeners().debts(&known);
    Ok(debts.iter().map(ToString::to_string).collect())
}

async fn probed(pipeline: &Pipeline) -> Vec<Probed> {
    let probes = Probes::new(pipeline.sinks.iter().map(|sink| &sink.options));
    let mut probed = Vec::new();
    for sink in &pipeline.sinks {
        let reason = probes.probe(&sink.options, &*sink.stage.sink).await.err();
        probed.push(Probed {
            sink: sink.options.name.to_string(),
            ok: reason.is_none(),
            reason: reason.map(|reason| reason.to_string()),
        });
    }
    probed
}
