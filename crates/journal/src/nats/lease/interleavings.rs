//! Two routers, one key, a network that delays, loses and answers late: no order of events makes both hold at once.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::machine::{Lease, Seen, Step, Written};
use crate::nats::cluster::Holder;

const TTL: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Waiting {
    Nothing,
    Read(Option<Seen>),
    Write {
        id: u32,
        hold: bool,
        answer: Option<Written>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Message {
    id: u32,
    from: usize,
    expected: u64,
    holder: Option<Holder>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    now: Instant,
    key: Seen,
    /// The content before the last write, which a deposed leader still answers with.
    old: Seen,
    routers: [Lease; 2],
    waiting: [Waiting; 2],
    network: Vec<Message>,
    sent: u32,
}

#[derive(Debug, Clone, Copy)]
enum Move {
    /// A router does its next step.
    Go(usize),
    /// The leader answers a read.
    Serve(usize),
    /// A deposed leader answers a read.
    Stale(usize),
    /// A write arrives at the leader.
    Land(usize),
    /// An answer arrives.
    Answer(usize),
    /// A router gives up waiting for an answer.
    Lose(usize),
    /// A router gives its lease up.
    Free(usize),
    /// A router sees a sign that the key changes.
    Hint(usize),
    /// A part of the TTL passes, in percent.
    Pass(u32),
}

fn router(name: &str) -> Holder {
    Holder {
        node: name.into(),
        start: format!("{name} 1").into(),
    }
}

impl World {
    fn new(holder: Option<Holder>, revision: u64) -> World {
        let key = Seen { revision, holder };
        World {
            now: Instant::now(),
            old: key.clone(),
            key,
            routers: ["a", "b"].map(|name| Lease::new(router(name), [].into(), TTL)),
            waiting: [Waiting::Nothing, Waiting::Nothing],
            network: Vec::new(),
            sent: 0,
        }
    }

    /// Does a move; false if it is not possible now.
    fn go(&mut self, step: Move) -> bool {
        let now = self.now;
        match step {
            Move::Pass(percent) => self.now += TTL * percent / 100,
            Move::Hint(i) => self.routers[i].hint(now),
            Move::Free(i) => {
                if !self.routers[i].holds(now) || self.waiting[i] != Waiting::Nothing {
                    return false;
                }
                self.routers[i].free();
            }
            Move::Go(i) => {
                if self.waiting[i] != Waiting::Nothing {
                    return false;
                }
                self.waiting[i] = match self.routers[i].step(now, true) {
                    Step::Wait(_) => return false,
                    Step::Read => Waiting::Read(None),
                    Step::Write { expected, hold } => {
                        self.sent += 1;
                        self.network.push(Message {
                            id: self.sent,
                            from: i,
                            expected,
                            holder: hold.then(|| router(["a", "b"][i])),
                        });
                        Waiting::Write {
                            id: self.sent,
                            hold,
                            answer: None,
                        }
                    }
                };
            }
            Move::Serve(i) | Move::Stale(i) => match &mut self.waiting[i] {
                Waiting::Read(answer @ None) => {
                    let stale = matches!(step, Move::Stale(_));
                    *answer = Some(if stale { &self.old } else { &self.key }.clone());
                }
                _ => return false,
            },
            Move::Land(at) => {
                if at >= self.network.len() {
                    return false;
                }
                let message = self.network.remove(at);
                let result = if message.expected == self.key.revision {
                    let revision = self.key.revision + 1;
                    let key = Seen {
                        revision,
                        holder: message.holder,
                    };
                    self.old = std::mem::replace(&mut self.key, key);
                    Written::As(revision)
                } else {
                    Written::Conflict
                };
                if let Waiting::Write { id, answer, .. } = &mut self.waiting[message.from]
                    && *id == message.id
                {
                    *answer = Some(result);
                }
            }
            Move::Answer(i) => match std::mem::replace(&mut self.waiting[i], Waiting::Nothing) {
                Waiting::Read(Some(seen)) => self.routers[i].read(now, Some(seen)),
                Waiting::Write {
                    hold,
                    answer: Some(answer),
                    ..
                } => self.routers[i].written(now, hold, answer),
                other => {
                    self.waiting[i] = other;
                    return false;
                }
            },
            Move::Lose(i) => match std::mem::replace(&mut self.waiting[i], Waiting::Nothing) {
                Waiting::Read(_) => self.routers[i].read(now, None),
                Waiting::Write { hold, .. } => self.routers[i].written(now, hold, Written::Unknown),
                Waiting::Nothing => return false,
            },
        }
        true
    }

    fn holders(&self) -> usize {
        self.routers
            .iter()
            .filter(|router| router.holds(self.now))
            .count()
    }

    /// Lets a router work without delays until it has nothing to do.
    fn settle(&mut self, i: usize) {
        for _ in 0..20 {
            let moves = [Move::Go(i), Move::Serve(i), Move::Land(0), Move::Answer(i)];
            if moves.map(|step| self.go(step)) == [false; 4] {
                return;
            }
        }
        panic!("router {i} spins: {self:?}");
    }
}

const MOVES: [Move; 15] = [
    Move::Go(0),
    Move::Go(1),
    Move::Serve(0),
    Move::Serve(1),
    Move::Stale(0),
    Move::Stale(1),
    Move::Land(0),
    Move::Land(1),
    Move::Answer(0),
    Move::Answer(1),
    Move::Lose(0),
    Move::Lose(1),
    Move::Free(0),
    Move::Pass(25),
    Move::Pass(60),
];

/// Starts of the search, beyond which a few moves decide.
fn starts() -> Vec<(&'static str, World)> {
    let never = World::new(None, 0);
    let mut held = never.clone();
    held.settle(0);
    assert!(held.routers[0].holds(held.now) && held.routers[0].first());
    held.settle(1);
    let mut renewing = held.clone();
    renewing.go(Move::Pass(30));
    renewing.go(Move::Go(0));
    let mut silent = held.clone();
    silent.go(Move::Pass(75));
    silent.settle(1);
    let mut lost = renewing.clone();
    lost.go(Move::Lose(0));
    lost.go(Move::Pass(45));
    let mut freed = held.clone();
    freed.go(Move::Free(0));
    let mut left = World::new(Some(router("c")), 7);
    left.settle(0);
    left.settle(1);
    left.go(Move::Pass(90));
    vec![
        ("never held", never),
        ("held by a", held),
        ("a's renewal is under way", renewing),
        ("a has been silent for 0.75 TTL", silent),
        ("a's renewal is late, unanswered", lost),
        ("a gives up", freed),
        ("both wait for a dead router", left),
    ]
}

#[test]
fn no_order_of_eight_moves_makes_two_hold() {
    for (name, start) in starts() {
        let mut level = HashSet::from([start]);
        for depth in 1..=8 {
            let mut next = HashSet::new();
            for world in &level {
                for step in MOVES {
                    let mut after = world.clone();
                    if after.go(step) {
                        assert!(after.holders() < 2, "{name}, move {depth} {step:?}: {after:?}");
                        next.insert(after);
                    }
                }
            }
            level = next;
        }
        assert!(level.len() > 100, "{name}: {}", level.len());
    }
}

fn moves() -> impl Strategy<Value = Move> {
    let router = 0..2_usize;
    prop_oneof![
        6 => router.clone().prop_map(Move::Go),
        4 => router.clone().prop_map(Move::Serve),
        1 => router.clone().prop_map(Move::Stale),
        4 => (0..3_usize).prop_map(Move::Land),
        6 => router.clone().prop_map(Move::Answer),
        1 => router.clone().prop_map(Move::Lose),
        1 => router.clone().prop_map(Move::Free),
        1 => router.prop_map(Move::Hint),
        3 => (1..35_u32).prop_map(Move::Pass),
        1 => (35..150_u32).prop_map(Move::Pass),
    ]
}

proptest! {
    #[test]
    fn two_never_hold_and_one_does_in_the_end(
        moves in prop::collection::vec(moves(), 0..400),
        start in 0..7_usize,
    ) {
        let (_, mut world) = starts().swap_remove(start);
        for step in moves {
            world.go(step);
            prop_assert!(world.holders() < 2, "{:?}", world);
        }
        // From here on the network works: late messages arrive, and the lease finds a holder.
        while world.go(Move::Land(0)) {}
        for i in [0, 1] {
            world.go(Move::Serve(i));
            world.go(Move::Answer(i));
        }
        for _ in 0..100 {
            for i in [0, 1] {
                world.settle(i);
                prop_assert!(world.holders() < 2);
            }
            world.go(Move::Pass(5));
        }
        prop_assert_eq!(world.holders(), 1);
    }
}

#[test]
fn a_router_that_is_not_preferred_waits_one_ttl_more() {
    let free = Some(Seen {
        revision: 4,
        holder: None,
    });
    let held = Some(Seen {
        revision: 4,
        holder: Some(router("c")),
    });
    let cases = [
        (&free, true, 0),
        (&free, false, 1),
        (&held, true, 1),
        (&held, false, 2),
    ];
    for (seen, preferred, ttls) in cases {
        let start = Instant::now();
        let mut lease = Lease::new(router("a"), [].into(), TTL);
        assert_eq!(lease.step(start, preferred), Step::Read);
        lease.read(start, seen.clone());
        let mut now = start;
        while lease.step(now, preferred)
            != (Step::Write {
                expected: 4,
                hold: true,
            })
        {
            lease.read(now, seen.clone());
            now += TTL / 100;
        }
        assert_eq!(now.duration_since(start), TTL * ttls, "{seen:?} {preferred}");
    }
}

#[test]
fn a_router_takes_its_own_lease_back_at_once_if_its_former_process_has_ended() {
    let former = Holder {
        start: "a 0".into(),
        ..router("a")
    };
    for (ended, at_once) in [(vec!["a 0".into()], true), (vec!["b 1".into()], false)] {
        let now = Instant::now();
        let mut lease = Lease::new(router("a"), ended.into(), TTL);
        lease.read(
            now,
            Some(Seen {
                revision: 9,
                holder: Some(former.clone()),
            }),
        );
        let taken = lease.step(now, false)
            == Step::Write {
                expected: 9,
                hold: true,
            };
        assert_eq!(taken, at_once);
        if taken {
            lease.written(now, true, Written::As(10));
            assert!(lease.holds(now) && !lease.first());
            assert_eq!(lease.until(), Some(now + TTL * 4 / 5));
        }
    }
}

#[test]
fn a_holder_whose_stream_had_no_leader_has_time_to_renew() {
    let seen = |revision| {
        Some(Seen {
            revision,
            holder: Some(router("b")),
        })
    };
    let start = Instant::now();
    let mut lease = Lease::new(router("a"), [].into(), TTL);
    lease.read(start, seen(3));
    let taken = Step::Write {
        expected: 3,
        hold: true,
    };
    assert_eq!(lease.step(start + TTL, true), taken);
    // No answer: the leader is gone.
    lease.written(start + TTL, true, Written::Unknown);
    let back = start + TTL * 3 / 2;
    assert_eq!(lease.step(back, true), Step::Read);
    lease.read(back, seen(3));
    assert!(matches!(lease.step(back + TTL / 5, true), Step::Wait(_)));
    assert_eq!(lease.step(back + TTL / 4, true), taken);
    // The router's former process renews nothing.
    let mut lease = Lease::new(router("a"), ["b 1".into()].into(), TTL);
    lease.read(start, None);
    let own = Some(Seen {
        revision: 3,
        holder: Some(Holder {
            start: "b 1".into(),
            ..router("a")
        }),
    });
    lease.read(back, own);
    assert_eq!(lease.step(back, true), taken);
}

#[test]
fn a_router_leaves_a_lease_that_it_gave_back_to_others_for_one_ttl() {
    let start = Instant::now();
    let mut lease = Lease::new(router("a"), [].into(), TTL);
    let key = |revision| {
        Some(Seen {
            revision,
            holder: None,
        })
    };
    let write = |expected, hold| Step::Write { expected, hold };
    lease.read(start, key(3));
    assert_eq!(lease.step(start, true), write(3, true));
    lease.written(start, true, Written::As(4));
    lease.free();
    assert!(!lease.holds(start));
    assert_eq!(lease.step(start, true), write(4, false));
    lease.written(start, false, Written::As(5));
    let mut now = start;
    while let Step::Wait(_) | Step::Read = lease.step(now, true) {
        lease.read(now, key(5));
        now += TTL / 50;
    }
    assert_eq!(now, start + TTL);
    // A new request, as after a reload, takes it at once.
    lease.written(now, true, Written::As(6));
    lease.free();
    lease.step(now, true);
    lease.written(now, false, Written::As(7));
    lease.forget();
    assert_eq!(lease.step(now, true), Step::Read);
    lease.read(now, key(7));
    assert_eq!(lease.step(now, true), write(7, true));
}
