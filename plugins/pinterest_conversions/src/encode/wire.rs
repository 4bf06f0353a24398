//! What the request holds: keys in their order, where each comes from, and Pinterest's limits (OpenAPI 5.23.0).

use signalbox_conversions::personal::Field;

use super::writer::{Key, key};

/// A member of the request that is filled from a member of the mapped payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    /// The key in the request and in the mapping: they are the same outside of `user_data`.
    pub(crate) key: &'static Key,
    /// What it holds.
    pub(crate) kind: Kind,
}

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// A whole number in these bounds.
    Whole(i64, i64),
    /// A number written as text.
    Money,
    /// A currency code.
    Currency,
    /// Texts.
    Texts,
    /// Two-letter language codes.
    Languages,
    /// Unix seconds.
    Time,
    /// `num_items`, which can be worked out.
    NumItems,
    /// `os_family`, which can be worked out.
    OsFamily,
    /// `opt_out_type`, which an opt-out is added to.
    OptOutType,
    /// Products.
    Contents,
    /// Text that only `compat = "pinterest"` sends.
    ExtraText,
    /// A whole number that only `compat = "pinterest"` sends.
    ExtraWhole,
}

use Kind::{
    Contents, Currency, ExtraText, ExtraWhole, Languages, Money, NumItems, OptOutType, OsFamily, Text, Texts,
    Time, Whole,
};

/// No limit is published.
const ANY: Kind = Text(usize::MAX);
/// Sizes of screens and windows in pixels.
const PIXELS: Kind = Whole(0, 30_720);
/// Sizes of storage in GB.
const STORAGE: Kind = Whole(0, 1_048_576);
/// Counts of things: no upper bound but that of the type.
const COUNT: Kind = Whole(0, i64::MAX);

macro_rules! wire {
    ($key:literal, $kind:expr) => {
        Wire {
            key: key!($key),
            kind: $kind,
        }
    };
}

pub(crate) const CUSTOM_DATA: &[Wire] = &[
    wire!("currency", Currency),
    wire!("value", Money),
    wire!("content_ids", Texts),
    wire!("contents", Contents),
    wire!("num_items", NumItems),
    wire!("order_id", ANY),
    wire!("search_string", ANY),
    wire!("opt_out_type", OptOutType),
    wire!("content_brand", ANY),
    wire!("content_category", ANY),
    wire!("content_name", ANY),
    wire!("predicted_ltv", Money),
    wire!("external_measurement_id", ExtraText),
    wire!("external_measurement_vendor_id", ExtraWhole),
];

pub(crate) const CONTENT: &[Wire] = &[
    wire!("id", ANY),
    wire!("item_price", Money),
    wire!("quantity", COUNT),
    wire!("item_name", ANY),
    wire!("item_category", ANY),
    wire!("item_brand", ANY),
    wire!("item_brand_id", Text(64)),
];

pub(crate) const APP_INFO: &[Wire] = &[
    wire!("app_id", Text(200)),
    wire!("app_name", Text(200)),
    wire!("app_package_name", Text(200)),
    wire!("app_store", Text(100)),
    wire!("app_version", Text(100)),
    wire!("install_time", Time),
    wire!("user_agent", Text(16_384)),
    wire!("window_height", PIXELS),
    wire!("window_width", PIXELS),
];

pub(crate) const DEVICE_INFO: &[Wire] = &[
    wire!("battery_level", Whole(0, 100)),
    wire!("brand", Text(100)),
    wire!("carrier", Text(100)),
    wire!("cpu_cores", Whole(0, 1152)),
    wire!("external_storage_free_space", STORAGE),
    wire!("external_storage_size", STORAGE),
    wire!("form_factor", ANY),
    wire!("kernel_version", Text(100)),
    wire!("languages", Languages),
    wire!("locale", Text(35)),
    wire!("model", Text(100)),
    wire!("network_type", ANY),
    wire!("os_family", OsFamily),
    wire!("os_name", Text(100)),
    wire!("os_release_name", Text(100)),
    wire!("os_version", Text(100)),
    wire!("screen_density", Whole(0, 100_000)),
    wire!("screen_height", PIXELS),
    wire!("screen_width", PIXELS),
    wire!("storage_free_space", STORAGE),
    wire!("storage_size", STORAGE),
    wire!("timezone", Text(40)),
    wire!("timezone_abbr", Text(5)),
    wire!("type", Text(100)),
];

pub(crate) const LEGACY: &[Wire] = &[
    wire!("app_id", ANY),
    wire!("app_name", ANY),
    wire!("app_version", ANY),
    wire!("device_brand", ANY),
    wire!("device_carrier", ANY),
    wire!("device_model", ANY),
    wire!("device_type", ANY),
    wire!("os_version", ANY),
];

/// At most so many languages.
pub(crate) const MAX_LANGUAGES: usize = 100;

