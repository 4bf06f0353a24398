//! `signalbox forget`

use signalbox_admin::Query;
use signalbox_runtime::debts::Listeners;
use signalbox_runtime::forget::{Forget, Forgotten};

use super::admin_client::AdminClient;
use super::load::load;
use crate::exit::{self, Code, Failure};
use crate::terminal::{confirmed, print};

pub(crate) async fn run(args: &crate::cli::ForgetArgs) -> Result<Code, Failure> {
    exit::must_be_confirmed("forget gives up for good what is pending", args.yes)?;
    let listeners = load(&args.config.config)?.listeners();
    AdminClient::with(&args.config.config, async |client, _| {
        forget(args, client, &listeners).await
    })
    .await
}

async fn forget(
    args: &crate::cli::ForgetArgs,
    client: &AdminClient,
    listeners: &Listeners,
) -> Result<Code, String> {
    let what = Forget {
        source: args.source.clone(),
        sink: args.sink.clone(),
    };
    let known = client.sinks().await?;
    // A running router decides by the file that it runs by.
    let sinks = what.sinks(&known, listeners)?;
    let of = what.source.as_ref().map_or_else(
        || "everything that is pending".to_owned(),
        |source| format!("what is pending of the source '{source}'"),
    );
    if sinks.is_empty() {
        print(&format!("No sink is owed anything: {of} is nothing.\n"));
        return Ok(exit::OK);
    }
    let unreadable = what.unreadable(&known);
    let question = match unreadable {
        None => format!(
            "Never deliver {of} to {}? It counts as filtered (forgotten) and cannot be got back.",
            sinks.join(", ")
        ),
        Some(sink) => format!(
            "The state of {sink} cannot be read. Give it up? Its position and its counts are lost, and what is pending is never \
             delivered, unless a replay sends it again; its dead letters stay. The sink goes on with the next event."
        ),
    };
    if !confirmed(&question, args.yes) {
        return Ok(exit::FAILED);
    }
    let forgotten: Vec<Forgotten> = match client {
        AdminClient::Running(live) => {
            let mut query = Query::default();
            (query.source, query.filter.component) = (what.source.clone(), what.sink.clone());
            live.post("/forget", &query).await?
        }
        AdminClient::Stopped(stopped) => stopped.forget_by(&what, listeners).await?,
    };
    for Forgotten { sink, events } in forgotten {
        print(&match unreadable {
            None => format!("{sink}: {events} events forgotten\n"),
            Some(_) => format!(
                "{sink}: its state is given up, with {events} parked events and an unknown number of others\n"
            ),
        });
    }
    Ok(exit::OK)
}
