//! What an answer means for each record of a batch.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Outcome, Prepared, Reason, Rejection, Resend, Verdict};
use signalbox_journal::{DeadLetter, Position, RecordEnd};
use tokio::time::Instant;

use super::driver::{Driver, Flight};
use super::item::{Due, Group, Item};
use super::prepare::guard;
use super::trail::label;
use crate::dead_letters::now_millis;
use crate::hold::HoldCause;

/// The events of a batch that are needed again by what became of it: to be encoded again, or for a dead letter, now
/// or when their records have been tried for long enough.
fn in_need<'a>(group: &'a Group, verdict: &'a Verdict) -> impl Iterator<Item = Position> + 'a {
    let needs = move |index: usize| match verdict {
        Verdict::Settled(outcomes) => !matches!(outcomes.get(index), Some(Outcome::Delivered { .. })),
        Verdict::All(outcome) => !matches!(outcome, Outcome::Delivered { .. }),
        Verdict::Isolate(_) | Verdict::Reencode(_) => true,
        Verdict::Hold(_) => false,
    };
    let items = group.items.iter().enumerate();
    items
        .filter(move |(index, _)| needs(*index))
        .map(|(_, item)| item.position)
}

/// A record that wants another attempt.
struct Again {
    item: Item,
    reason: Reason,
    after: Option<Duration>,
    maybe_written: bool,
}

impl Driver {
    /// Settles the records of a batch by its verdict.
    pub(super) async fn settle(&mut self, ticket: u64, flight: Flight, verdict: Verdict) {
        let elapsed = flight.started.elapsed();
        self.recall(in_need(&flight.group, &verdict)).await;
        let Flight { group, started } = flight;
        self.meters.request(elapsed.as_secs_f64(), label(&verdict));
        self.tell_answered(ticket, &group, &verdict, elapsed);
        match verdict {
            Verdict::Settled(outcomes) => self.settled(group, started, outcomes),
            Verdict::All(outcome) => {
                let outcomes = vec![outcome; group.items.len()];
                self.settled(group, started, outcomes);
            }
            Verdict::Isolate(reason) => self.isolate(group, reason),
            Verdict::Hold(reason) => self.hold_all(group, reason),
            Verdict::Reencode(reason) => self.reencode(group, reason),
        }
    }

