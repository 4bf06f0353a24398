//! The loop of one sink.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use signalbox_core::{Batch, Event, Outcome, Reason, Report, Verdict};
use signalbox_journal::{
    Commit, DeadLetter, Open, Owed, Parked, Position, Reader, RecordEnd, Resumed, Standing, Tenure,
};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::error::Elapsed;
use tokio_util::sync::CancellationToken;

use super::batching::Ready;
use super::gate::{Blocked, Gate};
use super::hold::Holds;
use super::isolate::Episodes;
use super::item::{Due, First, Group, Item};
use super::letters_full::Unburied;
use super::load_shed::LoadShed;
use super::options::SinkOptions;
use super::prepare::Stage;
use super::returned::Returning;
use super::sent_keys::SentKeys;
use super::window::Window;
use crate::dead_letters::{DeadLetters, now_millis};
use crate::ledger::SinkLedger;
use crate::rate_group::RateGroup;
use crate::telemetry::SinkMeters;

/// Events taken from the journal at once: enough to spread the cost of a wake-up, few enough that others who want the
/// same processor wait less than a millisecond.
const READ: usize = 64;
/// How long changes wait to be committed together when no destination waits for it.
const COMMIT_LINGER: Duration = Duration::from_millis(100);

/// How a driver is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Finish what is there; when held, leave it.
    pub drain: CancellationToken,
    /// Start no attempt any more, see those under way through, and leave the rest for another driver.
    pub leave: CancellationToken,
    /// Leave everything as it is.
    pub abort: CancellationToken,
}

/// What a driver is made of, and what is left of it.
pub struct Parts {
    /// The sink's settings.
    pub options: SinkOptions,
    /// Its transforms and the sink itself.
    pub stage: Stage,
    sent_keys: SentKeys,
    holds: Holds,
    rate_group: Arc<RateGroup>,
}

impl Parts {
    /// Of a sink that has not been driven in this process.
    pub fn new(options: SinkOptions, stage: Stage, rate_group: Arc<RateGroup>) -> Parts {
        Parts {
            sent_keys: SentKeys::new(options.duplicate_window.unwrap_or_default()),
            options,
            stage,
            holds: Holds::none(),
            rate_group,
        }
    }
}

/// Drives one sink; see the module.
pub struct Driver {
    pub(super) options: SinkOptions,
    pub(super) stage: Stage,
    pub(super) reader: Box<dyn Reader>,
    pub(super) ledger: Arc<SinkLedger>,
    pub(super) dead_letters: Arc<DeadLetters>,
    pub(super) meters: SinkMeters,
    pub(super) stop: Stop,
    pub(super) load_shed: Arc<LoadShed>,
    /// Woken when events come back from the dead letters.
    news: Arc<Notify>,
    pub(super) returning: Returning,

    /// The journal is closed and read to its end.
    pub(super) at_end: bool,
    /// The right to launch attempts.
    tenure: Tenure,
    /// Another driver of the sink has begun.
    pub(super) revoked: bool,
    /// The events that are for this sink.
    pub(super) owed: Owed,
    /// The present names of renamed mappings.
    pub(super) mappings: BTreeMap<String, String>,
    /// Events under way whose sources are no longer inputs of the sink.
    pub(super) strangers: HashMap<Position, Arc<str>>,
    /// History of events that were under way before a restart, until they are read again.
    pub(super) histories: HashMap<Position, Open>,
    /// What the destination has, by its own keys.
    pub(super) sent_keys: SentKeys,
    pub(super) unburied: Unburied,
    /// For the next commit.
    pub(super) buried: Vec<DeadLetter>,
    /// The bytes of those letters.
    pub(super) buried_bytes: u64,
    /// When what has changed is to be committed.
    pub(super) commit_at: Option<Instant>,
    pub(super) window: Window,
    pub(super) ready: Ready,
    /// Go before `ready`, as they are.
    pub(super) groups: VecDeque<Group>,
    /// Wait for their next attempt.
    pub(super) delayed: BinaryHeap<Due<Group>>,
    /// Events that a transform told to wait.
    pub(super) aside: BinaryHeap<Due<Aside>>,
    pub(super) episodes: Episodes,
    pub(super) attempts: JoinSet<Done>,
    pub(super) flights: HashMap<u64, Flight>,
    pub(super) tickets: u64,
    pub(super) gate: Gate,
    /// No attempt before then: the rate gate said so.
    pub(super) gate_until: Option<Instant>,
    /// No attempt before then: the destination as a whole refused or is down.
    pub(super) pause_until: Option<Instant>,
    /// Attempts in a row that delivered nothing.
    pub(super) failures: u32,
    pub(super) last_success: Option<Instant>,
    pub(super) holds: Holds,
}

