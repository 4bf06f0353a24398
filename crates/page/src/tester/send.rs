//! Sends a test event, and shows the answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use signalbox_admin::{Caller, Deed};
use signalbox_core::TestReply;
use signalbox_runtime::tester::{Input, TestSend};

use super::read::{self, Given, Wanted};
use super::results;
use crate::problem::Problem;
use crate::state::Page;
use crate::view::Act;

/// A test event to send.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    /// The event: one call of Segment's, as an object. This or `message_id`.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub(super) event: Option<Box<RawValue>>,
    /// `messageId` of an event that the journal holds.
    #[serde(default)]
    pub(super) message_id: Option<String>,
    /// Name of the source that reads the event. Default: the first input of the sink.
    #[serde(default)]
    pub(super) source: Option<String>,
    /// Name of the sink.
    pub(super) sink: String,
    /// Name of the mapping whose record is sent. Needed if several make one.
    #[serde(default)]
    pub(super) mapping: Option<String>,
    /// The code that the destination's test tool shows, where it needs one and the settings have none.
    #[serde(default)]
    pub(super) code: Option<String>,
    /// Confirms that the destination may count the event, where it counts test events.
    #[serde(default)]
    pub(super) counts: bool,
}

/// The destination's answer to a test event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Sent {
    /// The answer in one sentence.
    message: String,
    /// The answer.
    pub(super) reply: TestReply,
    #[serde(skip)]
    deed: Deed,
}

/// The word for the act in the audit log.
pub(crate) const SEND_WORD: &str = "send_test_event";
/// Longest code of a test tool, in bytes.
const LONGEST_CODE: usize = 64;

impl Act for Send {
    const NAME: &'static str = "tester/send";
    const ABOUT: &'static str =
        "Sends the record that a sink makes of an event as a test event, once and past the journal.";
    const WORD: Option<&'static str> = Some(SEND_WORD);
    type Answer = Sent;

    async fn act(self, page: &Page, _: &Caller) -> Result<Sent, Problem> {
        let sink = self.sink.clone();
        let reply = self.send(page).await?;
        Ok(Sent {
            message: results::answer(&sink, &reply),
            reply,
            deed: page.admin.deed(Some(&sink)),
        })
    }

    fn deed(sent: &Sent) -> Deed {
        sent.deed.clone()
    }
}

impl Send {
    async fn send(self, page: &Page) -> Result<TestReply, Problem> {
        let code = self
            .code
            .as_deref()
            .map(str::trim)
            .filter(|code| !code.is_empty());
        if code.is_some_and(|code| code.len() > LONGEST_CODE) {
            let told = format!("A test code has at most {LONGEST_CODE} bytes.");
            return Err(Problem::bad_request(told));
        }
        let tester = read::running(page)?;
        let wanted = Wanted {
            text: self.event.as_ref().map(|event| event.get().to_owned()),
            message_id: self.message_id.clone(),
            source: self.source.clone(),
            sink: None,
        };
        let what = TestSend {
            sink: &self.sink,
            mapping: self.mapping.as_deref(),
            code,
            counts_confirmed: self.counts,
        };
        let sent = match read::given(page, &wanted).await? {
            Given::Stored(event) => tester.send(&Input::Stored(event), &what).await,
            Given::Text(text) => {
                let read = |source: &std::sync::Arc<str>| read::one(&text, source);
                let source = wanted.source.as_deref();
                tester.send(&Input::Sent { source, read: &read }, &what).await
            }
        };
        sent.map_err(|why| Problem::conflict(read::sentence(&why)))
    }
}
