//! The meaning of the servers' errors to a journal.

use async_nats::jetstream::{Error, ErrorCode};

/// The meaning of an error, with the server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same request may work later: there is no leader, no answer came, or the server recovers.
    Again(String),
    /// Somebody else has written what the request wanted to replace.
    Fenced,
    /// There is no room until events are deleted.
    Full(String),
    /// Nothing that waiting mends.
    Tell(String),
}

impl Verdict {
    /// Judges an error that JetStream answered.
    pub(crate) fn of(error: &Error) -> Verdict {
        let code = error.error_code();
        let words = error.to_string();
        match code {
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
                Verdict::Fenced
            }
            ErrorCode::STREAM_STORE_FAILED if words.contains("maximum bytes exceeded") => Verdict::Full(words),
            ErrorCode::STORAGE_RESOURCES_EXCEEDED | ErrorCode::INSUFFICIENT_RESOURCES => Verdict::Full(words),
            ErrorCode::CLUSTER_NOT_AVAILABLE
            // A server that recovers says that JetStream or the stream is not there.
            | ErrorCode::JETSTREAM_NOT_ENABLED
            | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
            | ErrorCode::STREAM_NOT_FOUND
            | ErrorCode::STREAM_STORE_FAILED
            | ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT
            // Messages of a batch went missing on their way, as after a reconnect.
            | ErrorCode::ATOMIC_PUBLISH_INCOMPLETE_BATCH
            | ErrorCode::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT
            | ErrorCode::BATCH_PUBLISH_TOO_MANY_INFLIGHT => Verdict::Again(words),
            // Servers that started just now have not heard of each other yet.
            ErrorCode::CLUSTER_NO_PEERS if words.contains("peer offline") => Verdict::Again(words),
            // Without a code of its own, such as "no responders".
            _ if error.code() == 503 => Verdict::Again(words),
            _ => Verdict::Tell(words),
        }
    }

    /// The sentence for people.
    pub(crate) fn told(self) -> String {
        match self {
            Verdict::Again(words) => format!("the NATS servers do not take it now: {words}"),
            Verdict::Fenced => "another router has changed this meanwhile".to_owned(),
            Verdict::Full(words) => format!("the NATS servers have no room: {words}"),
            Verdict::Tell(words) => format!("the NATS servers refuse it: {words}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u64, status: u64, words: &str) -> Error {
        let json = serde_json::json!({ "code": status, "err_code": code, "description": words });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn servers_errors_are_judged_by_their_codes() {
        let judged = |code, status, words: &str| Verdict::of(&error(code, status, words));
        for code in [10071, 10164] {
            assert_eq!(judged(code, 400, "wrong last sequence: 7"), Verdict::Fenced);
        }
        for code in [10008, 10039, 10059, 10158, 10176] {
            assert!(matches!(judged(code, 503, "later"), Verdict::Again(_)), "{code}");
        }
        assert!(matches!(
            judged(10077, 503, "maximum bytes exceeded"),
            Verdict::Full(_)
        ));
        assert!(matches!(
            judged(10077, 503, "raft: not leader"),
            Verdict::Again(_)
        ));
        let placed = |words: &str| judged(10005, 400, words);
        let offline = placed("no suitable peers for placement, peer offline");
        assert!(matches!(offline, Verdict::Again(_)), "{offline:?}");
        let small = placed("no suitable peers for placement, insufficient storage");
        assert!(!matches!(small, Verdict::Again(_)), "{small:?}");
        for code in [10047, 10023] {
            assert!(
                matches!(judged(code, 500, "insufficient resources"), Verdict::Full(_)),
                "{code}"
            );
        }
        for code in [10199, 10201, 10174] {
            assert!(matches!(judged(code, 400, "no"), Verdict::Tell(_)), "{code}");
        }
    }
}
