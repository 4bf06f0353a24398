//! Replies by which a vendor neither confirms nor refuses events, such as a success of parts.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use signalbox_core::{Reason, Verdict};
use signalbox_http::{Class, Reply, StatusTable};

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

/// Interprets a failure whose body is not in the form of the vendor's API, by its status. It comes from a server in between,
/// which cannot judge events: of its refusals only a 413 counts, and the others are retried.
pub fn without_form(reply: &Reply, statuses: &StatusTable, vendor: &str) -> Verdict {
    match (reply.status.as_u16(), statuses.class(reply.status)) {
        (status, Class::Isolate) if status != 413 => Verdict::unclear(unreadable(reply, vendor)),
        _ => statuses.failure(reply, ""),
    }
}

/// Returns the reason `unreadable_reply`: the body is not in the form of the vendor's API.
pub fn unreadable(reply: &Reply, vendor: &str) -> Reason {
    let status = reply.status.as_u16();
    let message = format!("the answer {status} is not in the form of {vendor}'s API");
    Reason::new("unreadable_reply", message)
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
