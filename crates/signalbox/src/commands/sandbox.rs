//! `signalbox sandbox`

use signalbox_sandbox::{Faults, SandboxConfig};

use super::run::interrupted;
use crate::cli::SandboxArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::print;

pub(crate) async fn run(args: SandboxArgs) -> Result<Code, Failure> {
    let faults = args.faults.as_deref().map(Faults::from_json).transpose();
    let faults = faults.map_err(|problem| Failure::Problem(exit::USAGE, format!("--faults: {problem}")))?;
    let picky = args.token.is_some() || args.ad_account_id.is_some();
    let config = SandboxConfig {
        listen: args.listen,
        capture: args.capture,
        token: args.token,
        ad_account_id: args.ad_account_id,
        strict_openapi: args.strict_openapi,
        ..SandboxConfig::default()
    };
    let sandbox = signalbox_sandbox::start(config).await;
    let sandbox = sandbox.map_err(|error| error.to_string())?;
    if let Some(faults) = faults {
        sandbox.set_faults(faults);
    }
    print(&format!(
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
    interrupted().await?;
    let counts = sandbox.counts();
    sandbox.shutdown().await;
    print(&format!(
        "{} events accepted in {} requests\n",
        counts.accepted, counts.requests
    ));
    Ok(exit::OK)
}
