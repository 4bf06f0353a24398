//! Acts in the audit log: refused while it cannot be written, recorded before they are answered.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use super::{Act, Audit, Deed};
use crate::caller::Caller;
use crate::reply::text;

/// Runs an act, and answers once its line is written. Both go on if the client hangs up.
pub(crate) async fn recorded(
    audit: Arc<Audit>,
    caller: Caller,
    from: String,
    action: String,
    act: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let task = tokio::spawn(async move {
        let ready = blocking(&audit, Audit::ready).await;
        if let Err(problem) = ready.unwrap_or_else(|| Err("the audit log's thread failed".to_owned())) {
            let told = format!(
                "{problem}; until it can be written again the router refuses what changes or sends something: make room on its \
                 disk, and see that its folder is there and may be written to"
            );
            return text(StatusCode::SERVICE_UNAVAILABLE, &told);
        }
        // A panic of the handler becomes an answer, so that the line is written.
        let mut response = tokio::spawn(act).await.unwrap_or_else(|_| failed());
        let deed = response.extensions_mut().remove::<Deed>().unwrap_or_default();
        let status = response.status().as_u16();
        let record = move |audit: &Audit| {
            audit.record(Act {
                caller: Some(&caller),
                from,
                action: &action,
                deed,
                status,
                waits: true,
            });
        };
        match blocking(&audit, record).await {
            Some(()) => response,
            None => failed(),
        }
    });
    task.await.unwrap_or_else(|_| failed())
}

/// Uses the audit log on a thread that may wait for the disk; `None` if the work panicked.
async fn blocking<T: Send + 'static>(
    audit: &Arc<Audit>,
    work: impl FnOnce(&Audit) -> T + Send + 'static,
) -> Option<T> {
    let audit = audit.clone();
    tokio::task::spawn_blocking(move || work(&audit)).await.ok()
}

fn failed() -> Response {
    text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "this went wrong; the log has the place",
    )
}
