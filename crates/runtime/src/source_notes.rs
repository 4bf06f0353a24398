//! Notes for the history about events that a source did not journal: filtered, rejected, or known already.

use std::borrow::Cow;
use std::sync::Arc;

use signalbox_core::{Event, Fate, Reason, RejectedInput};
use signalbox_history::{History, Ids, Notes, Outcome, Record};
use signalbox_journal::SOURCE;

use crate::dead_letters::now_millis;
use crate::history::{Traced, Tracer, order_id};

/// Notes the ends of a source's events for the history.
pub(crate) struct SourceNotes {
    history: History,
    /// The source's name, and the name that stands for it in the place of a sink.
    name: Arc<str>,
    component: Arc<str>,
}

impl SourceNotes {
    pub(crate) fn new(history: History, name: &Arc<str>) -> SourceNotes {
        SourceNotes {
            history,
            name: name.clone(),
            component: format!("{SOURCE}{name}").into(),
        }
    }

    /// Takes the parts that the history may need from the events of a request: of events that pass, the `messageId` alone,
    /// since the journal may know it already.
    pub(crate) fn begin(&self, events: &[Event], fates: &[Fate]) -> Begun {
        let mut begun = Begun::default();
        let mut tracer = None;
        for (event, fate) in events.iter().zip(fates) {
            let traced = match fate {
                Fate::Accepted | Fate::Duplicate => {
                    if self.history.keeps_rows() {
                        begun.message_ids.push_str(event.message_id());
                    }
                    None
                }
                Fate::Filtered(_) | Fate::Rejected(_) => {
                    let tracer = tracer.get_or_insert_with(|| Tracer::new(self.history.row_keys().cloned()));
                    let order_id = order_id(event).filter(|_| self.history.keeps_rows());
                    Some(Box::new(Traced {
                        order_id: order_id.map(Box::from),
                        ..tracer.trace(event).into_owned()
                    }))
                }
            };
            begun
                .events
                .push((event.receipt().received_at, begun.message_ids.len(), traced));
        }
        begun
    }

    /// Notes the events of a request that were not journalled.
    pub(crate) fn end(&self, begun: &Begun, fates: &[Fate]) {
        let mut notes = self.history.notes();
        let mut from = 0;
        for ((received_at, to, traced), fate) in begun.events.iter().zip(fates) {
            let message_id = begun.message_ids.get(from..*to).unwrap_or_default();
            from = *to;
            let (outcome, reason) = match fate {
                Fate::Accepted => continue,
                Fate::Duplicate => (Outcome::Duplicate, None),
                Fate::Filtered(reason) => (Outcome::Filtered, Some(reason)),
                Fate::Rejected(reason) => (Outcome::Rejected, Some(reason)),
            };
            let passed = Traced {
                received_at: *received_at,
                message_id: message_id.into(),
                ..Traced::default()
            };
            self.note(&mut notes, traced.as_deref().unwrap_or(&passed), outcome, reason);
        }
        self.history.hand(notes);
    }

    /// Notes inputs that are no events.
    pub(crate) fn inputs(&self, rejected: &[RejectedInput]) {
        let mut notes = self.history.notes();
        for input in rejected {
            let traced = Traced {
                received_at: now_millis(),
                message_id: input.message_id.as_deref().unwrap_or_default().into(),
                ..Traced::default()
            };
            self.note(&mut notes, &traced, Outcome::Rejected, Some(&input.reason));
        }
        self.history.hand(notes);
    }

    fn note(&self, notes: &mut Notes, traced: &Traced<'_>, outcome: Outcome, reason: Option<&Reason>) {
        let event = Cow::Borrowed(&*traced.event);
        let times = (traced.received_at, now_millis());
        notes.add(&Record {
            library: traced.library.as_deref().map(Cow::Borrowed),
            reason: reason.map(|reason| Cow::Borrowed(reason.code())),
            message: reason.map(|reason| Cow::Borrowed(reason.message())),
            ids: Ids {
                message_id: Cow::Borrowed(&traced.message_id),
                order_id: traced.order_id.as_deref().unwrap_or_default().into(),
                people: traced.people.borrowed(),
                ..Ids::default()
            },
            ..Record::of_event(&self.name, &self.component, event, outcome, times)
        });
    }
}

/// The parts of a request's events that the history may need once the journal has answered.
#[derive(Default)]
pub(crate) struct Begun {
    /// The ids of the events that pass, one after the other.
    message_ids: String,
    /// The receipt of each event, the end of its id, and the facts about an event that does not pass.
    events: Vec<(i64, usize, Option<Box<Traced<'static>>>)>,
}
