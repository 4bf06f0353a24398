//! The transform: one question about each event.

use signalbox_core::{Event, Flow, Reason, Transform};
use signalbox_segment::fql::Trigger;

use crate::reasons;

/// Lets some events go on.
pub(crate) struct Filter {
    trigger: Trigger,
    invert: bool,
    reason: Reason,
}

impl Filter {
    pub(crate) fn new(name: &str, trigger: Trigger, invert: bool) -> Filter {
        Filter {
            trigger,
            invert,
            reason: reasons::filtered(name, invert),
        }
    }
}

impl Transform for Filter {
    fn apply(&self, event: &mut Event) -> Flow {
        // A trigger that cannot be evaluated stops the event, inverted or not.
        let goes_on = match self.trigger.evaluate(event.root()) {
            Ok(matches) => matches != self.invert,
            Err(_) => false,
        };
        if goes_on {
            Flow::Pass
        } else {
            Flow::Filtered(self.reason.clone())
        }
    }
}
