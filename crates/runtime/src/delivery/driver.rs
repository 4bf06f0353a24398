//! The loop of one sink.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use signalbox_history::History;
use signalbox_journal::{Parked, Position, Read, Reader, Resumed, Tenure};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempts::{Attempts, Flight, Landed};
use super::events::Events;
use super::fill::Fill;
use super::gate::Gate;
use super::hold::Holds;
use super::item::{First, Group};
use super::letters_full::LettersFull;
use super::load_shed::{self, LoadShed};
use super::options::SinkOptions;
use super::outgoing::Outgoing;
use super::pending::Pending;
use super::prepare::Stage;
use super::recorder::Recorder;
use super::returned::AT_ONCE;
use super::sent_keys::SentKeys;
use super::settle::{Settling, in_need};
use super::tenure_watch;
use super::trail;
use crate::dead_letters::{DeadLetters, now_millis};
use crate::hold::HoldCause;
use crate::ledger::SinkLedger;
use crate::rate_group::RateGroup;
use crate::tap::Taps;
use crate::telemetry::SinkMeters;
use crate::tester::TestedSink;

/// Events taken from the journal at once: enough to spread the cost of a wake-up, few enough that others who want the
/// same processor wait less than a millisecond.
const READ: usize = 64;

/// The time after the end of a driver's right in which its last commit may still become durable: no other router need have
/// taken the sink yet.
const LAST_COMMIT: Duration = Duration::from_secs(1);
/// The time for which a commit may wait for the servers of a journal before the driver sends nothing more.
const UNWRITTEN: Duration = Duration::from_secs(1);
/// The pause before it looks again.
const LOOK: Duration = Duration::from_millis(50);

/// The ways to stop a driver.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Settle all events; on hold, leave them for the next process.
    pub drain: CancellationToken,
    /// Start no further attempt, finish those under way, and leave the rest for another driver.
    pub leave: CancellationToken,
    /// Leave everything as it is.
    pub abort: CancellationToken,
}

/// The parts of a driver that its successor takes over.
pub struct Parts {
    /// The sink's settings.
    pub options: Arc<SinkOptions>,
    /// Its transforms and the sink itself.
    pub stage: Arc<Stage>,
    sent_keys: SentKeys,
    holds: Holds,
    rate_group: Arc<RateGroup>,
    /// True if the driver that left them ended since another reader of the sink was opened.
    pub(crate) revoked: bool,
}

impl Parts {
    /// Creates the parts of a sink that this process has not driven yet.
    pub fn new(options: SinkOptions, stage: Stage, rate_group: Arc<RateGroup>) -> Parts {
        Parts {
            sent_keys: SentKeys::new(options.duplicate_window.unwrap_or_default()),
            options: Arc::new(options),
            stage: Arc::new(stage),
            holds: Holds::none(),
            rate_group,
            revoked: false,
        }
    }

    /// Returns the parts that tests of events need.
    pub(crate) fn tested(&self) -> TestedSink {
        TestedSink {
            options: self.options.clone(),
            stage: self.stage.clone(),
            rate_group: self.rate_group.clone(),
        }
    }

    /// Notes that events of the log are delivered again; with `again` even the records whose keys the sink remembers.
    pub(crate) fn begin_replay(&mut self, range: (Position, Position), again: bool) {
        self.sent_keys.begin_replay(range, again);
    }
}

/// Drives one sink; see the module.
pub struct Driver {
    options: Arc<SinkOptions>,
    stage: Arc<Stage>,
    meters: SinkMeters,
    stop: Stop,
    load_shed: Arc<LoadShed>,
    /// Woken when events come back from the dead letters.
    news: Arc<Notify>,
    fill: Fill,
    /// Events that were parked when the driver was put together.
    parked: Vec<Parked>,
    pending: Pending,
    attempts: Attempts,
    /// The right to launch attempts.
    tenure: Tenure,
}

