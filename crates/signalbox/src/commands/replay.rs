//! `signalbox replay`

use signalbox_admin::Query;
use signalbox_runtime::operate::{ReplayPlan, ReplayRange, StatusSource as _};

use super::admin_client::AdminClient;
use crate::cli::ReplayArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{confirmed, print};

pub(crate) async fn run(args: &ReplayArgs) -> Result<Code, Failure> {
    exit::must_be_confirmed("replay delivers events again", args.yes || args.dry_run)?;
    AdminClient::with(&args.config.config, async |client, _| replay(args, client).await).await
}

async fn replay(args: &ReplayArgs, client: &AdminClient) -> Result<Code, String> {
    let plan = ask(args, client, true).await?;
    print(&format!(
        "up to {} events, positions {} to {}, would be delivered to '{}' again: those of its sources that it does not \
         filter and that are not erased. The sink does not send what this process has delivered within its window of \
         duplicates; otherwise a destination that does not recognise duplicates counts them twice.\n",
        plan.events, plan.from, plan.to, args.sink
    ));
    if args.dry_run {
        return Ok(exit::OK);
    }
    if !confirmed("Deliver them again?", args.yes) {
        return Ok(exit::FAILED);
    }
    let done = ask(args, client, false).await?;
    print(&format!("up to {} events are delivered again\n", done.events));
    if matches!(client, AdminClient::Stopped(_)) {
        print("The router is not running; they go out when it starts.\n");
    }
    Ok(exit::OK)
}

async fn ask(args: &ReplayArgs, client: &AdminClient, dry_run: bool) -> Result<ReplayPlan, String> {
    match client {
        AdminClient::Running(live) => {
            let mut query = Query::default();
            query.filter.component = Some(args.sink.clone());
            (query.from, query.to, query.dry_run) = (Some(args.from), args.to, dry_run);
            live.post("/replay", &query).await
        }
        AdminClient::Stopped(stopped) => {
            let range = ReplayRange {
                from: args.from,
                to: args.to,
            };
            stopped.replay(args.sink.clone(), range, dry_run).await
        }
    }
}
