//! The tester: one event through the running pipeline, with the reason for each step and the source of each value, and the
//! destination's answer to it as a test event.

mod data;
mod form;
mod html;
mod read;
mod results;
mod send;

use maud::Markup;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use signalbox_admin::Caller;
use signalbox_runtime::tester::Trial;

pub(crate) use self::data::Tester;
pub(crate) use self::form::{send_form, show_form};
use self::read::Wanted;
pub(crate) use self::send::{SEND_WORD, Send};
use crate::problem::Problem;
use crate::state::Page;
use crate::view::{Act, View};

/// The query of the tester.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// `messageId` of an event that the journal holds.
    message_id: Option<String>,
    /// Name of the only sink to take it to.
    sink: Option<String>,
}

impl View for Tester {
    const NAME: &'static str = "tester";
    const TITLE: &'static str = "Tester";
    const ABOUT: &'static str = "The way of one event of the journal to each sink: rules, transforms, triggers clause by \
                                 clause, the source of each value, and the request. Nothing is sent.";
    type Query = Query;

    async fn read(page: &Page, caller: &Caller, query: Query) -> Result<Tester, Problem> {
        let wanted = Wanted {
            message_id: query.message_id,
            sink: query.sink,
            ..Wanted::default()
        };
        read::tester(page, caller, wanted).await
    }

    fn html(&self, query: &Query, caller: &Caller) -> Markup {
        let shown = html::Shown {
            message_id: query.message_id.as_deref(),
            sink: query.sink.as_deref(),
            source: None,
            text: self.event.as_deref(),
            problem: None,
            reply: None,
        };
        html::tester(self, &shown, caller)
    }
}

/// A trial of an event, which sends nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Try {
    /// The event: one call of Segment's, as an object. This or `message_id`.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    event: Option<Box<RawValue>>,
    /// `messageId` of an event that the journal holds.
    #[serde(default)]
    message_id: Option<String>,
    /// Name of the source that reads the event. Default: the first input of each sink.
    #[serde(default)]
    source: Option<String>,
    /// Name of the only sink to take it to. Default: all.
    #[serde(default)]
    sink: Option<String>,
}

/// The result of a trial.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Tried {
    /// The result in one sentence.
    message: String,
    /// The event's way to each sink.
    trials: Vec<Trial>,
}

impl Act for Try {
    const NAME: &'static str = "tester";
    const ABOUT: &'static str = "Takes an event to each sink without sending it. Callers of the role `read` get personal \
                                 values hashed or hidden.";
    const WORD: Option<&'static str> = None;
    type Answer = Tried;

    async fn act(self, page: &Page, caller: &Caller) -> Result<Tried, Problem> {
        let wanted = Wanted {
            text: self.event.map(|event| event.get().to_owned()),
            message_id: self.message_id,
            source: self.source,
            sink: self.sink,
        };
        let trials = read::trials(page, caller, &wanted).await?;
        Ok(Tried {
            message: results::sentence(&trials),
            trials,
        })
    }
}
