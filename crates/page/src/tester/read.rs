//! Takes events from texts and from the journal through the running pipeline.

use std::sync::Arc;

use signalbox_admin::Caller;
use signalbox_core::{Event, RejectedInput};
use signalbox_history::Filter;
use signalbox_runtime::history::{FindRequest, find};
use signalbox_runtime::operate::find_event;
use signalbox_runtime::tester::{Input, Trial};
use signalbox_segment::ingest::{Origin, Reception, read_pasted};
use signalbox_segment::time::Millis;
use tokio::sync::Semaphore;

use super::data::{Recent, TestedSink, Tester};
use crate::problem::Problem;
use crate::state::Page;
use crate::words;

/// Recent events in the list.
const RECENT: usize = 10;

/// The event of a test, and the components that take part.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    /// Text of a call.
    pub(super) text: Option<String>,
    /// `messageId` of an event in the journal.
    pub(super) message_id: Option<String>,
    /// Name of the source that reads a text.
    pub(super) source: Option<String>,
    /// Name of the only sink.
    pub(super) sink: Option<String>,
}

/// The event of a test.
pub(super) enum Given {
    /// A text that a client might send.
    Text(String),
    /// An event of the journal.
    Stored(Arc<Event>),
}

/// Reads the tester with the trial of an event, if one is given.
pub(super) async fn tester(page: &Page, caller: &Caller, wanted: Wanted) -> Result<Tester, Problem> {
    let running = running(page)?;
    let is_given = wanted.text.is_some() || wanted.message_id.is_some();
    let (trials, event) = if is_given {
        let given = given(page, &wanted).await?;
        let text = match &given {
            Given::Text(text) => Some(text.clone()),
            Given::Stored(event) => caller.may_act().then(|| event.to_json()),
        };
        (run(page, caller, given, &wanted).await?, text)
    } else {
        (Vec::new(), None)
    };
    Ok(Tester {
        sources: running.sources().map(str::to_owned).collect(),
        sinks: running
            .sinks()
            .map(|(name, test)| TestedSink {
                name: name.to_owned(),
                test,
            })
            .collect(),
        recent: recent(page).await,
        trials,
        event,
    })
}

/// The turns of trials.
static TRIALS: Semaphore = Semaphore::const_new(1);

/// Takes the event to the sinks.
pub(super) async fn trials(page: &Page, caller: &Caller, wanted: &Wanted) -> Result<Vec<Trial>, Problem> {
    let given = given(page, wanted).await?;
    run(page, caller, given, wanted).await
}

pub(super) fn running(page: &Page) -> Result<signalbox_runtime::tester::Tester, Problem> {
    let tester = page.admin.source().tester();
    tester.ok_or_else(|| Problem::conflict("The router does not run yet."))
}

/// Finds the event.
pub(super) async fn given(page: &Page, wanted: &Wanted) -> Result<Given, Problem> {
    match (&wanted.text, &wanted.message_id) {
        (Some(_), Some(_)) => Err(Problem::bad_request("Give an event or a message id, not both.")),
        (Some(text), None) => match unreadable(text) {
            None => Ok(Given::Text(text.clone())),
            Some(problem) => Err(Problem::bad_request(problem)),
        },
        (None, Some(id)) => {
            let history = page.admin.history().map(|history| history.reader());
            // Events of two sources may share an id.
            let sink = wanted.sink.as_deref();
            let outline = page.admin.source().outline();
            let inputs = outline.iter().find(|component| sink == Some(&*component.name));
            let heard = |event: &Event| {
                inputs.is_none_or(|sink| sink.inputs.iter().any(|input| **input == *event.receipt().source))
            };
            let found = find_event(page.admin.source().journal(), history, id, heard).await;
            let found = found.map_err(|why| Problem::not_found(format!("There is nothing to test: {why}.")));
            Ok(Given::Stored(found?))
        }
        (None, None) => Err(Problem::bad_request(
            "Give an event, or the message id of one that the journal holds.",
        )),
    }
}