    fn settled(&mut self, group: Group, started: Instant, outcomes: Vec<Outcome>) {
        let whole = group.items.len();
        let (mut again, mut ages, mut bytes) = (Vec::new(), Vec::new(), 0);
        let now = now_millis();
        for (item, outcome) in group.items.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Delivered { warning } => {
                    if let Some(warning) = warning {
                        self.ledger.warnings.add(warning.code(), 1);
                        tracing::debug!(sink = %self.options.name, "delivered with a warning: {warning}");
                    }
                    ages.push((now - item.happened_at) as f64 / 1000.0);
                    bytes += item.record.bytes.len() as u64;
                    self.close_item(&item, RecordEnd::Delivered);
                }
                Outcome::Rejected(reason) => self.reject(item, &reason),
                Outcome::Retry {
                    reason,
                    after,
                    maybe_written,
                } => {
                    again.push(Again {
                        item,
                        reason,
                        after,
                        maybe_written,
                    });
                }
            }
        }
        if !ages.is_empty() {
            self.ledger.records_delivered.add(ages.len() as u64);
            self.ledger.bytes_delivered.add(bytes);
            if let Some(limit) = self.options.late_after {
                let late = ages.iter().filter(|age| **age > limit.as_secs_f64());
                self.ledger.late.add(late.count() as u64);
            }
            self.meters.event_ages(&ages);
            if self.failures > 0 {
                tracing::info!(
                    sink = %self.options.name,
                    "deliveries work again after {} attempts in vain",
                    self.failures
                );
            }
            self.failures = 0;
            self.last_success = Some(Instant::now());
            self.destination_accepts();
            for (item, reason) in self.episodes.accepted(group.episode) {
                self.reject(item, &reason);
            }
        }
        for (item, reason) in self.episodes.answered(group.episode) {
            self.reject(item, &reason);
        }
        if !again.is_empty() {
            let all = again.len() == whole;
            self.retry(again, all, started);
        }
    }

    pub(super) fn reject(&mut self, item: Item, reason: &Reason) {
        if self.holds_for_letters() {
            return self.keep(item);
        }
        self.ledger.records_rejected.add(reason.code(), 1);
        self.bury_tried(&item, reason);
        self.close_item(&item, RecordEnd::Rejected(reason.code().to_owned()));
    }

    fn close_item(&mut self, item: &Item, end: RecordEnd) {
        if let Some(claim) = item.claim {
            if end == RecordEnd::Delivered {
                self.sent_keys.delivered(claim);
            } else {
                self.sent_keys.release(claim);
            }
        }
        self.close_record(item.position, &item.record.mapping, end);
    }

    fn bury_tried(&mut self, item: &Item, reason: &Reason) {
        let mapping = &item.record.mapping;
        let letter = self.letter(item.position, mapping, reason, item.event.as_ref());
        let first_at = item.first.map_or(letter.first_at, |first| first.wall);
        self.add_letter(DeadLetter {
            attempts: item.attempts,
            first_at,
            ..letter
        });
    }

    /// Puts records back to wait, unless their time is over. If nothing of the batch got through, the
    /// destination as a whole is taken to be in trouble and the sink pauses, unless others got through
    /// meanwhile: then the batch may hold what spoils it, and goes on in halves.
    fn retry(&mut self, again: Vec<Again>, whole_batch: bool, started: Instant) {
        let now = Instant::now();
        let slow_down = again.iter().filter_map(|again| again.after).max();
        let spoiled = whole_batch && slow_down.is_none() && again.len() > 1 && {
            let before = again.iter().filter_map(|again| again.item.last_attempt).min();
            before.is_some_and(|before| self.last_success.is_some_and(|success| success > before))
        };
        let why = again.first().map(|again| again.reason.clone());
        let mut kept = Vec::with_capacity(again.len());
        for Again {
            mut item,
            reason,
            maybe_written,
            ..
        } in again
        {
            item.last_attempt = Some(started);
            if maybe_written
                && item.record.resend == Resend::MayDuplicate
                && !self.options.retry_maybe_duplicates
            {
                let reason = Reason::new(
                    "maybe_written",
                    format!(
                        "it may have arrived ({}), and the destination would count it twice",
                        reason.message()
                    ),
                );
                self.reject(item, &reason);
            } else if item
                .first
                .is_some_and(|first| self.tried_for(first) >= self.options.retry.window)
                && !self.holds_for_letters()
            {
                let told = Reason::new(
                    "expired",
                    format!(
                        "not delivered within {:?}; the last attempt ended with: {}",
                        self.options.retry.window,
                        reason.message()
                    ),
                );
                self.bury_tried(&item, &told);
                self.close_item(&item, RecordEnd::Expired(reason.code().to_owned()));
            } else {
                self.ledger.records_retried.add(reason.code(), 1);
                if !whole_batch {
                    item.record = Arc::new(item.record.apart());
                }
                let first_attempt = item.first.map_or(0, |first| first.wall);
                self.window.tried(item.position, item.attempts, first_attempt);
                kept.push(item);
            }
        }
        if whole_batch {
            self.failures = self.failures.saturating_add(1);
            if self.failures == 1
                && let Some(reason) = why
            {
                tracing::warn!(
                    sink = %self.options.name,
                    reason = reason.code(),
                    "a delivery failed, trying again: {}",
                    reason.message()
                );
            }
        }
        if kept.is_empty() {
            return;
        }
        if whole_batch && !spoiled {
            let wait = self
                .options
                .retry
                .backoff(self.failures)
                .max(slow_down.unwrap_or_default());
            self.pause_until = self.pause_until.max(Some(now + wait));
            return self.back_to_ready(kept);
        }
        let tries = kept.iter().map(|item| item.attempts).max().unwrap_or(1);
        let at = now
            + self
                .options
                .retry
                .backoff(tries)
                .max(slow_down.unwrap_or_default());
        let rest = if spoiled {
            kept.split_off(kept.len() / 2)
        } else {
            Vec::new()
        };
        for items in [kept, rest] {
            if !items.is_empty() {
                let what = Group {
                    items,
                    apart: spoiled,
                    ..Group::default()
                };
                self.delayed.push(Due { at, what });
            }
        }
    }

    fn isolate(&mut self, mut group: Group, reason: Reason) {
        if group.items.len() > 1 {
            let episode = self.episodes.split(group.episode, 2);
            let rest = group.items.split_off(group.items.len() / 2);
            for items in [group.items, rest] {
                // Not the records' fault yet: being in a refused batch is no attempt of theirs.
                let lessons = group.lessons.clone();
                self.groups.push_back(Group {
                    items,
                    episode: Some(episode),
                    lessons,
                    apart: true,
                });
            }
            return;
        }
        let Some(item) = group.items.pop() else { return };
        let judged = self.episodes.refused_alone(group.episode, item, reason);
        for (item, reason) in judged.rejected {
            self.reject(item, &reason);
        }
        if let Some((mut kept, last)) = judged.kept {
            // The other parts of bisections would only be refused one by one as well.
            for group in std::mem::take(&mut self.groups) {
                for (item, _) in self.episodes.answered(group.episode) {
                    kept.push(item);
                }
                kept.extend(group.items);
            }
            self.back_to_ready(kept);
            let reason = Reason::new(
                "all_refused",
                format!(
                    "{} records in a row were refused one by one and none was accepted; the last time: {}",
                    super::isolate::MAX_ALONE,
                    last.message()
                ),
            );
            self.enter_hold(HoldCause::Destination, reason);
        }
    }

    fn hold_all(&mut self, mut group: Group, reason: Reason) {
        for item in &mut group.items {
            item.attempts -= 1;
            if item.attempts == 0 {
                item.first = None;
            }
        }
        let suspects = self.episodes.answered(group.episode);
        group.items.extend(suspects.into_iter().map(|(item, _)| item));
        self.back_to_ready(group.items);
        self.enter_hold(HoldCause::Destination, reason);
    }

    fn reencode(&mut self, mut group: Group, reason: Reason) {
        let lesson = format!("{} {}", reason.code(), reason.message());
        if group.lessons.contains(&lesson) {
            return self.isolate(group, reason);
        }
        tracing::warn!(sink = %self.options.name, reason = reason.code(), "encoding again: {}", reason.message());
        group.lessons.push(lesson);
        let mut items = Vec::with_capacity(group.items.len());
        for mut item in std::mem::take(&mut group.items) {
            let same = |mapping: &Arc<str>| *mapping == item.record.mapping;
            let event = item.event.clone().or_else(|| self.window.event(item.position));
            let prepared = match &event {
                Some(event) => guard("mapping_panicked", || self.stage.sink.prepare(event)),
                None => Err(Reason::new(
                    "journal_unreadable",
                    "the event could not be read again to encode it again",
                )),
            };
            let result = match prepared {
                Ok(Prepared::Mapped(results)) => results.into_iter().find(|result| match result {
                    Ok(record) => same(&record.mapping),
                    Err(rejection) => same(&rejection.mapping),
                }),
                Ok(Prepared::Rejected(reason) | Prepared::Filtered(reason)) | Err(reason) => {
                    Some(Err(Rejection {
                        mapping: item.record.mapping.clone(),
                        reason,
                        warnings: Vec::new(),
                    }))
                }
            };
            match result {
                Some(Ok(record)) => {
                    item.record = Arc::new(record);
                    items.push(item);
                }
                Some(Err(rejection)) => self.reject(item, &rejection.reason),
                None => self.reject(
                    item,
                    &Reason::new("mapping_gone", "encoding again made no such record"),
                ),
            }
        }
        group.items = items;
        if group.items.is_empty() {
            for (item, reason) in self.episodes.answered(group.episode) {
                self.reject(item, &reason);
            }
        } else {
            self.groups.push_front(group);
        }
    }
}
