//! `signalbox replay`

use serde_json::Value;
use signalbox_runtime::operate::StatusSource as _;
use signalbox_runtime::operate::{ReplayRange, Where};

use super::admin_client::{AdminClient, confirmed, somebody_answers};
use crate::cli::Replay;
use crate::exit::{self, Code};

pub(crate) async fn run(args: &Replay) -> Code {
    let asks = somebody_answers("replay delivers events again", args.yes || args.dry_run);
    if let Err(code) = asks {
        return code;
    }
    let client = match AdminClient::open(&args.config.config).await {
        Ok((client, _)) => client,
        Err(code) => return code,
    };
    let result = replay(args, &client).await;
    client.close().await;
    match result {
        Ok(code) => code,
        Err(problem) => {
            super::complain(&problem);
            exit::FAILED
        }
    }
}

async fn replay(args: &Replay, client: &AdminClient) -> Result<Code, String> {
    let plan = ask(args, client, true).await?;
    super::print(&format!(
        "{} events, positions {} to {}, would be delivered to '{}' again. Pinterest is not sent what this \
         process has delivered to it within 24 hours; a destination that does not recognise duplicates counts them \
         twice.\n",
        plan["events"], plan["from"], plan["to"], args.sink
    ));
    if args.dry_run {
        return Ok(exit::OK);
    }
    if !confirmed("Deliver them again?", args.yes) {
        return Ok(exit::FAILED);
    }
    let done = ask(args, client, false).await?;
    super::print(&format!("{} events are delivered again\n", done["events"]));
    if matches!(client, AdminClient::Stopped(_)) {
        super::print("The router is not running; they go out when it starts.\n");
    }
    Ok(exit::OK)
}

async fn ask(args: &Replay, client: &AdminClient, dry_run: bool) -> Result<Value, String> {
    match client {
        AdminClient::Running(live) => {
            let mut query = vec![("sink", args.sink.clone()), ("from", place(args.from))];
            query.extend(args.to.map(|to| ("to", place(to))));
            if dry_run {
                query.push(("dry_run", "1".to_owned()));
            }
            live.ask(true, "/replay", &query).await
        }
        AdminClient::Stopped(stopped) => {
            let range = ReplayRange {
                from: args.from,
                to: args.to,
            };
            let plan = stopped.replay(args.sink.clone(), range, dry_run).await?;
            serde_json::to_value(plan).map_err(|error| error.to_string())
        }
    }
}

fn place(place: Where) -> String {
    match place {
        Where::Position(position) => position.to_string(),
        Where::Time(at) => jiff::Timestamp::from_millisecond(at)
            .map(|at| at.to_string())
            .unwrap_or_else(|_| "0".to_owned()),
    }
}
