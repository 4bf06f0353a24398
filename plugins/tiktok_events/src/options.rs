//! Options of the sink that several modules read.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::{Doubt, Frames, OptOutPolicy, Refusal, Root, compat_setting};
use signalbox_http::{HeaderValue, Url};

use crate::reasons;
use crate::wire::{APP_LAYOUT, Layout, OFFLINE_LAYOUT, WEB_LAYOUT};

/// A sink for TikTok, as its settings say.
#[derive(Debug)]
pub struct TikTok {
    pub(crate) compat: Compat,
    pub(crate) event_source: EventSource,
    /// Id of the event source.
    pub(crate) event_source_id: String,
    /// Id of the CRM event set for events that a mapping puts there.
    pub(crate) crm_event_set_id: Option<String>,
    pub(crate) test_event_code: Option<String>,
    pub(crate) partner_name: Option<String>,
    pub(crate) external_id_case: ExternalIdCase,
    pub(crate) on_unsupported: OptOutPolicy,
    pub(crate) require_event_id: bool,
    /// Age from which on an event is not sent.
    pub(crate) max_age: Duration,
    /// Longest time that an event may lie ahead of its arrival.
    pub(crate) max_future: Duration,
    pub(crate) url: Url,
    /// Marked as sensitive.
    pub(crate) access_token: HeaderValue,
    /// The frames of requests; key 0 is the one of the settings.
    pub(crate) frames: Frames,
    pub(crate) doubt: Doubt,
}

compat_setting! {
    /// TikTok's own: wrong data is never sent, an event is not lost for a detail, data that is there is used.
    Tiktok
}

/// Letter case in which an external id is hashed. It must be the one of the pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExternalIdCase {
    /// The case of the id, as TikTok's example has it.
    #[default]
    AsGiven,
    /// Lower case, as Segment's destination hashes it.
    Lower,
}

/// The place where events happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// A website, named by its pixel code.
    #[default]
    Web,
    /// An app, named by its TikTok app id.
    App,
    /// Stores, named by an offline event set id.
    Offline,
    /// A CRM system, named by a CRM event set id.
    Crm,
}

impl EventSource {
    /// Returns TikTok's name.
    pub fn name(self) -> &'static str {
        match self {
            EventSource::Web => "web",
            EventSource::App => "app",
            EventSource::Offline => "offline",
            EventSource::Crm => "crm",
        }
    }

    /// Returns the members of a request beside its events, which are of the source with this id.
    pub(crate) fn root<'t>(
        self,
        id: &'t str,
        code: Option<&'t str>,
        partner: Option<&'t str>,
    ) -> Root<'t, 4> {
        [
            ("event_source", Some(self.name())),
            ("event_source_id", Some(id)),
            ("test_event_code", code),
            ("partner_name", partner),
        ]
    }

    /// Returns true if TikTok knows an opt-out for events of this source.
    pub(crate) fn has_limited_data_use(self) -> bool {
        matches!(self, EventSource::Web | EventSource::App)
    }

    pub(crate) fn layout(self) -> &'static Layout {
        match self {
            EventSource::Web | EventSource::Crm => &WEB_LAYOUT,
            EventSource::App => &APP_LAYOUT,
            EventSource::Offline => &OFFLINE_LAYOUT,
        }
    }
}

/// Longest test code that a mapping may give, in bytes of JSON; TikTok's have ten characters.
pub(crate) const LONGEST_CODE: usize = 256;

impl TikTok {
    #[inline]
    pub(crate) fn layout(&self) -> &'static Layout {
        self.event_source.layout()
    }

    /// Returns the key of the requests that carry events of a source with a test code, see
    /// [`Written::batch_key`](signalbox_conversions::Written::batch_key).
    pub(crate) fn batch_key(
        &self,
        source: EventSource,
        test_event_code: Option<&str>,
    ) -> Result<u16, Refusal> {
        let code = test_event_code.or(self.test_event_code.as_deref());
        if source == self.event_source && code == self.test_event_code.as_deref() {
            return Ok(0);
        }
        let id = match (source, &self.crm_event_set_id, self.compat) {
            (EventSource::Crm, Some(id), _) => id,
            // Segment's destination has one id for both sources.
            (_, _, Compat::Tiktok) if source != self.event_source => {
                return Err(reasons::no_event_source_id().into());
            }
            _ => &self.event_source_id,
        };
        let root = source.root(id, code, self.partner_name.as_deref());
        Ok(self.frames.key(&root)?)
    }
}