async fn run(page: &Page, caller: &Caller, given: Given, wanted: &Wanted) -> Result<Vec<Trial>, Problem> {
    let tester = running(page)?;
    let (wanted, plain) = (wanted.clone(), caller.may_act());
    // One after the other: a trial computes for seconds, and deliveries go first. The semaphore is never closed.
    let turn = TRIALS.acquire().await;
    let ran = tokio::task::spawn_blocking(move || {
        given.with(wanted.source.as_deref(), |input| {
            tester.run(input, wanted.sink.as_deref(), plain)
        })
    });
    let ran = ran.await.map_err(|_| Problem::fault())?;
    drop(turn);
    ran.map_err(|why| Problem::bad_request(sentence(&why)))
}

impl Given {
    /// Passes the event on in the form that a test takes.
    pub(super) fn with<T>(&self, source: Option<&str>, take: impl FnOnce(&Input<'_>) -> T) -> T {
        match self {
            Given::Stored(event) => take(&Input::Stored(event.clone())),
            Given::Text(text) => {
                let read = |source: &Arc<str>| one(text, source);
                take(&Input::Sent { source, read: &read })
            }
        }
    }
}

/// Reads a text as its one event.
pub(super) fn one(text: &str, source: &Arc<str>) -> Result<Event, RejectedInput> {
    let reception = Reception {
        source: source.clone(),
        received: Millis(words::now()),
        origin: Origin::Unknown,
        ip: None,
        user_agent: None,
        live: false,
    };
    let mut events = read_pasted(text, &reception).into_iter();
    match (events.next(), events.next()) {
        (Some(event), None) => event,
        _ => Err(RejectedInput {
            message_id: None,
            reason: signalbox_core::Reason::new("not_one_event", "the text must hold one call, not a batch"),
        }),
    }
}

/// Tells why sources cannot read a text as one event; `None` if they can. The reason is the same for all of them.
pub(super) fn unreadable(text: &str) -> Option<String> {
    let rejected = one(text, &Arc::from("")).err()?;
    let reason = rejected.reason;
    Some(format!(
        "This is no event that a source takes: {} ({}).",
        reason.message(),
        reason.code()
    ))
}

/// Returns the runtime's words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// Lists the latest events of the history, each once; none if it has no rows.
async fn recent(page: &Page) -> Vec<Recent> {
    let found = page.history(|reader| {
        let request = FindRequest {
            id: None,
            filter: Filter::default(),
            limit: RECENT * 4,
            after: None,
        };
        find(&reader, &request)
    });
    let entries = found.await.map(|found| found.entries).unwrap_or_default();
    let mut recent: Vec<Recent> = Vec::new();
    for entry in entries {
        // A hidden id cannot be looked for in the journal.
        let id = entry.message_id.filter(|id| !id.starts_with("id:"));
        if let Some(message_id) = id.filter(|id| recent.iter().all(|known| known.message_id != *id)) {
            recent.push(Recent {
                message_id,
                event: entry.event,
                ended_at: entry.ended_at,
                outcome: entry.outcome,
                sink: entry.sink,
            });
        }
    }
    recent.truncate(RECENT);
    recent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_call() {
        let source: Arc<str> = "web".into();
        assert!(one(r#"{"type":"page","userId":"u"}"#, &source).is_ok());
        assert_eq!(unreadable(r#"{"type":"page"}"#), None);
        let several = r#"{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u"}]}"#;
        for (text, code) in [
            (several, "not_one_event"),
            (r#"{"batch":[]}"#, "not_one_event"),
            ("{", "invalid_json"),
        ] {
            let refused = one(text, &source).unwrap_err();
            assert_eq!(refused.reason.code(), code, "{text}");
            assert!(unreadable(text).is_some_and(|told| told.contains(code)), "{text}");
        }
        assert_eq!(sentence("there is no sink 'x'"), "There is no sink 'x'.");
    }
}
