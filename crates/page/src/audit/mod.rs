//! The audit log: the acts of operators and the sign-ins, the newest first.

mod html;

use maud::Markup;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_admin::{AuditEntry, Caller};

use crate::problem::Problem;
use crate::state::Page;
use crate::view::View;

/// Lines of a page, unless the query says otherwise.
const LINES: u16 = 100;
/// The most lines of a page.
const MOST: u16 = 1_000;

/// The acts of operators and the sign-ins, the newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditLog {
    /// False if the router keeps no audit log, since its journal is in memory and its file names no other place.
    kept: bool,
    /// The reason why the log cannot be written; until it can, the router refuses acts.
    failing: Option<String>,
    /// The lines.
    entries: Vec<AuditEntry>,
    /// The `before` of the next page; `None` if this is the last.
    next: Option<u64>,
}

/// The query of the audit log.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Number of the line before which the page begins; without it the page begins with the newest.
    before: Option<u64>,
    /// Most lines of the page, 1 to 1,000. Default: 100.
    limit: Option<u16>,
}

impl View for AuditLog {
    const NAME: &'static str = "audit";
    const TITLE: &'static str = "Audit log";
    const ABOUT: &'static str = "The acts of operators and the sign-ins, the newest first.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<AuditLog, Problem> {
        let limit = query.limit.unwrap_or(LINES);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::bad_request(format!("limit must be from 1 to {MOST}.")));
        }
        let Some(audit) = page.admin.audit().cloned() else {
            return Ok(AuditLog {
                kept: false,
                failing: None,
                entries: Vec::new(),
                next: None,
            });
        };
        let failing = audit.status().failing;
        let asked = tokio::task::spawn_blocking(move || audit.page(query.before, usize::from(limit)));
        let found = asked.await.map_err(|_| Problem::fault())?;
        let found = found.map_err(Problem::conflict)?;
        Ok(AuditLog {
            kept: true,
            failing,
            entries: found.entries,
            next: found.next,
        })
    }

    fn html(&self, _: &Query, _: &Caller) -> Markup {
        html::audit(self)
    }
}
