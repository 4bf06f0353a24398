//! Reads failures: groups, words and samples from the dead letters, the trend from the history's sums.

use std::collections::BTreeMap;

use signalbox_history::{By, Outcome, Report, Sum};
use signalbox_journal::{DeadLetterFilter, DeadLetterGroup, Journal, Page as LetterPage, StoredLetter};

use super::data::{Failures, Group, Hour, Query, Sample, Words};
use super::remedies::remedy;
use crate::problem::Problem;
use crate::rows::failed_rows;
use crate::state::Page;
use crate::words::now;

/// Newest dead letters that words and samples are taken from.
const LOOKED: usize = 2_000;
/// Samples of a group.
const SAMPLES: usize = 5;
/// Sentences of a group.
const WORDS: usize = 5;
/// Groups in the answer, the largest ones.
const GROUPS: usize = 50;
const HOUR: i64 = 3_600_000;
const HOURS: i64 = 24;

/// Sink, reason and mapping.
type Key = (String, String, String);

pub(super) async fn failures(page: &Page, query: &Query) -> Result<Failures, Problem> {
    let source = page.admin.source();
    let journal = source.journal();
    let filter = query.filter();
    let explain = |error: signalbox_journal::JournalError| Problem::conflict(error.to_string());
    let summary = journal.dead_letter_summary(&filter).await.map_err(explain)?;
    let newest = LetterPage {
        limit: LOOKED,
        ..LetterPage::default()
    };
    let looked = journal.dead_letter_page(&filter, newest).await.map_err(explain)?;
    let mut by_key: BTreeMap<Key, Vec<StoredLetter>> = BTreeMap::new();
    for stored in looked.letters {
        let letter = &stored.letter;
        let key = (
            letter.component.clone(),
            letter.reason.clone(),
            letter.mapping.clone(),
        );
        by_key.entry(key).or_default().push(stored);
    }
    // The dead letters do not depend on the history.
    let (trends, unread) = match trends(page, query).await {
        Ok(Some((trends, unread))) => (Some(trends), unread),
        Ok(None) => (None, None),
        Err(problem) => {
            let told = format!(
                "The trends are missing, since the history cannot be read. {}",
                problem.message
            );
            (None, Some(told))
        }
    };
    let letters = summary.groups.iter().map(|group| group.count).sum();
    let more_groups = summary.groups.len().saturating_sub(GROUPS) as u64;
    let kept = page.rows_kept();
    let mut groups = Vec::new();
    for group in summary.groups.into_iter().take(GROUPS) {
        let key = (
            group.component.clone(),
            group.reason.clone(),
            group.mapping.clone(),
        );
        let newest = by_key.remove(&key).unwrap_or_default();
        let trend = trends.as_ref().map(|trends| hours(&kept, &key, trends.get(&key)));
        let payload = query.payload == Some(1);
        groups.push(of_group(journal, group, newest, trend.unwrap_or_default(), payload).await?);
    }
    let dropped = journal
        .letter_counts()
        .values()
        .map(|counts| counts.dropped)
        .sum();
    Ok(Failures {
        letters,
        up_to: summary.newest,
        groups,
        more_groups,
        dropped,
        behind_seconds: journal.behind().as_secs(),
        unread,
    })
}

