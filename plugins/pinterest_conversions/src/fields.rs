//! The field table: all fields that a mapping for Pinterest can fill. A field is one row.
//!
//! Names, types, choices, requirements and the defaults given with `default_mapping` are those of Segment's open-source
//! `pinterest-conversions` destination, so that a mapping made there means the same here. Limits are those of Pinterest's
//! OpenAPI description 5.23.0; its public changelog up to 5.28.0 changes none of them and lists `item_brand_id`.

use signalbox_conversions::encode::Key;
use signalbox_conversions::field::Default::{FirstOf, Json, Nothing};
use signalbox_conversions::field::Kind::{
    self, Contents, Currency, Languages, Money, Own, Text, Texts, Time, Whole,
};
use signalbox_conversions::field::{Identifier, Row};
use signalbox_conversions::personal::Field as Personal;
use signalbox_conversions::personal::rules::{PINTEREST, SEGMENT};
use signalbox_conversions::{Spec, fields, first_id, key, products};
use signalbox_segment::schema::FieldType::{Boolean, Object, String};
use signalbox_segment::schema::{Choice, Field};

use crate::derive;
use crate::presets::PRESETS;

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
        Row::own(key!($key), $label, $type)
    };
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

const PRODUCTS: &str = products!(concat!(
    r#"{"id":"#,
    first_id!(),
    r#","item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"},"item_brand_id":{"@path":"$.brand_id"}}"#,
));

