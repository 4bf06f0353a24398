//! Places of records, and the points at which lists of them go on.

use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::RowFile;

/// The place of a record: its file, its number there, and the router whose history it is in. Written as
/// `rows-2026-11-29.db:17`, or as `rows-2026-11-29.db:17@router-1` where several routers share a journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub struct Place {
    pub(crate) file: RowFile,
    pub(crate) row: i64,
    /// `None` for the history of the router that is asked.
    pub(crate) router: Option<Arc<str>>,
}

impl Place {
    /// Returns the name of the router whose history it is in; `None` where no routers share a journal.
    #[must_use]
    pub fn router(&self) -> Option<&str> {
        self.router.as_deref()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.name(), self.row)?;
        self.router.iter().try_for_each(|router| write!(f, "@{router}"))
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Place, Self::Err> {
        let read = || {
            let (place, router) = match text.split_once('@') {
                Some((place, router)) => (place, Some(router.into())),
                None => (text, None),
            };
            let (file, row) = place.rsplit_once(':')?;
            Some(Place {
                file: RowFile::parse(file)?,
                row: row.parse().ok()?,
                router,
            })
        };
        read().ok_or("expected the place of a record, such as rows-2026-11-29.db:17")
    }
}

/// The point at which a list of the latest records goes on: the last record that it had of each router. Written as their
/// [places](Place), joined by commas.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct After(pub(crate) Vec<Place>);

impl After {
    /// Returns the place in the history of a router.
    pub(crate) fn of(&self, router: Option<&str>) -> Option<Place> {
        let mut places = self.0.iter();
        places.find(|place| place.router() == router).cloned()
    }
}

impl From<Place> for After {
    fn from(place: Place) -> After {
        After(vec![place])
    }
}

impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, place)| {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{place}")
        })
    }
}

impl FromStr for After {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<After, Self::Err> {
        text.split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(After)
    }
}

/// Writes and reads a type as the text that it is displayed as.
macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Place);
as_text!(After);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["rows-2026-11-29.db:17", "rows-2026-11-29.db:17@router-1.eu"] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.to_string(), text);
        }
        for text in ["", "rows-2026-11-29.db", "rows-2026-11-29.db:x", "../x.db:1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
            assert!(text.parse::<After>().is_err(), "{text}");
        }
        let text = "rows-2026-11-29.db:17@a,rows-2026-11-28.db:3@b";
        let after: After = text.parse().unwrap();
        assert_eq!(after.to_string(), text);
        assert_eq!(after.of(Some("b")).unwrap().row, 3);
        assert_eq!(after.of(None), None);
    }
}
