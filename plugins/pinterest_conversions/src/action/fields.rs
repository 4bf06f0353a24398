//! The field table: all fields that a mapping for Pinterest can fill. A field is one row.
//!
//! Names, types, choices, requirements and the defaults given with `default_mapping` are those of Segment's open-source
//! `pinterest-conversions` destination, so that a mapping made there means the same here. Limits are those of Pinterest's
//! OpenAPI description 5.23.0.

use signalbox_segment::schema::{Choice, Field, FieldType};

use super::defaults::Default::{self, FirstNumberOf, FirstOf, Json, Nothing};
use super::defaults::Derive;
use super::keys::{HashedKey, PlainKey};
use super::row::Kind::{
    Contents, Currency, ExtraText, ExtraWhole, Languages, Money, NumItems, OptOutType, OsFamily, Text, Texts,
    Time, Whole,
};
use super::row::{Kind, Row, fields};
use FieldType::{Boolean, Object, String};
use signalbox_conversions::key;
use signalbox_conversions::personal::Field as Personal;

/// Text without a published limit.
const ANY: Kind = Text(usize::MAX);
/// Sizes of screens and windows in pixels.
const PIXELS: Kind = Whole(0, 30_720);
/// Sizes of storage in GB.
const STORAGE: Kind = Whole(0, 1_048_576);
/// Counts, bounded by the type only.
const COUNT: Kind = Whole(0, i64::MAX);

/// A member of an object of the event. Its type follows from its kind.
macro_rules! member {
    ($key:literal, $label:literal, $kind:expr) => {
        Row::member(key!($key), $label, $kind)
    };
}

/// A field of the event itself, which the encoders write one by one.
macro_rules! event {
    ($key:literal, $label:literal, $type:expr) => {
        Row::new(key!($key), Field::new($key, $label, $type), Kind::Event)
    };
}

/// A personal field: any number of values, each hashed unless it is a SHA-256 already.
const fn hashed(name: &'static str, label: &'static str, key: HashedKey, rule: Personal) -> Row {
    let field = Field::new(name, label, String).multiple();
    Row::new(key.key(), field, Kind::Hashed(key, rule))
}

/// A field of the user that Pinterest needs as it is.
const fn plain(name: &'static str, label: &'static str, key: PlainKey) -> Row {
    Row::new(key.key(), Field::new(name, label, String), Kind::Event)
}

