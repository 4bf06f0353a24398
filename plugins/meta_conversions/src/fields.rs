//! The field table: all fields that a mapping for Meta can fill. A field is one row.
//!
//! Names, types, choices, requirements and the defaults given with `default_mapping` are those of Segment's open-source
//! `facebook-conversions-api` destination, whose seven actions share one table here. In each list Segment's fields come
//! first; those behind them exist with Meta's rules only.

use signalbox_conversions::defaults::{choices, number_choices};
use signalbox_conversions::encode::place;
use signalbox_conversions::field::Default::{FirstOf, Json, Nothing};
use signalbox_conversions::field::Kind::{self, Amount, Contents, Currency, Text, Texts, Time, Whole};
use signalbox_conversions::field::{Identifier, Row};
use signalbox_conversions::personal::Field as Personal;
use signalbox_conversions::personal::rules::{META, SEGMENT_META};
use signalbox_conversions::{Spec, either, fields, first_id, from_path, key, member, own, products};
use signalbox_segment::schema::FieldType::{Boolean, Integer, Object, String};
use signalbox_segment::schema::{Choice, Field, FieldType};

use crate::derive;
use crate::presets::PRESETS;

/// Text without a published limit.
const ANY: Kind = Text(usize::MAX);
/// Counts, bounded by the type only.
const COUNT: Kind = Whole(0, i64::MAX);

/// A personal field, under its name in mappings and its key in the request.
macro_rules! personal {
    ($name:literal, $key:literal, $label:literal, $rule:ident, $description:literal) => {
        Row::hashed($name, $label, key!($key), Personal::$rule)
            .describe($description)
            .from_traits()
    };
}

/// Segment does not have the last one.
#[rustfmt::skip]
const SOURCES: &[Choice<'static>] = &choices([
    "email", "website", "app", "phone_call", "chat", "physical_store", "system_generated", "other", "business_messaging",
]);
/// Segment does not have the last three.
#[rustfmt::skip]
const STATES: &[Choice<'static>] = &number_choices([
    "0", "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1013",
]);

/// The user, in the order of the request.
#[rustfmt::skip]
pub(crate) const USER_DATA: &[Row] = &[
    personal!("email", "em", "Email", Email, "E-mail addresses.").default_mapping(from_path!("context.traits.email")),
    personal!("phone", "ph", "Phone", Phone, "Phone numbers with country and area code.")
        .default_mapping(from_path!("context.traits.phone")),
    personal!("gender", "ge", "Gender", Gender, "Female or male."),
    personal!("dateOfBirth", "db", "Date of Birth", DateOfBirth, "Year, month and day.")
        .default_mapping(from_path!("context.traits.birthday")),
    personal!("lastName", "ln", "Last Name", LastName, "Family names.").default_mapping(from_path!("context.traits.lastName"))
        .derived(derive::LAST_NAME, "the family name in `traits.name` or `context.traits.name`"),
    personal!("firstName", "fn", "First Name", FirstName, "Given names.").default_mapping(from_path!("context.traits.firstName"))
        .derived(derive::FIRST_NAME, "the given name in `traits.name` or `context.traits.name`"),
    personal!("city", "ct", "City", City, "Cities of residence.").default_mapping(from_path!("context.traits.address.city")),
    personal!("state", "st", "State", State, "States of residence; two-letter codes in the US.")
        .default_mapping(from_path!("context.traits.address.state")),
    personal!("zip", "zp", "Zip Code", Zip, "Postal codes.").default_mapping(from_path!("context.traits.address.postalCode")),
    personal!("country", "country", "Country", Country, "Two-letter country codes."),
    personal!("externalId", "external_id", "External ID", ExternalId, "Ids of the user in your own systems, the same in every channel.")
        .default_mapping(either!("userId", "anonymousId"))
        .vendor_default(FirstOf(&["userId", "anonymousId"])),
    own!("client_ip_address", "Client IP Address", String, "IPv4 or IPv6 address of the user; never hashed.").identifies(Identifier::IpAddress)
        .default_mapping(from_path!("context.ip")),
    own!("client_user_agent", "Client User Agent", String, "User agent of the browser; never hashed. Meta requires it for events of websites.").identifies(Identifier::UserAgent)
        .default_mapping(from_path!("context.userAgent")),
    own!("fbc", "Click ID", String, "The click id as the cookie `_fbc` holds it.").identifies(Identifier::ClickId).default_mapping(from_path!("properties.fbc"))
        .vendor_default(FirstOf(&["properties.fbc", "properties._fbc", "context.fbc", "context._fbc", "context.click_ids._fbc"]))
        .derived(derive::FBC, "`_fbc` in `context.cookies`, or made of `fbclid` in the query of `context.page.url`, of `context.page.search`, or of `context.page.referrer` if it is a page of the same site"),
    own!("fbp", "Browser ID", String, "The browser id as the cookie `_fbp` holds it.").identifies(Identifier::BrowserId)
        .default_mapping(from_path!("properties.fbp"))
        .vendor_default(FirstOf(&["properties.fbp", "properties._fbp", "context.fbp", "context._fbp", "context.click_ids._fbp"]))
        .derived(derive::FBP, "`_fbp` in `context.cookies`"),
    own!("subscription_id", "Subscription ID", String, "Id of the subscription.").named("subscriptionID"),
    own!("lead_id", "Lead ID", Integer, "Id of the lead that one of Meta's lead ads generated.").named("leadID"),
    own!("anon_id", "Install ID (anon_id)", String, "Id of the installation; for app events only.").named("anonId"),
    own!("madid", "Advertiser ID (madid)", String, "Advertising id of the device (IDFA, GAID); never hashed. Its default is left out if the device's user allows no tracking.").named("madId").identifies(Identifier::MobileAdId).unhashed()
        .vendor_default(FirstOf(&["context.device.advertisingId"])),
    own!("fb_login_id", "Facebook Login ID", Integer, "Id that Meta gave the user of an app at the first login.")
        .named("fbLoginID"),
    own!("partner_id", "Partner ID", String, "Id from one of Meta's identity partners."),
    own!("partner_name", "Partner Name", String, "Name of that identity partner."),
    own!("ctwa_clid", "Click to WhatsApp Click ID", String, "Click id of an ad that opens WhatsApp."),
    own!("whatsapp_business_account_id", "WhatsApp Business Account ID", String, "The account that the ad led to.").vendor_only(),
    own!("page_id", "Page ID", String, "Id of your page on Facebook, for events of Messenger.").vendor_only(),
    own!("page_scoped_user_id", "Page-Scoped User ID", String, "Id of the user on that page.").vendor_only(),
    own!("ig_account_id", "Instagram Account ID", String, "Id of your account on Instagram, for events of its messages.").vendor_only(),
    own!("ig_sid", "Instagram-Scoped ID", String, "Id of the user for that account.").vendor_only(),
];

