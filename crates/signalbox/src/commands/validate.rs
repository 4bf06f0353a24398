//! `signalbox validate`

use signalbox_core::escape::plain;
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::probe::Probes;

use super::admin_client::AdminClient;
use super::load::load;
use crate::cli::ValidateArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) async fn run(args: &ValidateArgs) -> Result<Code, Failure> {
    let pipeline = load(&args.config.config)?;
    let (sources, sinks) = (pipeline.sources.len(), pipeline.sinks.len());
    print(&format!(
        "{}: valid ({sources} source{}, {sinks} sink{})\n",
        args.config.config.display(),
        if sources == 1 { "" } else { "s" },
        if sinks == 1 { "" } else { "s" },
    ));
    if args.against_journal {
        against_journal(&pipeline, args).await?;
    }
    if !args.probe {
        return Ok(exit::OK);
    }
    let mut code = exit::OK;
    let probes = Probes::new(pipeline.sinks.iter().map(|sink| &sink.options));
    for sink in &pipeline.sinks {
        let line = match probes.probe(&sink.options, &*sink.stage.sink).await {
            Ok(()) => "ok".to_owned(),
            Err(reason) => {
                code = exit::PROBE;
                reason.to_string()
            }
        };
        print(&format!("probe sinks.{}: {}\n", sink.options.name, plain(&line)));
    }
    Ok(code)
}

/// Prints the journal's events that the file no longer mentions.
async fn against_journal(pipeline: &Pipeline, args: &ValidateArgs) -> Result<(), Failure> {
    let known = AdminClient::with(&args.config.config, async |client, _| client.sinks().await).await?;
    let debts = pipeline.listeners().debts(&known);
    for debt in &debts {
        print(&format!("journal: {debt}\n"));
    }
    if debts.is_empty() {
        print("journal: nothing is pending that this file does not speak of\n");
    }
    Ok(())
}