impl Driver {
    /// Puts a driver together; [`Driver::run`] starts it. It goes on where the reader left off.
    pub fn new(
        parts: Parts,
        (reader, mut resumed): (Box<dyn Reader>, Resumed),
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
            revoked: _,
        } = parts;
        restore(&ledger, &resumed);
        let events = Events::new(
            options.name.clone(),
            reader,
            (&resumed.progress, options.window.events),
            sent_keys,
            ledger.clone(),
            dead_letters,
        );
        let outgoing = Outgoing::new(
            options.clone(),
            ledger,
            stage.sink.framing(),
            Gate::of(rate_group),
            holds.taken_over(options.hold),
        );
        let mut pending = Pending { events, outgoing };
        let fill = Fill::new(options.clone(), stage.clone(), &mut resumed);
        for lost in &resumed.lost {
            fill.bury_lost(lost, lost.events, &mut pending.events);
        }
        Driver {
            options,
            stage,
            meters,
            stop,
            load_shed,
            news,
            fill,
            parked: resumed.parked,
            pending,
            attempts: Attempts::under(Tenure::endless()),
            tenure: Tenure::endless(),
        }
    }

    /// Notes ends for a history.
    #[must_use]
    pub fn with_history(mut self, history: Option<History>) -> Driver {
        let recorder = |history| Recorder::new(history, &self.options);
        self.pending.events.recorder = history.map(recorder);
        self
    }

    /// Shows events to taps.
    #[must_use]
    pub fn with_taps(mut self, taps: Taps) -> Driver {
        self.fill.taps = taps;
        self
    }

    /// Sets the right under which the driver delivers; without one it delivers as long as it likes. Attempts that are under
    /// way when the right ends are dropped, and while another router should have it, no further one starts.
    #[must_use]
    pub fn under(self, tenure: Tenure) -> Driver {
        let attempts = Attempts::under(tenure.clone());
        Driver {
            tenure,
            attempts,
            ..self
        }
    }

    /// Runs until the journal is closed and everything is settled, until it is stopped, or until its right ends. Returns
    /// the parts for another driver of the same sink.
    pub async fn run(mut self) -> Parts {
        let _watch = tenure_watch::start(self.tenure.clone(), self.stop.clone());
        let parked = std::mem::take(&mut self.parked);
        self.fill.open_parked(parked, &mut self.pending);
        let (mut leaving, mut draining) = (false, false);
        loop {
            if self.fill.revoked && !leaving {
                // The destination may accept the requests under way, and the next driver of this router remembers their keys.
                leaving = true;
                self.pending.outgoing.gate.step_back();
            }
            self.wake();
            self.look_for_room().await;
            if !leaving && self.wants_returned() {
                self.take_returned().await;
            }
            if self.pending.events.letters_full.is_full() {
                let reason = LettersFull::reason(&self.options.name);
                self.pending.outgoing.hold(HoldCause::DeadLettersFull, reason);
            }
            // While the servers of a journal elect a leader, what is sent and not written adds up, and a crash sends it again.
            let unwritten = self.pending.events.reader.behind() > UNWRITTEN;
            if !leaving && !unwritten {
                self.launch();
            }
            let commits = &self.pending.events.commits;
            if commits.at().is_some_and(|at| at <= Instant::now()) {
                self.pending.events.commit();
            }
            self.report();
            if self.finished() || leaving && self.attempts.len() == 0 {
                break;
            }
            let wake = if unwritten {
                self.pending
                    .events
                    .commits
                    .at()
                    .into_iter()
                    .chain([Instant::now() + LOOK])
                    .min()
            } else {
                self.next_wake(leaving)
            };
            let awaits_turn = !leaving && self.pending.outgoing.gate.is_awaited();
            tokio::select! {
                () = self.stop.abort.cancelled() => break,
                () = self.stop.leave.cancelled(), if !leaving => {
                    leaving = true;
                    self.pending.outgoing.gate.step_back();
                }
                () = self.load_shed.asked(), if self.options.shed_when_full => self.shed_oldest().await,
                () = self.news.notified() => {
                    // An operator who retries may have put things right.
                    self.fill.returning.more();
                    self.pending.outgoing.holds.ask_now();
                }
                () = self.stop.drain.cancelled(), if !draining => draining = true,
                Some(landed) = self.attempts.next() => self.landed(landed).await,
                () = self.pending.outgoing.gate.turn_comes(), if awaits_turn => {}
                read = self.pending.events.reader.next(READ), if self.wants_input() => self.take_in(read).await,
                () = sleep_until(wake) => {}
            }
        }
        self.pending.events.ledger.backpressure.asks(false);
        self.attempts.shutdown().await;
        self.pending.events.commit();
        let tenure = self.tenure;
        let too_late = async {
            tenure.ended().await;
            tokio::time::sleep(LAST_COMMIT).await;
        };
        tokio::select! {
            () = self.pending.events.reader.flush() => {}
            // Another router may go on, and the commit is refused then.
            () = too_late => {}
        }
        self.pending.events.ledger.in_flight.set(0);
        // The next driver sends the records that were not delivered.
        self.pending.events.sent_keys.leave();
        Parts {
            options: self.options,
            stage: self.stage,
            sent_keys: self.pending.events.sent_keys,
            rate_group: self.pending.outgoing.gate.group(),
            holds: self.pending.outgoing.holds,
            revoked: self.fill.revoked,
        }
    }

    /// Shows the driver's state in the ledger.
    fn report(&self) {
        let ledger = &self.pending.events.ledger;
        ledger.in_flight.set(self.attempts.len() as u64);
        ledger.backpressure.asks(self.wants_input());
        ledger
            .oldest_pending
            .store(self.pending.events.window.oldest(), Relaxed);
    }

    fn finished(&self) -> bool {
        let open = self.pending.events.window.len();
        let read = self.fill.at_end && !self.fill.returning.is_waiting();
        // Waiting for a transform's time is no reason to stay, if the journal keeps the event.
        let only_waiting = self.options.durable && read && open == self.fill.aside();
        let may_leave = self.stop.drain.is_cancelled() && (self.pending.outgoing.holds.any() || only_waiting);
        self.attempts.len() == 0 && (read && open == 0 || may_leave)
    }

    /// True if the driver wants events from the journal. One batch that waits for its turn is enough: later events take
    /// less memory in the journal.
    fn wants_input(&self) -> bool {
        let window = &self.pending.events.window;
        let room = window.len() < self.options.window.events && window.bytes() < self.options.window.bytes;
        !self.fill.at_end
            && !self.fill.revoked
            && (window.len() < READ || room && !self.pending.outgoing.ready.is_full())
    }

    fn wants_returned(&self) -> bool {
        let window = &self.pending.events.window;
        let has_room = window.bytes() < self.options.window.bytes;
        self.fill
            .returning
            .wants(|| window.returned(), self.options.window.events, has_room)
    }

    /// Returns the next moment at which the driver has something to do. While it is leaving, it only commits what ends.
    fn next_wake(&self, leaving: bool) -> Option<Instant> {
        let commit = self.pending.events.commits.at();
        if leaving {
            return commit;
        }
        let returned = self.wants_returned().then(Instant::now);
        let letters = self.pending.events.letters_full.look_at();
        let outgoing = self.pending.outgoing.wake_at(self.attempts.len());
        let held = self.pending.outgoing.holds.any();
        let fill = [self.fill.returning.retry_at(), self.fill.aside_until()].map(|at| at.filter(|_| !held));
        let wakes = [commit, returned, letters, outgoing].into_iter().chain(fill);
        wakes.flatten().min()
    }

    /// Moves due records and events on.
    fn wake(&mut self) {
        let now = Instant::now();
        self.pending.outgoing.wake(now);
        self.fill.wake(now, &mut self.pending);
    }

    /// Ends the hold by full dead letters when there is room again, then prepares the waiting events, a few at a time.
    async fn look_for_room(&mut self) {
        if !self.pending.events.letters_full.is_due() {
            return;
        }
        if self.pending.events.letters_are_full() {
            return self.pending.events.letters_full.still_full();
        }
        self.pending.outgoing.release(HoldCause::DeadLettersFull);
        let mut positions = self.pending.events.letters_full.take();
        positions.retain(|position| self.pending.events.window.is_open(*position));
        self.pending.events.recall(positions.iter().copied()).await;
        for position in positions {
            self.fill.prepare_again(position, &mut self.pending);
        }
    }

    /// Takes from the journal.
    async fn take_in(&mut self, read: Read) {
        let events = &mut self.pending.events;
        match read {
            Read::Events(entries) => {
                let wanted = events.window.wanted_by(entries.len());
                events.recall(wanted.into_iter()).await;
                self.fill.take_in(entries, &mut self.pending);
            }
            Read::Lost(lost) => {
                let ahead = events.reader.ahead(self.fill.returning.last()).await;
                self.fill.lost(&lost, ahead, events);
            }
            Read::End => self.fill.at_end = true,
            Read::Revoked => self.fill.revoked = true,
        }
        self.pending.events.commits.soon();
    }

    /// Takes some of the events that came back from the dead letters.
    async fn take_returned(&mut self) {
        let reader = &mut self.pending.events.reader;
        let read = reader.returned(self.fill.returning.last(), AT_ONCE).await;
        self.fill.take_returned(read, &mut self.pending);
    }

    /// Starts a due probe, and as many attempts as may run now.
    fn launch(&mut self) {
        let asks = || may_launch(&self.tenure, &self.stop);
        if self.pending.outgoing.takes_probe(Instant::now(), asks) {
            self.attempts
                .probe(self.stage.sink.clone(), self.options.requests.timeout);
        }
        loop {
            let now = Instant::now();
            let under_way = self.attempts.len();
            let asks = || may_launch(&self.tenure, &self.stop);
            let outgoing = &mut self.pending.outgoing;
            let next = outgoing.next(now, under_way, self.fill.at_end, asks);
            let Some(group) = next else { return };
            self.attempt(group, now);
        }
    }

    fn attempt(&mut self, mut group: Group, now: Instant) {
        let ticket = self.attempts.next_ticket();
        // Events may have been given up meanwhile.
        group
            .items
            .retain(|item| self.pending.events.window.is_open(item.position));
        if group.items.is_empty() {
            return self.pending.answered(group.episode);
        }
        for item in &mut group.items {
            item.attempts += 1;
            item.first.get_or_insert_with(|| First {
                at: now,
                earlier: Duration::ZERO,
                wall: now_millis(),
                held: self.pending.outgoing.held_for(),
            });
        }
        trail::sent(&self.options.name, ticket, &group);
        self.pending.events.ledger.attempts.add(1);
        let flight = Flight {
            ticket,
            group,
            started: now,
            response: None,
        };
        self.attempts
            .start(self.stage.sink.clone(), self.options.requests.timeout, flight);
    }

    async fn landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        match landed {
            Ok(Landed::Attempt(flight, verdict)) => {
                let elapsed = flight.started.elapsed();
                let needed = in_need(&flight.group, &verdict);
                self.pending.events.recall(needed).await;
                let mut settling = Settling {
                    options: &self.options,
                    stage: &self.stage,
                    meters: &self.meters,
                    pending: &mut self.pending,
                };
                settling.settle(flight, verdict, elapsed);
                // A crash before the commit sends delivered records twice.
                self.pending.events.commits.now();
            }
            Ok(Landed::Probe(result)) => self.pending.outgoing.probed(result),
            // Tasks catch their panics and are cancelled only when the driver ends.
            Err(error) => tracing::error!(sink = %self.options.name, "a delivery task was lost: {error}"),
        }
    }

    /// Makes dead letters of the oldest events under way, if there is room for these.
    async fn shed_oldest(&mut self) {
        if self.pending.events.found_letters_full() {
            return;
        }
        // Events in a request under way may be delivered all the same.
        let in_flight = self.attempts.positions();
        let mut oldest: Vec<Position> = self.pending.events.window.oldest_open(load_shed::AT_ONCE);
        oldest.retain(|position| !in_flight.contains(position));
        tracing::warn!(
            sink = %self.options.name,
            "the journal is full: the {} oldest events become dead letters",
            oldest.len()
        );
        self.pending.events.recall(oldest.iter().copied()).await;
        let reason = LoadShed::reason();
        for position in oldest {
            self.pending.events.reject_event(position, &reason);
        }
        self.fill.drop_ended(&mut self.pending.events.window);
        // Given-up events may come back from the dead letters; the claims of their records would then be in their way.
        let Events {
            window, sent_keys, ..
        } = &mut self.pending.events;
        self.pending.outgoing.retain(|item| {
            let open = window.is_open(item.position);
            if !open && let Some(claim) = item.claim {
                sent_keys.release(claim);
            }
            open
        });
        self.pending.events.commits.now();
    }
}

/// True while the right holds. A driver without it leaves the rest to the next router.
fn may_launch(tenure: &Tenure, stop: &Stop) -> bool {
    let holds = tenure.holds();
    if !holds {
        stop.leave.cancel();
    }
    holds
}

/// Sets the ledger to the state in which the journal resumes.
fn restore(ledger: &SinkLedger, resumed: &Resumed) {
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
    ledger.set_debts(debts(resumed));
    ledger.backpressure.begin(journalled.saturating_sub(unread));
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
