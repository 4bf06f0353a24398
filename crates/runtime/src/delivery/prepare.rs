//! Preparation of an event for a sink: routing, the sink's transforms, its mapping.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use signalbox_core::{Event, Flow, Prepared, Reason, Record, Rejection, Sink, Transform};

use crate::routing::Route;

/// The steps of an event on one sink before its records are batched; `dry-run` uses the same.
pub struct Stage {
    /// Which events are meant for the sink.
    pub route: Route,
    /// The sink's `through`.
    pub transforms: Vec<Box<dyn Transform>>,
    /// The sink.
    pub sink: Arc<dyn Sink>,
}

/// The result of preparing an event.
#[derive(Debug)]
pub enum Staged {
    /// A transform lets the event wait; [`Stage::resume`] goes on.
    Wait {
        /// Time of the next try.
        until: Instant,
        /// The event after the transforms before this one.
        event: Box<Event>,
        /// The transform that goes on.
        transform: usize,
    },
    /// The event is not for this sink.
    Filtered(Reason),
    /// The event should have been delivered, but cannot be.
    Rejected(Reason),
    /// A record, or the reason why there is none, for each mapping that matched.
    Mapped {
        /// The event as the mapping saw it.
        event: Arc<Event>,
        /// At least one.
        results: Vec<Result<Record, Rejection>>,
    },
}

impl Stage {
    /// Begins with an event as it stands in the journal.
    pub fn begin(&self, event: &Arc<Event>) -> Staged {
        if let Err(reason) = self.route.admits(event) {
            return Staged::Filtered(reason);
        }
        if self.transforms.is_empty() {
            return self.map(event.clone());
        }
        self.resume(Box::new(Event::clone(event)), 0)
    }

    /// Goes on at a transform that let the event wait.
    pub fn resume(&self, mut event: Box<Event>, from: usize) -> Staged {
        for (index, transform) in self.transforms.iter().enumerate().skip(from) {
            match guard("transform_panicked", || transform.apply(&mut event)) {
                Ok(Flow::Pass) => {}
                Ok(Flow::Filtered(reason)) => return Staged::Filtered(reason),
                Ok(Flow::Rejected(reason)) | Err(reason) => return Staged::Rejected(reason),
                Ok(Flow::NotBefore(until)) => {
                    return Staged::Wait {
                        until,
                        event,
                        transform: index,
                    };
                }
            }
        }
        self.map(Arc::new(*event))
    }

    /// Prepares an event without the transforms that only pace, so that it neither waits nor takes another event's turn.
    pub fn rehearse(&self, event: &Arc<Event>) -> Staged {
        if let Err(reason) = self.route.admits(event) {
            return Staged::Filtered(reason);
        }
        let mut event = Event::clone(event);
        for transform in self.transforms.iter().filter(|transform| !transform.only_paces()) {
            match guard("transform_panicked", || transform.apply(&mut event)) {
                // A delay changes nothing about the event.
                Ok(Flow::Pass | Flow::NotBefore(_)) => {}
                Ok(Flow::Filtered(reason)) => return Staged::Filtered(reason),
                Ok(Flow::Rejected(reason)) | Err(reason) => return Staged::Rejected(reason),
            }
        }
        self.map(Arc::new(event))
    }

    /// The sink's mapping alone, for `reencode`.
    pub(crate) fn map(&self, event: Arc<Event>) -> Staged {
        match guard("mapping_panicked", || self.sink.prepare(&event)) {
            Ok(Prepared::Filtered(reason)) => Staged::Filtered(reason),
            Ok(Prepared::Rejected(reason)) | Err(reason) => Staged::Rejected(reason),
            Ok(Prepared::Mapped(results)) if results.is_empty() => Staged::Filtered(Reason::new(
                "no_mapping_matched",
                "no mapping made a record of it",
            )),
            Ok(Prepared::Mapped(results)) => Staged::Mapped { event, results },
        }
    }
}

/// A panic in a plugin costs the event it panicked on, nothing else. The panic hook has printed the place.
pub(crate) fn guard<T>(code: &'static str, work: impl FnOnce() -> T) -> Result<T, Reason> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| Reason::new(code, "the plugin panicked on this event; the log tells where"))
}
