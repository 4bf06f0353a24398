//! `signalbox replay`

use std::time::{Duration, Instant};

use signalbox_admin::Query;
use signalbox_runtime::operate::{ReplayPlan, ReplayRange, ReplayState, StatusSource as _};

use super::admin_client::{AdminClient, Live};
use crate::cli::ReplayArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{confirmed, print};

/// The longest time for which the command follows a replay, to report the records held back.
const PATIENCE: Duration = Duration::from_secs(10);
/// The interval between its looks.
const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: &ReplayArgs) -> Result<Code, Failure> {
    exit::must_be_confirmed("replay delivers events again", args.yes || args.dry_run)?;
    AdminClient::with(&args.config.config, async |client, _| replay(args, client).await).await
}

async fn replay(args: &ReplayArgs, client: &AdminClient) -> Result<Code, String> {
    let plan = ask(args, client, true).await?;
    let known = match args.again {
        true => "The sink also sends what this process has delivered already",
        false => {
            "The sink does not send what this process has delivered within its window of duplicates (--again sends that too)"
        }
    };
    print(&format!(
        "up to {} events, positions {} to {}, would be delivered to '{}' again: those of its sources that it does not \
         filter and that are not erased. {known}; a destination that does not recognise duplicates counts them twice.\n",
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
    match client {
        AdminClient::Stopped(_) => {
            print(
                "The router is not running; they go out when it starts. It then remembers no records, so it holds none back.\n",
            );
        }
        AdminClient::Running(live) => {
            if let Some(state) = follow(live, &args.sink, &done).await? {
                print(&told(&state, args.again));
            }
        }
    }
    Ok(exit::OK)
}

/// Follows a replay until all its events are settled, at most for [`PATIENCE`]. `None` if the router no longer knows it.
async fn follow(live: &Live, sink: &str, plan: &ReplayPlan) -> Result<Option<ReplayState>, String> {
    let mut query = Query::default();
    query.filter.component = Some(sink.to_owned());
    let until = Instant::now() + PATIENCE;
    loop {
        let state: Option<ReplayState> = live.get("/replay", &query).await?;
        let ours = state.filter(|state| (state.from, state.to) == (plan.from, plan.to));
        if ours.is_none_or(|state| state.left == 0) || Instant::now() >= until {
            return Ok(ours);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Reports the records that the sink held back.
fn told(state: &ReplayState, again: bool) -> String {
    let mut out = match state.left {
        0 => String::new(),
        left => format!("{left} events are left; the replay goes on. So far, "),
    };
    let why = match again {
        true => "other events of this replay have the same keys",
        false => "the sink remembers that it has sent them; --again sends them too",
    };
    match state.held_back {
        0 => out.push_str("no record was held back as sent already\n"),
        1 => out.push_str(&format!("1 record was held back: {why}\n")),
        count => out.push_str(&format!("{count} records were held back: {why}\n")),
    }
    out
}

async fn ask(args: &ReplayArgs, client: &AdminClient, dry_run: bool) -> Result<ReplayPlan, String> {
    match client {
        AdminClient::Running(live) => {
            let mut query = Query::default();
            query.filter.component = Some(args.sink.clone());
            (query.from, query.to, query.dry_run) = (Some(args.from), args.to, dry_run);
            query.again = args.again;
            live.post("/replay", &query).await
        }
        AdminClient::Stopped(stopped) => {
            let range = ReplayRange {
                from: args.from,
                to: args.to,
                again: args.again,
            };
            stopped.replay(args.sink.clone(), range, dry_run).await
        }
    }
}
