//! Dead letters that are taken, to be retried or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_core::{Event, Facts, Receipt};

use super::keeper::Keeper;
use super::series::Series;
use super::shared::lock;
use super::state;
use crate::{DeadLetter, DeadLetterId, JournalError, Open, Parked, Taken};

impl Keeper {
    /// Removes dead letters and parks what is to be retried, in one commit.
    pub(crate) fn take_letters(&mut self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let shared = self.shared.clone();
        let mut sinks = lock(&shared.sinks).clone();
        let mut parked_now: BTreeMap<String, u64> = BTreeMap::new();
        let taken = self.change(|txn, head| {
            let mut taken = Taken::default();
            for id in ids {
                let Some(letter) = state::letter(txn, *id)? else {
                    continue;
                };
                if retry {
                    let event = if sinks.contains_key(&letter.component) {
                        revive(&shared.series, &letter)
                    } else {
                        None
                    };
                    let Some((event, original)) = event else {
                        taken.without_payload += 1;
                        continue;
                    };
                    head.last_back = head.last_back.max(Parked::BACK) + 1;
                    let position = head.last_back;
                    let only = Some(letter.mapping.clone()).filter(|mapping| !mapping.is_empty());
                    let open = Open {
                        position,
                        origin: letter.position,
                        ..Open::default()
                    };
                    state::park(
                        txn,
                        &letter.component,
                        &Parked {
                            position,
                            event,
                            open,
                            only,
                        },
                    )?;
                    *parked_now.entry(letter.component.clone()).or_default() += 1;
                    if original {
                        taken.from_journal += 1
                    } else {
                        taken.from_letter += 1
                    }
                }
                state::exhume(txn, head, *id)?;
                taken.removed += 1;
            }
            Ok(taken)
        })?;
        for (name, count) in parked_now {
            if let Some(sink) = sinks.get_mut(&name) {
                sink.parked += count;
            }
        }
        *lock(&shared.sinks) = sinks;
        Ok(taken)
    }
}

/// A dead letter's event: the original if the log still holds it (true), else what the letter kept.
fn revive(series: &Series, letter: &DeadLetter) -> Option<(Arc<Event>, bool)> {
    let original = letter
        .position
        .and_then(|position| series.event(position).ok().flatten());
    let same =
        |event: &Event| event.message_id() == letter.message_id && *event.receipt().source == *letter.source;
    if let Some(event) = original.filter(same) {
        return Some((Arc::new(event), true));
    }
    let receipt = Receipt {
        source: letter.source.as_str().into(),
        received_at: letter.received_at,
    };
    let mut event = Event::parse(letter.payload.as_deref()?, receipt).ok()?;
    if let Some(facts) = &letter.facts {
        *event.facts_mut() = serde_json::from_str::<Facts>(facts).ok()?;
    }
    Some((Arc::new(event), false))
}
