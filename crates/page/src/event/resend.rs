//! Sending an event again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_admin::{Caller, Deed};
use signalbox_runtime::operate::{ResendRequest, Sending};

use crate::problem::Problem;
use crate::state::Page;
use crate::view::Act;
use crate::words;

/// Sends an event once more, from the journal or its dead letter, even if the sink remembers that it has sent it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendAgain {
    /// Its `messageId`.
    message_id: String,
    /// The one sink that shall send it; without it, every sink that was owed it.
    #[serde(default)]
    sink: Option<String>,
}

/// The result of sending an event again.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    /// The result in a sentence.
    message: String,
    #[serde(skip)]
    deed: Deed,
}

impl Act for SendAgain {
    const NAME: &'static str = "event/resend";
    const ABOUT: &'static str =
        "Sends an event once more. The platform may drop it, since it knows the event id.";
    const WORD: Option<&'static str> = Some("resend");
    type Answer = Answer;

    async fn act(self, page: &Page, _: &Caller) -> Result<Answer, Problem> {
        let deed = page.admin.deed(self.sink.as_deref());
        let request = ResendRequest {
            message_ids: vec![self.message_id],
            sink: self.sink,
        };
        let resent = page
            .admin
            .source()
            .resend(&request)
            .await
            .map_err(Problem::conflict)?;
        let event = resent.events.into_iter().next().unwrap_or_default();
        let sent = event
            .sinks
            .values()
            .filter(|sending| **sending > Sending::Pending)
            .count() as u64;
        let pending = event
            .sinks
            .values()
            .filter(|sending| **sending == Sending::Pending)
            .count() as u64;
        if sent > 0 {
            let sinks = words::counted(sent, "sink", "sinks");
            return Ok(Answer {
                message: format!(
                    "{sinks} will send it again. The platform may drop it, since it knows the event id."
                ),
                deed: deed.count("events", 1).count("sent", 1),
            });
        }
        Err(Problem::conflict(match () {
            () if pending > 0 => "It is not sent again: it is still pending, and goes out by itself.",
            () if event.erased => "It is not sent again: an erasure covers it.",
            () if !event.found => {
                "It is not sent again: neither the journal nor a dead letter holds it any more."
            }
            () => {
                "It is not sent again: no sink can send it. The sink is disabled or gone, or its dead letter keeps nothing of it."
            }
        }))
    }

    fn deed(answer: &Answer) -> Deed {
        answer.deed.clone()
    }
}
