//! The messages that the webhook has not taken: one for each alert, in the words of the present state.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::changes::{Change, Observed, Step};
use super::conditions::Subject;

/// The messages that wait, and whether the webhook takes any.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// True if there is a webhook.
    on: bool,
    /// Times that alerts were switched off. After each, a trouble that still holds gets a new message.
    ends: u64,
    /// The order is that of sending.
    messages: VecDeque<Message>,
    /// Why the webhook did not take the last message.
    failing: Option<String>,
}

/// A message that waits.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) change: Change,
    /// Number of the states that it has told of. A change of the words alone is the same state.
    states: u64,
}

/// The webhook of `[alerts]` in the status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertStatus {
    /// Why the webhook does not take messages, without any of its URL but the host; none if it took the last one.
    pub failing: Option<String>,
    /// Messages that wait for it.
    pub waiting: u64,
}

impl Waiting {
    /// Notes whether there is a webhook. Another one has not failed yet; without one nothing waits.
    pub(super) fn switch(&self, on: bool) {
        let mut state = self.lock();
        state.on = on;
        state.failing = None;
        if !on {
            state.messages.clear();
            state.ends += 1;
        }
    }

    /// Returns the number of times that alerts were switched off; `None` while they are.
    pub(super) fn ends(&self) -> Option<u64> {
        let state = self.lock();
        state.on.then_some(state.ends)
    }

