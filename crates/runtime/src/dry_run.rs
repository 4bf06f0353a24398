//! Dry runs: the records that events would become, without sending them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use signalbox_core::{Event, Flow, Reason, RejectedInput, Transform, Warning};

use crate::delivery::{Stage, Staged, guard};
use crate::pipeline::{BuiltSink, Pipeline};
use crate::plain_values::Watch;

/// Turns events into lines, one for each record or rejection of each sink.
pub struct DryRun {
    sinks: Vec<DrySink>,
}

/// A source's transforms; several sinks may listen to it.
type SourceTransforms = Arc<Vec<Box<dyn Transform>>>;

struct DrySink {
    name: Arc<str>,
    source: Arc<str>,
    source_transforms: SourceTransforms,
    /// Set if one of the source's transforms hashes personal values.
    watch: Option<Arc<Watch>>,
    stage: Stage,
}

impl DryRun {
    /// Prepares a dry run of one sink or of all, as events of one source (else of each sink's first input).
    ///
    /// # Errors
    /// A sentence if there is no such sink or source, or if it is no input of the sink.
    pub fn new(pipeline: Pipeline, sink: Option<&str>, source: Option<&str>) -> Result<DryRun, String> {
        let names = |list: &[Arc<str>]| {
            list.iter()
                .map(|n| format!("'{n}'"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let sink_names: Vec<_> = {
            let sinks = pipeline.sinks.iter().chain(&pipeline.disabled);
            sinks.map(|s| s.options.name.clone()).collect()
        };
        let source_names: Vec<_> = pipeline.sources.iter().map(|s| s.name.clone()).collect();
        if let Some(wanted) = sink.filter(|wanted| !sink_names.iter().any(|name| **name == **wanted)) {
            return Err(format!(
                "there is no sink '{wanted}'; the sinks are {}",
                names(&sink_names)
            ));
        }
        if let Some(wanted) = source.filter(|wanted| !source_names.iter().any(|name| **name == **wanted)) {
            return Err(format!(
                "there is no source '{wanted}'; the sources are {}",
                names(&source_names)
            ));
        }
        let transforms: Vec<(Arc<str>, SourceTransforms, Option<Arc<Watch>>)> = pipeline
            .sources
            .into_iter()
            .map(|source| {
                let transforms = Arc::new(without_pacing(source.transforms));
                let watch = source.kept_plain.map(|kept| Arc::new(Watch::new(kept)));
                (source.name, transforms, watch)
            })
            .collect();
        let mut sinks = Vec::new();
        // Nothing is sent, so that a disabled sink can be tried by its name before it is enabled.
        let disabled = pipeline.disabled.into_iter().filter(|_| sink.is_some());
        for BuiltSink { options, stage, .. } in pipeline.sinks.into_iter().chain(disabled) {
            if sink.is_some_and(|wanted| *wanted != *options.name) {
                continue;
            }
            let input = match source {
                None => options.inputs.first(),
                Some(wanted) => options.inputs.iter().find(|name| ***name == *wanted),
            };
            let Some((name, through, watch)) =
                input.and_then(|input| transforms.iter().find(|(name, ..)| name == input))
            else {
                continue;
            };
            sinks.push(DrySink {
                name: options.name,
                source: name.clone(),
                source_transforms: through.clone(),
                watch: watch.clone(),
                stage,
            });
        }
        if sinks.is_empty() {
            return Err("none of these sinks listens to that source".to_owned());
        }
        Ok(DryRun { sinks })
    }

    /// Returns the output lines for one input: one for each of its events, sink and mapping. `read` reads the input as the
    /// source of the name would; it is called once for each source that the sinks listen to.
    pub fn input(
        &self,
        place: InputPlace<'_>,
        mut read: impl FnMut(&Arc<str>) -> Vec<Result<Event, RejectedInput>>,
    ) -> Vec<Line> {
        let mut inputs: Vec<Read<'_>> = Vec::new();
        let mut lines = Vec::new();
        for sink in &self.sinks {
            if !inputs.iter().any(|read| *read.source == sink.source) {
                inputs.push(Read {
                    source: &sink.source,
                    events: read(&sink.source),
                });
            }
            let of_source = inputs.iter().filter(|read| *read.source == sink.source);
            for event in of_source.flat_map(|read| &read.events) {
                lines.extend(sink.event(place, event));
            }
        }
        lines
    }
}

/// The place of an input, as the output shows it.
#[derive(Debug, Clone, Copy)]
pub struct InputPlace<'a> {
    /// The file; none where there is only one.
    pub file: Option<&'a str>,
    /// The line that the input begins on, from 1.
    pub line: u64,
}

/// An input as one source reads it.
struct Read<'a> {
    source: &'a Arc<str>,
    events: Vec<Result<Event, RejectedInput>>,
}

/// A line of a dry run's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `mapped`, `filtered` or `rejected`.
    pub outcome: &'static str,
    /// Number of warnings.
    pub warnings: usize,
    /// The line as JSON.
    pub json: String,
}

