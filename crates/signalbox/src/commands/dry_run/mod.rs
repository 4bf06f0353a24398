//! `signalbox dry-run`

mod input;
mod source;

use std::io::Write as _;

use signalbox_core::escape::plain_json;
use signalbox_runtime::dry_run::{DryRun, InputPlace};

use self::input::Inputs;
use super::load::load;
use crate::cli::{DryRunArgs, FailOn};
use crate::exit::{self, Code, Failure};
use crate::terminal::tell;

/// Counts of a dry run.
#[derive(Debug, Default)]
struct Summary {
    inputs: u64,
    mapped: u64,
    filtered: u64,
    rejected: u64,
    warnings: usize,
}

pub(crate) fn run(args: &DryRunArgs) -> Result<Code, Failure> {
    let pipeline = load(&args.config.config)?;
    let dry_run = DryRun::new(pipeline, args.sink.as_deref(), args.source.as_deref())
        .map_err(|problem| Failure::Problem(exit::USAGE, problem.to_string()))?;
    let inputs = Inputs::find(&args.files)?;
    let mut summary = Summary::default();
    match copy(&dry_run, inputs, args.raw, &mut summary) {
        Ok(()) => {}
        // The reader of the output has gone.
        Err(Trouble::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(exit::OK),
        Err(Trouble::Output(error)) => return Err(format!("standard output: {error}").into()),
        Err(Trouble::Input(problem)) => return Err(problem.into()),
    }
    tell(&summary.to_string());
    let fails = args.fail_on.iter().any(|kind| match kind {
        FailOn::Rejected => summary.rejected > 0,
        FailOn::Warnings => summary.warnings > 0,
    });
    Ok(if fails { exit::FAILED } else { exit::OK })
}

enum Trouble {
    Input(String),
    Output(std::io::Error),
}

fn copy(dry_run: &DryRun, inputs: Inputs, raw: bool, summary: &mut Summary) -> Result<(), Trouble> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    inputs.each(|file, values| {
        for value in values {
            summary.inputs += 1;
            let text = value.text.as_deref();
            let place = InputPlace {
                file,
                line: value.line,
            };
            for line in dry_run.input(place, |name| source::read(text, raw, name)) {
                summary.count(line.outcome, line.warnings);
                writeln!(output, "{}", plain_json(&line.json)).map_err(Trouble::Output)?;
            }
        }
        // A person may be typing.
        output.flush().map_err(Trouble::Output)
    })
}

impl Summary {
    fn count(&mut self, outcome: &str, warnings: usize) {
        match outcome {
            "mapped" => self.mapped += 1,
            "filtered" => self.filtered += 1,
            _ => self.rejected += 1,
        }
        self.warnings += warnings;
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} read: {} mapped, {} filtered, {} rejected, {} warnings",
            self.inputs, self.mapped, self.filtered, self.rejected, self.warnings
        )
    }
}
