//! `signalbox deadletters`

mod asking;
mod table;

use serde_json::{Value, json};
use signalbox_core::escape::{plain, plain_json};
use signalbox_journal::{DeadLetterFilter, Order};
use signalbox_runtime::operate::{Acted, Piece};

use self::asking::{act, count, each};
use super::admin_client::AdminClient;
use super::numbers::thousands;
use super::progress::bar;
use crate::cli::{DeadLetterAction, DeadLetterChoice, DeadLetterListArgs, HowMany};
use crate::exit::{self, Code, Failure};
use crate::terminal::{confirmed, print, tell};

/// Dead letters that `list` and `show` print if the command sets no limit.
const LIMIT: u64 = 100;

impl DeadLetterAction {
    fn choice(&self) -> &DeadLetterChoice {
        match self {
            DeadLetterAction::Summary(choice) => choice,
            DeadLetterAction::List(args)
            | DeadLetterAction::Show(args)
            | DeadLetterAction::Export(args)
            | DeadLetterAction::Retry(args) => &args.choice,
            DeadLetterAction::Discard(args) => &args.list.choice,
        }
    }
}

impl HowMany {
    /// Returns the limit; `default` if the command sets none.
    fn or(self, default: u64) -> u64 {
        match self.limit {
            Some(limit) => limit,
            None if self.all => u64::MAX,
            None => default,
        }
    }
}

pub(crate) async fn run(action: DeadLetterAction) -> Result<Code, Failure> {
    if let DeadLetterAction::Discard(args) = &action {
        exit::must_be_confirmed("discard removes dead letters for good", args.yes)?;
    }
    let choice = action.choice();
    AdminClient::with(&choice.config.config, async |client, names| {
        if let Some(unknown) = choice.sink.as_ref().filter(|name| !names.contains(name)) {
            // The component may have existed once, and its dead letters still do.
            tell(&format!(
                "note: the configuration has no '{}'; it has {}",
                plain(unknown),
                names.join(", ")
            ));
        }
        carry_out(&action, client).await
    })
    .await
}

async fn carry_out(action: &DeadLetterAction, client: &AdminClient) -> Result<Code, String> {
    let choice = action.choice();
    let filter = filter(choice);
    // Prints a result as JSON or for people; returns false once the reader has closed the output.
    let show = |result: Value, human: String| match choice.json {
        true => print_line(&result),
        false => print(&human),
    };
    match action {
        DeadLetterAction::Summary(_) => {
            let summary = asking::summary(client, &filter).await?;
            show(json!(summary), table::summary(&summary));
        }
        DeadLetterAction::List(args) => {
            let row = |letter: Value| {
                let human = table::row(&letter);
                show(letter, human)
            };
            list(client, &filter, args, false, row).await?;
        }
        DeadLetterAction::Show(args) => {
            let details = |letter: Value| {
                let human = plain_json(&format!("{letter:#}\n")).into_owned();
                show(letter, human)
            };
            list(client, &filter, args, true, details).await?;
        }
        DeadLetterAction::Export(args) => export(client, &filter, args).await?,
        DeadLetterAction::Retry(args) => {
            let told = act_on(client, filter, args.how_many, true).await?;
            show(json!(told), retried(&told, client));
        }
        DeadLetterAction::Discard(args) => {
            if !confirmed("Dead letters that match are removed for good.", args.yes) {
                return Ok(exit::FAILED);
            }
            let told = act_on(client, filter, args.list.how_many, false).await?;
            show(json!(told), format!("{} removed\n", told.taken.removed));
        }
    }
    Ok(exit::OK)
}

fn filter(choice: &DeadLetterChoice) -> DeadLetterFilter {
    let older = |span: signalbox_core::HumanDuration| {
        let millis = i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX);
        jiff::Timestamp::now().as_millisecond().saturating_sub(millis)
    };
    DeadLetterFilter {
        component: choice.sink.clone(),
        reason: choice.reason.clone(),
        mapping: choice.mapping.clone(),
        message_id: choice.message_id.clone(),
        since: choice.since,
        before: choice.older_than.map(older),
        id: choice.id,
        up_to: None,
    }
}

