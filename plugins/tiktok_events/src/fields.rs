//! The field tables: all fields that a mapping for TikTok can fill, one table for each kind of event source. A field is one
//! row.
//!
//! Names, types, choices, requirements and the defaults given with `default_mapping` are those of Segment's open-source
//! destinations `tiktok-conversions`, `tiktok-app-events` and `tiktok-offline-conversions`, so that a mapping made there
//! means the same here. Rows marked `vendor_only` are of TikTok's page "Report App, Web, Offline, or CRM Events".

use signalbox_conversions::defaults::choice;
use signalbox_conversions::encode::place;
use signalbox_conversions::field::Default::{FirstOf, Json, Nothing};
use signalbox_conversions::field::Kind::{self, Amount, Contents, Currency, Number, Text, Texts, Whole};
use signalbox_conversions::field::{Identifier, Row};
use signalbox_conversions::personal::Field as Personal;
use signalbox_conversions::personal::rules::{SEGMENT_TIKTOK, TIKTOK};
use signalbox_conversions::{Preset, Spec, either, fields, first_id, from_path, key, member, own, products};
use signalbox_segment::schema::Field;
use signalbox_segment::schema::FieldType::{self, Boolean, Object, String};

use crate::derive;
use crate::groups::{TRAVEL, VEHICLE};
use crate::presets::{APP_PRESETS, PRESETS};

/// Text without a published limit.
pub(crate) const ANY: Kind = Text(usize::MAX);
/// Counts, bounded by the type only.
pub(crate) const COUNT: Kind = Whole(0, i64::MAX);

