//! Loading the pipeline file of a command.

use std::path::Path;

use signalbox_config::{self as config, Diagnostics, LoadedConfig, OperatorSettings, ProcessEnvironment};
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
    let config = config::load_file(path, &ProcessEnvironment)?;
    check_certificate(&config)?;
    Pipeline::build(config)
}

/// Reads the certificate of the admin address, as a source reads its own when it is built.
fn check_certificate(config: &LoadedConfig) -> Result<(), Diagnostics> {
    let Some(tls) = config.admin.as_ref().and_then(|admin| admin.tls.as_ref()) else {
        return Ok(());
    };
    let Err(broken) = signalbox_admin::certificate(tls) else {
        return Ok(());
    };
    let path = format!("admin.tls.{}", broken.file);
    let diagnostic = config.origin.diagnostic(&path, broken.message, None);
    Err(Diagnostics::new(config.origin.file().into(), vec![diagnostic]))
}

/// Loads the sections that operators' commands need; reports problems on standard error.
pub(super) fn load_for_operators(path: &Path) -> Result<OperatorSettings, Failure> {
    config::load_for_operators(path, &ProcessEnvironment).map_err(|diagnostics| reported(&diagnostics))
}

fn reported(diagnostics: &Diagnostics) -> Failure {
    tell(&diagnostics.to_string());
    Failure::Reported(exit::CONFIG)
}
