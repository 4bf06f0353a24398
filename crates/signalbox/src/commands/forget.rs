//! `signalbox forget`

use signalbox_runtime::debts::Listeners;
use signalbox_runtime::forget::{Forget, Forgotten};

use super::admin_client::{AdminClient, confirmed, somebody_answers};
use crate::exit::{self, Code};

pub(crate) async fn run(args: &crate::cli::Forget) -> Code {
    if let Err(code) = somebody_answers("forget gives up for good what is pending", args.yes) {
        return code;
    }
    let listeners = match super::load(&args.config.config) {
        Ok(pipeline) => pipeline.listeners(),
        Err(code) => return code,
    };
    let client = match AdminClient::open(&args.config.config).await {
        Ok((client, _)) => client,
        Err(code) => return code,
    };
    let result = forget(args, &client, &listeners).await;
    client.close().await;
    match result {
        Ok(code) => code,
        Err(problem) => {
            super::complain(&problem);
            exit::FAILED
        }
    }
}

async fn forget(
    args: &crate::cli::Forget,
    client: &AdminClient,
    listeners: &Listeners,
) -> Result<Code, String> {
    let what = Forget {
        source: args.source.clone(),
        sink: args.sink.clone(),
    };
    let known = super::validate::sinks(client).await?;
    // A running router decides by the file that it runs by.
    let sinks = what.sinks(&known, listeners)?;
    let of = what.source.as_ref().map_or_else(
        || "everything that is pending".to_owned(),
        |source| format!("what is pending of the source '{source}'"),
    );
    if sinks.is_empty() {
        super::print(&format!("No sink is owed anything: {of} is nothing.\n"));
        return Ok(exit::OK);
    }
    let question = format!(
        "Never deliver {of} to {}? It counts as filtered (forgotten) and cannot be got back.",
        sinks.join(", ")
    );
    if !confirmed(&question, args.yes) {
        return Ok(exit::FAILED);
    }
    let forgotten: Vec<Forgotten> = match client {
        AdminClient::Running(live) => {
            let query = [("source", &what.source), ("sink", &what.sink)];
            let query = query.map(|(key, value)| value.clone().map(|value| (key, value)));
            let query: Vec<_> = query.into_iter().flatten().collect();
            serde_json::from_value(live.ask(true, "/forget", &query).await?)
                .map_err(|_| "the router's answer is of another version of Signalbox".to_owned())?
        }
        AdminClient::Stopped(stopped) => stopped.forget_by(&what, listeners).await?,
    };
    for Forgotten { sink, events } in forgotten {
        super::print(&format!("{sink}: {events} events forgotten\n"));
    }
    Ok(exit::OK)
}
