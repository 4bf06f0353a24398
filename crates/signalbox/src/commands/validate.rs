//! `signalbox validate`

use crate::cli::Validate;
use crate::exit::{self, Code};
use signalbox_core::escape::plain;

pub(crate) async fn run(args: &Validate) -> Code {
    let pipeline = match super::load(&args.config.config) {
        Ok(pipeline) => pipeline,
        Err(code) => return code,
    };
    let (sources, sinks) = (pipeline.sources.len(), pipeline.sinks.len());
    super::print(&format!(
        "{}: valid ({sources} source{}, {sinks} sink{})\n",
        args.config.config.display(),
        if sources == 1 { "" } else { "s" },
        if sinks == 1 { "" } else { "s" },
    ));
    if !args.probe {
        return exit::OK;
    }
    let mut code = exit::OK;
    for sink in &pipeline.sinks {
        let answer = tokio::time::timeout(sink.options.timeout, sink.stage.sink.probe()).await;
        let line = match answer {
            Ok(Ok(())) => "ok".to_owned(),
            Ok(Err(reason)) => {
                code = exit::PROBE;
                reason.to_string()
            }
            Err(_) => {
                code = exit::PROBE;
                format!("no answer within {:?} (timed_out)", sink.options.timeout)
            }
        };
        super::print(&format!("probe sinks.{}: {}\n", sink.options.name, plain(&line)));
    }
    code
}