pub(super) struct Aside {
    pub(super) position: Position,
    pub(super) event: Box<Event>,
    pub(super) transform: usize,
}

/// A batch on its way.
pub(super) struct Flight {
    pub(super) group: Group,
    pub(super) started: Instant,
}

pub(super) enum Done {
    Attempt(u64, Verdict),
    Probe(Result<(), Reason>),
}

/// Returns the verdict of an attempt that ran to its end, panicked or took too long.
fn verdict(ticket: u64, ended: Result<std::thread::Result<Report>, Elapsed>) -> Verdict {
    match ended {
        Ok(Ok(report)) => match report.into_parts() {
            (same, verdict) if same == ticket => verdict,
            _ => Verdict::Isolate(Reason::new("wrong_report", "the sink reported on another batch")),
        },
        Ok(Err(_)) => Verdict::Isolate(Reason::new(
            "delivery_panicked",
            "the sink panicked on this batch",
        )),
        Err(_) => Verdict::All(Outcome::Retry {
            reason: Reason::new("timed_out", "the destination did not answer in time"),
            after: None,
            maybe_written: true,
        }),
    }
}

impl Driver {
    /// Puts a driver together; [`Driver::run`] starts it. It goes on where the reader left off.
    pub fn new(
        parts: Parts,
        (reader, resumed): (Box<dyn Reader>, Resumed),
        ledger: Arc<SinkLedger>,
        dead_letters: Arc<DeadLetters>,
        meters: SinkMeters,
        (stop, load_shed, news): (Stop, Arc<LoadShed>, Arc<Notify>),
    ) -> Driver {
        let Parts {
            options,
            stage,
            sent_keys,
            holds,
            rate_group,
        } = parts;
        let holds = holds.taken_over(&options);
        ledger.held.replace(holds.causes().clone());
        let unread = resumed.unread.iter().map(|(_, count)| count).sum::<u64>();
        let aside = resumed.parked.len() as u64 + resumed.returned;
        // Losses found on opening count for this process, not for earlier ones.
        let mut totals = resumed.progress.totals.clone();
        let mut lost_now = 0;
        for lost in &resumed.lost {
            let count = totals.rejected.entry(lost.loss.code().to_owned()).or_default();
            *count = count.saturating_sub(lost.events);
            lost_now += lost.events;
        }
        totals.rejected.retain(|_, count| *count > 0);
        let pending = unread + aside + lost_now;
        let journalled = ledger.restore(&totals, pending, resumed.arrivals.clone());
        for lost in &resumed.lost {
            ledger.rejected.add(lost.loss.code(), lost.events);
        }
        ledger.set_debts(debts(&resumed));
        ledger.backpressure.begin(journalled.saturating_sub(unread));
        let mut driver = Driver {
            ready: Ready::new(options.batch, stage.sink.framing()),
            gate: Gate::of(rate_group),
            window: Window::new(&resumed.progress, options.window),
            histories: resumed
                .progress
                .open
                .into_iter()
                .map(|open| (open.position, renamed(open, &resumed.mappings)))
                .collect(),
            options,
            stage,
            reader,
            ledger,
            dead_letters,
            meters,
            stop,
            load_shed,
            news,
            returning: Returning::new(resumed.returned > 0),
            owed: resumed.owed,
            mappings: resumed.mappings.clone(),
            strangers: HashMap::new(),
            at_end: false,
            tenure: Tenure::endless(),
            revoked: false,
            sent_keys,
            unburied: Unburied::default(),
            buried: Vec::new(),
            buried_bytes: 0,
            commit_at: None,
            groups: VecDeque::new(),
            delayed: BinaryHeap::new(),
            aside: BinaryHeap::new(),
            episodes: Episodes::default(),
            attempts: JoinSet::new(),
            flights: HashMap::new(),
            tickets: 0,
            gate_until: None,
            pause_until: None,
            failures: 0,
            last_success: None,
            holds,
        };
        for lost in &resumed.lost {
            driver.tell_lost(lost, lost.events);
        }
        for parked in resumed.parked {
            let parked = driver.under_new_names(parked);
            driver.window.open_parked(&parked);
            let source = &parked.event.receipt().source;
            let standing = if driver.owed.is_removed(source) {
                Standing::Removed
            } else {
                Standing::Input
            };
            let staged = driver.begin(parked.position, &parked.event, standing);
            driver.prepared(parked.position, staged);
        }
        driver
    }