    /// Adds changes. A newer state of an alert whose message waits replaces it, all messages tell the state of this moment, and
    /// those about components that are gone are taken out. Nothing is added if alerts were switched off since [`Waiting::ends`]
    /// was asked.
    pub(super) fn update(&self, observed: Observed, ends: u64) {
        let mut state = self.lock();
        if !state.on || state.ends != ends {
            return;
        }
        for change in observed.changes {
            let waits = state
                .messages
                .iter_mut()
                .find(|message| message.change.subject == change.subject);
            match waits {
                Some(message) => message.replace(change),
                None => state.messages.push_back(Message { change, states: 1 }),
            }
        }
        for message in &mut state.messages {
            if let Some(trouble) = observed.troubles.get(&message.change.subject) {
                message.change.critical = trouble.critical;
                message.change.text.clone_from(&trouble.text);
            }
        }
        state.messages.retain(|message| {
            message.change.step == Step::Ended || observed.open.contains(&message.change.subject)
        });
        state.end_if_empty();
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for a message, and returns the first.
    pub(super) async fn first(&self) -> Message {
        loop {
            let changed = self.changed.notified();
            if let Some(message) = self.lock().messages.front() {
                return message.clone();
            }
            changed.await;
        }
    }

    /// Takes a message out that the webhook has taken, unless it has been replaced since. Returns true if the one before was not
    /// taken.
    pub(super) fn taken(&self, sent: &Message) -> bool {
        let mut state = self.lock();
        let place = state.place(&sent.change.subject);
        if let Some((place, message)) = place.and_then(|place| Some((place, state.messages.get_mut(place)?)))
        {
            if message.states == sent.states {
                state.messages.remove(place);
            } else if sent.change.step != Step::Ended && message.change.step == Step::Begun {
                // The webhook knows of the trouble by now.
                message.change.step = Step::Changed;
            }
        }
        state.failing.take().is_some()
    }

    /// Puts a message that was not taken behind the others. Returns true unless the reason is that of the last time.
    pub(super) fn untaken(&self, subject: &Subject, why: &str) -> bool {
        let mut state = self.lock();
        if let Some(message) = state
            .place(subject)
            .and_then(|place| state.messages.remove(place))
        {
            state.messages.push_back(message);
        }
        let is_new = state.failing.as_deref() != Some(why);
        state.failing = Some(why.to_owned());
        state.end_if_empty();
        is_new
    }

    /// Returns the state for the status; `None` without a webhook.
    pub(crate) fn status(&self) -> Option<AlertStatus> {
        let state = self.lock();
        state.on.then(|| AlertStatus {
            failing: state.failing.clone(),
            waiting: state.messages.len() as u64,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn place(&self, subject: &Subject) -> Option<usize> {
        let mut messages = self.messages.iter();
        messages.position(|message| message.change.subject == *subject)
    }

    /// Without messages nothing is owed, and nothing would show that the webhook works again.
    fn end_if_empty(&mut self) {
        if self.messages.is_empty() {
            self.failing = None;
        }
    }
}

impl Message {
    /// Tells of a newer state. Of a trouble whose beginning waits, the webhook has not heard.
    fn replace(&mut self, newer: Change) {
        let step = match (self.change.step, newer.step) {
            (Step::Begun, Step::Changed) => Step::Begun,
            (_, step) => step,
        };
        self.change = Change { step, ..newer };
        self.states += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::conditions::{Kind, Trouble};
    use super::*;

    fn subject(kind: Kind) -> Subject {
        (kind, "pin".into())
    }

    fn change(kind: Kind, step: Step, text: &str) -> Change {
        Change {
            subject: subject(kind),
            step,
            critical: false,
            text: text.to_owned(),
        }
    }

    /// Observes changes of alerts that are all open but the ended ones.
    fn observed(changes: Vec<Change>) -> Observed {
        let open = changes.iter().filter(|change| change.step != Step::Ended);
        Observed {
            open: open.map(|change| change.subject.clone()).collect(),
            changes,
            troubles: BTreeMap::new(),
        }
    }

    fn shown(waiting: &Waiting) -> Vec<(Kind, Step, String)> {
        let state = waiting.lock();
        let messages = state.messages.iter().map(|message| {
            let Change {
                subject, step, text, ..
            } = &message.change;
            (subject.0, *step, text.clone())
        });
        messages.collect()
    }

    #[test]
    fn a_newer_state_replaces_the_message_that_waits() {
        use Kind::Held;
        use Step::{Begun, Changed, Ended};
        for (steps, wanted) in [
            (&[Begun, Changed][..], Begun),
            (&[Begun, Ended], Ended),
            (&[Changed, Ended], Ended),
            (&[Ended, Begun], Begun),
            (&[Ended, Begun, Changed], Begun),
            (&[Changed, Changed], Changed),
        ] {
            let waiting = Waiting::default();
            waiting.switch(true);
            for (number, step) in steps.iter().enumerate() {
                waiting.update(observed(vec![change(Held, *step, &number.to_string())]), 0);
            }
            let text = (steps.len() - 1).to_string();
            assert_eq!(shown(&waiting), [(Held, wanted, text)], "{steps:?}");
        }
    }

    #[tokio::test]
    async fn a_state_that_comes_while_a_message_is_sent_is_told_next() {
        use Step::{Begun, Changed, Ended};
        for (first, second, wanted) in [
            (Begun, Changed, Changed),
            (Begun, Ended, Ended),
            (Ended, Begun, Begun),
        ] {
            let waiting = Waiting::default();
            waiting.switch(true);
            waiting.update(observed(vec![change(Kind::Held, first, "1")]), 0);
            let sent = waiting.first().await;
            waiting.update(observed(vec![change(Kind::Held, second, "2")]), 0);
            assert!(!waiting.taken(&sent));
            assert_eq!(shown(&waiting), [(Kind::Held, wanted, "2".to_owned())]);
            let sent = waiting.first().await;
            waiting.taken(&sent);
            assert_eq!(shown(&waiting), []);
        }
    }

    #[tokio::test]
    async fn a_message_that_is_not_taken_keeps_no_other_waiting() {
        let waiting = Waiting::default();
        assert_eq!(waiting.status(), None);
        waiting.switch(true);
        waiting.update(
            observed(vec![
                change(Kind::Held, Step::Begun, "held"),
                change(Kind::Lagging, Step::Begun, "lags"),
            ]),
            0,
        );
        let sent = waiting.first().await;
        assert!(waiting.untaken(&sent.change.subject, "it answered 400"));
        assert!(!waiting.untaken(&subject(Kind::Journal), "it answered 400"));
        let status = waiting.status().unwrap();
        assert_eq!(
            (status.failing.as_deref(), status.waiting),
            (Some("it answered 400"), 2)
        );
        let sent = waiting.first().await;
        assert_eq!(sent.change.text, "lags");
        assert!(waiting.taken(&sent));
        assert_eq!(waiting.status().unwrap().failing, None);
    }

    #[test]
    fn messages_tell_the_present_state_and_nothing_of_what_is_gone() {
        let waiting = Waiting::default();
        waiting.switch(true);
        waiting.update(
            observed(vec![
                change(Kind::Held, Step::Begun, "1 event is pending"),
                change(Kind::Rejected, Step::Ended, "rejects few events again"),
                change(Kind::Lagging, Step::Begun, "lags"),
            ]),
            0,
        );
        let trouble = Trouble {
            level: String::new(),
            critical: true,
            text: "98 events are pending".to_owned(),
        };
        let later = Observed {
            changes: Vec::new(),
            troubles: [(subject(Kind::Held), trouble)].into(),
            open: BTreeSet::from([subject(Kind::Held)]),
        };
        waiting.update(later, 0);
        assert_eq!(
            shown(&waiting),
            [
                (Kind::Held, Step::Begun, "98 events are pending".to_owned()),
                (Kind::Rejected, Step::Ended, "rejects few events again".to_owned()),
            ]
        );
        assert!(waiting.lock().messages[0].change.critical);
        waiting.switch(false);
        assert_eq!(
            (shown(&waiting), waiting.status(), waiting.ends()),
            (vec![], None, None)
        );
        // A look from before finds no place any more.
        waiting.switch(true);
        waiting.update(observed(vec![change(Kind::Held, Step::Begun, "held")]), 0);
        assert_eq!((shown(&waiting), waiting.ends()), (vec![], Some(1)));
    }
}
