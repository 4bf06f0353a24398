//! Kills processes at random and starts them again, or pauses them; the same seed gives the same failures.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::rig::Rig;

/// A process under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A router, by its number.
    Router(usize),
    /// A server, by its number.
    Server(usize),
}

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A kill -9.
    Kill,
    /// It was stopped for some time (SIGSTOP).
    Pause,
}

/// A failure of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) target: Target,
    pub(crate) act: Act,
    pub(crate) at: Instant,
    /// When it is started again, or goes on.
    pub(crate) until: Instant,
}

/// The milliseconds for which a process is away after a kill, and in a pause.
const AWAY: Range<u64> = 100..1_500;
const PAUSED: Range<u64> = 1_000..15_000;

/// Lets one process of all fail at random after each pause.
pub(crate) struct Killer {
    rng: fastrand::Rng,
    /// Milliseconds between two failures.
    pause: Range<u64>,
    next: Instant,
    /// True if processes are paused, and two servers killed at once, as well.
    hard: bool,
    /// The failures that have not ended.
    away: Vec<Failure>,
    pub(crate) failures: Vec<Failure>,
}

impl Killer {
    pub(crate) fn new(seed: u64, pause: Range<u64>, hard: bool) -> Killer {
        Killer {
            rng: fastrand::Rng::with_seed(seed),
            pause,
            next: Instant::now(),
            hard,
            away: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Ends the failures whose time has come, and begins another.
    pub(crate) fn tick(&mut self, rig: &mut Rig) {
        let now = Instant::now();
        let ended = self.away.extract_if(.., |failure| failure.until <= now);
        ended.for_each(|failure| end(rig, failure));
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_millis(self.rng.u64(self.pause.clone()));
        let (servers, processes) = (rig.servers.len(), rig.servers.len() + rig.routers.len());
        let target = match self.rng.usize(..processes) {
            server if server < servers => Target::Server(server),
            router => Target::Router(router - servers),
        };
        match if self.hard { self.rng.u8(..10) } else { 9 } {
            0 | 1 => self.fail(rig, target, Act::Pause, PAUSED),
            2 => {
                let first = self.rng.usize(..servers);
                self.fail(rig, Target::Server(first), Act::Kill, AWAY);
                self.fail(rig, Target::Server((first + 1) % servers), Act::Kill, AWAY);
            }
            _ => self.fail(rig, target, Act::Kill, AWAY),
        }
    }

    /// Lets a process fail, unless it is away.
    fn fail(&mut self, rig: &mut Rig, target: Target, act: Act, millis: Range<u64>) {
        let time = Duration::from_millis(self.rng.u64(millis));
        if self.away.iter().any(|failure| failure.target == target) {
            return;
        }
        match (act, target) {
            (Act::Kill, Target::Router(at)) => rig.routers[at].kill(),
            (Act::Kill, Target::Server(at)) => rig.servers.kill(at),
            (Act::Pause, Target::Router(at)) => rig.routers[at].signal("STOP"),
            (Act::Pause, Target::Server(at)) => rig.servers.pause(at),
        }
        let at = Instant::now();
        let failure = Failure {
            target,
            act,
            at,
            until: at + time,
        };
        self.away.push(failure);
        self.failures.push(failure);
    }

    /// Ends all failures.
    pub(crate) fn end(&mut self, rig: &mut Rig) {
        for failure in self.away.drain(..) {
            end(rig, failure);
        }
    }

    /// Tells how often routers and servers failed.
    pub(crate) fn told(&self) -> String {
        let count = |act: Act, of_router: bool| {
            let failures = self.failures.iter();
            let failures = failures.filter(|failure| {
                failure.act == act && matches!(failure.target, Target::Router(_)) == of_router
            });
            failures.count()
        };
        format!(
            "kills: {} of routers, {} of servers; pauses: {} of routers, {} of servers",
            count(Act::Kill, true),
            count(Act::Kill, false),
            count(Act::Pause, true),
            count(Act::Pause, false)
        )
    }
}

fn end(rig: &mut Rig, failure: Failure) {
    match (failure.act, failure.target) {
        (Act::Kill, Target::Router(at)) => rig.routers[at].launch(),
        (Act::Kill, Target::Server(at)) => rig.servers.launch(at),
        (Act::Pause, Target::Router(at)) => rig.routers[at].signal("CONT"),
        (Act::Pause, Target::Server(at)) => rig.servers.resume(at),
    }
}
