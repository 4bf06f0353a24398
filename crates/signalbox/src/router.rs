//! A running pipeline with its telemetry and admin address.

use std::sync::Arc;

use signalbox_runtime::admin::{self, AdminServer, AdminState};
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::running::Running;
use signalbox_runtime::telemetry::{Telemetry, TelemetryOptions};
use tokio_util::sync::CancellationToken;

/// How long the last export of metrics may take.
const FLUSH: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) struct Router {
    pub(crate) running: Running,
    pub(crate) state: AdminState,
    telemetry: Arc<Telemetry>,
    admin: Option<AdminServer>,
    admin_stop: CancellationToken,
}

impl Router {
    /// Starts everything; an error has stopped again what had started.
    pub(crate) async fn start(pipeline: Pipeline) -> Result<Router, String> {
        let options = TelemetryOptions {
            otlp_endpoint: pipeline.telemetry.otlp_endpoint.clone(),
            interval: pipeline.telemetry.interval.0,
            ..TelemetryOptions::default()
        };
        let ledger = Running::ledger_of(&pipeline);
        let telemetry = Arc::new(Telemetry::new(options, &ledger)?);
        let admin = pipeline.admin.clone();
        let mut running = Running::start(pipeline, ledger.clone(), Some(&telemetry))
            .await
            .map_err(|error| error.to_string())?;
        let state = AdminState::new(ledger, telemetry.clone(), running.status_source());
        let admin_stop = CancellationToken::new();
        let admin = match admin {
            None => None,
            Some(settings) => {
                let token = settings.token.as_ref();
                match admin::serve(settings.listen, token, state.clone(), admin_stop.clone()).await {
                    Ok(server) => {
                        tracing::info!("admin address: http://{}", server.address());
                        Some(server)
                    }
                    Err(problem) => {
                        running.stop(std::time::Duration::from_secs(1)).await;
                        return Err(format!("admin: {problem}"));
                    }
                }
            }
        };
        Ok(Router {
            running,
            state,
            telemetry,
            admin,
            admin_stop,
        })
    }

    /// Closes the admin address and flushes telemetry; call after the pipeline has stopped.
    pub(crate) async fn close(self) {
        self.admin_stop.cancel();
        if let Some(admin) = self.admin {
            admin.stopped().await;
        }
        if let Err(problem) = self.telemetry.shutdown(FLUSH).await {
            tracing::warn!("the last metrics were not exported: {problem}");
        }
    }
}
