//! The field table: all fields that a mapping for Meta can fill. A field is one row.
//!
//! Names, types, choices, requirements and the defaults given with `default_mapping` are those of Segment's open-source
//! `facebook-conversions-api` destination, whose seven actions share one table here. In each list Segment's fields come
//! first; those behind them exist with Meta's rules only.

use signalbox_conversions::encode::Key;
use signalbox_conversions::field::Default::{FirstNumberOf, FirstOf, Json, Nothing};
use signalbox_conversions::field::Kind::{self, Contents, Currency, Number, Text, Texts, Whole};
use signalbox_conversions::field::Row;
use signalbox_conversions::personal::Field as Personal;
use signalbox_conversions::personal::rules::{META, SEGMENT_META};
use signalbox_conversions::{Spec, fields, key};
use signalbox_segment::schema::FieldType::{Boolean, Integer, Object, String};
use signalbox_segment::schema::{Choice, Field, FieldType};
use signalbox_segment::value::{Number as Digits, Value};

use crate::derive;
use crate::presets::PRESETS;

/// Text without a published limit.
const ANY: Kind = Text(usize::MAX);

/// A field of the event itself or of the user, which the encoders write one by one.
macro_rules! own {
    ($key:literal, $label:literal, $type:expr) => {
        Row::own(key!($key), $label, $type)
    };
}

/// A member of the custom data or of a product. Its type follows from its kind.
macro_rules! member {
    ($key:literal, $label:literal, $kind:expr) => {
        Row::member(key!($key), $label, $kind)
    };
}

