//! The quality of the events that platforms get: coverage of match keys and parameters, graded, with what would help most.

mod html;

use std::sync::Arc;

use maud::Markup;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_admin::Caller;
use signalbox_runtime::quality::{self, SinkQuality};

use crate::problem::Problem;
use crate::state::Page;
use crate::view::View;
use crate::words;

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
/// Days that are looked back on if the query names none.
const DAYS: u32 = 7;
/// Most days.
const MOST_DAYS: u32 = 90;

/// The query of the quality.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Name of the only sink to show.
    sink: Option<String>,
    /// Days to look back on, 1 to 90. Default: 7.
    days: Option<u32>,
}

/// The quality of the events of each sink whose platform rates events.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Quality {
    /// Days that the numbers look back on.
    days: u32,
    /// The beginning of that time, Unix milliseconds: that of an hour.
    since: i64,
    /// Sentences about files of sums that were deleted, overwritten or damaged, with their times.
    lost: Vec<String>,
    /// The sinks.
    sinks: Vec<SinkQuality>,
    /// Names of all sinks whose platform rates events.
    names: Vec<String>,
    /// The records of which the history keeps rows, the ones behind the numbers: `all`, `failures` or `off`.
    rows_kept: String,
}

impl View for Quality {
    const NAME: &'static str = "quality";
    const TITLE: &'static str = "Quality";
    const ABOUT: &'static str = "How many events carry what platforms match people and measure by, graded, with what would help most.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<Quality, Problem> {
        let days = query.days.unwrap_or(DAYS);
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(Problem::bad_request(format!("days must be 1 to {MOST_DAYS}.")));
        }
        // Sums are those of whole hours, and rows are looked for from the same moment on.
        let since = (words::now() - i64::from(days) * DAY) / HOUR * HOUR;
        let source = Arc::clone(page.admin.source());
        let all = page.admin.ledger().sinks;
        let rates = |sink: &String| source.rated(sink, "").is_some();
        let names: Vec<String> = all.keys().map(ToString::to_string).filter(rates).collect();
        let wanted: Vec<String> = match query.sink {
            None => names.clone(),
            Some(sink) if names.contains(&sink) => vec![sink],
            Some(sink) if all.contains_key(&*sink) => {
                let told = format!(
                    "The destination of the sink '{sink}' does not rate events, so there is nothing to grade."
                );
                return Err(Problem::not_found(told));
            }
            Some(sink) => return Err(Problem::not_found(format!("There is no sink '{sink}'."))),
        };
        let (sinks, unread) = page
            .history(move |reader| quality::read(&reader, &*source, &wanted, Some(since)))
            .await?;
        let health = page.admin.history().map(|history| history.health());
        Ok(Quality {
            days,
            since,
            lost: health
                .into_iter()
                .flat_map(|health| health.lost_sums())
                .chain(unread)
                .collect(),
            sinks,
            names,
            rows_kept: page.rows_kept(),
        })
    }

    fn html(&self, query: &Query, _: &Caller) -> Markup {
        html::quality(self, query)
    }
}
