//! The faults and their times.

use signalbox_sandbox::{
    BadRequest, FailEvents, Faults, Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow,
    Status, Unavailable, Vendor, WarnEvents,
};

use super::kinds::KINDS;

/// Something that is done to the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Kill,
    Terminate,
    Reload,
    ReloadInvalid,
    RetryDeadLetters,
}

/// Faults at one vendor.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) faults: Faults,
    /// Events are accepted whose answer does not come through, so they are sent a second time.
    pub(super) deaf: bool,
    /// The next few orders are refused, without a word on which.
    pub(super) poison: bool,
    /// Ends only when the sink has a new dead letter.
    pub(super) buries: bool,
    /// The journal must become full.
    until_full: bool,
    /// Set for a step without kills, so that its dead letters stay.
    calm: bool,
    /// Set if only a reload makes the sink go on at once.
    holds: bool,
    /// Set if its dead letters are to be retried.
    retry: bool,
}

/// A time with the same faults.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// The faults at each vendor.
    pub(super) steps: Vec<Step>,
    /// Ends only when the journal was full.
    pub(super) until_full: bool,
    calm: bool,
    /// Number of events that the clients may have sent by its end.
    pub(super) allowed: u64,
    pub(super) acts: Vec<Act>,
    /// After the faults have ended.
    pub(super) after: Vec<Act>,
    pub(super) seed: u64,
}

impl Phase {
    fn of(steps: Vec<Step>) -> Phase {
        let any = |is: fn(&Step) -> bool| steps.iter().any(is);
        let mut after = Vec::new();
        if any(|step| step.holds) {
            after.push(Act::Reload);
        }
        if any(|step| step.retry) {
            after.push(Act::RetryDeadLetters);
        }
        Phase {
            until_full: any(|step| step.until_full),
            calm: any(|step| step.calm),
            steps,
            after,
            ..Phase::default()
        }
    }
}

fn step(change: impl FnOnce(&mut Faults)) -> Step {
    let mut faults = Faults::default();
    change(&mut faults);
    Step {
        faults,
        ..Step::default()
    }
}

/// With answers that do not come through.
fn deaf(change: impl FnOnce(&mut Faults)) -> Step {
    Step {
        deaf: true,
        ..step(change)
    }
}

/// The sink holds on; a changed configuration makes it go on at once.
fn hold(change: impl FnOnce(&mut Faults)) -> Step {
    Step {
        holds: true,
        ..step(change)
    }
}

/// Everything the sandbox can do, each once.
fn all() -> Vec<Step> {
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
        step(|_| {}),
        step(|f| {
            f.rate_limit = Some(RateLimit {
                percent: percent(40.0),
                ..RateLimit::default()
            })
        }),
        step(|f| {
            f.rate_limit = Some(RateLimit {
                retry_after_s: Some(1),
                ..RateLimit::times(1)
            })
        }),
        step(|f| {
            f.unavailable = Some(Unavailable {
                percent: percent(50.0),
                ..Unavailable::default()
            })
        }),
        step(|f| {
            f.status = Some(Status {
                percent: percent(50.0),
                ..Status::default()
            })
        }),
        step(|f| {
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
        step(|f| f.max_bytes = Some(20_000)),
        hold(|f| f.bad_request = Some(BadRequest::every_nth(5))),
        step(|f| f.unexpected_property = Some("num_items".to_owned())),
        Step {
            poison: true,
            buries: true,
            retry: true,
            ..step(|_| {})
        },
        Step {
            calm: true,
            retry: true,
            ..step(|f| f.fail_events = Some(FailEvents::times(5)))
        },
        step(|f| {
            f.warn_events = Some(WarnEvents {
                percent: percent(10.0),
                ..WarnEvents::default()
            })
        }),
        step(|f| {
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
        step(|f| {
            f.slow = Some(Slow {
                delay_ms: 50,
                ..Slow::always()
            })
        }),
        step(|f| {
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
        Step {
            until_full: true,
            ..step(|f| f.unavailable = Some(Unavailable::always()))
        },
    ]
}

/// Some events fail, and stay dead letters since it comes last. Only Pinterest refuses one and takes the others.
fn last(vendor: Vendor) -> Step {
    let failing = step(|f| {
        f.partial_as_422 = true;
        f.fail_events = Some(FailEvents::times(9));
    });
    Step {
        calm: true,
        buries: true,
        poison: vendor != Vendor::Pinterest,
        ..failing
    }
}

/// Makes a phase of the first steps of all vendors, one of the second steps, and so on.
fn transposed(steps: [Vec<Step>; KINDS.len()]) -> Vec<Phase> {
    let mut steps = steps.map(Vec::into_iter);
    std::iter::from_fn(|| {
        let next: Vec<Step> = steps.iter_mut().filter_map(Iterator::next).collect();
        (!next.is_empty()).then(|| Phase::of(next))
    })
    .collect()
}

/// All phases of a run, in an order that the seed decides.
pub(super) fn phases(events: u64, kills: u64, seed: u64) -> Vec<Phase> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let rounds = kills.div_ceil(10).max(1);
    let mut phases = Vec::new();
    for _ in 0..rounds {
        let steps = KINDS.each_ref().map(|_| {
            let mut steps = all();
            rng.shuffle(&mut steps);
            // They all fill the journal at the same time, as that takes long.
            let last = steps.len() - 1;
            if let Some(at) = steps.iter().position(|step| step.until_full) {
                steps.swap(at, last);
            }
            steps
        });
        let mut round = transposed(steps);
        rng.shuffle(&mut round);
        phases.extend(round);
    }
    phases.push(Phase::of(KINDS.iter().map(|kind| last(kind.vendor)).collect()));
    let count = phases.len() as u64;
    // The events that one phase lets out on top of the others' even shares fill the journal.
    let extra = (events / 3 / rounds).min(4_000);
    let share = (events - extra * rounds) / count;
    let (mut allowed, mut due) = (0, 0);
    for (at, phase) in (0..).zip(&mut phases) {
        allowed += share + if phase.until_full { extra } else { 0 };
        phase.allowed = allowed;
        phase.seed = rng.u64(..);
        for step in &mut phase.steps {
            step.faults.seed = rng.u64(..);
            step.faults.unnamed_events = rng.bool();
        }
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
