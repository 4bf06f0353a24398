//! `signalbox validate`

use signalbox_journal::SinkState;
use signalbox_runtime::operate::StatusSource as _;
use signalbox_runtime::pipeline::Pipeline;

use super::admin_client::AdminClient;
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
    if args.against_journal
        && let Err(code) = against_journal(&pipeline, args).await
    {
        return code;
    }
    if !args.probe {
        return exit::OK;
    }
    let mut code = exit::OK;
    for sink in &pipeline.sinks {
        let answer = tokio::time::timeout(sink.options.requests.timeout, sink.stage.sink.probe()).await;
        let line = match answer {
            Ok(Ok(())) => "ok".to_owned(),
            Ok(Err(reason)) => {
                code = exit::PROBE;
                reason.to_string()
            }
            Err(_) => {
                code = exit::PROBE;
                format!("no answer within {:?} (timed_out)", sink.options.requests.timeout)
            }
        };
        super::print(&format!("probe sinks.{}: {}\n", sink.options.name, plain(&line)));
    }
    code
}

/// Prints the journal's events that the file no longer mentions.
async fn against_journal(pipeline: &Pipeline, args: &Validate) -> Result<(), Code> {
    let (client, _) = AdminClient::open(&args.config.config).await?;
    let known = sinks(&client).await;
    client.close().await;
    let known = known.map_err(|problem| {
        super::complain(&problem);
        exit::FAILED
    })?;
    let debts = pipeline.listeners().debts(&known);
    for debt in &debts {
        super::print(&format!("journal: {debt}\n"));
    }
    if debts.is_empty() {
        super::print("journal: nothing is pending that this file does not speak of\n");
    }
    Ok(())
}

/// Lists the sinks that a journal knows.
pub(super) async fn sinks(client: &AdminClient) -> Result<Vec<SinkState>, String> {
    match client {
        AdminClient::Running(live) => serde_json::from_value(live.ask(false, "/sinks", &[]).await?)
            .map_err(|_| "the router's answer is of another version of Signalbox".to_owned()),
        AdminClient::Stopped(stopped) => stopped.sinks().await,
    }
}