const fn choice(value: &'static str) -> Choice<'static> {
    Choice::text(value, value)
}

const EVENT_NAMES: &[Choice<'static>] = &[
    choice("add_payment_info"),
    choice("add_to_cart"),
    choice("add_to_wishlist"),
    choice("app_install"),
    choice("app_open"),
    choice("checkout"),
    choice("contact"),
    choice("custom"),
    choice("customize_product"),
    choice("find_location"),
    choice("initiate_checkout"),
    choice("lead"),
    choice("page_visit"),
    choice("schedule"),
    choice("search"),
    choice("signup"),
    choice("start_trial"),
    choice("submit_application"),
    choice("subscribe"),
    choice("view_category"),
    choice("view_content"),
    choice("watch_video"),
];

const PRODUCTS: &str = concat!(
    r#"{"@if":{"exists":{"@path":"$.properties.products"},"then":{"@arrayPath":["$.properties.products","#,
    r#"{"id":{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":{"@path":"$.sku"}}},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}"#,
    r#"]},"else":{"@if":{"exists":{"@if":{"blank":{"@path":"$.properties.product_id"},"then":{"@path":"$.properties.product_id"},"else":{"@path":"$.properties.sku"}}},"then":{"@arrayPath":["$.properties","#,
    r#"{"id":{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":{"@path":"$.sku"}}},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}"#,
    r#"]}}}}}"#,
);

/// The value of the whole event comes before the price of one piece.
const VALUE: Default = FirstNumberOf(&[
    "properties.value",
    "properties.revenue",
    "properties.total",
    "properties.price",
]);

/// The user, in the order of the request, which lets the encoder take the members one after the other.
pub(crate) const USER_DATA: &[Row] = &[
    hashed("email", "Email", HashedKey::Em, Personal::Email).describe("E-mail addresses.").default_mapping(
            r#"{"@if":{"exists":{"@path":"$.properties.email"},"then":{"@path":"$.properties.email"},"else":{"@path":"$.traits.email"}}}"#,
        ).pinterest(FirstOf(&["properties.email", "traits.email", "context.traits.email"])),
    hashed("phone", "Phone Number", HashedKey::Ph, Personal::Phone).describe("Phone numbers with country and area code.").pinterest(FirstOf(&["properties.phone", "traits.phone", "context.traits.phone"])),
    hashed("gender", "Gender", HashedKey::Ge, Personal::Gender).describe("Female, male or non-binary.").pinterest(FirstOf(&["properties.gender", "traits.gender", "context.traits.gender"])),
    hashed("date_of_birth", "Date of Birth", HashedKey::Db, Personal::DateOfBirth).describe("Year, month and day.").pinterest(FirstOf(&[ "properties.birthday", "properties.date_of_birth", "properties.dateOfBirth", "traits.birthday", "traits.date_of_birth", "traits.dateOfBirth", "context.traits.birthday", "context.traits.date_of_birth", "context.traits.dateOfBirth", ])),
    hashed("last_name", "Last Name", HashedKey::Ln, Personal::LastName).describe("Family names.").pinterest(FirstOf(&[ "properties.lastName", "properties.last_name", "traits.lastName", "traits.last_name", "context.traits.lastName", "context.traits.last_name", ])).derived(Derive::LastName),
    hashed("first_name", "First Name", HashedKey::Fn, Personal::FirstName).describe("Given names.").pinterest(FirstOf(&[ "properties.firstName", "properties.first_name", "traits.firstName", "traits.first_name", "context.traits.firstName", "context.traits.first_name", ])).derived(Derive::FirstName),
    hashed("city", "City", HashedKey::Ct, Personal::City).describe("Cities of residence.").pinterest(FirstOf(&[ "properties.address.city", "traits.address.city", "traits.city", "context.traits.address.city", "context.traits.city", ])),
    hashed("state", "State", HashedKey::St, Personal::State).describe("States of residence; two-letter codes in the US.").pinterest(FirstOf(&[ "properties.address.state", "traits.address.state", "traits.state", "context.traits.address.state", "context.traits.state", ])),
    hashed("zip", "Zip Code", HashedKey::Zp, Personal::Zip).describe("Postal codes.").pinterest(FirstOf(&[ "properties.address.postalCode", "properties.address.postal_code", "properties.address.zip", "traits.address.postalCode", "traits.address.postal_code", "traits.address.zip", "traits.postalCode", "traits.postal_code", "traits.zip", "context.traits.address.postalCode", "context.traits.address.postal_code", "context.traits.address.zip", "context.traits.postalCode", "context.traits.postal_code", "context.traits.zip", ])),
    hashed("country", "Country", HashedKey::Country, Personal::Country).describe("Two-letter country codes.").pinterest(FirstOf(&[ "properties.address.country", "traits.address.country", "traits.country", "context.traits.address.country", "context.traits.country", ])),
    hashed("external_id", "External ID", HashedKey::ExternalId, Personal::ExternalId).describe("Ids of the user in your own systems, the same in every channel.").pinterest(FirstOf(&["userId"])),
    plain("client_ip_address", "User IP Address", PlainKey::ClientIpAddress).describe("IPv4 or IPv6 address of the user; never hashed.")
            .default_mapping(r#"{"@path":"$.context.ip"}"#),
    plain("client_user_agent", "User Agent", PlainKey::ClientUserAgent).describe("User agent of the browser or app; never hashed.")
            .default_mapping(r#"{"@path":"$.context.userAgent"}"#),
    hashed("hashed_maids", "Mobile Ad Identifier", HashedKey::HashedMaids, Personal::MobileAdId).describe("Advertising ids of the user's devices (IDFA, GAID).").pinterest(FirstOf(&["context.device.advertisingId"])),
    plain("click_id", "Click ID", PlainKey::ClickId).nullable()
            .describe("The epik value that Pinterest puts on clicks: the `_epik` cookie or the `epik` query parameter.").pinterest(FirstOf(&["properties._epik", "properties.epik", "context._epik"])).derived(Derive::ClickId),
    plain("partner_id", "Partner ID", PlainKey::PartnerId).nullable()
            .describe("A visitor id from a partner; only if Pinterest asks for it."),
];

/// The custom data of both formats, in the order of the request. The legacy format takes `contents` from here, the latest
/// one from the event.
pub(crate) const CUSTOM_DATA: &[Row] = &[
    member!("currency", "Currency", Currency).describe("ISO 4217 code of the currency of `value` and the prices.")
                    .default_mapping(r#"{"@path":"$.properties.currency"}"#),
    member!("value", "Value", Money).describe("What the event is worth in all.").default_mapping(
                    r#"{"@if":{"exists":{"@path":"$.properties.price"},"then":{"@path":"$.properties.price"},"else":{"@path":"$.properties.value"}}}"#,
                ).pinterest(VALUE),
    member!("content_ids", "Content IDs", Texts).describe("Ids of the products.").derived(Derive::ContentIds),
    contents(),
    member!("num_items", "Number of Items", NumItems).describe("How many products in all.").derived(Derive::NumItems),
    member!("order_id", "Order ID", ANY).describe("The order's id.")
                    .default_mapping(r#"{"@path":"$.properties.order_id"}"#),
    member!("search_string", "Search String", ANY).describe("What was searched for.")
                    .default_mapping(r#"{"@path":"$.properties.query"}"#),
    member!("opt_out_type", "Opt Out Type", OptOutType).always_sent().describe(
                    "Privacy flags, joined by commas; `LDP` asks for Limited Data Processing and needs state and country.",
                ),
    member!("content_brand", "Content Brand", ANY).describe("Brand of the content."),
    member!("content_category", "Content Category", ANY).describe("Category of the content."),
    member!("content_name", "Content Name", ANY).describe("Name of the page or product."),
    member!("predicted_ltv", "Predicted Lifetime Value", Money).describe("What the customer is expected to spend over time."),
    member!("external_measurement_id", "External Measurement ID", ExtraText).describe("Id of an external measurement; only with compat = \"pinterest\"."),
    member!("external_measurement_vendor_id", "External Measurement Vendor ID", ExtraWhole).describe("Number of the measurement's vendor; only with compat = \"pinterest\"."),
];

pub(crate) const CONTENT: &[Row] = &[
    member!("id", "Product ID", ANY).describe("The product's id in your catalog."),
    member!("item_price", "Price", Money).describe("Price of one piece."),
    member!("quantity", "Quantity", COUNT).describe("How many pieces."),
    member!("item_name", "Name", ANY).describe("The product's name."),
    member!("item_category", "Category", ANY).describe("The product's category."),
    member!("item_brand", "Brand", ANY).describe("The product's brand."),
    member!("item_brand_id", "Brand ID", Text(64))
        .at_most(64.0)
        .describe("Id of the product's brand."),
];

const fn contents() -> Row {
    member!("contents", "Contents", Contents)
        .members(CONTENT, &CONTENT_FIELDS)
        .describe("The products of the event.")
        .pinterest(Json(PRODUCTS))
}

pub(crate) const APP_INFO: &[Row] = &[
    member!("app_id", "App ID", Text(200))
        .describe("Id of the app in its store.")
        .pinterest(FirstOf(&["context.app.id"])),
    member!("app_name", "App Name", Text(200))
        .describe("Name of the app.")
        .default_mapping(r#"{"@path":"$.context.app.name"}"#),
    member!("app_package_name", "App Package Name", Text(200))
        .describe("Bundle id or package name.")
        .default_mapping(r#"{"@path":"$.context.app.namespace"}"#),
    member!("app_store", "App Store", Text(100)).describe("The store the app came from."),
    member!("app_version", "App Version", Text(100))
        .describe("Version of the app.")
        .default_mapping(r#"{"@path":"$.context.app.version"}"#),
    member!("install_time", "Install Time", Time).describe("When the app was installed."),
    member!("user_agent", "App User Agent", Text(16_384))
        .describe("User agent of the app's web view.")
        .default_mapping(r#"{"@path":"$.context.userAgent"}"#),
    // The screen is not the window; SDKs that know the window's size send it as inner width and height.
    member!("window_height", "Window Height", PIXELS)
        .describe("Height of the app's window in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.height"}"#)
        .pinterest(FirstOf(&["context.screen.innerHeight"])),
    member!("window_width", "Window Width", PIXELS)
        .describe("Width of the app's window in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.width"}"#)
        .pinterest(FirstOf(&["context.screen.innerWidth"])),
];

pub(crate) const DEVICE_INFO: &[Row] = &[
    member!("battery_level", "Battery Level", Whole(0, 100)).describe("Per cent."),
    member!("brand", "Device Brand", Text(100))
        .describe("Maker of the device.")
        .default_mapping(r#"{"@path":"$.context.device.manufacturer"}"#),
    member!("carrier", "Device Carrier", Text(100))
        .describe("Mobile network.")
        .default_mapping(r#"{"@path":"$.context.network.carrier"}"#),
    member!("cpu_cores", "CPU Cores", Whole(0, 1152)).describe("Number of processor cores."),
    member!(
        "external_storage_free_space",
        "External Storage Free Space",
        STORAGE
    )
    .describe("In GB."),
    member!("external_storage_size", "External Storage Size", STORAGE).describe("In GB."),
    member!("form_factor", "Form Factor", ANY)
        .describe("Kind of device.")
        .choices(&[
            choice("desktop"),
            choice("laptop"),
            choice("cellphone"),
            choice("tablet"),
            choice("smartwatch"),
            choice("tv"),
            choice("vr"),
            choice("console"),
            choice("other"),
        ]),
    member!("kernel_version", "Kernel Version", Text(100))
        .describe("Version of the operating system's kernel."),
    member!("languages", "Languages", Languages).describe("ISO 639-1 codes of two letters."),
    member!("locale", "Locale", Text(35))
        .describe("Locale of the device.")
        .default_mapping(r#"{"@path":"$.context.locale"}"#),
    member!("model", "Device Model", Text(100))
        .describe("Model of the device.")
        .default_mapping(r#"{"@path":"$.context.device.model"}"#),
    member!("network_type", "Network Type", ANY)
        .describe("How the device is connected.")
        .choices(&[
            choice("wifi"),
            choice("cellular_2g"),
            choice("cellular_3g"),
            choice("cellular_4g"),
            choice("cellular_5g"),
            choice("cellular_6g"),
            choice("ethernet"),
            choice("unknown"),
        ]),
    member!("os_family", "OS Family", OsFamily)
        .describe("Family of the operating system.")
        .choices(&[
            choice("ios"),
            choice("android"),
            choice("macos"),
            choice("windows"),
            choice("linux"),
            choice("bsd"),
            choice("other"),
        ])
        .derived(Derive::OsFamily),
    member!("os_name", "OS Name", Text(100))
        .at_most(100.0)
        .describe("Name of the operating system.")
        .pinterest(FirstOf(&["context.os.name"])),
    member!("os_release_name", "OS Release Name", Text(100)).describe("Code name of the release."),
    member!("os_version", "OS Version", Text(100))
        .at_most(100.0)
        .describe("Version of the operating system.")
        .default_mapping(r#"{"@path":"$.context.os.version"}"#),
    // SDKs send the scale factor, Pinterest wants pixels per inch.
    member!("screen_density", "Screen Density", Whole(0, 100_000))
        .describe("Pixels per inch.")
        .default_mapping(r#"{"@path":"$.context.screen.density"}"#)
        .pinterest(Nothing),
    member!("screen_height", "Screen Height", PIXELS)
        .describe("Height of the screen in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.height"}"#),
    member!("screen_width", "Screen Width", PIXELS)
        .describe("Width of the screen in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.width"}"#),
    member!("storage_free_space", "Storage Free Space", STORAGE).describe("In GB."),
    member!("storage_size", "Storage Size", STORAGE).describe("In GB."),
    member!("timezone", "Timezone", Text(40))
        .describe("Time zone of the device.")
        .default_mapping(r#"{"@path":"$.context.timezone"}"#),
    member!("timezone_abbr", "Timezone Abbreviation", Text(5)).describe("Abbreviation of the time zone."),
    member!("type", "Device Type", Text(100))
        .describe("Type of device, as the SDK names it.")
        .default_mapping(r#"{"@path":"$.context.device.type"}"#),
];

/// The event, objects with their members.
pub(crate) const EVENT: &[Row] = &[
    event!("data_format", "Data Format", String).choices(&[choice("latest"), choice("legacy")])
            .describe("`latest` sends app_info, device_info and contents; `legacy` the older flat fields.")
            .default_mapping(r#""latest""#),
    event!("event_name", "Event Name", String).required()
            .choices(EVENT_NAMES)
            .describe("The conversion; each preset sets its own."),
    event!("action_source", "Action Source", String).required()
            .choices(&[choice("app_android"), choice("app_ios"), choice("web"), choice("offline")])
            .describe("Where it happened.")
            .default_mapping(r#""web""#).derived(Derive::ActionSource),
    event!("event_time", "Event Time", String).required()
            .describe("When it happened: a date, or epoch seconds or milliseconds.")
            .default_mapping(r#"{"@path":"$.timestamp"}"#),
    event!("event_id", "Event ID", String).required()
            .describe("What Pinterest knows duplicates by. A site that fires the tag too must send the same id in both.")
            .default_mapping(r#"{"@path":"$.messageId"}"#),
    event!("event_source_url", "Event Source URL", String).describe("Address of the page.")
            .default_mapping(r#"{"@path":"$.context.page.url"}"#).optional(),
    // Segment's default tells Pinterest that every user opted out.
    event!("opt_out", "Opt Out", Boolean).describe("Whether the user opted out of tracking.")
            .default_mapping("true").optional().pinterest(Nothing).derived(Derive::OptOut),
    event!("advertiser_tracking_enabled", "Advertiser Tracking Enabled", Boolean).describe("Whether the user allows tracking in this app (iOS App Tracking Transparency).")
            .default_mapping(r#"{"@path":"$.context.device.adTrackingEnabled"}"#).optional(),
    event!("user_data", "User Data", Object).members(USER_DATA, &USER_DATA_FIELDS).describe("Who it was. Pinterest needs an e-mail, an advertising id, or both IP address and user agent."),
    event!("custom_data", "Custom Data (Legacy)", Object).members(CUSTOM_DATA, &CUSTOM_DATA_LEGACY_FIELDS).describe("What it was about; sent if data_format is `legacy`.").legacy_only(),
    event!("custom_data_2", "Custom Data", Object).members(CUSTOM_DATA, &CUSTOM_DATA_FIELDS).describe("What it was about; sent if data_format is `latest`.").latest_only(),
    contents().default_mapping(
            r#"{"@arrayPath":["$.properties.products",{"id":{"@path":"$.product_id"},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}]}"#,
        ).latest_only(),
    event!("app_info", "App Info", Object).members(APP_INFO, &APP_INFO_FIELDS).describe("The app; sent if data_format is `latest`.").latest_only().optional(),
    event!("device_info", "Device Info", Object).members(DEVICE_INFO, &DEVICE_INFO_FIELDS).describe("The device; sent if data_format is `latest`.").latest_only().optional(),
    legacy(key!("app_id"), "App ID", r#"{"@path":"$.context.app.id"}"#),
    legacy(key!("app_name"), "App Name", r#"{"@path":"$.context.app.name"}"#),
    legacy(key!("app_version"), "App Version", r#"{"@path":"$.context.app.version"}"#),
    legacy(key!("device_brand"), "Device Brand", r#"{"@path":"$.context.device.brand"}"#).pinterest(FirstOf(&["context.device.brand", "context.device.manufacturer"])),
    legacy(key!("device_carrier"), "Device Carrier", r#"{"@path":"$.context.device.carrier"}"#).pinterest(FirstOf(&["context.device.carrier", "context.network.carrier"])),
    legacy(key!("device_model"), "Device Model", r#"{"@path":"$.context.device.model"}"#),
    legacy(key!("device_type"), "Device Type", r#"{"@path":"$.context.device.type"}"#),
    legacy(key!("os_version"), "OS Version", r#"{"@path":"$.context.os.version"}"#),
    event!("wifi", "Wifi", Boolean).describe("Whether the device is on a wireless network.")
            .default_mapping(r#"{"@path":"$.context.network.wifi"}"#).optional(),
    event!("language", "Language", String).describe("ISO 639-1 code of two letters.").optional(),
];

const fn legacy(
    key: &'static signalbox_conversions::encode::Key,
    label: &'static str,
    default: &'static str,
) -> Row {
    Row::member(key, label, ANY)
        .describe("Sent if data_format is `legacy`.")
        .default_mapping(default)
        .legacy_only()
}

const USER_DATA_FIELDS: [Field<'static>; USER_DATA.len()] = fields(USER_DATA);
const CUSTOM_DATA_LEGACY_FIELDS: [Field<'static>; CUSTOM_DATA.len()] = fields(CUSTOM_DATA);
const CUSTOM_DATA_FIELDS: [Field<'static>; CUSTOM_DATA.len() - 1] = fields(CUSTOM_DATA);
const CONTENT_FIELDS: [Field<'static>; CONTENT.len()] = fields(CONTENT);
const APP_INFO_FIELDS: [Field<'static>; APP_INFO.len()] = fields(APP_INFO);
const DEVICE_INFO_FIELDS: [Field<'static>; DEVICE_INFO.len()] = fields(DEVICE_INFO);

/// Every field of the action for the schema, top level first, objects with their members.
pub static FIELDS: &[Field<'static>] = &fields::<{ EVENT.len() }>(EVENT);
