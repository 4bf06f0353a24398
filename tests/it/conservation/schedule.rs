//! The faults and their times.

use signalbox_sandbox::{
    BadRequest, FailEvents, Faults, Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow,
    Status, Unavailable, WarnEvents,
};

/// Something that is done to the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Kill,
    Terminate,
    Reload,
    ReloadInvalid,
    RetryDeadLetters,
}

/// A time with the same faults.
#[derive(Debug, Default)]
pub(super) struct Phase {
    pub(super) faults: Faults,
    /// Events are accepted whose answer does not come through, so they are sent a second time.
    pub(super) deaf: bool,
    /// Ends only when the journal was full.
    pub(super) until_full: bool,
    /// The next few orders are refused, without a word on which.
    pub(super) poison: bool,
    /// Set for a phase without kills, so that its dead letters stay.
    pub(super) calm: bool,
    /// Number of events that the clients may have sent by its end.
    pub(super) allowed: u64,
    pub(super) acts: Vec<Act>,
    /// After the faults have ended.
    pub(super) after: Vec<Act>,
    pub(super) seed: u64,
}

fn phase(change: impl FnOnce(&mut Faults)) -> Phase {
    let mut faults = Faults::default();
    change(&mut faults);
    Phase {
        faults,
        ..Phase::default()
    }
}

/// With answers that do not come through.
fn deaf(change: impl FnOnce(&mut Faults)) -> Phase {
    Phase {
        deaf: true,
        ..phase(change)
    }
}

/// The sink holds on; a changed configuration makes it go on at once.
fn hold(change: impl FnOnce(&mut Faults)) -> Phase {
    Phase {
        after: vec![Act::Reload],
        ..phase(change)
    }
}

/// Everything the sandbox can do, each once.
fn all() -> Vec<Phase> {
    let percent = |percent: f64| Some(percent);
    let garbage = |form| {
        deaf(move |f| {
            f.garbage_body = Some(GarbageBody {
                form,
                percent: percent(25.0),
                ..GarbageBody::default()
            });
        })
    };
    vec![
        phase(|_| {}),
        phase(|f| {
            f.rate_limit = Some(RateLimit {
                percent: percent(40.0),
                ..RateLimit::default()
            })
        }),
        phase(|f| {
            f.rate_limit = Some(RateLimit {
                retry_after_s: Some(1),
                ..RateLimit::times(1)
            })
        }),
        phase(|f| {
            f.unavailable = Some(Unavailable {
                percent: percent(50.0),
                ..Unavailable::default()
            })
        }),
        phase(|f| {
            f.status = Some(Status {
                percent: percent(50.0),
                ..Status::default()
            })
        }),
        phase(|f| {
            f.status = Some(Status {
                code: 408,
                percent: percent(30.0),
                ..Status::default()
            })
        }),
        hold(|f| f.redirect = Some(Redirect::times(2))),
        hold(|f| f.not_found = true),
        hold(|f| f.unauthorized = true),
        hold(|f| f.forbidden = true),
        phase(|f| f.max_bytes = Some(20_000)),
        hold(|f| f.bad_request = Some(BadRequest::every_nth(5))),
        phase(|f| f.unexpected_property = Some("num_items".to_owned())),
        Phase {
            poison: true,
            ..phase(|_| {})
        },
        Phase {
            calm: true,
            after: vec![Act::RetryDeadLetters],
            ..phase(|f| f.fail_events = Some(FailEvents::times(5)))
        },
        phase(|f| {
            f.warn_events = Some(WarnEvents {
                percent: percent(10.0),
                ..WarnEvents::default()
            })
        }),
        phase(|f| {
            f.reset = Some(Reset {
                percent: percent(30.0),
                ..Reset::default()
            })
        }),
        deaf(|f| {
            f.reset = Some(Reset {
                percent: percent(30.0),
                after_accept: true,
                ..Reset::default()
            })
        }),
        deaf(|f| {
            f.short_body = Some(ShortBody {
                percent: percent(30.0),
                ..ShortBody::default()
            })
        }),
        garbage(Garbage::Html),
        garbage(Garbage::Truncated),
        garbage(Garbage::Empty),
        phase(|f| {
            f.slow = Some(Slow {
                delay_ms: 50,
                ..Slow::always()
            })
        }),
        phase(|f| {
            f.slow = Some(Slow {
                delay_ms: 3_000,
                ..Slow::times(2)
            })
        }),
        deaf(|f| {
            f.slow = Some(Slow {
                delay_ms: 3_000,
                after_accept: true,
                ..Slow::times(2)
            })
        }),
        Phase {
            until_full: true,
            ..phase(|f| f.unavailable = Some(Unavailable::always()))
        },
    ]
}

/// Some events fail, and stay dead letters since it comes last.
fn last() -> Phase {
    Phase {
        calm: true,
        ..phase(|f| {
            f.partial_as_422 = true;
            f.fail_events = Some(FailEvents::times(9));
        })
    }
}

/// All phases of a run, in an order that the seed decides.
pub(super) fn phases(events: u64, kills: u64, seed: u64) -> Vec<Phase> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let rounds = kills.div_ceil(10).max(1);
    let mut phases = Vec::new();
    for _ in 0..rounds {
        let mut round = all();
        rng.shuffle(&mut round);
        phases.extend(round);
    }
    phases.push(last());
    let count = phases.len() as u64;
    // The events that one phase lets out on top of the others' even shares fill the journal.
    let extra = (events / 3 / rounds).min(4_000);
    let share = (events - extra * rounds) / count;
    let (mut allowed, mut due) = (0, 0);
    for (at, phase) in (0..).zip(&mut phases) {
        allowed += share + if phase.until_full { extra } else { 0 };
        phase.allowed = allowed;
        phase.seed = rng.u64(..);
        phase.faults.seed = phase.seed;
        if at % 6 == 5 {
            phase.after.push(Act::RetryDeadLetters);
        }
        // Never in the first half of a step, so not in the last phase.
        due += ((at + 1) * kills + count / 2) / count - (at * kills + count / 2) / count;
        if due > 0 && !phase.calm {
            due -= 1;
            phase.acts.push(Act::Kill);
        } else {
            match at % 7 {
                1 => phase.acts.push(Act::Reload),
                3 => phase.acts.push(Act::ReloadInvalid),
                5 => phase.after.push(Act::Terminate),
                _ => {}
            }
        }
    }
    phases
}