const fn choice(value: &'static str) -> Choice<'static> {
    Choice::text(value, value)
}

const fn number(digits: &'static str) -> Choice<'static> {
    Choice {
        value: Value::Number(Digits::Source(digits)),
        label: digits,
    }
}

/// Returns the rows of which Segment takes one value each. `external_id` alone is a list there, too.
const fn single<const N: usize>(rows: &[Row]) -> [Row; N] {
    let mut single = [rows[0]; N];
    let mut at = 0;
    while at < N {
        single[at] = match rows[at].kind {
            Kind::Hashed(Personal::ExternalId) => rows[at],
            Kind::Hashed(_) => rows[at].single(),
            _ => rows[at],
        };
        at += 1;
    }
    single
}

/// The user, in the order of the request.
pub(crate) const USER_DATA: &[Row] = &[
    Row::hashed("email", "Email", key!("em"), Personal::Email).describe("E-mail addresses.").default_mapping(r#"{"@path":"$.context.traits.email"}"#).vendor_default(FirstOf(&["properties.email", "traits.email", "context.traits.email"])),
    Row::hashed("phone", "Phone", key!("ph"), Personal::Phone).describe("Phone numbers with country and area code.").default_mapping(r#"{"@path":"$.context.traits.phone"}"#).vendor_default(FirstOf(&["properties.phone", "traits.phone", "context.traits.phone"])),
    Row::hashed("gender", "Gender", key!("ge"), Personal::Gender).describe("Female or male.").vendor_default(FirstOf(&["properties.gender", "traits.gender", "context.traits.gender"])),
    Row::hashed("dateOfBirth", "Date of Birth", key!("db"), Personal::DateOfBirth).describe("Year, month and day.").default_mapping(r#"{"@path":"$.context.traits.birthday"}"#).vendor_default(FirstOf(&["properties.birthday", "properties.date_of_birth", "properties.dateOfBirth", "traits.birthday", "traits.date_of_birth", "traits.dateOfBirth", "context.traits.birthday", "context.traits.date_of_birth", "context.traits.dateOfBirth"])),
    Row::hashed("lastName", "Last Name", key!("ln"), Personal::LastName).describe("Family names.").default_mapping(r#"{"@path":"$.context.traits.lastName"}"#).vendor_default(FirstOf(&["properties.lastName", "properties.last_name", "traits.lastName", "traits.last_name", "context.traits.lastName", "context.traits.last_name"])).derived(derive::LAST_NAME, "the family name in `traits.name` or `context.traits.name`"),
    Row::hashed("firstName", "First Name", key!("fn"), Personal::FirstName).describe("Given names.").default_mapping(r#"{"@path":"$.context.traits.firstName"}"#).vendor_default(FirstOf(&["properties.firstName", "properties.first_name", "traits.firstName", "traits.first_name", "context.traits.firstName", "context.traits.first_name"])).derived(derive::FIRST_NAME, "the given name in `traits.name` or `context.traits.name`"),
    Row::hashed("city", "City", key!("ct"), Personal::City).describe("Cities of residence.").default_mapping(r#"{"@path":"$.context.traits.address.city"}"#).vendor_default(FirstOf(&["properties.address.city", "traits.address.city", "traits.city", "context.traits.address.city", "context.traits.city"])),
    Row::hashed("state", "State", key!("st"), Personal::State).describe("States of residence; two-letter codes in the US.").default_mapping(r#"{"@path":"$.context.traits.address.state"}"#).vendor_default(FirstOf(&["properties.address.state", "traits.address.state", "traits.state", "context.traits.address.state", "context.traits.state"])),
    Row::hashed("zip", "Zip Code", key!("zp"), Personal::Zip).describe("Postal codes.").default_mapping(r#"{"@path":"$.context.traits.address.postalCode"}"#).vendor_default(FirstOf(&["properties.address.postalCode", "properties.address.postal_code", "properties.address.zip", "traits.address.postalCode", "traits.address.postal_code", "traits.address.zip", "traits.postalCode", "traits.postal_code", "traits.zip", "context.traits.address.postalCode", "context.traits.address.postal_code", "context.traits.address.zip", "context.traits.postalCode", "context.traits.postal_code", "context.traits.zip"])),
    Row::hashed("country", "Country", key!("country"), Personal::Country).describe("Two-letter country codes.").vendor_default(FirstOf(&["properties.address.country", "traits.address.country", "traits.country", "context.traits.address.country", "context.traits.country"])),
    Row::hashed("externalId", "External ID", key!("external_id"), Personal::ExternalId).describe("Ids of the user in your own systems, the same in every channel.").default_mapping(r#"{"@if":{"exists":{"@path":"$.userId"},"then":{"@path":"$.userId"},"else":{"@path":"$.anonymousId"}}}"#).vendor_default(FirstOf(&["userId", "anonymousId"])),
    own!("client_ip_address", "Client IP Address", String).describe("IPv4 or IPv6 address of the user; never hashed.").default_mapping(r#"{"@path":"$.context.ip"}"#),
    own!("client_user_agent", "Client User Agent", String).describe("User agent of the browser; never hashed. Meta requires it for events of websites.").default_mapping(r#"{"@path":"$.context.userAgent"}"#),
    own!("fbc", "Click ID", String).describe("The click id as the cookie `_fbc` holds it.").default_mapping(r#"{"@path":"$.properties.fbc"}"#).vendor_default(FirstOf(&["properties.fbc", "properties._fbc", "context.fbc", "context._fbc"])).derived(derive::FBC, "`_fbc` in `context.cookies`, or made of `fbclid` in the query of `context.page.url`, of `context.page.search`, or of `context.page.referrer` if it is a page of the same site"),
    own!("fbp", "Browser ID", String).describe("The browser id as the cookie `_fbp` holds it.").default_mapping(r#"{"@path":"$.properties.fbp"}"#).vendor_default(FirstOf(&["properties.fbp", "properties._fbp", "context.fbp", "context._fbp"])).derived(derive::FBP, "`_fbp` in `context.cookies`"),
    own!("subscription_id", "Subscription ID", String).named("subscriptionID").describe("Id of the subscription."),
    own!("lead_id", "Lead ID", Integer).named("leadID").describe("Id of the lead that one of Meta's lead ads generated."),
    own!("anon_id", "Install ID (anon_id)", String).named("anonId").describe("Id of the installation; for app events only."),
    own!("madid", "Advertiser ID (madid)", String).named("madId").describe("Advertising id of the device (IDFA, GAID); never hashed.").vendor_default(FirstOf(&["context.device.advertisingId"])),
    own!("fb_login_id", "Facebook Login ID", Integer).named("fbLoginID").describe("Id that Meta gave the user of an app at the first login."),
    own!("partner_id", "Partner ID", String).describe("Id from one of Meta's identity partners."),
    own!("partner_name", "Partner Name", String).describe("Name of that identity partner."),
    own!("ctwa_clid", "Click to WhatsApp Click ID", String).describe("Click id of an ad that opens WhatsApp."),
];

/// The user as Segment takes one.
const SEGMENT_USER_DATA: &[Row] = &single::<{ USER_DATA.len() }>(USER_DATA);

/// The app and the device it runs on; `extinfo` holds most of it by position.
pub(crate) const APP_DATA: &[Row] = &[
    own!("use_app_data", "Send App Events?", Boolean).describe("Whether to send the app's data."),
    own!(
        "advertiser_tracking_enabled",
        "Advertiser Tracking Enabled",
        Boolean
    )
    .describe("The user allows tracking in this app (iOS App Tracking Transparency).")
    .vendor_default(FirstOf(&["context.device.adTrackingEnabled"])),
    own!(
        "application_tracking_enabled",
        "Application Tracking Enabled",
        Boolean
    )
    .describe("The app's own setting allows tracking.")
    .default_mapping(r#"{"@path":"$.context.device.adTrackingEnabled"}"#)
    .vendor_default(Nothing),
    own!("madid", "Advertiser ID (madid)", String)
        .named("madId")
        .describe("Advertising id of the device, in the place where Segment sends it.")
        .default_mapping(r#"{"@path":"$.context.madId"}"#)
        .vendor_default(Nothing),
    own!("version", "ExtInfo Version", String)
        .choices(&[choice("i2"), choice("a2")])
        .describe("`i2` on iOS, `a2` on Android.")
        .derived(derive::PLATFORM, "the platform of the mobile app"),
    extinfo(key!("packageName"), "Package Name", "Name of the app's package.")
        .default_mapping(r#"{"@path":"$.context.app.namespace"}"#),
    extinfo(key!("shortVersion"), "Short Version", "Short version of the app.")
        .vendor_default(FirstOf(&["context.app.version"])),
    extinfo(key!("longVersion"), "Long Version", "Long version of the app.")
        .default_mapping(r#"{"@path":"$.context.app.version"}"#)
        .vendor_default(FirstOf(&["context.app.build", "context.app.version"])),
    extinfo(
        key!("osVersion"),
        "OS Version",
        "Version of the operating system.",
    )
    .default_mapping(r#"{"@path":"$.context.os.version"}"#),
    extinfo(key!("deviceName"), "Device Model Name", "Model of the device.")
        .default_mapping(r#"{"@path":"$.context.device.model"}"#),
    extinfo(key!("locale"), "Locale", "Locale of the device.")
        .default_mapping(r#"{"@path":"$.context.locale"}"#),
    extinfo(
        key!("timezone"),
        "Timezone Abbreviation",
        "Abbreviation of the time zone.",
    ),
    extinfo(key!("carrier"), "Carrier Name", "Mobile network.")
        .default_mapping(r#"{"@path":"$.context.network.carrier"}"#),
    extinfo(key!("width"), "Screen Width", "Width of the screen in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.width"}"#),
    extinfo(key!("height"), "Screen Height", "Height of the screen in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.height"}"#),
    extinfo(key!("density"), "Screen Density", "Density of the screen.")
        .default_mapping(r#"{"@path":"$.context.screen.density"}"#),
    extinfo(key!("cpuCores"), "CPU Cores", "Number of processor cores."),
    extinfo(
        key!("storageSize"),
        "Storage Size in GBs",
        "Size of the storage in GB.",
    ),
    extinfo(key!("freeStorage"), "Free Storage in GBs", "Free storage in GB."),
    extinfo(
        key!("deviceTimezone"),
        "Device Timezone",
        "Time zone of the device.",
    )
    .default_mapping(r#"{"@path":"$.context.timezone"}"#),
];

/// A place of `extinfo`.
const fn extinfo(key: &'static Key, label: &'static str, description: &'static str) -> Row {
    Row::own(key, label, String).describe(description)
}

/// A product.
pub(crate) const CONTENT: &[Row] = &[
    member!("id", "ID", ANY).describe("Id of the product."),
    member!("quantity", "Quantity", Whole(0, i64::MAX)).describe("Number of pieces."),
    member!("item_price", "Item Price", Number).describe("Price of one piece."),
    member!("delivery_category", "Delivery Category", ANY)
        .describe("`in_store`, `curbside` or `home_delivery`."),
];

const OUR_PRODUCTS: &str = concat!(
    r#"{"@if":{"exists":{"@path":"$.properties.products"},"then":{"@arrayPath":["$.properties.products","#,
    r#"{"id":{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":{"@path":"$.sku"}}},"quantity":{"@path":"$.quantity"},"item_price":{"@path":"$.price"}}"#,
    r#"]},"else":{"@if":{"exists":{"@if":{"blank":{"@path":"$.properties.product_id"},"then":{"@path":"$.properties.product_id"},"else":{"@path":"$.properties.sku"}}},"then":{"@arrayPath":["$.properties","#,
    r#"{"id":{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":{"@path":"$.sku"}}},"quantity":{"@path":"$.quantity"},"item_price":{"@path":"$.price"}}"#,
    r#"]}}}}}"#,
);

/// The event, objects with their members. The rows that are not `own` are members of `custom_data`.
pub(crate) const EVENT: &[Row] = &[
    own!("event_name", "Event Name", String)
        .required()
        .describe("The conversion: a standard event or a custom one. Each preset sets its own."),
    own!("event_time", "Event Time", String)
        .required()
        .describe("When it happened: a date, or epoch seconds or milliseconds.")
        .default_mapping(r#"{"@path":"$.timestamp"}"#),
    own!("event_source_url", "Event Source URL", String)
        .describe("Address of the page.")
        .default_mapping(r#"{"@path":"$.context.page.url"}"#)
        .optional(),
    own!("event_id", "Event ID", String)
        .describe(
            "What Meta knows duplicates by. A site that fires the pixel too must send the same id in both.",
        )
        .default_mapping(r#"{"@path":"$.messageId"}"#),
    own!("action_source", "Action Source", String)
        .required()
        .choices(SOURCES)
        .describe("Where it happened.")
        .vendor_default(Json(r#""website""#))
        .derived(
            derive::ACTION_SOURCE,
            "`app` for events of mobile apps, `system_generated` for those that a server's library makes without page and user agent",
        ),
    own!("user_data", "User Data", Object)
        .required()
        .members(USER_DATA, fields!(USER_DATA))
        .describe("Who it was."),
    own!("app_data", "App Events Fields", Object)
        .named("app_data_field")
        .members(APP_DATA, fields!(APP_DATA))
        .describe("The app. Sent with events of apps, and with others if `use_app_data` is true."),
    own!("data_processing_options", "Data Processing Options", Boolean).describe("True: Limited Data Use."),
    own!(
        "data_processing_options_country",
        "Data Processing Country",
        FieldType::Number
    )
    .choices(&[number("0"), number("1")])
    .describe("`1` for the United States, `0` to let Meta place the user by IP address."),
    own!(
        "data_processing_options_state",
        "Data Processing State",
        FieldType::Number
    )
    .choices(STATES)
    .describe("Code of the state, `0` to let Meta place the user by IP address."),
    own!("custom_data", "Custom Data", Object).describe("Properties of your own."),
    member!("currency", "Currency", Currency)
        .describe("ISO 4217 code of the currency of `value` and the prices.")
        .default_mapping(r#"{"@path":"$.properties.currency"}"#),
    member!("value", "Value", Number)
        .describe("What the event is worth in all.")
        .vendor_default(FirstNumberOf(&[
            "properties.value",
            "properties.revenue",
            "properties.total",
            "properties.price",
        ])),
    member!("net_revenue", "Net Revenue", Number).describe("Net revenue of the purchase."),
    member!("content_ids", "Content IDs", Texts)
        .describe("Ids of the products.")
        .vendor_default(Nothing)
        .derived(derive::CONTENT_IDS, "the ids of the contents"),
    member!("content_name", "Content Name", ANY).describe("Name of the page or product."),
    member!("content_type", "Content Type", ANY).describe("`product` or `product_group`."),
    member!("contents", "Contents", Contents)
        .members(CONTENT, fields!(CONTENT))
        .describe("The products.")
        .vendor_default(Json(OUR_PRODUCTS)),
    member!("num_items", "Number of Items", Whole(0, i64::MAX))
        .describe("How many products in all.")
        .derived(derive::NUM_ITEMS, "the quantities of the contents, added up"),
    member!("content_category", "Content Category", ANY).describe("Category of the content."),
    member!("search_string", "Search String", ANY)
        .describe("What was searched for.")
        .vendor_default(FirstOf(&["properties.query"])),
    own!("test_event_code", "Test Event Code", String)
        .describe("Shows the event in the test tool of Events Manager; Meta counts it all the same."),
    member!("order_id", "Order ID", ANY)
        .vendor_only()
        .describe("The order's id.")
        .vendor_default(FirstOf(&["properties.order_id"])),
    member!("predicted_ltv", "Predicted Lifetime Value", Number)
        .vendor_only()
        .describe("What the customer is expected to spend over time."),
    member!("status", "Status", ANY)
        .vendor_only()
        .describe("State of a registration or subscription."),
    own!("opt_out", "Opt Out", Boolean)
        .describe("True: Meta uses the event for attribution only, not for the delivery of ads.")
        .derived(
            derive::OPT_OUT,
            "`true` if `context.device.adTrackingEnabled` or the consent to advertising in `context.consent.categoryPreferences` is false",
        ),
    own!("referrer_url", "Referrer URL", String)
        .describe("Address of the page that led here.")
        .vendor_default(FirstOf(&["context.page.referrer"])),
    own!("customer_segmentation", "Customer Segmentation", String)
        .describe("The customer's segment, such as `new_customer_to_business`."),
    own!("messaging_channel", "Messaging Channel", String)
        .choices(&[choice("messenger"), choice("whatsapp"), choice("instagram")])
        .describe("Channel of a business_messaging event."),
];

const SOURCES: &[Choice<'static>] = &[
    choice("email"),
    choice("website"),
    choice("app"),
    choice("phone_call"),
    choice("chat"),
    choice("physical_store"),
    choice("system_generated"),
    choice("other"),
    choice("business_messaging"),
];

const STATES: &[Choice<'static>] = &[
    number("0"),
    number("1000"),
    number("1001"),
    number("1002"),
    number("1003"),
    number("1004"),
    number("1005"),
    number("1006"),
    number("1007"),
    number("1008"),
    number("1009"),
    number("1010"),
    number("1011"),
    number("1012"),
    number("1013"),
];

/// The number of rows at the end of `EVENT` that Segment does not have.
const OURS: usize = 7;

/// The event with Segment's rules.
const SEGMENT_EVENT: &[Row] = &{
    let mut rows = [EVENT[0]; EVENT.len() - OURS + 1];
    let mut at = 0;
    while at + 1 < rows.len() {
        rows[at] = segment_row(EVENT[at]);
        at += 1;
    }
    rows[at] = own!("__segment_internal_sync_mode", "Sync Mode", String)
        .describe("`add`, in mappings of actions of the second generation.");
    rows
};

/// Returns a row as Segment has it: without the choices that Meta added later, with one value for each personal field, and
/// without a required name of the event, which an action brings itself.
const fn segment_row(mut row: Row) -> Row {
    let key = row.key.name();
    if is(key, "action_source") {
        row.field.choices = SOURCES.split_at(8).0;
    } else if is(key, "data_processing_options_state") {
        row.field.choices = STATES.split_at(12).0;
    } else if is(key, "user_data") {
        row = row.members(SEGMENT_USER_DATA, fields!(SEGMENT_USER_DATA));
    } else if is(key, "event_name") {
        row.field.required = false;
    }
    row
}

/// Compares names, for constants.
const fn is(name: &str, other: &str) -> bool {
    let (name, other) = (name.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < name.len() && at < other.len() && name[at] == other[at] {
        at += 1;
    }
    at == name.len() && at == other.len()
}

/// Every field for the schema, top level first, objects with their members.
pub(crate) const FIELDS: &[Field<'static>] = fields!(EVENT);

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
