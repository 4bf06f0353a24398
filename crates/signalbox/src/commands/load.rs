//! Loading the pipeline file of a command.

use std::path::Path;

use signalbox_config::{self as config, Diagnostics, OperatorSettings, ProcessEnvironment};
use signalbox_runtime::pipeline::Pipeline;

use crate::exit::{self, Failure};
use crate::terminal::tell;

/// Loads and builds a pipeline; reports problems on standard error.
pub(super) fn load(path: &Path) -> Result<Pipeline, Failure> {
    let pipeline = load_silently(path).map_err(|diagnostics| reported(&diagnostics))?;
    for warning in &pipeline.warnings {
        tell(&format!("warning: {warning}"));
    }
    Ok(pipeline)
}

/// Loads and builds a pipeline; reports nothing.
pub(super) fn load_silently(path: &Path) -> Result<Pipeline, Diagnostics> {
    config::load_file(path, &ProcessEnvironment).and_then(Pipeline::build)
}

/// Loads the sections that operators' commands need; reports problems on standard error.
pub(super) fn load_for_operators(path: &Path) -> Result<OperatorSettings, Failure> {
    config::load_for_operators(path, &ProcessEnvironment).map_err(|diagnostics| reported(&diagnostics))
}

fn reported(diagnostics: &Diagnostics) -> Failure {
    tell(&diagnostics.to_string());
    Failure::Reported(exit::CONFIG)
}
