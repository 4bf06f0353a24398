//! `signalbox status`

use signalbox_admin::{Query, Started, Status};
use signalbox_core::escape::{plain_json, plain_lines};

use super::admin_client::AdminClient;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) async fn run(args: &crate::cli::StatusArgs) -> Result<Code, Failure> {
    let status = AdminClient::with(&args.config.config, async |client, _| read(client).await).await?;
    print(&show(&status, args.json)?);
    Ok(code(&status))
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

/// Chooses the exit code, for scripts: a held sink waits for an operator.
fn code(status: &Status) -> Code {
    if status.sinks.values().any(|sink| sink.held.is_some()) {
        exit::HELD
    } else {
        exit::OK
    }
}

async fn read(client: &AdminClient) -> Result<Status, String> {
    match client {
        AdminClient::Running(live) => live.get("/status", &Query::default()).await,
        AdminClient::Stopped(stopped) => {
            let ledger = stopped.ledger().await?;
            Ok(Status::read(&ledger, stopped, Started::now()))
        }
    }
}