/// Prints one JSON object on a line; returns false once the reader has closed the output.
fn print_line(value: &Value) -> bool {
    print(&plain_json(&format!("{value}\n")))
}

/// Shows the newest letters, and says if there are more.
async fn list(
    client: &AdminClient,
    filter: &DeadLetterFilter,
    args: &DeadLetterListArgs,
    payloads: bool,
    show: impl FnMut(Value) -> bool,
) -> Result<(), String> {
    let limit = args.how_many.or(LIMIT);
    let (shown, more) = each(client, filter, (Order::NewestFirst, payloads), limit, show).await?;
    if more {
        tell(&format!(
            "{} of {} shown; --limit N or --all shows more",
            thousands(shown),
            thousands(count(client, filter).await?.max(shown))
        ));
    } else if shown == 0 && !args.choice.json {
        print("no dead letters match\n");
    }
    Ok(())
}

async fn export(
    client: &AdminClient,
    filter: &DeadLetterFilter,
    args: &DeadLetterListArgs,
) -> Result<(), String> {
    let limit = args.how_many.or(u64::MAX);
    // The total counts the letters that exist now, as does the bar.
    let progress = bar("exporting", up_to(limit, client, filter)).await?;
    let mut nothing_kept = 0;
    let show = |mut letter: Value| {
        progress.inc(1);
        match letter["event"].take() {
            Value::Null => {
                nothing_kept += 1;
                true
            }
            event => print_line(&event),
        }
    };
    let (_, more) = each(client, filter, (Order::OldestFirst, true), limit, show).await?;
    drop(progress);
    if more {
        tell(&format!(
            "the oldest {} that match; --all exports all",
            thousands(limit)
        ));
    }
    if nothing_kept > 0 {
        tell(&format!(
            "of {} dead letters nothing is kept to export",
            thousands(nothing_kept)
        ));
    }
    Ok(())
}

/// Counts the matching letters, up to a limit.
async fn up_to(limit: u64, client: &AdminClient, filter: &DeadLetterFilter) -> Result<u64, String> {
    Ok(count(client, filter).await?.min(limit))
}

/// Retries or discards piece by piece.
async fn act_on(
    client: &AdminClient,
    filter: DeadLetterFilter,
    how_many: HowMany,
    retry: bool,
) -> Result<Acted, String> {
    let what = if retry { "retrying" } else { "discarding" };
    let progress = bar(what, up_to(how_many.or(u64::MAX), client, &filter)).await?;
    let mut piece = Piece {
        filter,
        after: None,
        limit: how_many.limit,
    };
    let mut sum = Acted::default();
    loop {
        let told = act(client, &piece, retry).await.map_err(|problem| {
            let done = thousands(sum.taken.removed);
            format!("{problem} ({done} were done before that; the same command goes on with the rest)")
        })?;
        progress.inc(told.matched);
        piece.limit = piece.limit.map(|limit| limit.saturating_sub(told.matched));
        (piece.after, piece.filter.up_to) = (told.next, told.up_to);
        sum.add(told);
        if sum.next.is_none() || piece.limit == Some(0) {
            return Ok(sum);
        }
    }
}

fn retried(told: &Acted, client: &AdminClient) -> String {
    let mut out = format!(
        "{} to be delivered again: {} from the journal, {} from what the dead letter keeps\n",
        told.taken.removed, told.taken.from_journal, told.taken.from_letter
    );
    let mut stay = |count: u64, why: &str| {
        if count > 0 {
            out.push_str(&format!("{count} stay: {why}\n"));
        }
    };
    stay(told.taken.without_payload, "nothing is left of their events");
    let why = match client {
        AdminClient::Running(_) => {
            "their sink or source is not in the running configuration, or the sink is disabled"
        }
        AdminClient::Stopped(_) => {
            "their sink is disabled, or a source rejected them: only a running router can send them through it again"
        }
    };
    stay(told.not_running, why);
    if matches!(client, AdminClient::Stopped(_)) && told.taken.removed != 0 {
        out.push_str("The router is not running; they go out when it starts.\n");
    }
    out
}