/// The user with Segment's rules: one value in each field, a list of external ids.
const SEGMENT_USER_DATA: &[Row] = &{
    let mut rows = [USER_DATA[0]; USER_DATA.len() - ours(USER_DATA)];
    let mut at = 0;
    while at < rows.len() {
        rows[at] = match USER_DATA[at].kind {
            Kind::Hashed(Personal::ExternalId) => USER_DATA[at],
            _ => USER_DATA[at].single(),
        };
        at += 1;
    }
    rows
};

/// The app and the device it runs on; `extinfo` holds most of it by position.
#[rustfmt::skip]
pub(crate) const APP_DATA: &[Row] = &[
    own!("use_app_data", "Send App Events?", Boolean, "Whether to send the app's data."),
    own!("advertiser_tracking_enabled", "Advertiser Tracking Enabled", Boolean,
        "The user allows tracking in this app (iOS App Tracking Transparency).").vendor_default(FirstOf(&["context.device.adTrackingEnabled"])),
    own!("application_tracking_enabled", "Application Tracking Enabled", Boolean, "The app's own setting allows tracking.")
        .default_mapping(from_path!("context.device.adTrackingEnabled")).vendor_default(Nothing),
    own!("madid", "Advertiser ID (madid)", String, "Advertising id of the device, in the place where Segment sends it.")
        .named("madId").unhashed().default_mapping(from_path!("context.madId")).vendor_default(Nothing),
    own!("version", "ExtInfo Version", String, "`i2` on iOS, `a2` on Android.").choices(&choices(["i2", "a2"]))
        .derived(derive::PLATFORM, "the platform of the mobile app"),
    own!("packageName", "Package Name", String, "Name of the app's package.").default_mapping(from_path!("context.app.namespace")),
    own!("shortVersion", "Short Version", String, "Short version of the app.").vendor_default(FirstOf(&["context.app.version"])),
    own!("longVersion", "Long Version", String, "Long version of the app.").default_mapping(from_path!("context.app.version"))
        .vendor_default(FirstOf(&["context.app.build", "context.app.version"])),
    own!("osVersion", "OS Version", String, "Version of the operating system.").default_mapping(from_path!("context.os.version")),
    own!("deviceName", "Device Model Name", String, "Model of the device.").default_mapping(from_path!("context.device.model")),
    own!("locale", "Locale", String, "Locale of the device.").default_mapping(from_path!("context.locale")),
    own!("timezone", "Timezone Abbreviation", String, "Abbreviation of the time zone."),
    own!("carrier", "Carrier Name", String, "Mobile network.").default_mapping(from_path!("context.network.carrier")),
    own!("width", "Screen Width", String, "Width of the screen in pixels.").default_mapping(from_path!("context.screen.width")),
    own!("height", "Screen Height", String, "Height of the screen in pixels.").default_mapping(from_path!("context.screen.height")),
    own!("density", "Screen Density", String, "Density of the screen.").default_mapping(from_path!("context.screen.density")),
    own!("cpuCores", "CPU Cores", String, "Number of processor cores."),
    own!("storageSize", "Storage Size in GBs", String, "Size of the storage in GB."),
    own!("freeStorage", "Free Storage in GBs", String, "Free storage in GB."),
    own!("deviceTimezone", "Device Timezone", String, "Time zone of the device.").default_mapping(from_path!("context.timezone")),
];

