//! The properties of a request as tables, written from Meta's pages on the parameters of the Conversions API (v26.0), and
//! never from the `meta_conversions` sink.

use super::values::{cookie, currency, identifier, partner_agent, processing_option, web_address};
use crate::judge::schema::{Field, Kind, Shape, checked, field, int64, one_of, text, whole};
use crate::judge::values::{anything, ip_address};

const fn hashed(name: &'static str) -> Field {
    field(name, Kind::TextOrTexts(identifier)).noted()
}

const fn numeric(name: &'static str) -> Field {
    field(name, Kind::Numeric)
}

const ACTION_SOURCES: &str = "\
    email, website, app, phone_call, chat, physical_store, system_generated, business_messaging, other";

/// The request's body beside `data`.
pub(super) const BODY: &Shape = &[text("test_event_code"), checked("partner_agent", partner_agent)];

/// One item of `data`.
pub(super) const EVENT: &Shape = &[
    text("event_name").required().noted(),
    field("event_time", Kind::Any).required().noted(),
    one_of("action_source", ACTION_SOURCES).required().noted(),
    field("user_data", Kind::Object(USER_DATA)).required(),
    text("event_id").noted(),
    checked("event_source_url", web_address).noted(),
    text("referrer_url"),
    field("opt_out", Kind::Bool),
    field("custom_data", Kind::OpenObject(CUSTOM_DATA)),
    field("app_data", Kind::Object(APP_DATA)),
    field("original_event_data", Kind::Object(ORIGINAL_EVENT_DATA)),
    text("customer_segmentation"),
    one_of("messaging_channel", "messenger, whatsapp, instagram").noted(),
    field("attribution_data", Kind::Any),
    field("data_processing_options", Kind::Texts(1, processing_option)).noted(),
    whole("data_processing_options_country", 0, 1).noted(),
    int64("data_processing_options_state").noted(),
];

const USER_DATA: &Shape = &[
    hashed("em"),
    hashed("ph"),
    hashed("fn"),
    hashed("ln"),
    hashed("ge"),
    hashed("db"),
    hashed("ct"),
    hashed("st"),
    hashed("zp"),
    hashed("country"),
    // Hashing is recommended, not demanded.
    field("external_id", Kind::TextOrTexts(anything)).noted(),
    checked("client_ip_address", ip_address).noted(),
    text("client_user_agent").noted(),
    checked("fbc", cookie).noted(),
    checked("fbp", cookie).noted(),
    text("subscription_id").noted(),
    field("fb_login_id", Kind::Numeric).noted(),
    field("lead_id", Kind::Numeric).noted(),
    text("anon_id").noted(),
    text("madid").noted(),
    text("page_id").noted(),
    text("page_scoped_user_id").noted(),
    text("ctwa_clid").noted(),
    text("whatsapp_business_account_id"),
    text("ig_account_id").noted(),
    text("ig_sid").noted(),
    // In no list of Meta's; Segment sends both.
    text("partner_id").noted(),
    text("partner_name"),
];

const CUSTOM_DATA: &Shape = &[
    checked("currency", currency).noted(),
    numeric("value").noted(),
    field("content_ids", Kind::Texts(usize::MAX, anything)),
    field("contents", Kind::Objects(CONTENT)),
    one_of("content_type", "product, product_group"),
    text("content_name"),
    text("content_category"),
    numeric("num_items"),
    text("order_id"),
    text("search_string"),
    numeric("predicted_ltv"),
    numeric("net_revenue"),
    text("status"),
    text("item_number"),
];

const CONTENT: &Shape = &[
    text("id").required(),
    numeric("quantity"),
    numeric("item_price"),
    one_of("delivery_category", "in_store, curbside, home_delivery"),
];

const APP_DATA: &Shape = &[
    whole("advertiser_tracking_enabled", 0, 1).noted(),
    whole("application_tracking_enabled", 0, 1),
    field("extinfo", Kind::Any).noted(),
    text("campaign_ids"),
    text("install_referrer"),
    text("installer_package"),
    field("url_schemes", Kind::Texts(usize::MAX, anything)),
    text("vendor_id"),
    text("windows_attribution_id"),
    // In no list of Meta's; Segment sends it in production.
    text("madid"),
];

const ORIGINAL_EVENT_DATA: &Shape = &[
    text("event_name"),
    int64("event_time"),
    text("order_id"),
    text("event_id"),
];
