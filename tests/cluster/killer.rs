//! Kills processes at random and starts them again; the same seed gives the same kills.

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

/// A kill -9.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    pub(crate) at: Instant,
    pub(crate) target: Target,
}

/// Kills one process of all at random after each pause, and starts it again 0.1 to 1.5 seconds later.
pub(crate) struct Killer {
    rng: fastrand::Rng,
    /// Milliseconds between two kills.
    pause: Range<u64>,
    next: Instant,
    /// The processes that are away, with the time of their start.
    away: Vec<(Instant, Target)>,
    pub(crate) kills: Vec<Kill>,
}

impl Killer {
    pub(crate) fn new(seed: u64, pause: Range<u64>) -> Killer {
        Killer {
            rng: fastrand::Rng::with_seed(seed),
            pause,
            next: Instant::now(),
            away: Vec::new(),
            kills: Vec::new(),
        }
    }

    /// Starts and kills the processes whose time has come.
    pub(crate) fn tick(&mut self, rig: &mut Rig) {
        let now = Instant::now();
        let (due, away) = std::mem::take(&mut self.away)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.away = away;
        for (_, target) in Vec::from_iter::<Vec<_>>(due) {
            launch(rig, target);
        }
        if now < self.next {
            return;
        }
        self.next = now + Duration::from_millis(self.rng.u64(self.pause.clone()));
        let target = match self.rng.usize(..rig.routers.len() + rig.servers.len()) {
            server if server < rig.servers.len() => Target::Server(server),
            router => Target::Router(router - rig.servers.len()),
        };
        if self.away.iter().any(|(_, away)| *away == target) {
            return;
        }
        match target {
            Target::Router(at) => rig.routers[at].kill(),
            Target::Server(at) => rig.servers.kill(at),
        }
        self.kills.push(Kill {
            at: Instant::now(),
            target,
        });
        let back = now + Duration::from_millis(self.rng.u64(100..1_500));
        self.away.push((back, target));
    }

    /// Starts the processes that were killed and have not been started since.
    pub(crate) fn end(&mut self, rig: &mut Rig) {
        for (_, target) in self.away.drain(..) {
            launch(rig, target);
        }
    }

    /// Tells how often routers and servers were killed.
    pub(crate) fn told(&self) -> String {
        let routers = self
            .kills
            .iter()
            .filter(|kill| matches!(kill.target, Target::Router(_)));
        let routers = routers.count();
        format!(
            "kills: {routers} of routers, {} of servers",
            self.kills.len() - routers
        )
    }
}

fn launch(rig: &mut Rig, target: Target) {
    match target {
        Target::Router(at) => rig.routers[at].launch(),
        Target::Server(at) => rig.servers.launch(at),
    }
}