/// The user, in the order of the request, which lets the encoder take the members one after the other.
pub(crate) const USER_DATA: &[Row] = &[
    Row::hashed("email", "Email", key!("em"), Personal::Email).describe("E-mail addresses.").default_mapping(
            r#"{"@if":{"exists":{"@path":"$.properties.email"},"then":{"@path":"$.properties.email"},"else":{"@path":"$.traits.email"}}}"#,
        ).from_traits(),
    Row::hashed("phone", "Phone Number", key!("ph"), Personal::Phone).describe("Phone numbers with country and area code.").from_traits(),
    Row::hashed("gender", "Gender", key!("ge"), Personal::Gender).describe("Female, male or non-binary.").from_traits(),
    Row::hashed("date_of_birth", "Date of Birth", key!("db"), Personal::DateOfBirth).describe("Year, month and day.").from_traits(),
    Row::hashed("last_name", "Last Name", key!("ln"), Personal::LastName).describe("Family names.").from_traits().derived(derive::LAST_NAME, "the family name in `traits.name` or `context.traits.name`"),
    Row::hashed("first_name", "First Name", key!("fn"), Personal::FirstName).describe("Given names.").from_traits().derived(derive::FIRST_NAME, "the given name in `traits.name` or `context.traits.name`"),
    Row::hashed("city", "City", key!("ct"), Personal::City).describe("Cities of residence.").from_traits(),
    Row::hashed("state", "State", key!("st"), Personal::State).describe("States of residence; two-letter codes in the US.").from_traits(),
    Row::hashed("zip", "Zip Code", key!("zp"), Personal::Zip).describe("Postal codes.").from_traits(),
    Row::hashed("country", "Country", key!("country"), Personal::Country).describe("Two-letter country codes.").from_traits(),
    Row::hashed("external_id", "External ID", key!("external_id"), Personal::ExternalId).describe("Ids of the user in your own systems, the same in every channel.").vendor_default(FirstOf(&["userId"])),
    event!("client_ip_address", "User IP Address", String).describe("IPv4 or IPv6 address of the user; never hashed.").identifies(Identifier::IpAddress)
            .default_mapping(r#"{"@path":"$.context.ip"}"#),
    event!("client_user_agent", "User Agent", String).describe("User agent of the browser or app; never hashed.").identifies(Identifier::UserAgent)
            .default_mapping(r#"{"@path":"$.context.userAgent"}"#),
    Row::hashed("hashed_maids", "Mobile Ad Identifier", key!("hashed_maids"), Personal::MobileAdId).describe("Advertising ids of the user's devices (IDFA, GAID).").vendor_default(FirstOf(&["context.device.advertisingId"])),
    event!("click_id", "Click ID", String).nullable().identifies(Identifier::ClickId)
            .describe("The epik value that Pinterest puts on clicks: the `_epik` cookie or the `epik` query parameter.").vendor_default(FirstOf(&["properties._epik", "properties.epik", "context._epik", "context.click_ids._epik"])).derived(derive::CLICK_ID, "`epik` or `_epik` in the query of `context.page.search`, `context.page.url`, `properties.search` or `properties.url`"),
    event!("partner_id", "Partner ID", String).nullable()
            .describe("A visitor id from a partner; only if Pinterest asks for it."),
];

/// The custom data of both formats, in the order of the request. The legacy format takes `contents` from here, the latest
/// one from the event.
pub(crate) const CUSTOM_DATA: &[Row] = &[
    member!("currency", "Currency", Currency).describe("ISO 4217 code of the currency of `value` and the prices.")
                    .default_mapping(r#"{"@path":"$.properties.currency"}"#).of_worth(),
    member!("value", "Value", Money).describe("What the event is worth in all.").default_mapping(
                    r#"{"@if":{"exists":{"@path":"$.properties.price"},"then":{"@path":"$.properties.price"},"else":{"@path":"$.properties.value"}}}"#,
                ).worth(),
    member!("content_ids", "Content IDs", Texts).describe("Ids of the products.").derived(derive::CONTENT_IDS, "the ids of the contents"),
    contents(),
    member!("num_items", "Number of Items", COUNT).describe("How many products in all.").derived(derive::NUM_ITEMS, "the quantities of the contents, added up"),
    member!("order_id", "Order ID", ANY).describe("The order's id.")
                    .default_mapping(r#"{"@path":"$.properties.order_id"}"#),
    member!("search_string", "Search String", ANY).search().describe("What was searched for.")
                    .default_mapping(r#"{"@path":"$.properties.query"}"#),
    member!("opt_out_type", "Opt Out Type", Own).always_sent().describe(
                    "Privacy flags, joined by commas; `LDP` asks for Limited Data Processing and needs state and country.",
                ),
    member!("content_brand", "Content Brand", ANY).describe("Brand of the content."),
    member!("content_category", "Content Category", ANY).describe("Category of the content."),
    member!("content_name", "Content Name", ANY).describe("Name of the page or product."),
    member!("predicted_ltv", "Predicted Lifetime Value", Money).describe("What the customer is expected to spend over time."),
    member!("external_measurement_id", "External Measurement ID", ANY).vendor_only().describe("Id of an external measurement; only with compat = \"pinterest\"."),
    member!("external_measurement_vendor_id", "External Measurement Vendor ID", Whole(i64::MIN, i64::MAX)).vendor_only().describe("Number of the measurement's vendor; only with compat = \"pinterest\"."),
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
        .members(CONTENT, fields!(CONTENT))
        .describe("The products of the event.")
        .vendor_default(Json(PRODUCTS))
}

pub(crate) const APP_INFO: &[Row] = &[
    member!("app_id", "App ID", Text(200))
        .describe("Id of the app in its store.")
        .vendor_default(FirstOf(&["context.app.id"])),
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
        .vendor_default(FirstOf(&["context.screen.innerHeight"])),
    member!("window_width", "Window Width", PIXELS)
        .describe("Width of the app's window in pixels.")
        .default_mapping(r#"{"@path":"$.context.screen.width"}"#)
        .vendor_default(FirstOf(&["context.screen.innerWidth"])),
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
    member!("languages", "Languages", Languages(100)).describe("ISO 639-1 codes of two letters."),
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
    member!("os_family", "OS Family", ANY)
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
        .derived(derive::OS_FAMILY, "the family of `context.os.name`"),
    member!("os_name", "OS Name", Text(100))
        .at_most(100.0)
        .describe("Name of the operating system.")
        .vendor_default(FirstOf(&["context.os.name"])),
    member!("os_release_name", "OS Release Name", Text(100)).describe("Code name of the release."),
    member!("os_version", "OS Version", Text(100))
        .at_most(100.0)
        .describe("Version of the operating system.")
        .default_mapping(r#"{"@path":"$.context.os.version"}"#),
    // SDKs send the scale factor, Pinterest wants pixels per inch.
    member!("screen_density", "Screen Density", Whole(0, 100_000))
        .describe("Pixels per inch.")
        .default_mapping(r#"{"@path":"$.context.screen.density"}"#)
        .vendor_default(Nothing),
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
            .describe("The conversion; each preset sets its own. The names in `custom_events` are taken as well."),
    event!("action_source", "Action Source", String).required()
            .choices(&[choice("app_android"), choice("app_ios"), choice("web"), choice("offline")])
            .describe("Where it happened.")
            .default_mapping(r#""web""#).derived(derive::ACTION_SOURCE, "`app_ios` or `app_android` for events of mobile apps"),
    event!("event_time", "Event Time", String).required()
            .describe("When it happened: a date, or an epoch number, of seconds to nanoseconds.")
            .default_mapping(r#"{"@path":"$.timestamp"}"#),
    event!("event_id", "Event ID", String).required()
            .describe("What Pinterest knows duplicates by. A site that fires the tag too must send the same id in both.")
            .default_mapping(r#"{"@path":"$.messageId"}"#),
    event!("event_source_url", "Event Source URL", String).url().describe("Address of the page.")
            .default_mapping(r#"{"@path":"$.context.page.url"}"#).vendor_default(FirstOf(&["context.page.url", "properties.url"])).optional(),
    // Segment's default tells Pinterest that every user opted out.
    event!("opt_out", "Opt Out", Boolean).describe("Whether the user opted out of tracking.")
            .default_mapping("true").optional().vendor_default(Nothing).derived(derive::OPT_OUT, "the opposite of `context.device.adTrackingEnabled`"),
    event!("advertiser_tracking_enabled", "Advertiser Tracking Enabled", Boolean).describe("Whether the user allows tracking in this app (iOS App Tracking Transparency).")
            .default_mapping(r#"{"@path":"$.context.device.adTrackingEnabled"}"#).optional(),
    event!("user_data", "User Data", Object).members(USER_DATA, fields!(USER_DATA)).describe("Who it was. Pinterest needs an e-mail, an advertising id, or both IP address and user agent."),
    event!("custom_data", "Custom Data (Legacy)", Object).members(CUSTOM_DATA, &CUSTOM_DATA_LEGACY_FIELDS).describe("What it was about; sent if data_format is `legacy`.").only_in("legacy"),
    event!("custom_data_2", "Custom Data", Object).members(CUSTOM_DATA, &CUSTOM_DATA_FIELDS).describe("What it was about; sent if data_format is `latest`.").only_in("latest"),
    contents().default_mapping(
            r#"{"@arrayPath":["$.properties.products",{"id":{"@path":"$.product_id"},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}]}"#,
        ).only_in("latest"),
    event!("app_info", "App Info", Object).members(APP_INFO, fields!(APP_INFO)).describe("The app; sent if data_format is `latest`.").only_in("latest").optional(),
    event!("device_info", "Device Info", Object).members(DEVICE_INFO, fields!(DEVICE_INFO)).describe("The device; sent if data_format is `latest`.").only_in("latest").optional(),
    legacy(key!("app_id"), "App ID", r#"{"@path":"$.context.app.id"}"#),
    legacy(key!("app_name"), "App Name", r#"{"@path":"$.context.app.name"}"#),
    legacy(key!("app_version"), "App Version", r#"{"@path":"$.context.app.version"}"#),
    legacy(key!("device_brand"), "Device Brand", r#"{"@path":"$.context.device.brand"}"#).vendor_default(FirstOf(&["context.device.brand", "context.device.manufacturer"])),
    legacy(key!("device_carrier"), "Device Carrier", r#"{"@path":"$.context.device.carrier"}"#).vendor_default(FirstOf(&["context.device.carrier", "context.network.carrier"])),
    legacy(key!("device_model"), "Device Model", r#"{"@path":"$.context.device.model"}"#),
    legacy(key!("device_type"), "Device Type", r#"{"@path":"$.context.device.type"}"#),
    legacy(key!("os_version"), "OS Version", r#"{"@path":"$.context.os.version"}"#),
    event!("wifi", "Wifi", Boolean).describe("Whether the device is on a wireless network.")
            .default_mapping(r#"{"@path":"$.context.network.wifi"}"#).optional(),
    event!("language", "Language", String).describe("ISO 639-1 code of two letters.").optional(),
];

const fn legacy(key: &'static Key, label: &'static str, default: &'static str) -> Row {
    Row::member(key, label, ANY)
        .describe("Sent if data_format is `legacy`.")
        .default_mapping(default)
        .only_in("legacy")
}

const CUSTOM_DATA_LEGACY_FIELDS: [Field<'static>; CUSTOM_DATA.len()] = custom_data_fields();
const CUSTOM_DATA_FIELDS: [Field<'static>; CUSTOM_DATA.len() - 1] = custom_data_fields();

/// Returns the schema of the custom data. `contents` comes last in the legacy format, and the latest format, for which `N`
/// has no room, has it in the event instead.
const fn custom_data_fields<const N: usize>() -> [Field<'static>; N] {
    let mut fields = [CUSTOM_DATA[0].field; N];
    let (mut row, mut at) = (0, 0);
    while row < CUSTOM_DATA.len() {
        if !matches!(CUSTOM_DATA[row].kind, Contents) {
            fields[at] = CUSTOM_DATA[row].field;
            at += 1;
        } else if N == CUSTOM_DATA.len() {
            fields[N - 1] = CUSTOM_DATA[row].field;
        }
        row += 1;
    }
    fields
}

/// Every field of the action for the schema, top level first, objects with their members.
pub(crate) static FIELDS: &[Field<'static>] = fields!(EVENT);

/// Pinterest's conversions as data.
pub static SPEC: Spec = Spec {
    vendor: "Pinterest",
    rows: EVENT,
    fields: FIELDS,
    presets: PRESETS,
    event_field: "event_name",
    format_field: Some("data_format"),
    places: &derive::PLACES,
    rules: &PINTEREST,
    segment_rules: &SEGMENT,
    settings: &["partner_name", "np"],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive;
    use signalbox_conversions::field::Derives;
    use signalbox_conversions::{Compat, CompiledMapping, Draft};
    use signalbox_segment::mapping::Mapping;
    use std::sync::Arc;

    #[test]
    fn presets_have_two_names() {
        assert_eq!(SPEC.preset("checkout").unwrap().name, "Checkout");
        assert_eq!(SPEC.preset("Add to cart").unwrap().event_name, "add_to_cart");
        assert_eq!(SPEC.preset("purchase"), None);
    }

    #[test]
    fn a_mapped_field_is_no_longer_derived() {
        let derives = |field: &str| -> Derives {
            let mut draft = Draft::new(&SPEC, None, Compat::Vendor);
            draft.set(field, None);
            draft.derives
        };
        let of_user = derives("user_data");
        assert!(!of_user.has(derive::FIRST_NAME) && !of_user.has(derive::CLICK_ID));
        assert!(of_user.has(derive::OPT_OUT) && of_user.has(derive::CONTENT_IDS));
        let of_name = derives("user_data.last_name");
        assert!(of_name.has(derive::FIRST_NAME) && !of_name.has(derive::LAST_NAME));
    }

    #[test]
    fn presets_share_all_but_a_name() {
        assert_eq!(
            PRESETS
                .iter()
                .filter(|preset| preset.is_in(Compat::Segment))
                .count(),
            16
        );
        for compat in [Compat::Vendor, Compat::Segment] {
            let mut shared = SPEC.default_mapping(None, compat);
            assert!(!shared.contains_key("event_name"));
            for preset in PRESETS {
                let whole = SPEC.default_mapping(Some(preset), compat);
                Mapping::compile(&serde_json::Value::Object(whole.clone())).unwrap();
                shared.insert("event_name".to_owned(), preset.event_name.into());
                assert_eq!(shared, whole, "{}", preset.name);
                let compiled = || CompiledMapping::of_preset(&SPEC, preset, compat).unwrap().planned;
                assert!(Arc::ptr_eq(&compiled(), &compiled()));
            }
        }
        let of = |compat| {
            CompiledMapping::of_preset(&SPEC, &PRESETS[0], compat)
                .unwrap()
                .planned
        };
        assert!(!Arc::ptr_eq(&of(Compat::Vendor), &of(Compat::Segment)));
    }

    #[test]
    fn a_format_leaves_the_other_out() {
        let mut fields = SPEC.default_mapping(None, Compat::Vendor);
        SPEC.leave_out_other_formats(&mut fields);
        assert!(fields.contains_key("contents") && !fields.contains_key("custom_data"));
        let mut fields = SPEC.default_mapping(None, Compat::Vendor);
        fields.insert("data_format".into(), "legacy".into());
        SPEC.leave_out_other_formats(&mut fields);
        assert!(!fields.contains_key("contents") && fields.contains_key("custom_data"));
        fields.insert("data_format".into(), "odd".into());
        let before = fields.clone();
        SPEC.leave_out_other_formats(&mut fields);
        assert_eq!(fields, before);
    }
}
