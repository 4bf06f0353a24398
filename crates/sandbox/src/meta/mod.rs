//! The stand-in for Meta: its endpoint `POST /v{n}.0/{dataset id}/events`, and the rules of its events.

mod answers;
mod form;
mod rules;
mod schema;
#[cfg(test)]
mod tests;
mod time;
mod values;

use std::borrow::Cow;

use self::schema::{BODY, EVENT};
use crate::api::{Api, Call, Circumstances, bearer};
use crate::judge::Remarks;
use crate::judge::facts::{Facts, Findings};
use crate::judge::schema::Shape;
use crate::options::SandboxConfig;
use crate::reply::Reply;
use crate::vendor::Vendor;

/// The oldest version that has not ended, by the table of the Marketing API. The table of the Graph API keeps versions for
/// longer.
const OLDEST_VERSION: u32 = 25;

pub(crate) struct Meta;

impl Api for Meta {
    fn vendor(&self) -> Vendor {
        Vendor::Meta
    }

    fn all_or_nothing(&self) -> bool {
        true
    }

    fn endpoint<'a>(&self, path: &'a str) -> Option<&'a str> {
        let (version, rest) = path.strip_prefix("/v")?.split_once('/')?;
        let id = rest.strip_suffix("/events")?;
        (version.ends_with(".0") && !id.contains('/')).then_some(id)
    }

    /// The header, or `access_token` in the query or in a form.
    fn token(&self, call: &Call<'_>) -> Option<String> {
        let in_form = || {
            let members = form::members(call)?;
            form::find(&members, "access_token")
        };
        bearer(call.headers)
            .or_else(|| form::find(&form::pairs(call.query), "access_token"))
            .or_else(in_form)
    }

    fn turned_away(&self, call: &Call<'_>, config: &SandboxConfig) -> Option<Reply> {
        let digits = call.id.bytes().all(|byte| byte.is_ascii_digit());
        let known = config.pixel_id.as_ref().is_none_or(|id| id == call.id);
        let exists = digits && (5..=20).contains(&call.id.len()) && known;
        (!exists).then(|| answers::unknown_dataset(call.id))
    }

    fn content<'a>(&self, call: &'a Call<'_>) -> Cow<'a, [u8]> {
        match form::members(call) {
            Some(members) => Cow::Owned(form::json(&members).into_bytes()),
            None => Cow::Borrowed(&call.body),
        }
    }

    fn tables(&self) -> (&'static Shape, &'static Shape) {
        (BODY, EVENT)
    }

    fn open(&self, config: &SandboxConfig) -> bool {
        !config.strict
    }

    /// Events with a `test_event_code` count for targeting and measurement, so none is a test.
    fn is_test(&self, _: &Call<'_>, _: &Facts) -> bool {
        false
    }

    /// Warns of versions that have ended, whose calls a newer one answers.
    fn marked(&self, path: &str, reply: Reply) -> Reply {
        let major = path.strip_prefix("/v").and_then(|rest| rest.split('.').next());
        match major.map(str::parse::<u32>) {
            Some(Ok(version)) if version < OLDEST_VERSION => answers::version_warning(reply, version),
            _ => reply,
        }
    }

    fn whole_event(
        &self,
        around: &Circumstances<'_>,
        _: &Facts,
        event: &Facts,
        found: &mut Findings,
    ) -> Remarks {
        rules::required(event, found);
        rules::identity(event, found);
        rules::age(around, event, found);
        let (name, id) = (event.text("event_name"), event.text("event_id"));
        let dedup = !name.is_empty() && !id.is_empty();
        Remarks {
            dedup_key: dedup.then(|| [around.id, name, id].map(str::to_owned)),
            ldp: rules::limited_data_use(event, found),
        }
    }
}
