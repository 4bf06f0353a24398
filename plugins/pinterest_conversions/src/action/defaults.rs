//! What `compat = "pinterest"` maps by default beyond Segment's defaults, and what it does not map.
//!
//! Most of it is mapping like any other. What directives cannot say (splitting a name, reading a query string,
//! adding quantities up) is a [`Derive`], tied to one field and used only while that field keeps its default.

/// A default of `compat = "pinterest"` that differs from Segment's.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// The first of these paths, below the event, that is neither missing nor blank.
    FirstOf(&'static [&'static str]),
    /// As `FirstOf`, but zero counts as something.
    FirstNumberOf(&'static [&'static str]),
    /// A mapping, as JSON.
    Json(&'static str),
    /// Nothing is mapped.
    Nothing,
}

/// What is worked out when the mapping leaves a field empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derive {
    /// `app_ios` or `app_android` for events of a mobile app, which `context.device.type`, or `context.os.name` beside
    /// `context.app`, tells; this one replaces the default `web`.
    ActionSource,
    /// The opposite of `context.device.adTrackingEnabled`, if it is there.
    OptOut,
    /// The given name in `traits.name` or `context.traits.name`.
    FirstName,
    /// The family name in `traits.name` or `context.traits.name`.
    LastName,
    /// `epik` in the query of `context.page.search` or `context.page.url`.
    ClickId,
    /// The ids of the contents.
    ContentIds,
    /// The quantities of the contents, added up; a product of a list counts once if it has none.
    NumItems,
    /// The family that `context.os.name` belongs to.
    OsFamily,
}

impl Derive {
    /// Each with the fields it fills.
    pub const ALL: [(Derive, &'static [&'static str]); 8] = [
        (Derive::ActionSource, &["action_source"]),
        (Derive::OptOut, &["opt_out"]),
        (Derive::FirstName, &["user_data.first_name"]),
        (Derive::LastName, &["user_data.last_name"]),
        (Derive::ClickId, &["user_data.click_id"]),
        (
            Derive::ContentIds,
            &["custom_data_2.content_ids", "custom_data.content_ids"],
        ),
        (
            Derive::NumItems,
            &["custom_data_2.num_items", "custom_data.num_items"],
        ),
        (Derive::OsFamily, &["device_info.os_family"]),
    ];
}

/// What is still to be derived for a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derives(u16);

impl Derives {
    /// Nothing.
    pub const NONE: Derives = Derives(0);
    /// Everything.
    pub const ALL: Derives = Derives(u16::MAX);

    /// Whether this is derived.
    pub fn has(self, derive: Derive) -> bool {
        self.0 & (1 << derive as u16) != 0
    }