/// A product.
#[rustfmt::skip]
pub(crate) const CONTENT: &[Row] = &[
    member!("id", "ID", ANY, "Id of the product."),
    member!("quantity", "Quantity", COUNT, "Number of pieces."),
    member!("item_price", "Item Price", Amount, "Price of one piece."),
    member!("delivery_category", "Delivery Category", ANY, "How the customer gets it.").choices(&choices(["in_store", "curbside", "home_delivery"])),
];

/// A product with Segment's rules, which checks the delivery itself.
const SEGMENT_CONTENT: &[Row] = &{
    let [id, quantity, price, mut delivery] = [CONTENT[0], CONTENT[1], CONTENT[2], CONTENT[3]];
    delivery.field.choices = &[];
    [id, quantity, price, delivery]
};

/// The event that this one adds to.
#[rustfmt::skip]
pub(crate) const ORIGINAL_EVENT: &[Row] = &[
    member!("event_name", "Event Name", ANY, "Its name."),
    member!("event_time", "Event Time", Time, "Its time."),
    member!("order_id", "Order ID", ANY, "Its order."),
    member!("event_id", "Event ID", ANY, "Its id."),
];

/// The event, objects with their members. The rows that are not `own` are members of `custom_data`.
#[rustfmt::skip]
pub(crate) const EVENT: &[Row] = &[
    own!("event_name", "Event Name", String, "The conversion: a standard event or a custom one. Each preset sets its own.").required(),
    own!("event_time", "Event Time", String, "When it happened: a date, or an epoch number, of seconds to nanoseconds.").required()
        .default_mapping(from_path!("timestamp")).vendor_default(FirstOf(&["timestamp", "originalTimestamp", "receivedAt"])),
    own!("event_source_url", "Event Source URL", String, "Address of the page.").url().default_mapping(from_path!("context.page.url"))
        .vendor_default(FirstOf(&["context.page.url", "properties.url"])).optional(),
    own!("event_id", "Event ID", String, "Meta recognises duplicates by it. A site that fires the pixel too must send the same id in both.").default_mapping(from_path!("messageId")),
    own!("action_source", "Action Source", String, "Where it happened.").required().choices(SOURCES).vendor_default(Json(r#""website""#))
        .derived(derive::ACTION_SOURCE, "`app` for events of mobile apps, `system_generated` for those that a server's library makes without page and user agent, `other` if a field is missing that Meta requires with the source"),
    own!("user_data", "User Data", Object, "Who it was.").required().members(USER_DATA, fields!(USER_DATA)),
    own!("app_data", "App Events Fields", Object, "The app. Sent with events of apps, and with others if `use_app_data` is true.")
        .named("app_data_field").members(APP_DATA, fields!(APP_DATA)),
    own!("data_processing_options", "Data Processing Options", Boolean, "True: Limited Data Use."),
    own!("data_processing_options_country", "Data Processing Country", FieldType::Number,
        "`1` for the United States, `0` to let Meta place the user by IP address.").choices(&number_choices(["0", "1"])),
    own!("data_processing_options_state", "Data Processing State", FieldType::Number,
        "Code of the state, `0` to let Meta place the user by IP address.").choices(STATES),
    own!("custom_data", "Custom Data", Object, "Properties of your own."),
    member!("currency", "Currency", Currency, "ISO 4217 code of the currency of `value` and the prices.").default_mapping(from_path!("properties.currency")).of_worth(),
    member!("value", "Value", Amount, "What the event is worth in all.").worth(),
    member!("net_revenue", "Net Revenue", Amount, "Net revenue of the purchase."),
    member!("content_ids", "Content IDs", Texts, "Ids of the products.").vendor_default(Nothing).derived(derive::CONTENT_IDS, "the ids of the contents"),
    member!("content_name", "Content Name", ANY, "Name of the page or product."),
    member!("content_type", "Content Type", ANY, "What the ids of the contents name.").choices(&choices(["product", "product_group"])),
    member!("contents", "Contents", Contents, "The products.").members(CONTENT, fields!(CONTENT)).vendor_default(Json(products!(concat!(
            r#"{"id":"#, first_id!(), r#","quantity":{"@path":"$.quantity"},"item_price":{"@path":"$.price"}}"#
        )))),
    member!("num_items", "Number of Items", COUNT, "How many products in all.").derived(derive::NUM_ITEMS, "the quantities of the contents, added up"),
    member!("content_category", "Content Category", ANY, "Category of the content."),
    member!("search_string", "Search String", ANY, "What was searched for.").search().vendor_default(FirstOf(&["properties.query"])),
    own!("test_event_code", "Test Event Code", String, "Shows the event in the test tool of Events Manager; Meta counts it all the same.").test_code(true),
    member!("order_id", "Order ID", ANY, "The order's id.").vendor_only().vendor_default(FirstOf(&["properties.order_id"])),
    member!("predicted_ltv", "Predicted Lifetime Value", Amount, "What the customer is expected to spend over time.").vendor_only(),
    member!("status", "Status", ANY, "State of a registration or subscription.").vendor_only(),
    own!("opt_out", "Opt Out", Boolean, "True: Meta uses the event for attribution only, not for the delivery of ads.").vendor_only()
        .derived(derive::OPT_OUT, "`true` if `context.device.adTrackingEnabled` or the consent to advertising in `context.consent.categoryPreferences` is false"),
    own!("referrer_url", "Referrer URL", String, "Address of the page that led here.").url().vendor_only().vendor_default(FirstOf(&["context.page.referrer"])),
    own!("customer_segmentation", "Customer Segmentation", String, "The customer's segment, such as `new_customer_to_business`.").vendor_only(),
    own!("messaging_channel", "Messaging Channel", String, "Channel of a business_messaging event.").vendor_only()
        .choices(&choices(["messenger", "whatsapp", "instagram"])),
    own!("original_event_data", "Original Event", Object, "The event that this one adds a value to.").vendor_only()
        .members(ORIGINAL_EVENT, fields!(ORIGINAL_EVENT)),
];

/// Returns the number of rows at the end that Segment does not have.
const fn ours(rows: &[Row]) -> usize {
    let mut ours = 0;
    while rows[rows.len() - 1 - ours].vendor_only {
        ours += 1;
    }
    ours
}

/// Every field for the schema, top level first, objects with their members.
pub(crate) const FIELDS: &[Field<'static>] = fields!(EVENT);

/// The event with Segment's rules: without the choices that Meta added later, and without a required name, which an action
/// brings itself.
const SEGMENT_EVENT: &[Row] = &{
    let mut rows = [own!(
        "__segment_internal_sync_mode",
        "Sync Mode",
        String,
        "`add`, in mappings of actions of the second generation."
    ); EVENT.len() - ours(EVENT) + 1];
    let mut at = 0;
    while at + 1 < rows.len() {
        rows[at] = EVENT[at];
        at += 1;
    }
    rows[place(FIELDS, "event_name")].field.required = false;
    let contents = place(FIELDS, "contents");
    rows[contents] = EVENT[contents].members(SEGMENT_CONTENT, fields!(SEGMENT_CONTENT));
    rows[place(FIELDS, "content_type")].field.choices = &[];
    rows[place(FIELDS, "action_source")].field.choices = SOURCES.split_at(8).0;
    rows[place(FIELDS, "data_processing_options_state")].field.choices = STATES.split_at(12).0;
    let user = place(FIELDS, "user_data");
    rows[user] = EVENT[user].members(SEGMENT_USER_DATA, fields!(SEGMENT_USER_DATA));
    rows
};

const BASE: Spec = Spec {
    vendor: "Meta",
    rows: EVENT,
    fields: FIELDS,
    presets: PRESETS,
    event_field: "event_name",
    format_field: None,
    places: &derive::PLACES,
    rules: &META,
    segment_rules: &SEGMENT_META,
    settings: &[],
};

/// Meta's conversions as data.
pub static SPEC: Spec = BASE;

/// The same with the fields that Segment's destination has.
pub static SEGMENT_SPEC: Spec = Spec {
    rows: SEGMENT_EVENT,
    fields: fields!(SEGMENT_EVENT),
    ..BASE
};
