//! The results of a test in words.

use signalbox_core::{Standing, TestReply};
use signalbox_runtime::tester::{How, StepOutcome, Trial, TrialOutcome};

/// Tells the results of all sinks in one sentence.
pub(super) fn sentence(trials: &[Trial]) -> String {
    let count = |outcome| trials.iter().filter(|trial| trial.outcome == outcome).count();
    let (mapped, filtered, rejected) = (
        count(TrialOutcome::Mapped),
        count(TrialOutcome::Filtered),
        count(TrialOutcome::Rejected),
    );
    format!(
        "Of {} sinks {mapped} would send the event, {filtered} filter it and {rejected} reject it.",
        trials.len()
    )
}

/// The class and the word of an outcome.
pub(super) fn outcome(outcome: TrialOutcome) -> (&'static str, &'static str) {
    match outcome {
        TrialOutcome::Mapped => ("good", "would be sent"),
        TrialOutcome::Filtered => ("attention", "filtered"),
        TrialOutcome::Rejected => ("trouble", "rejected"),
    }
}

/// The class and the word of a step's result.
pub(super) fn step(outcome: StepOutcome) -> (&'static str, &'static str) {
    match outcome {
        StepOutcome::Passed => ("good", "passed"),
        StepOutcome::Filtered => ("attention", "filtered"),
        StepOutcome::Rejected => ("trouble", "rejected"),
    }
}

/// Names a step for people.
pub(super) fn step_name(kind: &str) -> &str {
    match kind {
        "transform" => "Transform",
        "write_key" => "Write key",
        "opt_out" => "Opt-out signals",
        "consent" => "Consent",
        "integrations" => "Integrations object",
        other => other,
    }
}

/// The words for how a value was made.
pub(super) fn how(how: How) -> &'static str {
    match how {
        How::Copied => "copied from",
        How::Hashed => "hash (SHA-256) of",
        How::WorkedOut => "worked out of",
        How::Fixed => "fixed by the mapping or the settings",
    }
}

/// Describes the value that a clause of a trigger compared.
pub(super) fn found(path: &str, found: Standing, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{path} is {}: {value}", found.words()),
        None => format!("{path} is {}", found.words()),
    }
}

/// Tells the answer in one sentence.
pub(super) fn answer(sink: &str, reply: &TestReply) -> String {
    let said = if reply.accepted {
        "accepted"
    } else {
        "did not accept"
    };
    format!(
        "The destination of {sink} {said} the test event (status {}).",
        reply.status
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_in_words() {
        assert_eq!(
            found("properties.total", Standing::Text, Some("7")),
            "properties.total is a text: 7"
        );
        assert_eq!(found("userId", Standing::Absent, None), "userId is nothing");
        assert_eq!(
            sentence(&[]),
            "Of 0 sinks 0 would send the event, 0 filter it and 0 reject it."
        );
        assert_eq!(step_name("write_key"), "Write key");
    }
}
