//! Erasures in the histories of all routers that share a journal. The journal keeps their keyed hashes for routers that do not
//! run or do not answer: these erase by themselves as soon as they can.

use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;

use signalbox_history::{Answer, Answered, History, IdHash, IdKeys, Question};
use signalbox_journal::{Journal, Subject};

use super::WantedId;
use crate::erase::EraseRequest;

/// The component under whose name the journal keeps erasures. No source has such a name.
const KEPT_BY: &str = "history:erasures";
/// Hashes in one kept erasure: a message to the servers holds them.
const HASHES: usize = 10_000;
/// The interval between looks for erasures that this router has not carried out.
const LOOK: Duration = Duration::from_secs(60);
/// The time for which an erasure is kept after all records from before it have gone.
const MARGIN: Duration = Duration::from_secs(24 * 3_600);

/// The result of an erasure in the histories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedRecords {
    /// Records that lost their ids; `None` if no history has records.
    pub records: Option<u64>,
    /// Routers that have not erased yet, each with the reason.
    pub unreached: Vec<String>,
}

impl ErasedRecords {
    fn add(&mut self, records: Option<u64>) {
        if let Some(more) = records {
            *self.records.get_or_insert_default() += more;
        }
    }
}

/// Removes the ids of all records that a request covers from this router's history, and from those of the other routers that
/// share the journal.
///
/// # Errors
/// A sentence if this router's files cannot be read or written; the same request completes the erasure.
pub async fn erase(
    history: &History,
    journal: &dyn Journal,
    request: &EraseRequest,
) -> Result<ErasedRecords, String> {
    let hashes = hashes_of(history.keys(), request.subject, &request.values);
    let until = jiff::Timestamp::now().as_millisecond();
    let questions: Vec<Question> = hashes
        .chunks(HASHES)
        .map(|hashes| Question::erase(hashes, history.keys(), until))
        .collect();
    if journal.is_shared() {
        keep(journal, &questions, (until, history.keep())).await?;
    }
    let asked = history.clone();
    let carry_out = move || -> Result<ErasedRecords, String> {
        let mut erased = ErasedRecords::default();
        for question in &questions {
            if let Answer::Erased(records) = asked.answer(question)? {
                erased.add(records);
            }
            for Answered { router, answer } in asked
                .peers()
                .into_iter()
                .flat_map(|peers| peers.ask(&|_| Some(question.clone())))
            {
                match answer {
                    Ok(Answer::Erased(records)) => erased.add(records),
                    Ok(_) => erased
                        .unreached
                        .push(format!("{router}: it runs another version")),
                    Err(why) => erased.unreached.push(format!("{router}: {why}")),
                }
            }
        }
        Ok(erased)
    };
    let erased = tokio::task::spawn_blocking(carry_out).await;
    let erased = erased.map_err(|_| "the history's erasure went wrong; the log has the place".to_owned())?;
    erased.map_err(|error| format!("history: {error}; the same request completes the erasure"))
}

/// Keeps an erasure in the journal, and drops those of which no history holds records any more.
async fn keep(
    journal: &dyn Journal,
    questions: &[Question],
    (until, kept): (i64, Duration),
) -> Result<(), String> {
    let explain = |error: signalbox_journal::JournalError| error.to_string();
    let oldest = until - i64::try_from((kept + MARGIN).as_millis()).unwrap_or(i64::MAX);
    for name in journal.checkpoints(KEPT_BY).await.map_err(explain)?.into_keys() {
        let at = name.split('.').next().and_then(|at| at.parse::<i64>().ok());
        if at.is_some_and(|at| at < oldest) {
            journal.save_checkpoint(KEPT_BY, &name, None);
        }
    }
    for (part, question) in questions.iter().enumerate() {
        let value = serde_json::to_vec(question).map_err(|error| error.to_string())?;
        journal.save_checkpoint(KEPT_BY, &format!("{until}.{part}"), Some(value));
    }
    journal.flush().await;
    Ok(())
}

/// Carries out the kept erasures, of which others may have come while this router did not run or was not reached. Ends with the
/// journal.
pub(super) async fn catch_up(history: History, journal: Weak<dyn Journal>) {
    let mut done = BTreeSet::new();
    let mut told = false;
    loop {
        let Some(open) = journal.upgrade() else { return };
        let kept = open.checkpoints(KEPT_BY).await.unwrap_or_default();
        drop(open);
        for (name, value) in kept {
            if done.contains(&name) {
                continue;
            }
            match carry_out(&history, &value).await {
                Ok(records) => {
                    if records > 0 {
                        tracing::warn!(
                            records,
                            "records of the history lost their ids by an erasure at another router"
                        );
                    }
                    done.insert(name);
                }
                Err(why) if !std::mem::replace(&mut told, true) => {
                    tracing::error!(
                        "the history still holds ids that were erased at another router, trying again: {why}"
                    );
                }
                Err(_) => {}
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn carry_out(history: &History, kept: &[u8]) -> Result<u64, String> {
    let question: Question = serde_json::from_slice(kept)
        .map_err(|_| "a newer version wrote the erasure; run that version here, too".to_owned())?;
    let history = history.clone();
    let answered = tokio::task::spawn_blocking(move || history.answer(&question)).await;
    match answered.map_err(|_| "this went wrong".to_owned())?? {
        Answer::Erased(records) => Ok(records.unwrap_or(0)),
        _ => Ok(0),
    }
}

/// Lists the keyed hashes of erased values.
fn hashes_of(keys: &IdKeys, subject: Subject, values: &[String]) -> Vec<IdHash> {
    let id = |value: &String| match subject {
        Subject::Email => Some(WantedId::Email(value.clone())),
        Subject::Phone => Some(WantedId::Phone(value.clone())),
        Subject::UserId => Some(WantedId::UserId(value.clone())),
        Subject::MessageId => Some(WantedId::MessageId(value.clone())),
        Subject::AnonymousId => None,
    };
    let ids = values.iter().filter_map(id);
    // The erasure has checked the values.
    ids.filter_map(|id| id.hashes(keys).ok()).flatten().collect()
}
