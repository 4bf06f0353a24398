//! The consequences of a verdict for each record of its batch.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Outcome, Prepared, Reason, Rejection, Resend, Verdict};
use signalbox_history::Draft;
use signalbox_journal::Position;
use tokio::time::Instant;

use super::attempts::Flight;
use super::isolate::MAX_ALONE;
use super::item::{Group, Item};
use super::options::SinkOptions;
use super::pending::Pending;
use super::prepare::{Stage, guard};
use super::recorder::tried;
use super::trail::{self, label};
use crate::dead_letters::now_millis;
use crate::hold::HoldCause;
use crate::telemetry::SinkMeters;

/// Lists the events of a batch that its verdict makes necessary again: to encode them again, or for dead letters, now
/// or when their records have been tried for long enough.
pub(super) fn in_need<'a>(group: &'a Group, verdict: &'a Verdict) -> impl Iterator<Item = Position> + 'a {
    let needs = move |index: usize| match verdict {
        Verdict::Settled(outcomes) => !matches!(outcomes.get(index), Some(Outcome::Delivered { .. })),
        Verdict::All(outcome) => !matches!(outcome, Outcome::Delivered { .. }),
        Verdict::Isolate(_) | Verdict::Culprit { .. } | Verdict::Reencode(_) => true,
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

/// The parts of a driver that a verdict changes.
pub(super) struct Settling<'a> {
    pub(super) options: &'a SinkOptions,
    pub(super) stage: &'a Stage,
    pub(super) meters: &'a SinkMeters,
    pub(super) pending: &'a mut Pending,
}

impl Settling<'_> {
    /// Settles the records of a batch, which was answered after `elapsed`, by its verdict. The events [in
    /// need](in_need) should have been recalled.
    pub(super) fn settle(&mut self, flight: Flight, verdict: Verdict, elapsed: Duration) {
        let Flight {
            ticket,
            mut group,
            started,
            response,
        } = flight;
        if self.pending.events.recorder.is_some() {
            tried(
                &mut group,
                ticket,
                &verdict,
                elapsed,
                response,
                &self.pending.events.ledger.failures,
            );
        }
        self.meters.request(elapsed.as_secs_f64(), label(&verdict));
        trail::answered(&self.options.name, ticket, &group, &verdict, elapsed);
        match verdict {
            Verdict::Settled(outcomes) => self.settled(group, started, outcomes),
            Verdict::All(outcome) => {
                let outcomes = vec![outcome; group.items.len()];
                self.settled(group, started, outcomes);
            }
            Verdict::Isolate(reason) => self.isolate(group, reason),
            Verdict::Culprit { index, reason } => self.culprit(group, index, reason),
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
                        self.pending.events.ledger.records.warnings.add(warning.code(), 1);
                        tracing::debug!(sink = %self.options.name, "delivered with a warning: {warning}");
                    }
                    ages.push((now - item.happened_at) as f64 / 1000.0);
                    bytes += item.record.bytes.len() as u64;
                    self.pending.events.deliver(&item);
                }
                Outcome::Rejected(reason) => self.pending.reject([(item, reason)]),
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
            let ledger = &self.pending.events.ledger;
            ledger.records.delivered.add(ages.len() as u64);
            ledger.records.bytes_delivered.add(bytes);
            for (limit, older) in [
                (self.options.late_after, &ledger.records.late),
                (self.options.unattributed_after, &ledger.records.unattributed),
            ] {
                if let Some(limit) = limit {
                    let late = ages.iter().filter(|age| **age > limit.as_secs_f64());
                    older.add(late.count() as u64);
                }
            }
            self.meters.event_ages(&ages);
            self.pending.outgoing.accepted();
            let at_fault = self.pending.outgoing.episodes.accepted(group.episode);
            self.pending.reject(at_fault);
        }
        self.pending.answered(group.episode);
        if !again.is_empty() {
            let all = again.len() == whole;
            self.retry(again, all, started);
        }
    }

    /// Puts records back to wait, unless their time is over. If nothing of the batch got through, the destination as a
    /// whole is taken to be in trouble and the sink pauses, unless others got through meanwhile: then the batch may
    /// hold a record that spoils it, and goes on in halves.
    fn retry(&mut self, again: Vec<Again>, whole_batch: bool, started: Instant) {
        let now = Instant::now();
        let slow_down = again.iter().filter_map(|again| again.after).max();
        let spoiled = whole_batch && slow_down.is_none() && again.len() > 1 && {
            let before = again.iter().filter_map(|again| again.item.last_attempt).min();
            before.is_some_and(|before| self.pending.outgoing.retry.succeeded_since(before))
        };
        let slow_down = slow_down.unwrap_or_default();
        let why = again.first().map(|again| again.reason.clone());
        let again = again.into_iter();
        let mut kept: Vec<Item> = again
            .filter_map(|again| self.another_attempt(again, whole_batch, started))
            .collect();
        if whole_batch
            && self.pending.outgoing.retry.failed()
            && let Some(reason) = why
        {
            tracing::warn!(
                sink = %self.options.name,
                reason = reason.code(),
                "a delivery failed, trying again: {}",
                reason.message()
            );
        }
        if kept.is_empty() {
            return;
        }
        if whole_batch && !spoiled {
            self.pending.outgoing.retry.pause(now, slow_down);
            return self.pending.outgoing.put_back(kept);
        }
        let tries = kept.iter().map(|item| item.attempts).max().unwrap_or(1);
        let at = now + self.options.retry.backoff(tries).max(slow_down);
        let rest = if spoiled {
            kept.split_off(kept.len() / 2)
        } else {
            Vec::new()
        };
        for items in [kept, rest] {
            if !items.is_empty() {
                let group = Group {
                    items,
                    apart: spoiled,
                    ..Group::default()
                };
                self.pending.outgoing.delay(at, group);
            }
        }
    }

    /// Returns a record for another attempt, unless it must not be tried again.
    fn another_attempt(&mut self, again: Again, whole_batch: bool, started: Instant) -> Option<Item> {
        let Again {
            mut item,
            reason,
            maybe_written,
            ..
        } = again;
        item.last_attempt = Some(started);
        if maybe_written && item.record.resend == Resend::MayDuplicate && !self.options.retry.maybe_duplicates
        {
            let told = format!(
                "it may have arrived ({}), and the destination would count it twice",
                reason.message()
            );
            self.pending.reject([(item, Reason::new("maybe_written", told))]);
            return None;
        }
        let (window, held) = (self.options.retry.window, self.pending.outgoing.held_for());
        if item.first.is_some_and(|first| first.tried_for(held) >= window)
            && !self.pending.events.found_letters_full()
        {
            let told = format!(
                "not delivered within {window:?}; the last attempt ended with: {}",
                reason.message()
            );
            self.pending
                .events
                .expire(&item, &reason, &Reason::new("expired", told));
            return None;
        }
        self.pending.events.ledger.records.retried.add(reason.code(), 1);
        if !whole_batch {
            item.record = Arc::new(item.record.apart());
            item.draft = item.draft.as_ref().map(Draft::apart);
        }
        let first_attempt = item.first.map_or(0, |first| first.wall);
        self.pending
            .events
            .window
            .tried(item.position, item.attempts, first_attempt);
        Some(item)
    }

    /// Sends two parts of a refused batch, the first one first. Returns the bisection that they belong to.
    fn split(&mut self, parts: [Vec<Item>; 2], episode: Option<u64>, lessons: &[String]) -> u64 {
        let episode = self.pending.outgoing.episodes.split(episode, 2);
        for items in parts {
            // Not the records' fault yet: being in a refused batch is no attempt of theirs.
            self.pending.outgoing.groups.push_back(Group {
                items,
                episode: Some(episode),
                lessons: lessons.to_vec(),
                apart: true,
            });
        }
        episode
    }

    /// Takes the named record out of a refused batch.
    fn culprit(&mut self, mut group: Group, index: usize, reason: Reason) {
        let inside = index < group.items.len() && group.items.len() > 1;
        if !inside || !self.pending.outgoing.episodes.trusts_names(group.episode) {
            return self.isolate(group, reason);
        }
        let named = group.items.remove(index);
        let episode = self.split([group.items, vec![named]], group.episode, &group.lessons);
        self.pending.outgoing.episodes.named(episode);
    }

    fn isolate(&mut self, mut group: Group, reason: Reason) {
        if group.items.len() > 1 {
            let rest = group.items.split_off(group.items.len() / 2);
            self.split([group.items, rest], group.episode, &group.lessons);
            return;
        }
        let Some(item) = group.items.pop() else { return };
        let judged = self
            .pending
            .outgoing
            .episodes
            .refused_alone(group.episode, item, reason);
        self.pending.reject(judged.rejected);
        if let Some((mut kept, last)) = judged.kept {
            // The other parts of bisections would only be refused one by one as well.
            for group in std::mem::take(&mut self.pending.outgoing.groups) {
                let suspects = self.pending.outgoing.episodes.answered(group.episode);
                kept.extend(suspects.into_iter().map(|(item, _)| item));
                kept.extend(group.items);
            }
            self.pending.outgoing.put_back(kept);
            let told = format!(
                "{MAX_ALONE} records in a row were refused one by one and none was accepted; the last time: {}",
                last.message()
            );
            let reason = Reason::new("all_refused", told);
            self.pending.outgoing.hold(HoldCause::Destination, reason);
        }
    }

    fn hold_all(&mut self, mut group: Group, reason: Reason) {
        for item in &mut group.items {
            item.attempts -= 1;
            if item.attempts == 0 {
                item.first = None;
            }
        }
        let suspects = self.pending.outgoing.episodes.answered(group.episode);
        group.items.extend(suspects.into_iter().map(|(item, _)| item));
        self.pending.outgoing.put_back(group.items);
        self.pending.outgoing.hold(HoldCause::Destination, reason);
    }

    fn reencode(&mut self, mut group: Group, reason: Reason) {
        let lesson = format!("{} {}", reason.code(), reason.message());
        if group.lessons.contains(&lesson) {
            return self.isolate(group, reason);
        }
        tracing::warn!(sink = %self.options.name, reason = reason.code(), "encoding again: {}", reason.message());
        group.lessons.push(lesson);
        for mut item in std::mem::take(&mut group.items) {
            match self.encode_again(&item) {
                Some(Ok(record)) => {
                    if let (Some(recorder), Some(draft)) = (&mut self.pending.events.recorder, &item.draft) {
                        item.draft = recorder.draft_again(draft, &record);
                    }
                    item.record = Arc::new(record);
                    group.items.push(item);
                }
                Some(Err(rejection)) => self.pending.reject([(item, rejection.reason)]),
                None => {
                    let reason = Reason::new("mapping_gone", "encoding again made no such record");
                    self.pending.reject([(item, reason)]);
                }
            }
        }
        if group.items.is_empty() {
            self.pending.answered(group.episode);
        } else {
            self.pending.outgoing.groups.push_front(group);
        }
    }

    /// Makes a record again; `None` if its mapping makes none any more.
    fn encode_again(&mut self, item: &Item) -> Option<Result<signalbox_core::Record, Rejection>> {
        let same = |mapping: &Arc<str>| *mapping == item.record.mapping;
        let event = item
            .event
            .clone()
            .or_else(|| self.pending.events.window.event(item.position));
        let prepared = match &event {
            Some(event) => guard("mapping_panicked", || self.stage.sink.prepare(event)),
            None => Err(Reason::new(
                "journal_unreadable",
                "the event could not be read again to encode it again",
            )),
        };
        match prepared {
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
        }
    }
}
