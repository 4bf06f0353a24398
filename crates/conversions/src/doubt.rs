//! Replies by which a vendor neither confirms nor refuses events, such as a success of parts.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use signalbox_core::{Reason, Verdict};

/// Remembers whether the last reply was in doubt.
#[derive(Debug, Default)]
pub struct Doubt(AtomicBool);

impl Doubt {
    /// Returns the verdict on a reply in doubt: the events are sent again, which may deliver some of them twice. If the reply
    /// before was in doubt as well, the sink goes on hold, since the operator must look into it.
    pub fn verdict(&self, reason: Reason) -> Verdict {
        if self.0.swap(true, Relaxed) {
            return Verdict::Hold(reason);
        }
        Verdict::unclear(reason)
    }

    /// Notes a reply that confirms its events.
    pub fn clear(&self) {
        self.0.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Outcome;

    #[test]
    fn the_second_doubt_in_a_row_holds() {
        let doubt = Doubt::default();
        let verdict = || doubt.verdict(Reason::new("partly_done", ""));
        assert!(matches!(
            verdict(),
            Verdict::All(Outcome::Retry {
                maybe_written: true,
                ..
            })
        ));
        doubt.clear();
        assert!(matches!(verdict(), Verdict::All(_)));
        assert!(matches!(verdict(), Verdict::Hold(_)));
        assert!(matches!(verdict(), Verdict::Hold(_)));
    }
}