    /// Sets the right under which the driver launches attempts; without one it launches them as long as it likes.
    #[must_use]
    pub fn under(self, tenure: Tenure) -> Driver {
        Driver { tenure, ..self }
    }

    /// Renames the mappings of a parked event that have been renamed since.
    pub(super) fn under_new_names(&self, parked: Parked) -> Parked {
        let new = |only: String| self.mappings.get(&only).cloned().unwrap_or(only);
        Parked {
            open: renamed(parked.open, &self.mappings),
            only: parked.only.map(new),
            ..parked
        }
    }

    /// Runs until the journal is closed and everything is settled, or until told to stop. Returns what another
    /// driver of the same sink can be made of.
    pub async fn run(mut self) -> Parts {
        let (mut leaving, mut draining) = (false, false);
        loop {
            self.wake_due();
            if self.unburied.look_at().is_some() {
                self.look_for_room().await;
            }
            if !leaving {
                if self.wants_returned() {
                    self.take_returned().await;
                }
                self.launch();
            }
            if self.commit_at.is_some_and(|at| at <= Instant::now()) {
                self.commit();
            }
            self.ledger.in_flight.set(self.flights.len() as u64);
            self.ledger.backpressure.asks(self.wants_input());
            self.ledger
                .oldest_pending
                .store(self.window.oldest(), std::sync::atomic::Ordering::Relaxed);
            if self.revoked || self.finished() || leaving && self.flights.is_empty() {
                break;
            }
            let wake = self.next_wake();
            tokio::select! {
                () = self.stop.abort.cancelled() => break,
                () = self.stop.leave.cancelled(), if !leaving => {
                    leaving = true;
                    self.gate.step_back();
                }
                () = self.load_shed.asked(), if self.options.shed_when_full => self.shed_oldest().await,
                () = self.news.notified() => self.more_returned(),
                () = self.stop.drain.cancelled(), if !draining => draining = true,
                Some(done) = self.attempts.join_next() => self.landed(done).await,
                () = self.gate.turn_comes(), if !leaving && self.gate.is_awaited() => {}
                read = self.reader.next(READ), if self.wants_input() => self.take_in(read).await,
                () = sleep_until(wake) => {}
            }
        }
        self.ledger.backpressure.asks(false);
        self.attempts.shutdown().await;
        self.commit();
        self.reader.flush().await;
        self.ledger.in_flight.set(0);
        // What was not delivered is sent by the next driver.
        self.sent_keys.leave();
        Parts {
            options: self.options,
            stage: self.stage,
            sent_keys: self.sent_keys,
            holds: self.holds,
            rate_group: self.gate.group(),
        }
    }

    fn finished(&self) -> bool {
        let idle = self.flights.is_empty();
        let read = self.at_end && !self.returning.is_waiting();
        let done = read && self.window.len() == 0;
        // Waiting for a transform's time is no reason to stay, if the journal keeps the event.
        let only_waiting = self.options.durable && read && self.window.len() == self.aside.len();
        let may_leave = self.stop.drain.is_cancelled() && (self.holds.any() || only_waiting);
        idle && (done || may_leave)
    }

    /// A batch that waits for its turn is enough: what comes after it takes less memory in the journal.
    fn wants_input(&self) -> bool {
        let few = self.window.len() < READ;
        let room = self.window.len() < self.options.window && self.window.bytes() < self.options.window_bytes;
        !self.at_end && (few || room && !self.ready.is_full())
    }

