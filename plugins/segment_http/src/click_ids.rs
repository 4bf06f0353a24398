//! Click ids and browser ids that ad platforms keep in first-party cookies and in the addresses of landing pages.
//!
//! Only the five names of [`COOKIES`] are read; every other cookie stays unread.

use std::sync::LazyLock;

use bumpalo::Bump;
use http::HeaderMap;
use http::header::{COOKIE, REFERER};
use signalbox_conversions::encode::TextKind;
use signalbox_conversions::{page, usable_text};
use signalbox_core::{Event, Kind, Path, Scalar};
use signalbox_segment::time::parse_timestamp;

static PAGE: LazyLock<Path> = LazyLock::new(|| Path::new("context.page"));
static CLICK_IDS: LazyLock<Path> = LazyLock::new(|| Path::new("context.click_ids"));
static URL: LazyLock<Path> = LazyLock::new(|| Path::new("context.page.url"));
static SEARCH: LazyLock<Path> = LazyLock::new(|| Path::new("context.page.search"));
static REFERRER: LazyLock<Path> = LazyLock::new(|| Path::new("context.page.referrer"));
static TIMESTAMP: LazyLock<Path> = LazyLock::new(|| Path::new("timestamp"));

/// The cookies that are read, and the members of `context.click_ids`: of Pinterest, Meta (a click and a browser) and TikTok.
const COOKIES: [&str; 5] = ["_epik", "_fbc", "_fbp", "ttclid", "_ttp"];

static PATHS: LazyLock<[Path; 5]> =
    LazyLock::new(|| COOKIES.map(|name| Path::new(&format!("context.click_ids.{name}"))));

/// Parameters of landing pages, and the cookie that holds the same id.
const PARAMETERS: [(&str, usize); 3] = [("epik", 0), ("fbclid", 1), ("ttclid", 3)];

/// Longest id, in characters; longer ones are left out, since a part of an id is none.
const MAX_ID: usize = 1000;

/// Longest address of a page that is taken from a header.
const MAX_URL: usize = 4096;

/// The ids and the page that the head of a browser's request tells.
#[derive(Default)]
pub(crate) struct ClickIds<'h> {
    cookies: [Option<&'h str>; 5],
    referer: Option<&'h str>,
}

impl<'h> ClickIds<'h> {
    /// Reads the head of a request.
    pub(crate) fn of(headers: &'h HeaderMap) -> ClickIds<'h> {
        let mut ids = ClickIds::default();
        for header in headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            for (name, kept) in COOKIES.iter().zip(&mut ids.cookies) {
                *kept = kept.or_else(|| page::cookie(header, name).filter(|id| is_id(id)));
            }
        }
        ids.referer = headers
            .get(REFERER)
            .and_then(|value| value.to_str().ok())
            .filter(|url| url.len() <= MAX_URL && page::host(url).is_some());
        ids
    }

    /// Completes an event of a browser: its page, if the SDK sent none, and `context.click_ids` where the event has none. An
    /// id in the page's address is newer than the cookie.
    pub(crate) fn complete(&self, event: &mut Event) {
        if let Some(referer) = self.referer
            && takes_members(event, &PAGE)
            && !has_text(event, &URL)
        {
            event.set(&URL, Scalar::String(referer));
        }
        if !takes_members(event, &CLICK_IDS) {
            return;
        }
        let found = self.found(event);
        for (path, id) in PATHS.iter().zip(found) {
            if let Some(id) = id
                && event.get(path).is_none_or(|node| node.is_null())
            {
                event.set(path, Scalar::String(&id));
            }
        }
    }

    fn found(&self, event: &Event) -> [Option<String>; 5] {
        let mut found = self.cookies.map(|id| id.map(str::to_owned));
        let [url, search, referrer] =
            [&URL, &SEARCH, &REFERRER].map(|path| event.get(path).and_then(|node| node.as_str()));
        let arena = Bump::new();
        for (name, place) in PARAMETERS {
            let Some(id) = page::click_id(name, url, search, referrer, &arena).filter(|id| is_id(id)) else {
                continue;
            };
            let id = if name == "fbclid" {
                let is_kept = self.cookies[place].is_some_and(|cookie| cookie.rsplit('.').next() == Some(id));
                match clicked_at(event).filter(|_| !is_kept) {
                    Some(at) => format!("fb.1.{at}.{id}"),
                    None => continue,
                }
            } else {
                id.to_owned()
            };
            found[place] = Some(id);
        }
        found
    }
}

/// The time of the event in Unix milliseconds, the nearest to the click that is known.
fn clicked_at(event: &Event) -> Option<i64> {
    let at = event.get(&TIMESTAMP)?.as_str().and_then(parse_timestamp)?;
    Some(at.0)
}

/// Returns true if a member can be written below this path without replacing a value: there is an object, null or nothing.
pub(crate) fn takes_members(event: &Event, path: &Path) -> bool {
    event
        .get(path)
        .is_none_or(|node| matches!(node.kind(), Kind::Object | Kind::Null))
}

fn has_text(event: &Event, path: &Path) -> bool {
    let text = event.get(path).and_then(|node| node.as_str());
    text.is_some_and(|text| !text.trim().is_empty())
}

/// Returns true for a text of visible ASCII characters that is no placeholder, such as the `undefined` of a script.
fn is_id(text: &str) -> bool {
    text.len() <= MAX_ID
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && usable_text(text, TextKind::Id).is_ok()
}
