//! The Global Privacy Platform's string: a header that lists the ids of its sections, and the sections, joined by `~`.
//!
//! Rules: IAB Tech Lab, "Global Privacy Platform String" 1.0 and the technical specifications of its sections, in their
//! state of December 2025. Read are the US privacy string (section 6), US National (7, versions 1 and 2), and version 1 of
//! the sections of states that are released: 8 to 23. Maryland, Indiana, Kentucky and Rhode Island (24 to 27) are drafts
//! with another layout. Sections of other regions do not speak of opt-outs in the US and are left aside.

use super::bits::Bits;
use super::signalled::{Signalled, text};
use super::us_privacy;
use crate::{Kind, Node};

/// Most sections that are read.
const MAX_SECTIONS: usize = 32;

/// The US privacy string as a section.
const US_PRIVACY: u32 = 6;

/// Sections that speak of opt-outs in the US: known ones, drafts, and ids that later states may get.
const US: std::ops::RangeInclusive<u32> = US_PRIVACY..=63;

/// The layout of a section's core: a version of 6 bits, `notices` fields of 2 bits, then the choices of 2 bits: opted out of
/// sale, of sharing, of targeted advertising, or of two of these.
struct Layout {
    versions: std::ops::RangeInclusive<u32>,
    notices: u32,
    choices: u32,
}

fn layout(section: u32) -> Option<Layout> {
    let (versions, notices, choices) = match section {
        // US National.
        7 => (1..=2, 6, 3),
        // California, Virginia, Colorado, Connecticut.
        8 | 9 | 10 | 12 => (1..=1, 3, 2),
        // Utah and Iowa have one more notice, for sensitive data.
        11 | 18 => (1..=1, 4, 2),
        // Florida, Montana, Oregon, Texas, Delaware; Nebraska, New Hampshire, New Jersey, Tennessee, Minnesota.
        13..=17 | 19..=23 => (1..=1, 3, 2),
        _ => return None,
    };
    Some(Layout {
        versions,
        notices,
        choices,
    })
}

/// Reads a string, or the object that a consent manager's API returns. `beside` holds the list of applicable sections.
pub(super) fn read(node: Node<'_>, beside: Node<'_>) -> Result<Signalled, String> {
    let (node, beside) = match node.kind() {
        Kind::Object => match node.get("gppString") {
            Some(string) => (string, node),
            None => return Err("it is an object without gppString".to_owned()),
        },
        _ => (node, beside),
    };
    let Some(string) = text(node)? else {
        return Ok(Signalled::Nothing);
    };
    parse(string, applicable(beside)?.as_deref())
}

/// Returns the ids of the sections that apply, if the event lists any; `0` and `-1` stand for none. `None`: unknown.
fn applicable(beside: Node<'_>) -> Result<Option<Vec<u32>>, String> {
    let listed = ["gpp_sid", "gppSid", "applicableSections"]
        .iter()
        .find_map(|key| beside.get(key).filter(|node| !node.is_null()));
    let Some(listed) = listed else { return Ok(None) };
    let unreadable = || "its list of applicable sections cannot be read".to_owned();
    let id = |text: &str| text.trim().parse::<i64>().map_err(|_| unreadable());
    let mut ids = Vec::new();
    match listed.kind() {
        Kind::Array => {
            for item in listed.items() {
                ids.push(id(item
                    .number_text()
                    .or(item.as_str())
                    .ok_or_else(unreadable)?)?);
            }
        }
        Kind::Number => ids.push(id(listed.number_text().unwrap_or_default())?),
        Kind::String => {
            // Commas in requests for ads, underscores in the query of a URL.
            let parts = listed.as_str().unwrap_or_default().split([',', '_']);
            for part in parts.filter(|part| !part.trim().is_empty()) {
                ids.push(id(part)?);
            }
            if ids.is_empty() {
                return Ok(None);
            }
        }
        _ => return Err(unreadable()),
    }
    Ok(Some(
        ids.into_iter().filter_map(|id| u32::try_from(id).ok()).collect(),
    ))
}

/// Reads a string; `applicable` limits its sections.
pub(super) fn parse(string: &str, applicable: Option<&[u32]>) -> Result<Signalled, String> {
    let mut parts = string.split('~');
    let ids = parts
        .next()
        .and_then(header)
        .ok_or_else(|| "its header cannot be read".to_owned())?;
    let mut found = Signalled::Nothing;
    let mut unread = None;
    for id in ids {
        let section = parts
            .next()
            .ok_or_else(|| "it has fewer sections than its header lists".to_owned())?;
        let applies = applicable.is_none_or(|ids| ids.contains(&id));
        if !applies || !US.contains(&id) {
            continue;
        }
        match one(id, section) {
            Ok(Signalled::OptedOut) => return Ok(Signalled::OptedOut),
            Ok(Signalled::No) => found = Signalled::No,
            Ok(_) => {}
            Err(why) => unread = unread.or(Some(why)),
        }
    }
    unread.map_or(Ok(found), Err)
}

/// Returns the ids of a header: its type (3), its version (1), and a range in Fibonacci coding, in which each id is the
/// distance from the one before.
fn header(text: &str) -> Option<Vec<u32>> {
    let mut bits = Bits::new(text);
    if (bits.integer(6)?, bits.integer(6)?) != (3, 1) {
        return None;
    }
    let (mut ids, mut last) = (Vec::new(), 0);
    for _ in 0..bits.integer(12)? {
        let is_group = bits.integer(1)? == 1;
        let first = last + bits.fibonacci()?;
        last = if is_group {
            first + bits.fibonacci()?
        } else {
            first
        };
        if ids.len() + (last - first) as usize >= MAX_SECTIONS {
            return None;
        }
        ids.extend(first..=last);
    }
    Some(ids)
}

/// Reads a US section.
fn one(id: u32, section: &str) -> Result<Signalled, String> {
    if id == US_PRIVACY {
        return us_privacy::parse(section).map_err(|why| format!("section {id}: {why}"));
    }
    let Some(layout) = layout(id) else {
        return Err(format!(
            "section {id} is not one of those that are read (6 to 23)"
        ));
    };
    let mut segments = section.split('.');
    let broken = || format!("section {id} is cut off or has values that its specification does not know");
    let mut bits = Bits::new(segments.next().unwrap_or_default());
    let version = bits.integer(6).ok_or_else(broken)?;
    if !layout.versions.contains(&version) {
        return Err(format!(
            "section {id} has the version {version}, which is not read"
        ));
    }
    bits.integer(2 * layout.notices).ok_or_else(broken)?;
    let mut found = Signalled::Nothing;
    for _ in 0..layout.choices {
        match bits.integer(2) {
            Some(0) => {}
            Some(1) => return Ok(Signalled::OptedOut),
            Some(2) => found = Signalled::No,
            _ => return Err(broken()),
        }
    }
    // Subsections begin with their type; 1 is Global Privacy Control.
    for segment in segments {
        let mut bits = Bits::new(segment);
        if bits.integer(2).ok_or_else(broken)? == 1 && bits.integer(1).ok_or_else(broken)? == 1 {
            return Ok(Signalled::OptedOut);
        }
    }
    Ok(found)
}