async fn of_group(
    journal: &dyn Journal,
    group: DeadLetterGroup,
    mut newest: Vec<StoredLetter>,
    trend: Vec<Hour>,
    payload: bool,
) -> Result<Group, Problem> {
    let explain = |error: signalbox_journal::JournalError| Problem::conflict(error.to_string());
    if newest.is_empty() {
        let filter = DeadLetterFilter {
            component: Some(group.component.clone()),
            reason: Some(group.reason.clone()),
            mapping: Some(group.mapping.clone()),
            ..DeadLetterFilter::default()
        };
        let page = LetterPage {
            limit: SAMPLES,
            ..LetterPage::default()
        };
        newest = journal
            .dead_letter_page(&filter, page)
            .await
            .map_err(explain)?
            .letters;
    }
    let mut samples = Vec::new();
    for stored in newest.iter().take(SAMPLES) {
        let event = if payload {
            kept(journal, stored.id).await?
        } else {
            None
        };
        samples.push(sample(stored, event));
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for stored in &newest {
        *counts.entry(&stored.letter.message).or_default() += 1;
    }
    let mut words: Vec<Words> = counts
        .into_iter()
        .map(|(message, letters)| Words {
            message: message.to_owned(),
            letters,
        })
        .collect();
    words.sort_by_key(|words| std::cmp::Reverse(words.letters));
    words.truncate(WORDS);
    Ok(Group {
        remedy: remedy(&group.reason),
        sink: group.component,
        reason: group.reason,
        mapping: group.mapping,
        letters: group.count,
        oldest: group.oldest,
        newest: group.newest,
        words,
        trend,
        samples,
    })
}

fn sample(stored: &StoredLetter, event: Option<serde_json::Value>) -> Sample {
    let letter = &stored.letter;
    Sample {
        id: stored.id,
        message_id: letter.message_id.clone(),
        source: letter.source.clone(),
        attempts: letter.attempts,
        ended_at: letter.last_at,
        message: letter.message.clone(),
        event,
    }
}

/// Reads the kept part of a dead letter's event; `None` if nothing is kept, or the letter is gone.
async fn kept(journal: &dyn Journal, id: u64) -> Result<Option<serde_json::Value>, Problem> {
    let filter = DeadLetterFilter {
        id: Some(id),
        ..DeadLetterFilter::default()
    };
    let page = LetterPage {
        limit: 1,
        payloads: true,
        ..LetterPage::default()
    };
    let found = journal.dead_letter_page(&filter, page).await;
    let found = found.map_err(|error| Problem::conflict(error.to_string()))?;
    let payload = found
        .letters
        .into_iter()
        .next()
        .and_then(|stored| stored.letter.payload);
    Ok(payload.and_then(|payload| serde_json::from_str(&payload).ok()))
}

/// Failures by the hour.
type Trend = BTreeMap<i64, u64>;

/// The failures of the last hours by sink, reason and mapping, each with its count by the hour, and what is missing in them.
type Trends = (BTreeMap<Key, Trend>, Option<String>);

/// Reads the failures of the last hours. `None` without a history.
async fn trends(page: &Page, query: &Query) -> Result<Option<Trends>, Problem> {
    if page.admin.history().is_none() {
        return Ok(None);
    }
    let report = Report {
        since: Some(first_hour()),
        sink: query.sink.clone(),
        by: vec![By::Hour, By::Sink, By::Reason, By::Mapping, By::Outcome],
        details: false,
    };
    let reported = page.history(move |reader| signalbox_runtime::history::report(&reader, &report));
    let reported = reported.await?;
    let mut trends: BTreeMap<Key, Trend> = BTreeMap::new();
    for Sum { group, count, .. } in reported.sums {
        let [hour, sink, reason, mapping, outcome] = &*group else {
            continue;
        };
        if Outcome::named(outcome).is_some_and(Outcome::is_failure)
            && let Ok(hour) = hour.parse()
        {
            let key = (sink.clone(), reason.clone(), mapping.clone());
            let count = u64::try_from(count).unwrap_or(0);
            *trends.entry(key).or_default().entry(hour).or_default() += count;
        }
    }
    let unread = (!reported.unread.is_empty())
        .then(|| format!("The trends are not complete: {}.", reported.unread.join("; ")));
    Ok(Some((trends, unread)))
}

/// Returns the beginning of the first hour of the trend, Unix milliseconds.
fn first_hour() -> i64 {
    (now().div_euclid(HOUR) - HOURS + 1) * HOUR
}

/// Lists the hours of a trend.
fn hours(kept: &str, (sink, reason, mapping): &Key, counts: Option<&Trend>) -> Vec<Hour> {
    let first = first_hour();
    let by = match &**mapping {
        "" => ("without_mapping", "true"),
        mapping => ("mapping", mapping),
    };
    let hour = |place: i64| {
        let begin = first + place * HOUR;
        let (since, before) = (begin.to_string(), (begin + HOUR).to_string());
        let conditions = [
            ("sink", &**sink),
            by,
            ("reason", reason),
            ("since", &since),
            ("before", &before),
        ];
        Hour {
            begin,
            records: counts.and_then(|counts| counts.get(&begin)).copied().unwrap_or(0),
            rows: failed_rows(kept, &conditions),
        }
    };
    (0..HOURS).map(hour).collect()
}