/// A personal field: its name in mappings, its key in the request, how it is normalised.
pub(crate) struct Personal {
    pub(crate) member: &'static str,
    pub(crate) key: HashedKey,
    pub(crate) field: Field,
}

/// The personal fields, in the request's order. `client_ip_address` and `client_user_agent` stand before the last.
pub(crate) const PERSONAL: [Personal; 12] = [
    personal("email", HashedKey::Em, Field::Email),
    personal("phone", HashedKey::Ph, Field::Phone),
    personal("gender", HashedKey::Ge, Field::Gender),
    personal("date_of_birth", HashedKey::Db, Field::DateOfBirth),
    personal("last_name", HashedKey::Ln, Field::LastName),
    personal("first_name", HashedKey::Fn, Field::FirstName),
    personal("city", HashedKey::Ct, Field::City),
    personal("state", HashedKey::St, Field::State),
    personal("zip", HashedKey::Zp, Field::Zip),
    personal("country", HashedKey::Country, Field::Country),
    personal("external_id", HashedKey::ExternalId, Field::ExternalId),
    personal("hashed_maids", HashedKey::HashedMaids, Field::MobileAdId),
];

const fn personal(member: &'static str, key: HashedKey, field: Field) -> Personal {
    Personal { member, key, field }
}

/// The members of `user_data` that hold SHA-256 values and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashedKey {
    /// `em`: e-mail addresses.
    Em,
    /// `ph`: phone numbers.
    Ph,
    /// `ge`: gender.
    Ge,
    /// `db`: date of birth.
    Db,
    /// `ln`: family names.
    Ln,
    /// `fn`: given names.
    Fn,
    /// `ct`: cities.
    Ct,
    /// `st`: states.
    St,
    /// `zp`: postal codes.
    Zp,
    /// `country`: countries.
    Country,
    /// `external_id`: the advertiser's own ids.
    ExternalId,
    /// `hashed_maids`: advertising ids.
    HashedMaids,
}

impl HashedKey {
    /// The key in the request.
    pub fn as_str(self) -> &'static str {
        self.key().name()
    }

    pub(crate) fn key(self) -> &'static Key {
        match self {
            HashedKey::Em => key!("em"),
            HashedKey::Ph => key!("ph"),
            HashedKey::Ge => key!("ge"),
            HashedKey::Db => key!("db"),
            HashedKey::Ln => key!("ln"),
            HashedKey::Fn => key!("fn"),
            HashedKey::Ct => key!("ct"),
            HashedKey::St => key!("st"),
            HashedKey::Zp => key!("zp"),
            HashedKey::Country => key!("country"),
            HashedKey::ExternalId => key!("external_id"),
            HashedKey::HashedMaids => key!("hashed_maids"),
        }
    }
}

/// The members of `user_data` that Pinterest needs as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainKey {
    /// The user's IP address.
    ClientIpAddress,
    /// The user's browser or app.
    ClientUserAgent,
    /// Pinterest's own id of a click.
    ClickId,
    /// A partner's id of the visitor.
    PartnerId,
}

impl PlainKey {
    /// The key in the request.
    pub fn as_str(self) -> &'static str {
        self.key().name()
    }

    pub(crate) fn key(self) -> &'static Key {
        match self {
            PlainKey::ClientIpAddress => key!("client_ip_address"),
            PlainKey::ClientUserAgent => key!("client_user_agent"),
            PlainKey::ClickId => key!("click_id"),
            PlainKey::PartnerId => key!("partner_id"),
        }
    }
}

/// Properties that can be left out of the request when Pinterest refuses them: everything optional but `user_data`,
/// which holds the identifiers, and `custom_data.opt_out_type`, which holds an opt-out.
pub(crate) fn strippable(name: &str) -> Option<&'static str> {
    const TOP: [&str; 11] = [
        "event_source_url",
        "partner_name",
        "opt_out",
        "advertiser_tracking_enabled",
        "app_info",
        "device_info",
        "wifi",
        "language",
        "contents",
        "np",
        "item_brand_id",
    ];
    let tables = [CUSTOM_DATA, CONTENT, APP_INFO, DEVICE_INFO, LEGACY];
    let known = TOP
        .into_iter()
        .chain(tables.into_iter().flatten().map(|wire| wire.key.name()));
    known
        .into_iter()
        .find(|key| *key == name && *key != "opt_out_type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_sent_is_never_stripped() {
        for name in [
            "wifi",
            "advertiser_tracking_enabled",
            "item_brand_id",
            "device_brand",
            "np",
            "timezone_abbr",
        ] {
            assert_eq!(strippable(name), Some(name));
        }
        for name in [
            "event_name",
            "action_source",
            "event_time",
            "event_id",
            "user_data",
            "custom_data",
            "opt_out_type",
            "st",
            "country",
            "em",
            "client_ip_address",
            "",
            "colour",
            "data",
        ] {
            assert_eq!(strippable(name), None, "{name}");
        }
    }
}
