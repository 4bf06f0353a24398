//! The properties of a request as tables, written from TikTok's page on reporting app, web, offline and CRM events, and
//! never from the `tiktok_events` sink.

use super::values::{click_id, currency, hashed, normalised, share};
use crate::judge::schema::{Field, Kind, Shape, checked, field, int64, number, one_of, text, whole};
use crate::judge::values::{anything, ip_address};

/// A text or a list of texts that TikTok wants as SHA-256.
const fn hashes(name: &'static str) -> Field {
    field(name, Kind::TextOrTexts(hashed)).noted()
}

const EVENT_SOURCES: &str = "web, app, offline, crm";

/// The request's body beside `data`.
pub(super) const BODY: &Shape = &[
    one_of("event_source", EVENT_SOURCES).required().noted(),
    text("event_source_id").required().noted(),
    text("test_event_code").noted(),
    // On no page; Segment and TikTok's own template for Tag Manager send it.
    text("partner_name"),
];

/// The greatest `event_time`: a second before times in milliseconds begin.
const LAST_SECOND: i64 = 99_999_999_999;

/// One item of `data`.
pub(super) const EVENT: &Shape = &[
    text("event").required().noted(),
    whole("event_time", 0, LAST_SECOND).required(),
    text("event_id").noted(),
    field("user", Kind::Object(USER)),
    field("page", Kind::Object(PAGE)),
    field("properties", Kind::Object(PROPERTIES)),
    field("app", Kind::Object(APP)),
    field("ad", Kind::Object(AD)),
    field("lead", Kind::Object(LEAD)),
    field("limited_data_use", Kind::Bool).noted(),
];

const USER: &Shape = &[
    hashes("email"),
    hashes("phone"),
    hashes("external_id"),
    checked("ttclid", click_id).noted(),
    text("ttp").noted(),
    checked("ip", ip_address).noted(),
    text("user_agent").noted(),
    text("locale").noted(),
    text("idfa").noted(),
    text("idfv").noted(),
    text("gaid").noted(),
    one_of(
        "att_status",
        "AUTHORIZED, DENIED, NOT_DETERMINED, RESTRICTED, NOT_APPLICABLE",
    )
    .noted(),
    hashes("first_name"),
    hashes("last_name"),
    hashes("zip_code"),
    field("city", Kind::TextOrTexts(normalised)),
    field("state", Kind::TextOrTexts(normalised)),
    field("country", Kind::TextOrTexts(normalised)),
];

const PAGE: &Shape = &[text("url").noted(), text("referrer")];

const PROPERTIES: &Shape = &[
    number("value"),
    checked("currency", currency),
    one_of("content_type", "product, product_group"),
    field("contents", Kind::Objects(CONTENT)),
    field("content_ids", Kind::Texts(usize::MAX, anything)),
    int64("num_items"),
    text("search_string"),
    text("description"),
    text("order_id"),
    text("shop_id"),
    one_of("customer_type", "new, returning"),
];

const CONTENT: &Shape = &[
    text("content_id"),
    text("content_name"),
    text("content_category"),
    text("brand"),
    number("price"),
    // In the examples only.
    number("quantity"),
];

const APP: &Shape = &[text("app_id").noted(), text("app_name"), text("app_version")];

const AD: &Shape = &[
    text("callback"),
    text("campaign_id"),
    text("ad_id"),
    text("creative_id"),
    field("is_retargeting", Kind::Bool),
    field("attributed", Kind::Bool),
    text("attribution_type"),
    text("attribution_provider"),
    field("attribution_share", Kind::CheckedNumber(share)),
];

const LEAD: &Shape = &[text("lead_id").noted(), text("lead_event_source")];
