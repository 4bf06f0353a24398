//! `signalbox status`

use signalbox_admin::{Started, Status};
use signalbox_core::escape::{plain_json, plain_lines};

use super::admin_client::{AdminClient, source};
use crate::exit::{self, Code};

pub(crate) async fn run(args: &crate::cli::Status) -> Code {
    let client = match AdminClient::open(&args.config.config).await {
        Ok((client, _)) => client,
        Err(code) => return code,
    };
    let result = read(&client).await;
    client.close().await;
    let shown = result.and_then(|status| Ok((show(&status, args.json)?, code(&status))));
    match shown {
        Ok((text, code)) => {
            super::print(&text);
            code
        }
        Err(problem) => {
            super::complain(&problem);
            exit::FAILED
        }
    }
}

/// Formats the status. Reasons quote destinations, and paths in warnings come from events: neither may command the
/// terminal.
fn show(status: &Status, json: bool) -> Result<String, String> {
    if !json {
        return Ok(plain_lines(&status.render_human()).into_owned());
    }
    let text = serde_json::to_string_pretty(status).map_err(|error| error.to_string())?;
    Ok(plain_json(&(text + "\n")).into_owned())
}

/// Chooses the exit code, for scripts: a held sink waits for somebody to act.
fn code(status: &Status) -> Code {
    if status.sinks.values().any(|sink| sink.held.is_some()) {
        exit::HELD
    } else {
        exit::OK
    }
}

async fn read(client: &AdminClient) -> Result<Status, String> {
    match client {
        AdminClient::Running(live) => {
            let answer = live.ask(false, "/status", &[]).await?;
            serde_json::from_value(answer)
                .map_err(|_| "the router's status is of another version of Signalbox".to_owned())
        }
        AdminClient::Stopped(stopped) => {
            let ledger = stopped.ledger().await?;
            Ok(Status::read(&ledger, &*source(stopped), Started::now()))
        }
    }
}
