//! The field table: what a mapping for Pinterest can fill, in the terms of Segment's destination.
//!
//! Keys, types, choices, requirements and defaults are those of Segment's open-source `pinterest-conversions`
//! destination, so that a mapping made there means the same here. What Pinterest itself limits further is in
//! [`crate::encode::wire`].

use signalbox_segment::schema::{Choice, Field, FieldType};

use FieldType::{Boolean, Datetime, Integer, Number, Object, String};

const fn text(key: &'static str, label: &'static str) -> Field<'static> {
    Field::new(key, label, String)
}

const fn number(key: &'static str, label: &'static str) -> Field<'static> {
    Field::new(key, label, Number)
}

const fn integer(key: &'static str, label: &'static str) -> Field<'static> {
    Field::new(key, label, Integer)
}

/// A personal field: any number of values, each hashed unless it is a SHA-256 already.
const fn personal(key: &'static str, label: &'static str, description: &'static str) -> Field<'static> {
    text(key, label).multiple().describe(description)
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

/// In the order of the request, which lets the encoder take them one after the other.
const USER_DATA: &[Field<'static>] = &[
    personal("email", "Email", "E-mail addresses.").default_mapping(
        r#"{"@if":{"exists":{"@path":"$.properties.email"},"then":{"@path":"$.properties.email"},"else":{"@path":"$.traits.email"}}}"#,
    ),
    personal("phone", "Phone Number", "Phone numbers with country and area code."),
    personal("gender", "Gender", "Female, male or non-binary."),
    personal("date_of_birth", "Date of Birth", "Year, month and day."),
    personal("last_name", "Last Name", "Family names."),
    personal("first_name", "First Name", "Given names."),
    personal("city", "City", "Cities of residence."),
    personal("state", "State", "States of residence; two-letter codes in the US."),
    personal("zip", "Zip Code", "Postal codes."),
    personal("country", "Country", "Two-letter country codes."),
    personal(
        "external_id",
        "External ID",
        "Ids of the user in your own systems, the same in every channel.",
    ),
    text("client_ip_address", "User IP Address")
        .describe("IPv4 or IPv6 address of the user; never hashed.")
        .default_mapping(r#"{"@path":"$.context.ip"}"#),
    text("client_user_agent", "User Agent")
        .describe("User agent of the browser or app; never hashed.")
        .default_mapping(r#"{"@path":"$.context.userAgent"}"#),
    personal(
        "hashed_maids",
        "Mobile Ad Identifier",
        "Advertising ids of the user's devices (IDFA, GAID).",
    ),
    text("click_id", "Click ID")
        .nullable()
        .describe("The epik value that Pinterest puts on clicks: the `_epik` cookie or the `epik` query parameter."),
    text("partner_id", "Partner ID")
        .nullable()
        .describe("A visitor id from a partner; only if Pinterest asks for it."),
];

/// Members of the custom data of both formats; the legacy one also holds `contents`.
macro_rules! custom_data {
    ($($more:expr),*) => {
        &[
            text("currency", "Currency")
                .describe("ISO 4217 code of the currency of `value` and the prices.")
                .default_mapping(r#"{"@path":"$.properties.currency"}"#),
            number("value", "Value").describe("What the event is worth in all.").default_mapping(
                r#"{"@if":{"exists":{"@path":"$.properties.price"},"then":{"@path":"$.properties.price"},"else":{"@path":"$.properties.value"}}}"#,
            ),
            text("content_ids", "Content IDs").multiple().describe("Ids of the products."),
            integer("num_items", "Number of Items").describe("How many products in all."),
            text("order_id", "Order ID")
                .describe("The order's id.")
                .default_mapping(r#"{"@path":"$.properties.order_id"}"#),
            text("search_string", "Search String")
                .describe("What was searched for.")
                .default_mapping(r#"{"@path":"$.properties.query"}"#),
            text("opt_out_type", "Opt Out Type").describe(
                "Privacy flags, joined by commas; `LDP` asks for Limited Data Processing and needs state and country.",
            ),
            text("content_brand", "Content Brand").describe("Brand of the content."),
            text("content_category", "Content Category").describe("Category of the content."),
            text("content_name", "Content Name").describe("Name of the page or product."),
            number("predicted_ltv", "Predicted Lifetime Value")
                .describe("What the customer is expected to spend over time."),
            text("external_measurement_id", "External Measurement ID")
                .describe("Id of an external measurement; only with compat = \"pinterest\"."),
            integer("external_measurement_vendor_id", "External Measurement Vendor ID")
                .describe("Number of the measurement's vendor; only with compat = \"pinterest\"."),
            $($more),*
        ]
    };
}

const CUSTOM_DATA: &[Field<'static>] = custom_data!();
const CUSTOM_DATA_LEGACY: &[Field<'static>] = custom_data!(contents());

const CONTENT: &[Field<'static>] = &[
    text("id", "Product ID").describe("The product's id in your catalog."),
    number("item_price", "Price").describe("Price of one piece."),
    integer("quantity", "Quantity").describe("How many pieces."),
    text("item_name", "Name").describe("The product's name."),
    text("item_category", "Category").describe("The product's category."),
    text("item_brand", "Brand").describe("The product's brand."),
    text("item_brand_id", "Brand ID")
        .at_most(64.0)
        .describe("Id of the product's brand."),
];

const fn contents() -> Field<'static> {
    Field::new("contents", "Contents", Object)
        .multiple()
        .properties(CONTENT)
        .describe("The products of the event.")
}

const APP_INFO: &[Field<'static>] = &[
    text("app_id", "App ID").describe("Id of the app in its store."),
    text("app_name", "App Name")
        .describe("Name of the app.")
        .default_mapping(r#"{"@path":"$.context.app.name"}"#),
    text("app_package_name", "App Package Name")
        .describe("Bundle id or package name.")
        .default_mapping(r#"{"@path":"$.context.app.namespace"}"#),
    text("app_store", "App Store").describe("The store the app came from."),
    text("app_version", "App Version")
        .describe("Version of the app.")
        .default_mapping(r#"{"@path":"$.context.app.version"}"#),
    Field::new("install_time", "Install Time", Datetime).describe("When the app was installed."),
    text("user_agent", "App User Agent")
        .describe("User agent of the app's web view.")
        .default_mapping(r#"{"@path":"$.context.userAgent"}"#),
    integer("window_height", "Window Height")
        .describe("Height of the app's window in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.height"}"#),
    integer("window_width", "Window Width")
        .describe("Width of the app's window in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.width"}"#),
];

const DEVICE_INFO: &[Field<'static>] = &[
    integer("battery_level", "Battery Level").describe("Per cent."),
    text("brand", "Device Brand")
        .describe("Maker of the device.")
        .default_mapping(r#"{"@path":"$.context.device.manufacturer"}"#),
    text("carrier", "Device Carrier")
        .describe("Mobile network.")
        .default_mapping(r#"{"@path":"$.context.network.carrier"}"#),
    integer("cpu_cores", "CPU Cores").describe("Number of processor cores."),
    integer("external_storage_free_space", "External Storage Free Space").describe("In GB."),
    integer("external_storage_size", "External Storage Size").describe("In GB."),
    text("form_factor", "Form Factor")
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
    text("kernel_version", "Kernel Version").describe("Version of the operating system's kernel."),
    text("languages", "Languages")
        .multiple()
        .describe("ISO 639-1 codes of two letters."),
    text("locale", "Locale")
        .describe("Locale of the device.")
        .default_mapping(r#"{"@path":"$.context.locale"}"#),
    text("model", "Device Model")
        .describe("Model of the device.")
        .default_mapping(r#"{"@path":"$.context.device.model"}"#),
    text("network_type", "Network Type")
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
    text("os_family", "OS Family")
        .describe("Family of the operating system.")
        .choices(&[
            choice("ios"),
            choice("android"),
            choice("macos"),
            choice("windows"),
            choice("linux"),
            choice("bsd"),
            choice("other"),
        ]),
    text("os_name", "OS Name")
        .at_most(100.0)
        .describe("Name of the operating system."),
    text("os_release_name", "OS Release Name").describe("Code name of the release."),
    text("os_version", "OS Version")
        .at_most(100.0)
        .describe("Version of the operating system.")
        .default_mapping(r#"{"@path":"$.context.os.version"}"#),
    integer("screen_density", "Screen Density")
        .describe("Pixels per inch.")
        .default_mapping(r#"{"@path":"$.context.screen.density"}"#),
    integer("screen_height", "Screen Height")
        .describe("Height of the screen in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.height"}"#),
    integer("screen_width", "Screen Width")
        .describe("Width of the screen in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.width"}"#),
    integer("storage_free_space", "Storage Free Space").describe("In GB."),
    integer("storage_size", "Storage Size").describe("In GB."),
    text("timezone", "Timezone")
        .describe("Time zone of the device.")
        .default_mapping(r#"{"@path":"$.context.timezone"}"#),
    text("timezone_abbr", "Timezone Abbreviation").describe("Abbreviation of the time zone."),
    text("type", "Device Type")
        .describe("Type of device, as the SDK names it.")
        .default_mapping(r#"{"@path":"$.context.device.type"}"#),
];

/// Every field of the action, top level first, objects with their members.
pub static FIELDS: &[Field<'static>] = &[
    text("data_format", "Data Format")
        .choices(&[choice("latest"), choice("legacy")])
        .describe("`latest` sends app_info, device_info and contents; `legacy` the older flat fields.")
        .default_mapping(r#""latest""#),
    text("event_name", "Event Name")
        .required()
        .choices(EVENT_NAMES)
        .describe("The conversion; each preset sets its own."),
    text("action_source", "Action Source")
        .required()
        .choices(&[choice("app_android"), choice("app_ios"), choice("web"), choice("offline")])
        .describe("Where it happened.")
        .default_mapping(r#""web""#),
    text("event_time", "Event Time")
        .required()
        .describe("When it happened: a date, or epoch seconds or milliseconds.")
        .default_mapping(r#"{"@path":"$.timestamp"}"#),
    text("event_id", "Event ID")
        .required()
        .describe("What Pinterest knows duplicates by. A site that fires the tag too must send the same id in both.")
        .default_mapping(r#"{"@path":"$.messageId"}"#),
    text("event_source_url", "Event Source URL")
        .describe("Address of the page.")
        .default_mapping(r#"{"@path":"$.context.page.url"}"#),
    Field::new("opt_out", "Opt Out", Boolean)
        .describe("Whether the user opted out of tracking.")
        .default_mapping("true"),
    Field::new("advertiser_tracking_enabled", "Advertiser Tracking Enabled", Boolean)
        .describe("Whether the user allows tracking in this app (iOS App Tracking Transparency).")
        .default_mapping(r#"{"@path":"$.context.device.adTrackingEnabled"}"#),
    Field::new("user_data", "User Data", Object)
        .properties(USER_DATA)
        .describe("Who it was. Pinterest needs an e-mail, an advertising id, or both IP address and user agent."),
    Field::new("custom_data", "Custom Data (Legacy)", Object)
        .properties(CUSTOM_DATA_LEGACY)
        .describe("What it was about; sent if data_format is `legacy`."),
    Field::new("custom_data_2", "Custom Data", Object)
        .properties(CUSTOM_DATA)
        .describe("What it was about; sent if data_format is `latest`."),
    contents().default_mapping(
        r#"{"@arrayPath":["$.properties.products",{"id":{"@path":"$.product_id"},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}]}"#,
    ),
    Field::new("app_info", "App Info", Object)
        .properties(APP_INFO)
        .describe("The app; sent if data_format is `latest`."),
    Field::new("device_info", "Device Info", Object)
        .properties(DEVICE_INFO)
        .describe("The device; sent if data_format is `latest`."),
    legacy("app_id", "App ID", r#"{"@path":"$.context.app.id"}"#),
    legacy("app_name", "App Name", r#"{"@path":"$.context.app.name"}"#),
    legacy("app_version", "App Version", r#"{"@path":"$.context.app.version"}"#),
    legacy("device_brand", "Device Brand", r#"{"@path":"$.context.device.brand"}"#),
    legacy("device_carrier", "Device Carrier", r#"{"@path":"$.context.device.carrier"}"#),
    legacy("device_model", "Device Model", r#"{"@path":"$.context.device.model"}"#),
    legacy("device_type", "Device Type", r#"{"@path":"$.context.device.type"}"#),
    legacy("os_version", "OS Version", r#"{"@path":"$.context.os.version"}"#),
    Field::new("wifi", "Wifi", Boolean)
        .describe("Whether the device is on a wireless network.")
        .default_mapping(r#"{"@path":"$.context.network.wifi"}"#),
    text("language", "Language").describe("ISO 639-1 code of two letters."),
];

const fn legacy(key: &'static str, label: &'static str, default: &'static str) -> Field<'static> {
    text(key, label)
        .describe("Sent if data_format is `legacy`.")
        .default_mapping(default)
}
