//! Reads the stream's state from its leader each second: size, oldest frame, and the identity of the stream.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::shared::Shared;
use super::stream::Info;
use crate::mutex::lock;

/// The interval.
const EVERY: Duration = Duration::from_secs(1);
/// A stream that is missing, or lacks acknowledged frames, counts as lost after this time. A server that recovers, or a
/// leader that was replaced and has not noticed, may say so for a moment.
const LOST: Duration = Duration::from_secs(20);

/// Watches until the log stops.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut stop = shared.stop.subscribe();
    let mut lost_since: Option<Instant> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match shared.stream.info().await {
            Ok(info) => {
                shared.health.answers();
                let known = Known {
                    name: &shared.stream.name,
                    created: &shared.created,
                    acknowledged: shared.acknowledged.load(SeqCst).max(shared.followed_to()),
                };
                match known.fault(info.as_ref()) {
                    None => lost_since = None,
                    Some(why) => {
                        let since = *lost_since.get_or_insert_with(Instant::now);
                        if since.elapsed() > LOST {
                            shared.health.gone(&why);
                        }
                    }
                }
                if let Some(info) = info {
                    note(&shared, &info);
                }
            }
            Err(verdict) => shared.health.fails(&verdict.told()),
        }
    }
}

/// Notes the state of the log's stream.
fn note(shared: &Shared, info: &Info) {
    if info.created != shared.created {
        return;
    }
    shared.bytes.store(info.state.bytes, SeqCst);
    shared
        .max_bytes
        .store(u64::try_from(info.config.max_bytes).unwrap_or(u64::MAX), SeqCst);
    shared.known.fetch_max(info.state.last_seq, SeqCst);
    let before = shared.first.fetch_max(info.state.first_seq, SeqCst);
    if before < info.state.first_seq {
        let mut followed = lock(&shared.followed);
        followed.blocks.purge(info.state.first_seq);
        followed.marks.purge(info.state.first_seq);
    }
    let followed_to = shared.followed_to();
    let last = shared.last_look.swap(followed_to, SeqCst);
    if last == followed_to && followed_to < info.state.last_seq.max(info.state.first_seq.saturating_sub(1)) {
        shared.behind.notify_one();
    }
}

/// The stream as the log knows it.
struct Known<'a> {
    name: &'a str,
    created: &'a str,
    /// The last message that is known to be stored.
    acknowledged: u64,
}

impl Known<'_> {
    /// The sentence about a stream that is not the log's any more.
    fn fault(&self, info: Option<&Info>) -> Option<String> {
        let Known {
            name,
            created,
            acknowledged,
        } = *self;
        let Some(info) = info else {
            return Some(format!(
                "the stream '{name}' was deleted: events in it that were not delivered are lost; restart the router to begin a new one"
            ));
        };
        if info.created != created {
            return Some(format!(
                "the stream '{name}' was made anew at {}: events in the former one that were not delivered are lost; restart the router",
                info.created
            ));
        }
        (info.state.last_seq < acknowledged).then(|| {
            format!(
                "the stream '{name}' ends at message {}, and message {acknowledged} was stored in it: the NATS servers have lost messages; restore the stream from a backup, or restart the router to go on with what is left",
                info.state.last_seq
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::stream::Config;

    use super::*;

    #[test]
    fn a_stream_that_is_not_the_logs_any_more_is_told_with_the_remedy() {
        let info = |created: &str, last: u64| -> Info {
            let info = serde_json::json!({
                "created": created, "config": Config::default(),
                "state": { "bytes": 0, "first_seq": 1, "last_seq": last }
            });
            serde_json::from_value(info).unwrap()
        };
        let known = Known {
            name: "sbx_EV",
            created: "monday",
            acknowledged: 7,
        };
        assert_eq!(known.fault(Some(&info("monday", 7))), None);
        for (info, told, remedy) in [
            (None, "was deleted", "restart the router"),
            (
                Some(info("friday", 9)),
                "made anew at friday",
                "restart the router",
            ),
            (
                Some(info("monday", 6)),
                "ends at message 6, and message 7",
                "restore the stream from a backup",
            ),
        ] {
            let fault = known.fault(info.as_ref()).unwrap();
            assert!(fault.contains(told) && fault.contains(remedy), "{fault}");
        }
    }
}
