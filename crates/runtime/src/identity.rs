//! The identity of a router's journal, by which a command recognises the router of a pipeline file.

use std::path::{Path, PathBuf};

use signalbox_core::Sha256Hex;
use signalbox_journal::{DiskJournal, Journal};

use signalbox_config::{JournalKind, JournalSettings};

/// The header of every answer of the admin address that tells the router's [`JournalIdentity`].
pub const HEADER: &str = "x-signalbox-journal";

/// The header's value for a journal in memory, which has no folder to compare.
const MEMORY: &str = "memory";
/// The placeholder for an unknown id.
const UNKNOWN: &str = "-";

/// A journal's id and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalIdentity {
    /// The id stored in the journal's folder.
    id: Option<String>,
    /// A hash of the folder's path, or of the servers' addresses and the prefix, which themselves stay private; `None` for a
    /// journal in memory.
    place: Option<String>,
}

impl JournalIdentity {
    /// Identifies an open journal.
    #[must_use]
    pub fn of(journal: &dyn Journal, settings: &JournalSettings) -> JournalIdentity {
        JournalIdentity {
            id: journal.id(),
            place: place(settings),
        }
    }

    /// Identifies the journal that settings name: reads its folder without opening it. If the id cannot be read it is
    /// unknown, and the place decides.
    #[must_use]
    pub fn of_folder(settings: &JournalSettings) -> JournalIdentity {
        let id = match settings.kind {
            JournalKind::Disk => DiskJournal::id_of(&settings.folder()).ok().flatten(),
            JournalKind::Nats | JournalKind::Memory => None,
        };
        JournalIdentity {
            id,
            place: place(settings),
        }
    }

    /// Returns the value of the header.
    #[must_use]
    pub fn header(&self) -> String {
        match &self.place {
            None => MEMORY.to_owned(),
            Some(place) => format!("{} {place}", self.id.as_deref().unwrap_or(UNKNOWN)),
        }
    }

    /// Reads the header; `None` if its value is malformed.
    #[must_use]
    pub fn parse(header: &str) -> Option<JournalIdentity> {
        if header == MEMORY {
            return Some(JournalIdentity {
                id: None,
                place: None,
            });
        }
        let (id, place) = header.split_once(' ')?;
        Some(JournalIdentity {
            id: Some(id.to_owned()).filter(|id| id != UNKNOWN),
            place: Some(place.to_owned()),
        })
    }

    /// True if both are the same journal: they have the same id or, if one id is unknown, the same folder. All journals
    /// in memory count as the same.
    #[must_use]
    pub fn is(&self, other: &JournalIdentity) -> bool {
        match (&self.id, &other.id) {
            (Some(a), Some(b)) => a == b,
            _ => self.place == other.place,
        }
    }
}

fn place(settings: &JournalSettings) -> Option<String> {
    let place = match settings.kind {
        JournalKind::Disk => whole(&settings.folder()).to_string_lossy().into_owned(),
        JournalKind::Nats => {
            let mut servers: Vec<&str> = settings.servers.iter().map(String::as_str).collect();
            servers.sort_unstable();
            format!("{} {}", settings.prefix(), servers.join(" "))
        }
        JournalKind::Memory => return None,
    };
    Some(Sha256Hex::of(&place).as_str()[..16].to_owned())
}

/// Resolves the path without links, even of a folder that is gone.
fn whole(folder: &Path) -> PathBuf {
    if let Ok(path) = folder.canonicalize() {
        return path;
    }
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    match (absolute.parent().map(Path::canonicalize), absolute.file_name()) {
        (Some(Ok(above)), Some(name)) => above.join(name),
        _ => absolute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: Option<&str>, place: Option<&str>) -> JournalIdentity {
        JournalIdentity {
            id: id.map(str::to_owned),
            place: place.map(str::to_owned),
        }
    }

    #[test]
    fn the_id_counts_and_without_one_the_place() {
        let here = identity(Some("a"), Some("p"));
        assert!(here.is(&identity(Some("a"), Some("moved"))));
        assert!(!here.is(&identity(Some("b"), Some("p"))));
        assert!(here.is(&identity(None, Some("p"))));
        assert!(!here.is(&identity(None, Some("q"))));
        let memory = identity(None, None);
        assert!(memory.is(&memory) && !memory.is(&here) && !here.is(&memory));
    }

    #[test]
    fn the_header_says_it_all() {
        for one in [
            identity(Some("a"), Some("p")),
            identity(None, Some("p")),
            identity(None, None),
        ] {
            assert_eq!(JournalIdentity::parse(&one.header()), Some(one));
        }
        assert_eq!(JournalIdentity::parse("nonsense"), None);
    }

    #[test]
    fn a_journal_on_nats_is_its_servers_and_its_prefix() {
        let on = |servers: &[&str], prefix: Option<&str>| JournalSettings {
            kind: JournalKind::Nats,
            servers: servers.iter().map(|&server| server.to_owned()).collect(),
            prefix: prefix.map(str::to_owned),
            ..JournalSettings::default()
        };
        let (a, b) = ("nats://a", "nats://b");
        let one = JournalIdentity::of_folder(&on(&[a, b], None));
        assert!(one.is(&JournalIdentity::of_folder(&on(&[b, a], Some("sbx")))));
        assert!(!one.is(&JournalIdentity::of_folder(&on(&[a, b], Some("other")))));
        assert!(!one.is(&JournalIdentity::of_folder(&on(&[a], None))));
    }

    #[test]
    fn a_folder_that_is_gone_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let settings = JournalSettings {
            path: Some(folder.path().join("journal")),
            ..JournalSettings::default()
        };
        let gone = place(&settings);
        std::fs::create_dir(settings.folder()).unwrap();
        assert_eq!(place(&settings), gone);
    }
}