    fn next_wake(&self) -> Option<Instant> {
        let mut wake = self.commit_at;
        let mut sooner = |at: Option<Instant>| {
            if let Some(at) = at {
                wake = Some(wake.map_or(at, |wake| wake.min(at)));
            }
        };
        if self.wants_returned() {
            sooner(Some(Instant::now()));
        }
        sooner(self.unburied.look_at());
        if self.holds.any() {
            sooner(self.holds.next_probe());
            return wake;
        }
        sooner(self.returning.retry_at());
        sooner(self.delayed.peek().map(|due| due.at));
        sooner(self.aside.peek().map(|due| due.at));
        if self.flights.len() < self.options.concurrency && !self.gate.is_awaited() {
            let blocked = self.pause_until.max(self.gate_until);
            if !self.groups.is_empty() || self.ready.is_full() {
                sooner(blocked);
            } else if let Some(due) = self.ready.due() {
                sooner(Some(blocked.map_or(due, |blocked| blocked.max(due))));
            }
        }
        wake
    }

    /// Moves what has become due.
    fn wake_due(&mut self) {
        let now = Instant::now();
        if self.pause_until.is_some_and(|at| at <= now) {
            self.pause_until = None;
        }
        if self.gate_until.is_some_and(|at| at <= now) {
            self.gate_until = None;
        }
        if self.holds.next_probe().is_some_and(|at| at <= now) {
            self.probe();
        }
        while self.delayed.peek().is_some_and(|due| due.at <= now) {
            if let Some(Due { what: group, .. }) = self.delayed.pop() {
                if group.apart {
                    self.groups.push_back(group)
                } else {
                    self.back_to_ready(group.items)
                }
            }
        }
        while self.aside.peek().is_some_and(|due| due.at <= now) {
            if let Some(Due {
                what:
                    Aside {
                        position,
                        event,
                        transform,
                    },
                ..
            }) = self.aside.pop()
            {
                let staged = self.stage.resume(event, transform);
                self.prepared(position, staged);
            }
        }
    }

    /// What has changed becomes durable soon.
    pub(super) fn commit_soon(&mut self) {
        // Whoever asked before asked for it no later. The clock is not free, and this is asked for each event.
        self.commit_at
            .get_or_insert_with(|| Instant::now() + COMMIT_LINGER);
    }

    /// What has changed becomes durable at the next turn.
    pub(super) fn commit_next(&mut self) {
        self.commit_at = Some(Instant::now());
    }

    fn commit(&mut self) {
        self.commit_at = None;
        self.buried_bytes = 0;
        let changes = self.window.changes(self.ledger.totals());
        self.reader.commit(Commit {
            progress: Some(changes.progress),
            dead_letters: std::mem::take(&mut self.buried),
            park: changes.park,
            parked_open: changes.parked_open,
            unpark: changes.unpark,
        });
    }

    /// Ends a whole event, whatever was expected of it.
    pub(super) fn close_event(&mut self, position: Position, end: RecordEnd) {
        let end = self.window.close_event(position, end);
        self.closed(position, end);
    }

    /// Ends one record of an event.
    pub(super) fn close_record(&mut self, position: Position, mapping: &str, end: RecordEnd) {
        let end = self.window.close_record(position, mapping, end);
        self.closed(position, end);
    }

    /// Expects one record outcome fewer for an event.
    pub(super) fn expect_less(&mut self, position: Position) {
        let end = self.window.expect_less(position);
        self.closed(position, end);
    }

    /// Counts an event if it has ended.
    fn closed(&mut self, position: Position, end: Option<RecordEnd>) {
        self.commit_soon();
        let Some(end) = end else { return };
        self.tell_end(position, &end);
        if !self.strangers.is_empty()
            && let Some(source) = self.strangers.remove(&position)
        {
            self.ledger.debt_settled(&source);
        }
        match end {
            RecordEnd::Delivered | RecordEnd::Duplicate => self.ledger.delivered.add(1),
            RecordEnd::Filtered(code) => self.ledger.filtered.add(&code, 1),
            RecordEnd::Rejected(code) => self.ledger.rejected.add(&code, 1),
            RecordEnd::Expired(code) => self.ledger.expired.add(&code, 1),
        }
    }

