//! The stand-in for Pinterest: its one path, and the rules of its events.

mod endpoint;
mod reply;
mod schema;
mod validate;
mod values;

use bytes::Bytes;
use http::{Method, request};

use self::endpoint::Call;
use crate::reply::Reply;
use crate::state::Shared;

/// Answers a request to any path. `body` is `None` if it was too long or broke off.
pub(crate) async fn answer(shared: &Shared, head: &request::Parts, body: Option<Bytes>) -> Reply {
    let path = head.uri.path();
    let account = path
        .strip_prefix("/v5/ad_accounts/")
        .and_then(|rest| rest.strip_suffix("/events"))
        .filter(|account| !account.contains('/'));
    let Some(account) = account else {
        return Reply::not_found();
    };
    if head.method != Method::POST {
        return Reply::not_allowed();
    }
    let Some(body) = body else {
        return Reply::too_large();
    };
    let call = Call {
        account,
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body,
    };
    endpoint::answer(shared, &call).await
}
