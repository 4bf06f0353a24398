//! An event's way through the transforms of its source, the routing of a sink and the sink's transforms.

use std::sync::Arc;

use signalbox_core::{Event, Flow, Reason, Transform};

use super::leaves::{Leaf, leaves};
use super::mask::Mask;
use super::parts::TestedSource;
use super::trial::{Change, Changed, Step, StepOutcome, Told, TrialOutcome};
use crate::delivery::{SinkOptions, Stage, guard};

/// Most changes of a step that are shown.
const MOST_CHANGES: usize = 200;

/// An event on its way.
pub(super) struct Walk {
    /// The event; `None` once its way has ended.
    pub(super) event: Option<Arc<Event>>,
    /// The end of the way, if it has come.
    pub(super) outcome: TrialOutcome,
    pub(super) end: Option<Told>,
    steps: Vec<Taken>,
}

/// A step, and the event before and after it.
struct Taken {
    step: Step,
    events: Option<(Arc<Event>, Arc<Event>)>,
}

impl Walk {
    /// Begins with an event that a sink would read.
    pub(super) fn of(event: Arc<Event>) -> Walk {
        Walk {
            event: Some(event),
            outcome: TrialOutcome::Mapped,
            end: None,
            steps: Vec::new(),
        }
    }

    /// Returns the way of a text that is no event.
    pub(super) fn refused(reason: &Reason) -> Walk {
        Walk {
            event: None,
            outcome: TrialOutcome::Rejected,
            end: Some(Told::of(reason)),
            steps: Vec::new(),
        }
    }

    /// Returns the steps, with the values that may be shown.
    pub(super) fn told(&self, plain: bool) -> Vec<Step> {
        let tell = |taken: &Taken| {
            let mut step = taken.step.clone();
            if let Some((before, after)) = &taken.events {
                step.changes = changes(before, after, plain);
            }
            step
        };
        self.steps.iter().map(tell).collect()
    }

    /// Takes the event through a transform.
    fn transform(&mut self, name: &str, transform: &dyn Transform) {
        let Some(before) = self.event.take() else { return };
        let mut after = Event::clone(&before);
        let flow = guard("transform_panicked", || transform.apply(&mut after));
        let after = Arc::new(after);
        let (outcome, reason) = match flow {
            // A delay changes nothing about the event.
            Ok(Flow::Pass | Flow::NotBefore(_)) => (StepOutcome::Passed, None),
            Ok(Flow::Filtered(reason)) => (StepOutcome::Filtered, Some(reason)),
            Ok(Flow::Rejected(reason)) | Err(reason) => (StepOutcome::Rejected, Some(reason)),
        };
        self.take(("transform", name), outcome, reason.as_ref(), String::new());
        if reason.is_none() {
            self.event = Some(after.clone());
        }
        if let Some(taken) = self.steps.last_mut() {
            taken.events = Some((before, after));
        }
    }

    /// Adds a step; a reason ends the way.
    fn take(
        &mut self,
        (kind, name): (&str, &str),
        outcome: StepOutcome,
        reason: Option<&Reason>,
        told: String,
    ) {
        if let Some(reason) = reason {
            self.event = None;
            self.end = Some(Told::of(reason));
            self.outcome = match outcome {
                StepOutcome::Rejected => TrialOutcome::Rejected,
                StepOutcome::Passed | StepOutcome::Filtered => TrialOutcome::Filtered,
            };
        }
        let step = Step {
            kind: kind.to_owned(),
            name: name.to_owned(),
            outcome,
            told: reason.map_or(told, |reason| reason.message().to_owned()),
            changes: Vec::new(),
        };
        self.steps.push(Taken { step, events: None });
    }
}

/// Takes an event through the transforms of its source that do more than pace.
pub(super) fn through_source(event: Event, source: &TestedSource) -> Walk {
    let mut walk = Walk::of(Arc::new(event));
    through(&mut walk, &source.intake.transforms, &source.through);
    if let (Some(watch), Some(event)) = (&source.intake.watch, &mut walk.event) {
        let warnings = watch.warnings(event);
        Arc::make_mut(event).facts_mut().warnings.extend(warnings);
    }
    walk
}

/// Takes an event through the routing of a sink and its transforms.
pub(super) fn through_sink(mut walk: Walk, options: &SinkOptions, stage: &Stage) -> Walk {
    if let Some(event) = walk.event.clone() {
        for (rule, result) in stage.route.rules(&event) {
            match result {
                Ok(told) => walk.take((rule, ""), StepOutcome::Passed, None, told),
                Err(reason) => walk.take((rule, ""), StepOutcome::Filtered, Some(&reason), String::new()),
            }
        }
    }
    through(&mut walk, &stage.transforms, &options.through);
    walk
}

fn through(walk: &mut Walk, transforms: &[Box<dyn Transform>], names: &[Arc<str>]) {
    for (index, transform) in transforms.iter().enumerate() {
        if !transform.only_paces() {
            let name = names.get(index).map_or("", |name| &**name);
            walk.transform(name, &**transform);
        }
    }
}

/// Lists the values that differ, in the order of the event after the step; removed values come last.
fn changes(before: &Event, after: &Event, plain: bool) -> Vec<Change> {
    let (old, new) = (leaves(before.root()), leaves(after.root()));
    let find = |list: &[Leaf], path: &str| list.iter().position(|leaf| leaf.path == path);
    let mut pairs: Vec<(Option<&Leaf>, Option<&Leaf>)> = Vec::new();
    for leaf in &new {
        match find(&old, &leaf.path).and_then(|at| old.get(at)) {
            Some(same) if same == leaf => {}
            was => pairs.push((was, Some(leaf))),
        }
    }
    for leaf in &old {
        if find(&new, &leaf.path).is_none() {
            pairs.push((Some(leaf), None));
        }
    }
    let (masked_old, masked_new) = (Mask::of(before, plain), Mask::of(after, plain));
    let change = |(was, is): (Option<&Leaf>, Option<&Leaf>)| Change {
        path: is.or(was).map(|leaf| leaf.path.clone()).unwrap_or_default(),
        changed: match (was, is) {
            (None, _) => Changed::Added,
            (Some(_), Some(_)) => Changed::Replaced,
            (Some(_), None) => Changed::Removed,
        },
        before: was.map(|leaf| masked_old.of_event(leaf)),
        after: is.map(|leaf| masked_new.of_event(leaf)),
    };
    pairs.truncate(MOST_CHANGES);
    let mut changes: Vec<Change> = pairs.into_iter().map(change).collect();
    let (was, is) = (before.facts(), after.facts());
    if let Some(limited) = is.limited_data_processing.as_ref()
        && was.limited_data_processing.as_ref() != Some(limited)
    {
        changes.push(Change {
            path: "limited data processing".to_owned(),
            changed: Changed::Added,
            before: None,
            after: Some(format!("{}, {}", limited.state, limited.country)),
        });
    }
    changes
}
