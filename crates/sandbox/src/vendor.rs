//! The vendors that the sandbox plays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A vendor whose API the sandbox plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// The Pinterest API for Conversions, v5.
    Pinterest,
    /// The Meta Conversions API, any version.
    Meta,
    /// The TikTok Events API 2.0 (v1.3).
    TikTok,
}

impl Vendor {
    /// Every vendor, in the order of their appearance in texts.
    pub const ALL: [Self; 3] = [Self::Pinterest, Self::Meta, Self::TikTok];

    /// Returns the name in addresses, options and counts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pinterest => "pinterest",
            Self::Meta => "meta",
            Self::TikTok => "tiktok",
        }
    }

    /// Returns the name in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pinterest => "Pinterest",
            Self::Meta => "Meta",
            Self::TikTok => "TikTok",
        }
    }

    /// Returns the path that a sink's `base_url` ends with.
    pub(crate) const fn base_path(self) -> &'static str {
        match self {
            Self::Pinterest => "/v5",
            Self::Meta | Self::TikTok => "",
        }
    }

    /// Returns the vendor that has paths like this one.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let first = path.strip_prefix('/')?.split('/').next()?;
        if first == "v5" {
            return Some(Self::Pinterest);
        }
        if first == "open_api" {
            return Some(Self::TikTok);
        }
        let (major, minor) = first.strip_prefix('v')?.split_once('.')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(major) && digits(minor)).then_some(Self::Meta)
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Vendor {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|vendor| vendor.name() == name);
        known.ok_or_else(|| format!("unknown vendor {name:?}; known are pinterest, meta and tiktok"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_the_vendor() {
        for (path, vendor) in [
            ("/v5/ad_accounts/1/events", Some(Vendor::Pinterest)),
            ("/v5", Some(Vendor::Pinterest)),
            ("/v26.0/1203948576120394/events", Some(Vendor::Meta)),
            ("/open_api/v1.3/event/track/", Some(Vendor::TikTok)),
            ("/v26/1/events", None),
            ("/v.0/1/events", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(Vendor::of_path(path), vendor, "{path}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for vendor in Vendor::ALL {
            assert_eq!(vendor.name().parse(), Ok(vendor));
        }
        for name in ["", "Meta", "meta,tiktok"] {
            let error = name.parse::<Vendor>().unwrap_err();
            assert!(error.contains("known are"), "{name}: {error}");
        }
    }
}