    /// No longer derives what fills this field, or a field below it: it has a mapping of its own.
    pub fn without(mut self, field: &str) -> Derives {
        for (derive, fields) in Derive::ALL {
            let below = |path: &&str| {
                path.strip_prefix(field)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if fields.iter().any(below) {
                self.0 &= !(1 << derive as u16);
            }
        }
        self
    }
}

const PRODUCTS: &str = concat!(
    r#"{"@if":{"exists":{"@path":"$.properties.products"},"then":{"@arrayPath":["$.properties.products","#,
    r#"{"id":{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":{"@path":"$.sku"}}},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}"#,
    r#"]},"else":{"@if":{"exists":{"@if":{"blank":{"@path":"$.properties.product_id"},"then":{"@path":"$.properties.product_id"},"else":{"@path":"$.properties.sku"}}},"then":{"@arrayPath":["$.properties","#,
    r#"{"id":{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":{"@path":"$.sku"}}},"item_price":{"@path":"$.price"},"quantity":{"@path":"$.quantity"},"item_name":{"@path":"$.name"},"item_category":{"@path":"$.category"},"item_brand":{"@path":"$.brand"}}"#,
    r#"]}}}}}"#,
);

/// The value of the whole event comes before the price of one piece.
const VALUE: Default = Default::FirstNumberOf(&[
    "properties.value",
    "properties.revenue",
    "properties.total",
    "properties.price",
]);

/// Where `compat = "pinterest"` differs from Segment's default mapping, by field.
pub const PINTEREST: &[(&str, Default)] = &[
    // Segment's default tells Pinterest that every user opted out.
    ("opt_out", Default::Nothing),
    (
        "user_data.email",
        Default::FirstOf(&["properties.email", "traits.email", "context.traits.email"]),
    ),
    (
        "user_data.phone",
        Default::FirstOf(&["properties.phone", "traits.phone", "context.traits.phone"]),
    ),
    (
        "user_data.first_name",
        Default::FirstOf(&[
            "properties.firstName",
            "properties.first_name",
            "traits.firstName",
            "traits.first_name",
            "context.traits.firstName",
            "context.traits.first_name",
        ]),
    ),
    (
        "user_data.last_name",
        Default::FirstOf(&[
            "properties.lastName",
            "properties.last_name",
            "traits.lastName",
            "traits.last_name",
            "context.traits.lastName",
            "context.traits.last_name",
        ]),
    ),
    (
        "user_data.gender",
        Default::FirstOf(&["properties.gender", "traits.gender", "context.traits.gender"]),
    ),
    (
        "user_data.date_of_birth",
        Default::FirstOf(&[
            "properties.birthday",
            "properties.date_of_birth",
            "properties.dateOfBirth",
            "traits.birthday",
            "traits.date_of_birth",
            "traits.dateOfBirth",
            "context.traits.birthday",
            "context.traits.date_of_birth",
            "context.traits.dateOfBirth",
        ]),
    ),
    (
        "user_data.city",
        Default::FirstOf(&[
            "properties.address.city",
            "traits.address.city",
            "traits.city",
            "context.traits.address.city",
            "context.traits.city",
        ]),
    ),
    (
        "user_data.state",
        Default::FirstOf(&[
            "properties.address.state",
            "traits.address.state",
            "traits.state",
            "context.traits.address.state",
            "context.traits.state",
        ]),
    ),
    (
        "user_data.zip",
        Default::FirstOf(&[
            "properties.address.postalCode",
            "properties.address.postal_code",
            "properties.address.zip",
            "traits.address.postalCode",
            "traits.address.postal_code",
            "traits.address.zip",
            "traits.postalCode",
            "traits.postal_code",
            "traits.zip",
            "context.traits.address.postalCode",
            "context.traits.address.postal_code",
            "context.traits.address.zip",
            "context.traits.postalCode",
            "context.traits.postal_code",
            "context.traits.zip",
        ]),
    ),
    (
        "user_data.country",
        Default::FirstOf(&[
            "properties.address.country",
            "traits.address.country",
            "traits.country",
            "context.traits.address.country",
            "context.traits.country",
        ]),
    ),
    ("user_data.external_id", Default::FirstOf(&["userId"])),
    (
        "user_data.hashed_maids",
        Default::FirstOf(&["context.device.advertisingId"]),
    ),
    (
        "user_data.click_id",
        Default::FirstOf(&["properties._epik", "properties.epik", "context._epik"]),
    ),
    ("custom_data_2.value", VALUE),
    ("custom_data.value", VALUE),
    ("contents", Default::Json(PRODUCTS)),
    ("custom_data.contents", Default::Json(PRODUCTS)),
    ("app_info.app_id", Default::FirstOf(&["context.app.id"])),
    // The screen is not the window; SDKs that know the window's size send it so.
    (
        "app_info.window_height",
        Default::FirstOf(&["context.screen.innerHeight"]),
    ),
    (
        "app_info.window_width",
        Default::FirstOf(&["context.screen.innerWidth"]),
    ),
    // SDKs send the scale factor, Pinterest wants pixels per inch.
    ("device_info.screen_density", Default::Nothing),
    ("device_info.os_name", Default::FirstOf(&["context.os.name"])),
    (
        "device_brand",
        Default::FirstOf(&["context.device.brand", "context.device.manufacturer"]),
    ),
    (
        "device_carrier",
        Default::FirstOf(&["context.device.carrier", "context.network.carrier"]),
    ),
];
