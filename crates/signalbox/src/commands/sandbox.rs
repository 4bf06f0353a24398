//! `signalbox sandbox`

use signalbox_sandbox::{Faults, SandboxConfig};

use crate::cli::Sandbox;
use crate::exit::{self, Code};

pub(crate) async fn run(args: Sandbox) -> Code {
    let faults = match args.faults.as_deref().map(Faults::from_json).transpose() {
        Ok(faults) => faults,
        Err(problem) => {
            super::complain(&format!("--faults: {problem}"));
            return exit::USAGE;
        }
    };
    let picky = args.token.is_some() || args.ad_account_id.is_some();
    let config = SandboxConfig {
        listen: args.listen,
        capture: args.capture,
        token: args.token,
        ad_account_id: args.ad_account_id,
        strict_openapi: args.strict_openapi,
        ..SandboxConfig::default()
    };
    let sandbox = match signalbox_sandbox::start(config).await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            super::complain(&error.to_string());
            return exit::FAILED;
        }
    };
    if let Some(faults) = faults {
        sandbox.set_faults(faults);
    }
    super::print(&format!(
        "A stand-in for the Pinterest Conversions API.\n\
         Put  base_url = \"{}\"  into the sink; any token and ad account id will do{}.\n\
         Faults: PUT http://{addr}/_sandbox/faults   Counts: GET http://{addr}/_sandbox/counts\n",
        sandbox.base_url(),
        if picky {
            " if they are those of the command line"
        } else {
            ""
        },
        addr = sandbox.addr(),
    ));
    if let Err(error) = super::run::interrupted().await {
        super::complain(&format!("signals cannot be watched: {error}"));
        return exit::FAILED;
    }
    let counts = sandbox.counts();
    sandbox.shutdown().await;
    super::print(&format!(
        "{} events accepted in {} requests\n",
        counts.accepted, counts.requests
    ));
    exit::OK
}
