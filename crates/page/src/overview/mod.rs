//! The overview: is all well, what fell out where, how much, how fast, and what to do.

mod advice;
mod data;
mod funnel;
mod html;
mod sums;

use maud::Markup;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_admin::{Caller, Status};
use signalbox_history::{By, Report, Sum};

pub(crate) use self::data::Overview;
use self::data::{Breakdowns, Fill};
use self::funnel::Inputs;
use crate::problem::Problem;
use crate::rows::rows;
use crate::state::Page;
use crate::view::View;
use crate::words;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The query of the overview.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Name of the sink that the charts show; without it they show all.
    sink: Option<String>,
}

impl View for Overview {
    const NAME: &'static str = "overview";
    const TITLE: &'static str = "Overview";
    const ABOUT: &'static str = "Is all well, what fell out where, how much, how fast, and what to do.";
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<Overview, Problem> {
        let status = page.admin.whole_status().await;
        if let Some(sink) = &query.sink
            && !status.sinks.contains_key(sink)
        {
            return Err(Problem::not_found(format!("There is no sink '{sink}'.")));
        }
        // The ledger's numbers do not depend on the history.
        let (sums, unread) = match page.admin.history() {
            Some(_) => match page.history(move |reader| Sums::read(&reader, query.sink)).await {
                Ok(sums) => (Some(sums), None),
                Err(problem) => (None, Some(problem.message)),
            },
            None => (None, None),
        };
        let hours = sums.as_ref().map_or(&[][..], |sums| &sums.hours);
        let advice = advice::list(&status, page.admin.troubles(), unread.as_deref(), hours);
        let (level, sentence) = advice::judge(&status, &advice);
        let none = Vec::new();
        let failed = sums.as_ref().map_or(&none, |sums| &sums.failed);
        Ok(Overview {
            level,
            sentence,
            advice,
            funnels: funnel::all(&status, &inputs(page), failed),
            fills: fills(&status),
            breakdowns: sums.map(|sums| sums.breakdowns(&status)),
            unread,
        })
    }

    fn html(&self, query: &Query, _: &Caller) -> Markup {
        html::overview(self, query.sink.as_deref())
    }
}

/// Returns the sources that each sink of the running file listens to.
fn inputs(page: &Page) -> Inputs {
    let outline = page.admin.source().outline();
    let listening = outline.iter().filter(|component| !component.inputs.is_empty());
    let inputs = listening.map(|sink| (sink.name.clone(), sink.inputs.iter().cloned().collect()));
    inputs.collect()
}

/// The answers of the history that the overview needs.
struct Sums {
    as_of: i64,
    /// The beginnings of the 24 hours and of the 7 days.
    day: i64,
    week: i64,
    hours: Vec<Sum>,
    days: Vec<Sum>,
    worth: Vec<Sum>,
    latency: Vec<Sum>,
    /// By sink, outcome and reason, over all time.
    failed: Vec<Sum>,
    /// Routers whose sums are missing, with the reason.
    unread: Vec<String>,
}

impl Sums {
    fn read(reader: &signalbox_history::Reader, sink: Option<String>) -> Result<Sums, String> {
        let now = words::now();
        let mut unread: Vec<String> = Vec::new();
        let mut ask = |since: Option<i64>, by: &[By], details: bool| {
            let report = Report {
                since,
                sink: sink.clone(),
                by: by.to_vec(),
                details,
            };
            let reported = signalbox_runtime::history::report(reader, &report)?;
            unread.extend(reported.unread);
            Ok::<_, String>(reported.sums)
        };
        let (day, week) = (sums::first(now, HOUR, 24), sums::first(now, DAY, 7));
        let mut sums = Sums {
            as_of: now,
            day,
            week,
            hours: ask(Some(day), &[By::Hour, By::Outcome, By::Sink], false)?,
            days: ask(Some(week), &[By::Day, By::Outcome, By::Sink], false)?,
            worth: ask(Some(week), &[By::Sink, By::Outcome], false)?,
            latency: ask(Some(day), &[By::Sink], true)?,
            failed: ask(None, &[By::Sink, By::Outcome, By::Reason], false)?,
            unread: Vec::new(),
        };
        unread.sort_unstable();
        unread.dedup();
        sums.unread = unread;
        Ok(sums)
    }

    fn breakdowns(self, status: &Status) -> Breakdowns {
        let health = status.history.clone().unwrap_or_default();
        Breakdowns {
            as_of: self.as_of,
            missing: health.dropped + health.lost,
            lost: health.lost_sums().into_iter().chain(self.unread).collect(),
            failing: health.failing,
            events: health.events,
            hours: sums::buckets(&self.hours, (self.as_of, HOUR, 24)),
            days: sums::buckets(&self.days, (self.as_of, DAY, 7)),
            worth: sums::worth(&self.worth),
            latency: sums::latency(&self.latency),
            day: self.day,
            week: self.week,
        }
    }
}

fn fills(status: &Status) -> Vec<Fill> {
    let journal = &status.journal;
    let kept = status.history.as_ref().map_or("off", |history| &history.events);
    let mut fills = vec![Fill {
        store: "journal".to_owned(),
        bytes: journal.bytes,
        max_bytes: Some(journal.max_bytes),
        about: words::counted(
            journal.events,
            "event is not settled by all sinks",
            "events are not settled by all sinks",
        ),
        content: rows(kept, "pending", &[]),
    }];
    for (name, sink) in &status.sinks {
        fills.push(Fill {
            store: format!("dead letters of {name}"),
            bytes: sink.letters.bytes,
            max_bytes: Some(sink.letters.max_bytes),
            about: words::counted(sink.letters.kept, "dead letter", "dead letters"),
            content: words::link("failures", &[("sink", name)]),
        });
    }
    if let Some(history) = &status.history {
        fills.push(Fill {
            store: "history".to_owned(),
            bytes: history.bytes,
            max_bytes: history.max_bytes,
            about: words::counted(history.files, "file of records", "files of records"),
            content: rows(kept, "", &[]),
        });
    }
    fills
}
