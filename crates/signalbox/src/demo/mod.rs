//! `signalbox demo`: the whole thing on one machine, with the sandbox as all three platforms.

mod events;
mod live;
mod report;

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use signalbox_config::{self as config, Environment};
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::sockets::OpenSockets;
use signalbox_sandbox::{Sandbox, SandboxConfig, Vendor};

use crate::exit::{self, Code, Failure};
use crate::router::Router;
use crate::terminal::print;

/// The same file that users can run.
const PIPELINE: &str = include_str!("../../../../examples/three-platforms.toml");

/// The page's address with `--keep`, unless something listens there.
const PAGE: &str = "127.0.0.1:9464";

/// Time within which the demo expects all deliveries.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the demo; with `keep` until a signal stops it.
pub(crate) async fn run(keep: bool) -> Result<Code, Failure> {
    if try_run(keep).await? {
        Ok(exit::OK)
    } else {
        Err("the demo's sums do not close; please report this"
            .to_owned()
            .into())
    }
}

/// The pipeline's variables, pointed at ports and files of this run.
struct DemoEnvironment([(&'static str, String); 8]);

impl Environment for DemoEnvironment {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        let found = self.0.iter().find(|(variable, _)| *variable == name);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("the demo reads no files".to_owned())
    }
}

async fn try_run(keep: bool) -> Result<bool, String> {
    let folder = std::env::temp_dir().join(format!("signalbox-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let sandbox = signalbox_sandbox::start(SandboxConfig::default())
        .await
        .map_err(|error| error.to_string())?;
    let (listen, archive) = (free_address(None)?, folder.join("archive.jsonl"));
    let admin = free_address(keep.then_some(PAGE))?;
    let environment = DemoEnvironment([
        ("SIGNALBOX_LISTEN", listen.clone()),
        ("SIGNALBOX_ADMIN", admin.clone()),
        ("PINTEREST_BASE_URL", sandbox.base_url_of(Vendor::Pinterest)),
        ("META_BASE_URL", sandbox.base_url_of(Vendor::Meta)),
        ("TIKTOK_BASE_URL", sandbox.base_url_of(Vendor::TikTok)),
        ("SIGNALBOX_JOURNAL", folder.join("journal").display().to_string()),
        ("SIGNALBOX_HISTORY", folder.join("history").display().to_string()),
        ("SIGNALBOX_ARCHIVE", archive.display().to_string()),
    ]);
    let result = if keep {
        live::keep(pipeline(&environment)?, (&listen, &admin), &sandbox).await
    } else {
        tokio::select! {
            result = deliver(pipeline(&environment)?, &listen, &archive, &sandbox) => result,
            _ = tokio::signal::ctrl_c() => Err("stopped before its end".to_owned()),
        }
    };
    sandbox.shutdown().await;
    // Nothing of the demo stays behind.
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn pipeline(environment: &DemoEnvironment) -> Result<Pipeline, String> {
    config::load("three-platforms.toml", PIPELINE, environment)
        .and_then(Pipeline::build)
        .map_err(|diagnostics| diagnostics.to_string())
}

async fn deliver(
    pipeline: Pipeline,
    listen: &str,
    archive: &Path,
    sandbox: &Sandbox,
) -> Result<bool, String> {
    let mut router = Box::pin(Router::start(pipeline, OpenSockets::default())).await?;
    print(&format!(
        "Sending events to http://{listen}, as a shop's and an app's Segment SDKs would.\n\n"
    ));
    let sent = events::send(listen).await?;
    let settled = async {
        while router.state.status().sinks.values().any(|sink| sink.pending > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // If it takes longer, the sums below do not close.
    let _ = tokio::time::timeout(PATIENCE, settled).await;
    let status = router.state.status();
    router.running.stop(Duration::from_secs(5)).await;
    let archived = std::fs::read_to_string(archive).map_err(|error| error.to_string())?;
    let (text, closes) = report::render(&status, sandbox, sent, archived.lines().count() as u64);
    router.close().await;
    print(&text);
    Ok(closes)
}

/// Returns an address on loopback that is free now: the preferred one, if it is.
fn free_address(preferred: Option<&str>) -> Result<String, String> {
    let preferred = preferred.and_then(|address| TcpListener::bind(address).ok());
    let listener = preferred.map_or_else(|| TcpListener::bind("127.0.0.1:0"), Ok);
    let address = listener.and_then(|listener| listener.local_addr());
    address
        .map(|address| address.to_string())
        .map_err(|error| error.to_string())
}
