//! The state behind all views.

use std::sync::Arc;

use signalbox_admin::AdminState;
use signalbox_history::Reader;

use crate::problem::Problem;
use crate::rates::Rates;

/// A view in the menu.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

/// The state behind all views. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) admin: AdminState,
    /// The views of the menu, in its order.
    pub(crate) menu: Arc<[Link]>,
    /// The counts at earlier looks.
    pub(crate) rates: Rates,
}

impl Page {
    /// Asks the history, beside the threads that drive deliveries. The answer holds the records of this second.
    ///
    /// # Errors
    /// 404 if the router keeps no history, 409 with the history's own sentence if it cannot be read.
    pub(crate) async fn history<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Reader) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Problem> {
        let history = self.admin.history().ok_or_else(Problem::no_history)?;
        let asked = tokio::task::spawn_blocking(move || {
            // A history that cannot be written says so in the status.
            let _ = history.flush();
            ask(history.reader())
        });
        let answer = asked.await.map_err(|_| Problem::fault())?;
        answer.map_err(Problem::conflict)
    }

    /// Returns the records of which the history keeps rows: `all`, `failures` or `off`.
    pub(crate) fn rows_kept(&self) -> String {
        let history = self.admin.history();
        history.map_or("off".to_owned(), |history| history.health().events)
    }
}
