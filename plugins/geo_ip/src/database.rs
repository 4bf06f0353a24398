//! One database in memory: the country and region of an address.

use std::fs::Metadata;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use maxminddb::{PathElement, Reader};
use signalbox_conversions::place::Place;

/// Largest file that is read, in bytes. City databases have 60 to 130 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Networks that are looked through for one with a country, before a database counts as one of another kind.
const SAMPLE: usize = 10_000;

/// The places of a country's code in the records of MaxMind and DB-IP, and of IPinfo.
const COUNTRY: [&[PathElement<'static>]; 3] = [
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country")],
];

/// The places of a region: a subdivision's code or, where a database has none, its English name.
const REGION: [&[PathElement<'static>]; 4] = [
    &[
        PathElement::Key("subdivisions"),
        PathElement::Index(0),
        PathElement::Key("iso_code"),
    ],
    &[
        PathElement::Key("subdivisions"),
        PathElement::Index(0),
        PathElement::Key("names"),
        PathElement::Key("en"),
    ],
    &[PathElement::Key("region_code")],
    &[PathElement::Key("region")],
];

/// The identity of a file's contents, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    length: u64,
    modified: Option<SystemTime>,
    /// The number of the file, since another one renamed to its path may have the same length and time; 0 where the system
    /// has none.
    number: u64,
}

impl Version {
    pub(crate) fn of(path: &Path) -> Result<Version, String> {
        let file = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        if !file.is_file() {
            return Err("it is no file".to_owned());
        }
        Ok(Version {
            length: file.len(),
            modified: file.modified().ok(),
            number: number(&file),
        })
    }
}

#[cfg(unix)]
fn number(file: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    file.ino()
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

fn unreadable(error: &std::io::Error) -> String {
    format!("the file cannot be read: {error}")
}

/// A database whose file was read.
pub(crate) struct Database {
    reader: Reader<Vec<u8>>,
}

impl Database {
    /// Reads a file, and checks that its records hold countries.
    pub(crate) fn read(path: &Path) -> Result<(Database, Version), String> {
        let version = Version::of(path)?;
        if version.length > MAX_BYTES {
            return Err("the file has more than 1 GiB".to_owned());
        }
        let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
        let reader = Reader::from_source(bytes)
            .map_err(|error| format!("it is no database in MaxMind's format: {error}"))?;
        let database = Database { reader };
        if !database.has_countries()? {
            let kind = &database.reader.metadata().database_type;
            return Err(format!("the database, of the type '{kind}', holds no countries"));
        }
        Ok((database, version))
    }

    /// Checks the whole file, which takes about a second for 100 MB.
    pub(crate) fn verify(&self) -> Result<(), String> {
        self.reader
            .verify()
            .map_err(|error| format!("the database is damaged: {error}"))
    }

    /// Returns the type that the file states, such as `GeoLite2-City`.
    pub(crate) fn kind(&self) -> &str {
        &self.reader.metadata().database_type
    }

    fn has_countries(&self) -> Result<bool, String> {
        let damaged = |error| format!("the database is damaged: {error}");
        let networks = self.reader.networks(Default::default()).map_err(damaged)?;
        for network in networks.take(SAMPLE) {
            let record = network.map_err(damaged)?;
            if first(&COUNTRY, |path| record.decode_path(path).ok().flatten()).is_some_and(is_country) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the place of an address, if the database has it.
    pub(crate) fn place(&self, address: IpAddr) -> Option<Place<'_>> {
        let record = self.reader.lookup(address).ok()?;
        let text = |path: &[PathElement<'static>]| record.decode_path::<&str>(path).ok().flatten();
        Some(Place {
            country: first(&COUNTRY, text).filter(|code| is_country(code))?,
            region: first(&REGION, text),
        })
    }
}

/// Returns the first text that is not blank.
fn first<'d>(
    paths: &[&[PathElement<'static>]],
    text: impl Fn(&[PathElement<'static>]) -> Option<&'d str>,
) -> Option<&'d str> {
    paths
        .iter()
        .filter_map(|path| text(path))
        .find(|text| !text.trim().is_empty())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
