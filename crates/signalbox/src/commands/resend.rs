//! `signalbox resend`

use std::fmt::Write as _;

use signalbox_core::escape::plain;
use signalbox_journal::Subject;
use signalbox_runtime::operate::{ResendRequest, Resent, ResentEvent, Sending, StatusSource as _};

use super::admin_client::AdminClient;
use super::erase::{STDIN, from_stdin};
use crate::cli::ResendArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

pub(crate) async fn run(args: &ResendArgs) -> Result<Code, Failure> {
    let request = ResendRequest {
        message_ids: ids(args).map_err(|problem| Failure::Problem(exit::USAGE, problem))?,
        sink: args.sink.clone(),
    };
    AdminClient::with(&args.config.config, async |client, _| {
        let resent: Resent = match client {
            AdminClient::Running(live) => live.post_json("/resend", &request).await?,
            AdminClient::Stopped(stopped) => stopped.resend(&request).await?,
        };
        if args.json {
            let json = serde_json::to_string(&resent).map_err(|error| error.to_string())?;
            print(&format!("{json}\n"));
        } else {
            tell_all(&resent, matches!(client, AdminClient::Stopped(_)));
        }
        let all = resent.events.iter().all(ResentEvent::goes_out);
        Ok(if all { exit::OK } else { exit::FAILED })
    })
    .await
}

/// Lists the ids of the command line and, for `-`, those of standard input.
fn ids(args: &ResendArgs) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    for id in &args.message_id {
        match id.as_str() {
            STDIN => ids.extend(from_stdin(Subject::MessageId)?),
            id => ids.push(id.to_owned()),
        }
    }
    Ok(ids)
}

/// Reports the results: what goes out on standard output, the rest on standard error.
fn tell_all(resent: &Resent, stopped: bool) {
    let mut out = String::new();
    for event in &resent.events {
        if !event.goes_out() {
            tell(&reason(event, resent.searched_to.is_some()));
        }
        for (sink, sending) in &event.sinks {
            // A String takes everything.
            let _ = writeln!(
                out,
                "{}  {}: {}",
                plain(&event.message_id),
                plain(sink),
                told(*sending)
            );
        }
    }
    let sent = |sending: &Sending| *sending > Sending::Pending;
    if resent.events.iter().any(|event| event.sinks.values().any(sent)) {
        out.push_str("A platform may drop what it has already, by its event id.\n");
        if stopped {
            out.push_str("The router is not running; they go out when it starts.\n");
        }
    }
    print(&out);
    if let Some(at) = resent.searched_to {
        tell(&format!(
            "time was up: the journal was searched for the events up to position {at} only"
        ));
    }
}

fn told(sending: Sending) -> &'static str {
    match sending {
        Sending::FromJournal => "goes out again, from the journal",
        Sending::FromDeadLetter => "goes out again, from what the dead letter keeps",
        Sending::Pending => "is pending, and goes out anyway",
        Sending::Disabled => "the sink is disabled",
        Sending::NotRunning => "the sink is not in the running configuration",
        Sending::NothingKept => "the journal no longer holds it, and its dead letter keeps nothing of it",
        Sending::AtSource => {
            "the source rejected it; `signalbox deadletters retry` sends it through the source again"
        }
    }
}

/// Says why an event goes out nowhere.
fn reason(event: &ResentEvent, cut_short: bool) -> String {
    let why = match event {
        ResentEvent { erased: true, .. } => "it was erased",
        ResentEvent { found: false, .. } if cut_short => {
            "it is not in the part of the journal that was searched"
        }
        ResentEvent { found: false, .. } => "neither the journal nor the dead letters hold it",
        ResentEvent { sinks, .. } if sinks.is_empty() => {
            "no sink was owed it, or the sink does not listen to its source"
        }
        ResentEvent { .. } => "no sink can send it",
    };
    format!("{} is not sent: {why}", plain(&event.message_id))
}
