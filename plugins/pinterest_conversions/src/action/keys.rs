//! Keys of `user_data`, for hashes and for plain text.

use signalbox_conversions::encode::Key;
use signalbox_conversions::key;

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

    pub(crate) const fn key(self) -> &'static Key {
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

    pub(crate) const fn key(self) -> &'static Key {
        match self {
            PlainKey::ClientIpAddress => key!("client_ip_address"),
            PlainKey::ClientUserAgent => key!("client_user_agent"),
            PlainKey::ClickId => key!("click_id"),
            PlainKey::PartnerId => key!("partner_id"),
        }
    }
}
