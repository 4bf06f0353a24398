//! `signalbox status`

use signalbox_runtime::admin::Status;

use super::desk::{Desk, source};
use crate::exit::{self, Code};

pub(crate) async fn run(args: &crate::cli::Status) -> Code {
    let desk = match Desk::open(&args.config.config).await {
        Ok((desk, _)) => desk,
        Err(code) => return code,
    };
    let result = read(&desk).await;
    desk.close().await;
    match result {
        Ok(status) if args.json => match serde_json::to_string_pretty(&status) {
            Ok(text) => {
                super::print(&(text + "\n"));
                exit::OK
            }
            Err(_) => exit::FAILED,
        },
        Ok(status) => {
            super::print(&status.render_human());
            exit::OK
        }
        Err(problem) => {
            eprintln!("signalbox: {problem}");
            exit::FAILED
        }
    }
}

async fn read(desk: &Desk) -> Result<Status, String> {
    match desk {
        Desk::Running(live) => {
            let answer = live.ask(false, "/status", &[]).await?;
            serde_json::from_value(answer)
                .map_err(|_| "the router's status is of another version of Signalbox".to_owned())
        }
        Desk::Stopped(stopped) => {
            let ledger = stopped.ledger().await?;
            Ok(Status::read(&ledger, &*source(stopped), jiff::Timestamp::now()))
        }
    }
}