/// Rows that several tables have.
#[rustfmt::skip]
const SHARED: &[Row] = &[
    own!("event", "Event Name", String).required().describe("The conversion; each preset sets its own."),
    Row::hashed("email", "Email", key!("email"), Personal::Email).describe("E-mail addresses.").default_mapping(either!("properties.email", "context.traits.email")).from_traits(),
    Row::hashed("phone_number", "Phone Number", key!("phone"), Personal::Phone).describe("Phone numbers with `+` and country code.").default_mapping(either!("properties.phone", "context.traits.phone")).from_traits(),
    Row::hashed("external_id", "External ID", key!("external_id"), Personal::ExternalId).describe("Ids of the user in your own systems, the same as at the pixel.").default_mapping(either!("userId", "anonymousId")).vendor_default(FirstOf(&["userId", "anonymousId"])),
    own!("ttclid", "TikTok Click ID", String).identifies(Identifier::ClickId).describe("The `ttclid` value that TikTok puts on clicks, at most 1,000 characters.").default_mapping(either!("properties.ttclid", "integrations.TikTok Conversions.ttclid")).vendor_default(FirstOf(&["properties.ttclid", "integrations.TikTok Conversions.ttclid", "context.ttclid", "context.click_ids.ttclid"])).derived(derive::TTCLID, "`ttclid` of the page's address, of its query, of the page before, or the cookie"),
    own!("ttp", "TikTok Cookie ID", String).identifies(Identifier::BrowserId).describe("The value of the `_ttp` cookie, which the pixel sets.").default_mapping(either!("properties.ttp", "integrations.TikTok Conversions.ttp")).vendor_default(FirstOf(&["properties.ttp", "integrations.TikTok Conversions.ttp", "context.ttp", "context.click_ids._ttp"])).derived(derive::TTP, "the cookie `_ttp` in `context.cookies` or `context.cookie`"),
    own!("timestamp", "Event Timestamp", String).describe("When it happened: a date, or an epoch number, of seconds to nanoseconds.").default_mapping(from_path!("timestamp")),
    own!("event_id", "Event ID", String).describe("The id by which TikTok recognises duplicates. A site that fires the pixel too must send the same id in both.").default_mapping(from_path!("messageId")),
    own!("limited_data_use", "Limited Data Use", Boolean).describe("Whether TikTok may process the event to a limited extent only, where a law of the place says so.").default_mapping(from_path!("properties.limited_data_use")).derived(derive::LIMITED_DATA_USE, "true if `context.device.adTrackingEnabled` or the consent to `Advertising` in `context.consent.categoryPreferences` is false"),
    own!("test_event_code", "Test Event Code", String).describe("A code of Events Manager; TikTok shows the event there and does not count it.").test_code(false),
    own!("locale", "Locale", String).describe("BCP 47 language tag.").default_mapping(from_path!("context.locale")),
    own!("ip", "IP Address", String).identifies(Identifier::IpAddress).describe("IPv4 or IPv6 address of the user; never hashed.").default_mapping(from_path!("context.ip")),
    own!("user_agent", "User Agent", String).identifies(Identifier::UserAgent).describe("User agent of the browser or app; never hashed.").default_mapping(from_path!("context.userAgent")),
    own!("url", "Page URL", String).url().describe("Address of the page, with its parameters.").default_mapping(from_path!("context.page.url")).vendor_default(FirstOf(&["context.page.url", "properties.url"])),
    own!("referrer", "Page Referrer", String).url().describe("Address of the page before.").default_mapping(from_path!("context.page.referrer")),
    Row::member(key!("contents"), "Contents", Contents).members(CONTENT, fields!(CONTENT)).describe("The products.").vendor_default(Json(products!(concat!(r#"{"price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"content_category":{"@path":"$.category"},"content_id":"#, first_id!(), r#","content_name":{"@path":"$.name"},"brand":{"@path":"$.brand"}}"#)))),
    member!("content_type", "Content Type", ANY).choices(&[choice("product"), choice("product_group")]).describe("What the ids of the contents name: products or groups of products.").default_mapping(r#""product""#),
    member!("currency", "Currency", Currency).describe("ISO 4217 code of the currency of `value` and the prices.").default_mapping(from_path!("properties.currency")).of_worth(),
    member!("value", "Value", Amount).describe("What the event is worth in all.").default_mapping(either!("properties.value", "properties.revenue")).worth(),
    member!("description", "Description", ANY).describe("A description of the event."),
    member!("query", "Query", ANY).search().describe("What was searched for, as Segment names it; TikTok reads `search_string`.").default_mapping(from_path!("properties.query")).vendor_default(Nothing),
    member!("order_id", "Order ID", ANY).describe("The order's id.").default_mapping(from_path!("properties.order_id")),
    member!("shop_id", "Shop ID", ANY).describe("The shop's id.").default_mapping(from_path!("properties.shop_id")),
    member!("content_ids", "Content IDs", Texts).describe("Ids of the products.").default_mapping(from_path!("properties.content_ids")).derived(derive::CONTENT_IDS, "the ids of the contents"),
    member!("num_items", "Number of Items", COUNT).of_type(FieldType::Number).describe("How many products in all.").default_mapping(from_path!("properties.num_items")).derived(derive::NUM_ITEMS, "the quantities of the contents, added up"),
    member!("search_string", "Search String", ANY).search().describe("What was searched for.").default_mapping(from_path!("properties.search_string")).vendor_default(FirstOf(&["properties.search_string", "properties.query"])),
    member!("customer_type", "Customer Type", ANY).vendor_only().vendor_default(FirstOf(&["properties.customer_type"])).choices(&[choice("new"), choice("returning")]).describe("Whether the customer is new; only with compat = \"tiktok\"."),
    member!("attribution_share", "Attribution Share", Number).vendor_only().describe("Share of the event that belongs to TikTok, from 0 to 1; only with compat = \"tiktok\"."),
];

/// Returns a shared row.
const fn shared(key: &str) -> Row {
    SHARED[place(fields!(SHARED), key)]
}

/// The members of a product.
#[rustfmt::skip]
pub(crate) const CONTENT: &[Row] = &[
    member!("price", "Price", Amount).describe("Price of one piece."),
    member!("quantity", "Quantity", Number).describe("How many pieces."),
    member!("content_category", "Content Category", ANY).describe("The product's category."),
    member!("content_id", "Content ID", ANY).describe("The product's id in your catalog."),
    member!("content_name", "Content Name", ANY).describe("The product's name."),
    member!("brand", "Brand", ANY).describe("The product's brand."),
];

/// The address of the user, which TikTok wants plain but for the postal code.
#[rustfmt::skip]
pub(crate) const ADDRESS: &[Row] = &[
    Row::plain(key!("city"), "City", Personal::City).describe("City of residence; never hashed.").default_mapping(either!("properties.address.city", "context.traits.address.city")).from_traits(),
    Row::plain(key!("country"), "Country", Personal::Country).describe("Country of residence; never hashed.").default_mapping(either!("properties.address.country", "context.traits.address.country")).from_traits(),
    Row::hashed("zip_code", "Zip Code", key!("zip_code"), Personal::Zip).single().describe("Postal code.").default_mapping(either!("properties.address.postal_code", "context.traits.address.postal_code")).from_traits(),
    Row::plain(key!("state"), "State", Personal::State).describe("State of residence; never hashed.").default_mapping(either!("properties.address.state", "context.traits.address.state")).from_traits(),
];

#[rustfmt::skip]
pub(crate) const LEAD: &[Row] = &[
    member!("lead_id", "TikTok Lead ID", ANY).describe("Id of the lead, as exported from TikTok.").default_mapping(from_path!("properties.lead_id")),
    member!("lead_event_source", "TikTok Lead Event Source", ANY).describe("Name of your CRM system.").default_mapping(from_path!("properties.lead_event_source")),
];

const WEB_AD: &[Row] = &[shared("attribution_share")];

/// The events of a web page or a CRM system.
#[rustfmt::skip]
pub(crate) const WEB: &[Row] = &[
    shared("event"), shared("timestamp"), shared("event_id"), shared("limited_data_use"), shared("test_event_code"),
    shared("external_id"), shared("phone_number"), shared("email"),
    Row::hashed("first_name", "First Name", key!("first_name"), Personal::FirstName).single().describe("Given name.").derived(derive::FIRST_NAME, "first word of `traits.name` or `context.traits.name`").default_mapping(either!("properties.first_name", "context.traits.first_name")).from_traits(),
    Row::hashed("last_name", "Last Name", key!("last_name"), Personal::LastName).single().describe("Family name.").derived(derive::LAST_NAME, "the other words of `traits.name` or `context.traits.name`").default_mapping(either!("properties.last_name", "context.traits.last_name")).from_traits(),
    own!("address", "Address", Object).members(ADDRESS, fields!(ADDRESS)).describe("Where the user lives."),
    shared("ttclid"), shared("ttp"), shared("ip"), shared("user_agent"), shared("locale"), shared("url"), shared("referrer"),
    shared("contents"), shared("content_type"), shared("currency"), shared("value"), shared("description"), shared("query"), shared("order_id"), shared("shop_id"), shared("content_ids"), shared("num_items"),
    member!("delivery_category", "Delivery Category", ANY).choices(&[choice("in_store"), choice("curbside"), choice("home_delivery")]).describe("How the goods get to the customer.").default_mapping(from_path!("properties.delivery_category")),
    member!("predicted_ltv", "Predicted Lifetime Value", Amount).describe("What the customer is expected to spend over time.").default_mapping(from_path!("properties.predicted_ltv")),
    shared("search_string"), shared("customer_type"),
    own!("event_source", "Event Source", String).choices(&[choice("web"), choice("crm")]).describe("Where it happened; the sink's setting if it is not mapped.").default_mapping(r#""web""#).vendor_default(Nothing),
    own!("event_spec_type", "Additional Fields", String).choices(&[choice("travel_fields"), choice("vehicle_fields")]).describe("The group of further fields to send; none by default."),
    own!("lead_fields", "CRM Fields", Object).members(LEAD, fields!(LEAD)).describe("The lead; sent if the event source is `crm`."),
    own!("travel_fields", "Travel Fields", Object).members(TRAVEL, fields!(TRAVEL)).only_in("travel_fields").describe("The journey; sent if event_spec_type is `travel_fields`."),
    own!("vehicle_fields", "Vehicle Fields", Object).members(VEHICLE, fields!(VEHICLE)).only_in("vehicle_fields").describe("The vehicle; sent if event_spec_type is `vehicle_fields`."),
    own!("ad", "Ad Information", Object).members(WEB_AD, fields!(WEB_AD)).vendor_only().describe("The ad behind the event; only with compat = \"tiktok\"."),
];

/// The app.
#[rustfmt::skip]
pub(crate) const APP_INFO: &[Row] = &[
    member!("app_id", "Mobile App ID", ANY).required().describe("Number in the App Store, or package of an Android app.").default_mapping(from_path!("context.app.namespace")),
    member!("app_name", "App Name", ANY).describe("Name of the app.").default_mapping(from_path!("context.app.name")),
    member!("app_version", "App Version", ANY).describe("Version of the app.").default_mapping(from_path!("context.app.version")),
];

/// The ad behind an event of an app.
#[rustfmt::skip]
pub(crate) const AD: &[Row] = &[
    member!("callback", "Callback", ANY).describe("What helps TikTok to attribute the event."),
    member!("campaign_id", "Campaign ID", ANY).describe("The campaign's id.").default_mapping(from_path!("properties.campaign.name")),
    member!("ad_id", "Ad ID", ANY).describe("The ad group's id.").default_mapping(from_path!("properties.campaign.ad_group")),
    member!("creative_id", "Creative ID", ANY).describe("The ad's id.").default_mapping(from_path!("properties.campaign.ad_creative")),
    own!("is_retargeting", "Is Retargeting", Boolean).describe("Whether the ad was shown to a known user."),
    own!("attributed", "Attributed", Boolean).describe("Whether the event is attributed to the ad."),
    member!("attribution_type", "Attribution Type", ANY).describe("The kind of attribution."),
    member!("attribution_provider", "Attribution Provider", ANY).describe("The partner that attributes.").default_mapping(from_path!("properties.provider")),
    shared("attribution_share"),
];

#[rustfmt::skip]
const DEVICE: &[Row] = &[
    own!("device_type", "Device Type", String).describe("`ios` or `android`.").default_mapping(from_path!("context.device.type")),
    own!("device_id", "Device ID", String).describe("IDFV of an iOS device.").default_mapping(from_path!("context.device.id")),
    own!("device_version", "Device Version", String).describe("Version of the operating system.").default_mapping(from_path!("context.os.version")),
    own!("ad_tracking_enabled", "Ad Tracking Enabled", Boolean).describe("Whether the user allows tracking.").default_mapping(from_path!("context.device.adTrackingEnabled")),
];

/// The events of an app.
#[rustfmt::skip]
pub(crate) const APP: &[Row] = &[
    shared("event"), shared("timestamp"), shared("event_id"), shared("limited_data_use"), shared("test_event_code"),
    shared("external_id"), shared("phone_number"), shared("email"),
    shared("ip"), shared("user_agent"), shared("locale"),
    shared("contents"), shared("content_type"), shared("currency"), shared("value"), shared("description"), shared("content_ids"), shared("num_items"), shared("search_string"), shared("customer_type"),
    member!("order_id", "Order ID", ANY).vendor_only().vendor_default(FirstOf(&["properties.order_id"])).describe("The order's id; only with compat = \"tiktok\"."),
    member!("shop_id", "Shop ID", ANY).vendor_only().vendor_default(FirstOf(&["properties.shop_id"])).describe("The shop's id; only with compat = \"tiktok\"."),
    own!("event_source", "Event Source", String).required().choices(&[choice("app")]).describe("Where it happened.").default_mapping(r#""app""#),
    own!("advertising_id", "Mobile Advertising ID", String).identifies(Identifier::MobileAdId).sent_as(&["idfa", "gaid"]).unhashed().describe("IDFA of an iOS device, GAID of an Android one. Its default is left out if the device's user allows no tracking.").default_mapping(from_path!("context.device.advertisingId")).vendor_default(FirstOf(&["context.device.advertisingId"])),
    own!("att_status", "App Tracking Transparency Status", String).default_mapping(r#""AUTO""#).choices(&[choice("AUTHORIZED"), choice("DENIED"), choice("NOT_DETERMINED"), choice("RESTRICTED"), choice("NOT_APPLICABLE"), choice("AUTO")]).describe("What the user of an iOS device answered about tracking; `AUTO` takes it from the device's facts."),
    own!("device_details", "Device Details", Object).members(DEVICE, fields!(DEVICE)).describe("The device."),
    own!("app", "App Information", Object).required().members(APP_INFO, fields!(APP_INFO)).describe("The app."),
    own!("ad", "Ad Information", Object).members(AD, fields!(AD)).describe("The ad behind the event."),
];

/// The events of a store.
#[rustfmt::skip]
pub(crate) const OFFLINE: &[Row] = &[
    shared("event"), shared("timestamp"), shared("event_id"), shared("limited_data_use"), shared("test_event_code"),
    shared("external_id").named("external_ids"), shared("phone_number").named("phone_numbers"), shared("email").named("email_addresses"),
    shared("ttclid").default_mapping(either!("properties.ttclid", "integrations.TikTok Offline Conversions.ttclid")).vendor_default(FirstOf(&["properties.ttclid", "integrations.TikTok Offline Conversions.ttclid", "context.ttclid", "context.click_ids.ttclid"])),
    shared("ttp").default_mapping(either!("properties.ttp", "integrations.TikTok Offline Conversions.ttp")).vendor_default(FirstOf(&["properties.ttp", "integrations.TikTok Offline Conversions.ttp", "context.ttp", "context.click_ids._ttp"])),
    shared("ip"), shared("user_agent"), shared("locale"), shared("url"), shared("referrer"),
    shared("contents"), shared("content_type"), shared("currency"), shared("value"), shared("description"), shared("query"), shared("order_id"), shared("shop_id"), shared("customer_type"),
    member!("search_string", "Search String", ANY).search().vendor_only().vendor_default(FirstOf(&["properties.search_string", "properties.query"])).describe("What was searched for; only with compat = \"tiktok\"."),
    member!("content_ids", "Content IDs", Texts).vendor_only().vendor_default(FirstOf(&["properties.content_ids"])).describe("Ids of the products; only with compat = \"tiktok\".").derived(derive::CONTENT_IDS, "the ids of the contents"),
    member!("num_items", "Number of Items", COUNT).of_type(FieldType::Number).vendor_only().vendor_default(FirstOf(&["properties.num_items"])).describe("How many products in all; only with compat = \"tiktok\".").derived(derive::NUM_ITEMS, "the quantities of the contents, added up"),
    own!("lead_id", "TikTok Lead ID", String).describe("Id of the lead, as exported from TikTok.").default_mapping(from_path!("properties.lead_id")),
];

/// The web and CRM events of TikTok as data.
pub static WEB_SPEC: Spec = spec(WEB, fields!(WEB), PRESETS);
/// The app events.
pub static APP_SPEC: Spec = spec(APP, fields!(APP), APP_PRESETS);
/// The offline events. Segment's destinations for web and offline events have the same presets.
pub static OFFLINE_SPEC: Spec = spec(OFFLINE, fields!(OFFLINE), PRESETS);

const fn spec(rows: &'static [Row], fields: &'static [Field<'static>], presets: &'static [Preset]) -> Spec {
    Spec {
        vendor: "TikTok",
        rows,
        fields,
        presets,
        event_field: "event",
        format_field: Some("event_spec_type"),
        places: &derive::PLACES,
        rules: &TIKTOK,
        segment_rules: &SEGMENT_TIKTOK,
        settings: &[],
    }
}
