//! The stand-in for TikTok: its endpoint `POST /open_api/v1.3/event/track/`, and the rules of its events.

mod answers;
mod rules;
mod schema;
#[cfg(test)]
mod tests;
mod values;

use self::schema::{BODY, EVENT};
use crate::api::{Api, Call, Circumstances};
use crate::judge::facts::{Facts, Findings};
use crate::judge::schema::Shape;
use crate::judge::{Refusal, Remarks};
use crate::options::SandboxConfig;
use crate::reply::Reply;
use crate::vendor::Vendor;

pub(crate) struct TikTok;

impl Api for TikTok {
    fn vendor(&self) -> Vendor {
        Vendor::TikTok
    }

    fn all_or_nothing(&self) -> bool {
        true
    }

    fn endpoint<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix("/open_api/v1.3/event/track/")
            .filter(|rest| rest.is_empty())
    }

    fn token(&self, call: &Call<'_>) -> Option<String> {
        let token = call.headers.get("access-token")?.to_str().ok()?;
        Some(token.trim().to_owned())
    }

    fn turned_away(&self, _: &Call<'_>, _: &SandboxConfig) -> Option<Reply> {
        None
    }

    fn tables(&self) -> (&'static Shape, &'static Shape) {
        (BODY, EVENT)
    }

    fn open(&self, config: &SandboxConfig) -> bool {
        !config.strict
    }

    fn is_test(&self, _: &Call<'_>, request: &Facts) -> bool {
        request.has("test_event_code")
    }

    fn whole_request(&self, around: &Circumstances<'_>, request: &Facts) -> Result<(), Refusal> {
        let id = request.text("event_source_id");
        if id.is_empty() {
            return Err(Refusal::new("'event_source_id' is empty"));
        }
        let known = around.config.event_source_id.as_ref();
        if known.is_some_and(|known| known != id) {
            return Err(Refusal {
                code: Some(answers::NO_PERMISSION),
                ..Refusal::new("No permission to operate the event source.")
            });
        }
        Ok(())
    }

    fn whole_event(
        &self,
        _: &Circumstances<'_>,
        request: &Facts,
        event: &Facts,
        found: &mut Findings,
    ) -> Remarks {
        let source = request.text("event_source");
        rules::name(source, event, found);
        rules::required(source, event, found);
        rules::misplaced(source, event, found);
        let (name, id) = (event.text("event"), event.text("event_id"));
        let key = [request.text("event_source_id"), name, id];
        let limited = event.text("limited_data_use") == "true";
        Remarks {
            dedup_key: (!id.is_empty()).then(|| key.map(str::to_owned)),
            ldp: limited.then(|| rules::limits_data_use(source)),
        }
    }
}
