//! The properties of an event as tables: one line for each property of Pinterest's OpenAPI description 5.28.0: the published
//! description 5.23.0, and what its public changelog adds up to 5.28.0 (`contents[].item_brand_id`).
//!
//! The tables are written from Pinterest's published description and nothing else. In particular they share
//! no line with the `pinterest_conversions` sink: a mistake there must be seen here.

use super::values::{language, partner_name};
use crate::judge::schema::{Field, Kind, Shape, chars, field, int64, text, whole};
use crate::judge::values::{anything, currency, hash, ip_address, number};

const fn hashes(name: &'static str) -> Field {
    field(name, Kind::Texts(usize::MAX, hash))
}

/// The names of the OpenAPI text, which lists all of them since 5.28.0.
const EVENT_NAMES: &str = "\
    add_payment_info, add_to_cart, add_to_wishlist, app_install, app_open, checkout, contact, custom, \
    customize_product, find_location, initiate_checkout, lead, page_visit, schedule, search, signup, \
    start_trial, submit_application, subscribe, view_category, view_content, watch_video";

const ACTION_SOURCES: &str = "app_android, app_ios, web, offline";

const FORM_FACTORS: &str = "desktop, laptop, cellphone, tablet, smartwatch, tv, vr, console, other";

const NETWORK_TYPES: &str = "\
    wifi, cellular_2g, cellular_3g, cellular_4g, cellular_5g, cellular_6g, ethernet, unknown";

const OS_FAMILIES: &str = "ios, android, macos, windows, linux, bsd, other";

/// The greatest window or screen side, in pixels.
const SIDE: i64 = 30_720;
/// The greatest storage, in GB.
const STORAGE: i64 = 1_048_576;

/// The request's body.
pub(crate) const BODY: &Shape = &[];

/// One item of `data`.
pub(crate) const EVENT: &Shape = &[
    field("event_name", Kind::OneOf(EVENT_NAMES)).required().noted(),
    field("action_source", Kind::OneOf(ACTION_SOURCES))
        .required()
        .noted(),
    int64("event_time").required(),
    text("event_id").required().noted(),
    field("user_data", Kind::Object(USER_DATA)).required(),
    field("custom_data", Kind::Object(CUSTOM_DATA)),
    field("app_info", Kind::Object(APP_INFO)),
    field("device_info", Kind::Object(DEVICE_INFO)),
    text("event_source_url").null(),
    field("opt_out", Kind::Bool),
    field("partner_name", Kind::Checked(partner_name)).null(),
    field("advertiser_tracking_enabled", Kind::Bool).unpublished(),
    field("language", Kind::Checked(language)).null(),
    field("wifi", Kind::Bool),
    text("app_id").null(),
    text("app_name").null(),
    text("app_version").null(),
    text("device_brand").null(),
    text("device_carrier").null(),
    text("device_model").null(),
    text("device_type").null(),
    text("os_version").null(),
];

/// Pinterest's description leaves this object open; closing it is the sandbox's choice, since a
/// misspelt identifier would otherwise go unnoticed.
const USER_DATA: &Shape = &[
    hashes("em").noted(),
    hashes("ph"),
    hashes("ge"),
    hashes("db"),
    hashes("ln"),
    hashes("fn"),
    hashes("ct"),
    hashes("st").noted(),
    hashes("zp"),
    hashes("country").noted(),
    hashes("external_id"),
    hashes("hashed_maids").noted(),
    field("client_ip_address", Kind::Checked(ip_address)).noted(),
    text("client_user_agent").noted(),
    text("click_id").null(),
    text("partner_id").null(),
];

const CUSTOM_DATA: &Shape = &[
    field("currency", Kind::Checked(currency)).null(),
    field("value", Kind::Checked(number)).null(),
    field("content_ids", Kind::Texts(usize::MAX, anything)),
    field("contents", Kind::Objects(CONTENT)),
    int64("num_items"),
    text("order_id").null(),
    text("search_string").null(),
    text("opt_out_type").null().noted(),
    text("content_name").null(),
    text("content_category").null(),
    text("content_brand").null(),
    field("predicted_ltv", Kind::Checked(number)).null(),
    text("np").null(),
    text("external_measurement_id").null(),
    int64("external_measurement_vendor_id").null(),
];

const CONTENT: &Shape = &[
    text("id"),
    field("item_price", Kind::Checked(number)),
    int64("quantity"),
    text("item_name"),
    text("item_category"),
    text("item_brand"),
    chars("item_brand_id", 64),
];

const APP_INFO: &Shape = &[
    chars("app_id", 200),
    chars("app_name", 200),
    chars("app_package_name", 200),
    chars("app_store", 100),
    chars("app_version", 100),
    whole("install_time", 0, i64::MAX),
    chars("user_agent", 16_384),
    whole("window_height", 0, SIDE),
    whole("window_width", 0, SIDE),
];

const DEVICE_INFO: &Shape = &[
    whole("battery_level", 0, 100),
    chars("brand", 100),
    chars("carrier", 100),
    whole("cpu_cores", 0, 1152),
    whole("external_storage_free_space", 0, STORAGE),
    whole("external_storage_size", 0, STORAGE),
    field("form_factor", Kind::OneOf(FORM_FACTORS)),
    chars("kernel_version", 100),
    field("languages", Kind::Texts(100, language)),
    chars("locale", 35),
    chars("model", 100),
    field("network_type", Kind::OneOf(NETWORK_TYPES)),
    field("os_family", Kind::OneOf(OS_FAMILIES)),
    chars("os_name", 100),
    chars("os_release_name", 100),
    chars("os_version", 100),
    whole("screen_density", 0, 100_000),
    whole("screen_height", 0, SIDE),
    whole("screen_width", 0, SIDE),
    whole("storage_free_space", 0, STORAGE),
    whole("storage_size", 0, STORAGE),
    chars("timezone", 40),
    chars("timezone_abbr", 5),
    chars("type", 100),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(shape: &Shape) -> Vec<&'static str> {
        shape.iter().map(|field| field.name).collect()
    }

    #[test]
    fn no_table_names_a_property_twice_and_each_fits_the_seen_bits() {
        for shape in [EVENT, USER_DATA, CUSTOM_DATA, CONTENT, APP_INFO, DEVICE_INFO] {
            let mut all = names(shape);
            assert!(all.len() <= 64);
            all.sort_unstable();
            let before = all.len();
            all.dedup();
            assert_eq!(all.len(), before);
        }
    }

    #[test]
    fn the_published_lists_are_complete() {
        assert_eq!(EVENT_NAMES.split(", ").count(), 22);
        let lengths: Vec<usize> = [EVENT, USER_DATA, CUSTOM_DATA, CONTENT, APP_INFO, DEVICE_INFO]
            .iter()
            .map(|shape| shape.iter().filter(|field| field.published).count())
            .collect();
        assert_eq!(lengths, [21, 16, 15, 7, 9, 24]);
    }

    #[test]
    fn null_is_allowed_exactly_where_the_description_allows_it() {
        let nullable = |shape: &Shape| shape.iter().filter(|field| field.nullable).count();
        assert_eq!(nullable(EVENT), 11);
        assert_eq!(nullable(USER_DATA), 2);
        assert_eq!(nullable(CUSTOM_DATA), 12);
        assert_eq!(nullable(CONTENT) + nullable(APP_INFO) + nullable(DEVICE_INFO), 0);
    }
}
