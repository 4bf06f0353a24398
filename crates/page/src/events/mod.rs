//! The events: a search by their ids, and the latest records of the history.

mod csv;
mod html;
mod query;
mod search;

use maud::Markup;
use schemars::JsonSchema;
use serde::Serialize;
use signalbox_admin::Caller;
use signalbox_history::{After, Entry};
use signalbox_runtime::history::{self, FindRequest};
use signalbox_runtime::life::{Life, LifeRequest, Lives};

pub(crate) use self::html::class;
pub(crate) use self::query::Query;
pub(crate) use self::search::{search, without_persons};
use crate::problem::Problem;
use crate::state::Page;
use crate::view::View;
use crate::words::link;

/// The answer to a search that finds nothing.
pub(crate) const UNKNOWN: &str = "The history knows no such event, and none is pending: it was erased, or is older than the \
                                  history goes back, or it never arrived.";
/// The same where parts of the history are missing or could not be read.
pub(crate) const NOT_FOUND: &str = "No such event was found in what could be read, and none is pending.";

/// Records on a page, unless the query says otherwise.
const ON_A_PAGE: usize = 50;

/// The events that a query finds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Events {
    /// The events with the id of the query, pending ones too; none without an id.
    events: Vec<Life>,
    /// The latest records that meet the query, the newest first; with an id, those of its events.
    entries: Vec<Entry>,
    /// The place after which the next page begins, for the query's `after`; `None` on the last page.
    next: Option<After>,
    /// True if there are more events with this id.
    more: bool,
    /// Sentences about parts of the history and the journal that were not searched.
    incomplete: Vec<String>,
    /// The names to choose from.
    choices: Choices,
}

/// The names to choose from.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Choices {
    sources: Vec<String>,
    sinks: Vec<String>,
}

impl View for Events {
    const NAME: &'static str = "events";
    const TITLE: &'static str = "Events";
    const ABOUT: &'static str = "Events by their ids, or the latest records of the history.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<Events, Problem> {
        let filter = query.filter().map_err(Problem::bad_request)?;
        let ledger = page.admin.ledger();
        let choices = Choices {
            sources: ledger.sources.keys().map(ToString::to_string).collect(),
            sinks: ledger.sinks.keys().map(ToString::to_string).collect(),
        };
        let (id, pending) = (query.id(), query.wants_pending());
        if id.is_some() || pending {
            let request = LifeRequest {
                pending: pending && id.is_none(),
                id,
                filter,
                ..LifeRequest::default()
            };
            let lives = page.admin.lives(&request).await.map_err(Problem::conflict)?;
            return Ok(Events::of(lives, choices));
        }
        let request = FindRequest {
            id: None,
            filter,
            limit: query.limit().map_err(Problem::bad_request)?.unwrap_or(ON_A_PAGE),
            after: query.after().map_err(Problem::bad_request)?,
        };
        let found = page
            .history(move |reader| history::find(&reader, &request))
            .await?;
        Ok(Events {
            events: Vec::new(),
            entries: found.entries,
            next: found.next,
            more: false,
            incomplete: found.unread,
            choices,
        })
    }

    fn elsewhere(page: &Page, query: &Query) -> Option<String> {
        let mut query = query.clone();
        without_persons(
            page,
            [&mut query.message_id, &mut query.event_id, &mut query.order_id],
        )?;
        let after = query.after.as_deref().unwrap_or_default();
        Some(link("events", &query.pairs(&[("after", after)])))
    }

    fn html(&self, query: &Query, _: &Caller) -> Markup {
        html::events(self, query)
    }

    fn csv(&self, query: &Query) -> Option<String> {
        query.wants_csv().then(|| csv::write(&self.entries))
    }
}

impl Events {
    fn of(lives: Lives, choices: Choices) -> Events {
        let entries = lives.events.iter().flat_map(|life| {
            let at_sinks = life.sinks.iter().flat_map(|sink| &sink.records);
            life.at_source
                .iter()
                .chain(at_sinks)
                .map(|record| record.entry.clone())
        });
        Events {
            entries: entries.collect(),
            events: lives.events,
            next: None,
            more: lives.more,
            incomplete: lives.incomplete,
            choices,
        }
    }
}