fn without_pacing(transforms: Vec<Box<dyn Transform>>) -> Vec<Box<dyn Transform>> {
    transforms
        .into_iter()
        .filter(|transform| !transform.only_paces())
        .collect()
}

impl DrySink {
    fn event(&self, place: InputPlace<'_>, event: &Result<Event, RejectedInput>) -> Vec<Line> {
        let mut event = match event {
            Ok(event) => event.clone(),
            Err(input) => {
                let id = input.message_id.as_deref().unwrap_or_default();
                return vec![self.output(place, id, "rejected").reason(&input.reason).print()];
            }
        };
        let id = event.message_id().to_owned();
        for transform in &*self.source_transforms {
            let (outcome, reason) = match guard("transform_panicked", || transform.apply(&mut event)) {
                // A delay changes nothing about the event.
                Ok(Flow::Pass | Flow::NotBefore(_)) => continue,
                Ok(Flow::Filtered(reason)) => ("filtered", reason),
                Ok(Flow::Rejected(reason)) | Err(reason) => ("rejected", reason),
            };
            return vec![self.output(place, &id, outcome).reason(&reason).print()];
        }
        if let Some(watch) = &self.watch {
            let warnings = watch.warnings(&event);
            event.facts_mut().warnings.extend(warnings);
        }
        match self.stage.rehearse(&Arc::new(event)) {
            Staged::Filtered(reason) => {
                vec![self.output(place, &id, "filtered").reason(&reason).print()]
            }
            Staged::Rejected(reason) => {
                vec![self.output(place, &id, "rejected").reason(&reason).print()]
            }
            Staged::Mapped { results, .. } => results
                .iter()
                .map(|result| match result {
                    Ok(record) => OutputLine {
                        mapping: Some(&record.mapping),
                        record: raw(&record.bytes),
                        warnings: &record.warnings,
                        ..self.output(place, &id, "mapped")
                    }
                    .print(),
                    Err(rejection) => OutputLine {
                        mapping: Some(&rejection.mapping),
                        warnings: &rejection.warnings,
                        ..self.output(place, &id, "rejected").reason(&rejection.reason)
                    }
                    .print(),
                })
                .collect(),
            Staged::Wait { .. } => Vec::new(),
        }
    }

    fn output<'a>(
        &'a self,
        place: InputPlace<'a>,
        message_id: &'a str,
        outcome: &'static str,
    ) -> OutputLine<'a> {
        OutputLine {
            file: place.file,
            line: place.line,
            message_id,
            sink: &self.name,
            outcome,
            mapping: None,
            record: None,
            reason: None,
            warnings: &[],
        }
    }
}

/// One output line, members in the documented order.
#[derive(Serialize)]
struct OutputLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    line: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    message_id: &'a str,
    sink: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mapping: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "<[Warning]>::is_empty")]
    warnings: &'a [Warning],
}

impl<'a> OutputLine<'a> {
    fn reason(self, reason: &'a Reason) -> OutputLine<'a> {
        OutputLine {
            reason: Some(reason),
            ..self
        }
    }

    fn print(&self) -> Line {
        Line {
            outcome: self.outcome,
            warnings: self.warnings.len(),
            json: serde_json::to_string(self).unwrap_or_default(),
        }
    }
}

/// Returns the record byte for byte if it is JSON (parsing it again would lose the spelling of numbers), else as a JSON
/// string.
fn raw(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes)
        .or_else(|_| serde_json::value::to_raw_value(&String::from_utf8_lossy(bytes)))
        .ok()
}
