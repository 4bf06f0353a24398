//! `signalbox tap`

use std::io::Read as _;
use std::time::{Duration, Instant};

use serde::Deserialize;
use signalbox_admin::TapQuery;
use signalbox_segment::fql::Trigger;

use super::admin_client::{AdminClient, Live};
use super::erase::STDIN;
use super::numbers::thousands;
use crate::cli::TapArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// An answer that ends sooner than this without an event is not asked for again.
const SHORTEST: Duration = Duration::from_secs(1);

/// The line that counts events left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    left_out: u64,
}

pub(crate) async fn run(args: &TapArgs) -> Result<Code, Failure> {
    let filter = filter(args.filter.as_deref()).map_err(|problem| Failure::Problem(exit::USAGE, problem))?;
    let live = AdminClient::running(&args.config.config).await?;
    let path = if args.plain { "/tap?plain=1" } else { "/tap" };
    let mut query = TapQuery {
        source: args.source.clone(),
        sink: args.sink.clone(),
        filter,
        rate: Some(args.rate),
        limit: args.limit,
    };
    let mut is_first = true;
    loop {
        let begun = Instant::now();
        let mut lines = Lines::open(&live, path, &query).await?;
        if std::mem::take(&mut is_first) {
            tell("showing live events; Ctrl-C ends it");
        }
        let mut any = false;
        while let Some(line) = lines.next().await {
            if let Ok(LeftOut { left_out }) = serde_json::from_str(&line) {
                tell(&format!("{} more left out", thousands(left_out)));
                continue;
            }
            any = true;
            if !print(&format!("{line}\n")) {
                return Ok(exit::OK);
            }
            query.limit = query.limit.map(|limit| limit.saturating_sub(1));
        }
        if query.limit == Some(0) {
            return Ok(exit::OK);
        }
        if !any && begun.elapsed() < SHORTEST {
            return Err("the router has ended the tap".to_owned().into());
        }
    }
}

/// Reads the filter, and says what may be misleading in it.
fn filter(given: Option<&str>) -> Result<Option<String>, String> {
    let Some(given) = given else { return Ok(None) };
    let mut text = given.to_owned();
    if given == STDIN {
        text.clear();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map_err(|error| format!("standard input cannot be read: {error}"))?;
        text.truncate(text.trim_end().len());
    }
    let trigger = Trigger::parse(&text).map_err(|fault| format!("--filter: {fault}"))?;
    for warning in trigger.warnings() {
        tell(&format!("warning: --filter: {warning}"));
    }
    Ok(Some(text))
}

/// The lines of an answer.
struct Lines {
    reply: reqwest::Response,
    read: Vec<u8>,
}

impl Lines {
    async fn open(live: &Live, path: &str, query: &TapQuery) -> Result<Lines, String> {
        Ok(Lines {
            reply: live.post_stream(path, query).await?,
            read: Vec::new(),
        })
    }

    /// Waits for the next line; `None` at the end of the answer, and where it is cut off.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let chunk = self.reply.chunk().await.ok()??;
            self.read.extend_from_slice(&chunk);
        }
    }
}