    /// Records that wait again go to the front: they are the oldest.
    pub(super) fn back_to_ready(&mut self, items: Vec<Item>) {
        for item in items.into_iter().rev() {
            self.ready.push_front(item);
        }
    }

    /// Starts as many attempts as may run now.
    fn launch(&mut self) {
        while !self.holds.any() && self.pause_until.is_none() && self.flights.len() < self.options.concurrency
        {
            if self.gate_until.is_some() {
                return;
            }
            let now = Instant::now();
            let due = self.ready.is_full()
                || self.ready.due().is_some_and(|at| at <= now)
                || self.at_end && !self.ready.is_empty();
            if self.groups.is_empty() && !due {
                break;
            }
            if !self.tenure.holds() {
                // The next router goes on with what is left.
                return self.stop.leave.cancel();
            }
            match self.gate.pass() {
                Ok(()) => {}
                Err(Blocked::NotMyTurn) => return,
                Err(Blocked::For(wait)) => {
                    self.tell_blocked(wait);
                    // A wait shorter than the timer's resolution would make the loop spin.
                    self.gate_until = Some(now + wait.max(Duration::from_millis(1)));
                    return;
                }
            }
            let group = self.groups.pop_front().unwrap_or_else(|| self.ready.cut());
            self.attempt(group, now);
        }
        self.gate.step_back();
    }

    fn attempt(&mut self, mut group: Group, now: Instant) {
        self.tickets += 1;
        let ticket = self.tickets;
        // What was given up meanwhile is passed over.
        group.items.retain(|item| self.window.is_open(item.position));
        if group.items.is_empty() {
            for (item, reason) in self.episodes.answered(group.episode) {
                self.reject(item, &reason);
            }
            return;
        }
        for item in &mut group.items {
            item.attempts += 1;
            item.first.get_or_insert(First {
                at: now,
                earlier: Duration::ZERO,
                wall: now_millis(),
                held: self.holds.time(),
            });
        }
        self.tell_sent(ticket, &group);
        let batch = Batch::new(
            ticket,
            group.items.iter().map(|item| item.record.clone()).collect(),
        );
        let (sink, limit) = (self.stage.sink.clone(), self.options.timeout);
        self.attempts.spawn(async move {
            let deliver = AssertUnwindSafe(sink.deliver(batch)).catch_unwind();
            Done::Attempt(
                ticket,
                verdict(ticket, tokio::time::timeout(limit, deliver).await),
            )
        });
        self.ledger.attempts.add(1);
        self.flights.insert(ticket, Flight { group, started: now });
    }

    pub(super) fn positions_in_flight(&self) -> HashSet<Position> {
        let items = self.flights.values().flat_map(|flight| &flight.group.items);
        items.map(|item| item.position).collect()
    }

    async fn landed(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(Done::Attempt(ticket, verdict)) => {
                if let Some(flight) = self.flights.remove(&ticket) {
                    self.settle(ticket, flight, verdict).await;
                    // What a destination has must be known soon: a crash before that sends it twice.
                    self.commit_next();
                }
            }
            Ok(Done::Probe(result)) => self.probed(result),
            // Tasks catch their panics and are cancelled only when the driver ends.
            Err(error) => tracing::error!(sink = %self.options.name, "a delivery task was lost: {error}"),
        }
    }
}

/// Rewrites a history to the present names of mappings.
fn renamed(mut open: Open, names: &BTreeMap<String, String>) -> Open {
    for (mapping, _) in &mut open.ended {
        if let Some(new) = names.get(mapping) {
            mapping.clone_from(new);
        }
    }
    open
}

/// Counts pending events whose sources are no longer inputs, by source.
pub(crate) fn debts(resumed: &Resumed) -> BTreeMap<String, u64> {
    let mut debts = BTreeMap::new();
    let unread = resumed
        .unread
        .iter()
        .map(|(source, count)| (source.as_str(), *count));
    let parked = resumed
        .parked
        .iter()
        .map(|parked| (&*parked.event.receipt().source, 1));
    for (source, count) in unread.chain(parked) {
        if resumed.owed.is_removed(source) {
            *debts.entry(source.to_owned()).or_default() += count;
        }
    }
    debts
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
