//! Every reason and warning this transform gives.

use signalbox_core::{Reason, Warning};

use crate::location::{Finding, Location};

/// An opt-out without a usable state or country: rejected, filtered or, if the operator chose so, sent.
const INCOMPLETE: &str = "ldp_incomplete";

/// The reason of a rejected or filtered event.
pub(crate) fn incomplete(location: &Location) -> Reason {
    Reason::new(INCOMPLETE, sentence(location))
}

/// The warning on an event that is sent all the same; `path` is one that was looked at in vain.
pub(crate) fn sent_incomplete(location: &Location, path: &str) -> Warning {
    let message = format!(
        "{}; it was sent without the flag, as on_unknown_state says",
        sentence(location)
    );
    Warning::new(INCOMPLETE, path, message)
}

/// The warning about an opt-out that says neither yes nor no.
pub(crate) fn unreadable(path: &str) -> Warning {
    let message = "the value says neither yes nor no; it counts as an opt-out";
    Warning::new("opt_out_unreadable", path, message)
}

/// The warning about a signal that cannot be decoded.
pub(crate) fn unreadable_signal(signal: &str, path: &str, why: &str) -> Warning {
    let message = format!("the signal '{signal}' cannot be read and counts as an opt-out: {why}");
    Warning::new("opt_out_unreadable", path, message)
}

/// The warning on an event that is flagged as one of a state that is only assumed.
pub(crate) fn flagged_incomplete(location: &Location, path: &str) -> Warning {
    let message = format!(
        "{}; it was flagged as one of the first state of `states`, as on_unknown_state says",
        sentence(location)
    );
    Warning::new(INCOMPLETE, path, message)
}

fn sentence(location: &Location) -> String {
    let say = |finding: Finding| match finding {
        Finding::Code(_) => "is known",
        Finding::Unknown => "is none that is known",
        Finding::Missing => "is missing",
    };
    format!(
        "the user opted out, but the state {} and the country {}, and Limited Data Processing needs both",
        say(location.state),
        say(location.country),
    )
}
