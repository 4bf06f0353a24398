//! The stand-in for Pinterest: its endpoint `POST /v5/ad_accounts/{ad_account_id}/events`, the rules
//! of its events, and their scores.

mod answers;
mod schema;
mod score;
#[cfg(test)]
mod tests;
mod values;

use self::schema::{BODY, EVENT};
use crate::api::{Answers as _, Api, Call, Circumstances, bearer};
use crate::judge::Remarks;
use crate::judge::facts::{Facts, Findings};
use crate::judge::schema::Shape;
use crate::options::SandboxConfig;
use crate::reply::Reply;
use crate::vendor::Vendor;

/// The greatest number of digits of an ad account id.
const MAX_ID_DIGITS: usize = 18;

pub(crate) struct Pinterest;

impl Api for Pinterest {
    fn vendor(&self) -> Vendor {
        Vendor::Pinterest
    }

    fn all_or_nothing(&self) -> bool {
        false
    }

    fn endpoint<'a>(&self, path: &'a str) -> Option<&'a str> {
        account(path, "/events")
    }

    fn scored<'a>(&self, path: &'a str) -> Option<&'a str> {
        account(path, "/conversion_eqs")
    }

    fn scores(&self, query: &str, events: &[String], now: i64) -> Reply {
        score::answer(query, events, now).unwrap_or_else(answers::invalid)
    }

    fn token(&self, call: &Call<'_>) -> Option<String> {
        bearer(call.headers)
    }

    fn turned_away(&self, call: &Call<'_>, config: &SandboxConfig) -> Option<Reply> {
        let digits = call.id.bytes().all(|byte| byte.is_ascii_digit());
        let invalid = |message| Some(answers::invalid(message));
        if !digits || call.id.is_empty() || call.id.len() > MAX_ID_DIGITS {
            return invalid("'ad_account_id' must be 1 to 18 decimal digits");
        }
        if config.ad_account_id.as_ref().is_some_and(|id| id != call.id) {
            return Some(self.forbidden());
        }
        match test(call.query) {
            None | Some("true" | "false") => None,
            Some(_) => invalid("'test' is not of type boolean"),
        }
    }

    fn tables(&self) -> (&'static Shape, &'static Shape) {
        (BODY, EVENT)
    }

    fn open(&self, _: &SandboxConfig) -> bool {
        false
    }

    fn is_test(&self, call: &Call<'_>, _: &Facts) -> bool {
        test(call.query) == Some("true")
    }

    fn whole_event(&self, _: &Circumstances<'_>, _: &Facts, event: &Facts, found: &mut Findings) -> Remarks {
        let browser = event.has("client_ip_address") && event.has("client_user_agent");
        if !(event.has("em") || event.has("hashed_maids") || browser) {
            found.first(
                "'user_data' needs one of em, hashed_maids, or client_ip_address with client_user_agent",
            );
        }
        let (name, id) = (event.text("event_name"), event.text("event_id"));
        let dedup = event.text("action_source") != "offline" && !name.is_empty() && !id.is_empty();
        let opt_out = event.text("opt_out_type");
        let ldp = opt_out.split(',').any(|flag| flag.trim() == "LDP");
        Remarks {
            dedup_key: dedup.then(|| [String::new(), name.to_owned(), id.to_owned()]),
            ldp: ldp.then(|| event.has("st") && event.has("country")),
        }
    }
}

/// Returns the ad account's id in a path that ends like this.
fn account<'a>(path: &'a str, end: &str) -> Option<&'a str> {
    let account = path.strip_prefix("/v5/ad_accounts/")?.strip_suffix(end)?;
    (!account.contains('/')).then_some(account)
}

/// Returns the value of `test` in a query.
fn test(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("test="))
}
