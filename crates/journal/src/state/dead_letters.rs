//! Dead letters in the store: adds, removes and renames them, applies their quotas, and reads them page by page.

use std::borrow::Cow;
use std::collections::BTreeMap;

use redb::{ReadableTable, ReadableTableMetadata};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::tables::{Head, LETTERS};
use super::values::{Change, Place, Values, View};
use crate::dead_letter::Paging;
use crate::{
    DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota, LetterCounts, Page, Position,
};

/// A letter without the kept content of its event, which is most of it.
#[derive(Deserialize)]
struct Outline(#[serde(with = "Members")] DeadLetter);

/// The members of a letter that an outline reads.
#[derive(Deserialize)]
#[serde(remote = "DeadLetter")]
struct Members {
    component: String,
    message_id: String,
    source: String,
    mapping: String,
    reason: String,
    message: String,
    attempts: u32,
    first_at: i64,
    last_at: i64,
    position: Option<Position>,
    received_at: i64,
    #[serde(skip)]
    payload: Option<String>,
    #[serde(skip)]
    facts: Option<String>,
}

/// The component of a letter, without the rest.
#[derive(Deserialize)]
struct Owner {
    component: String,
}

fn owner(values: &Values, id: DeadLetterId, bytes: &[u8]) -> Option<String> {
    decode::<Owner>(values, id, bytes).map(|owner| owner.component)
}

/// Encodes a letter for its place.
pub(super) fn encode(values: &Values, id: DeadLetterId, letter: &DeadLetter) -> Result<Vec<u8>, redb::Error> {
    // This cannot fail: a letter holds only strings and numbers.
    values.encode(Place::Letter(id), &serde_json::to_vec(letter).unwrap_or_default())
}

/// Decodes a letter, or a part of it; `None` if it is damaged.
pub(super) fn decode<T: DeserializeOwned>(values: &Values, id: DeadLetterId, bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(&values.decode(Place::Letter(id), bytes)?).ok()
}

/// Adds dead letters.
pub(crate) fn bury<'a>(
    txn: &Change<'_>,
    head: &mut Head,
    letters: impl IntoIterator<Item = &'a DeadLetter>,
) -> Result<(), redb::Error> {
    let mut letters = letters.into_iter().peekable();
    if letters.peek().is_none() {
        return Ok(());
    }
    let mut table = txn.open_table(LETTERS)?;
    if table.is_empty()? {
        head.letters.clear();
    }
    for letter in letters {
        head.last_letter += 1;
        let bytes = encode(txn.values, head.last_letter, letter)?;
        let (count, sum) = head.letters.entry(letter.component.clone()).or_default();
        (*count, *sum) = (*count + 1, *sum + bytes.len() as u64);
        table.insert(head.last_letter, bytes.as_slice())?;
    }
    Ok(())
}

/// Drops the oldest letters of components that exceed their quota; returns how many, by component.
pub(crate) fn drop_oldest(
    txn: &Change<'_>,
    head: &mut Head,
    quota: &DeadLetterQuota,
) -> Result<BTreeMap<String, u64>, redb::Error> {
    let over = |(name, (_, bytes)): &(&String, &(u64, u64))| quota.drops(name) && *bytes > quota.bytes(name);
    let crowded: Vec<String> = head
        .letters
        .iter()
        .filter(over)
        .map(|(name, _)| name.clone())
        .collect();
    let mut dropped = BTreeMap::new();
    for name in crowded {
        let mut table = txn.open_table(LETTERS)?;
        let (limit, mut going) = (quota.bytes(&name), Vec::new());
        let mut bytes = head.letters.get(&name).map_or(0, |(_, bytes)| *bytes);
        let mut reached = head.oldest_letters.get(&name).copied().unwrap_or(0);
        for entry in table.range(reached..)? {
            if bytes <= limit {
                break;
            }
            let (id, letter) = entry?;
            reached = id.value() + 1;
            if owner(txn.values, id.value(), letter.value()).is_some_and(|owner| owner == name) {
                bytes = bytes.saturating_sub(letter.value().len() as u64);
                going.push(id.value());
            }
        }
        for id in &going {
            if let Some(letter) = table.remove(id)? {
                forget(head, &name, letter.value().len());
            }
        }
        *head.letters_dropped.entry(name.clone()).or_default() += going.len() as u64;
        head.oldest_letters.insert(name.clone(), reached);
        dropped.insert(name, going.len() as u64);
    }
    Ok(dropped)
}

/// Drops the oldest letters that ended before a moment, at most `most`; returns how many, by component, and the end of the
/// oldest one that stays. Letters lie in the order in which they were buried, which is nearly that of their ends.
pub(crate) fn drop_aged(
    txn: &Change<'_>,
    head: &mut Head,
    before: i64,
    most: usize,
) -> Result<(BTreeMap<String, u64>, Option<i64>), redb::Error> {
    let mut table = txn.open_table(LETTERS)?;
    let (mut going, mut stays) = (Vec::new(), None);
    for entry in table.iter()? {
        let (id, bytes) = entry?;
        // A damaged letter stays, as its time is unknown.
        let Some(Outline(letter)) = decode(txn.values, id.value(), bytes.value()) else {
            continue;
        };
        if letter.last_at >= before || going.len() >= most {
            stays = Some(letter.last_at);
            break;
        }
        going.push((id.value(), letter.component));
    }
    let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
    for (id, component) in going {
        if let Some(bytes) = table.remove(id)? {
            forget(head, &component, bytes.value().len());
            *head.letters_dropped.entry(component.clone()).or_default() += 1;
            *dropped.entry(component).or_default() += 1;
        }
    }
    Ok((dropped, stays))
}

fn forget(head: &mut Head, component: &str, bytes: usize) {
    if let Some((count, sum)) = head.letters.get_mut(component) {
        *count = count.saturating_sub(1);
        *sum = sum.saturating_sub(bytes as u64);
        if *count == 0 {
            head.letters.remove(component);
        }
    }
}

/// Moves a component's dead letters to another component.
pub(crate) fn rename(txn: &Change<'_>, head: &mut Head, old: &str, new: &str) -> Result<(), redb::Error> {
    if let Some(dropped) = head.letters_dropped.remove(old) {
        *head.letters_dropped.entry(new.to_owned()).or_default() += dropped;
    }
    let mut at = head.oldest_letters.remove(old).unwrap_or(0);
    let Some((count, mut bytes)) = head.letters.remove(old) else {
        return Ok(());
    };
    let (mut table, mut left) = (txn.open_table(LETTERS)?, count);
    while left > 0 {
        let found = table.range(at..)?.next().transpose()?;
        let found = found.map(|(id, letter)| (id.value(), letter.value().to_vec()));
        let Some((id, letter)) = found else { break };
        at = id + 1;
        if owner(txn.values, id, &letter).is_none_or(|owner| owner != old) {
            continue;
        }
        bytes = bytes.saturating_sub(letter.len() as u64);
        let Some(mut letter) = decode::<DeadLetter>(txn.values, id, &letter) else {
            continue;
        };
        new.clone_into(&mut letter.component);
        let letter = encode(txn.values, id, &letter)?;
        bytes += letter.len() as u64;
        table.insert(id, letter.as_slice())?;
        left -= 1;
    }
    // The moved letters may be older than the component's own.
    head.oldest_letters.remove(new);
    let entry = head.letters.entry(new.to_owned()).or_default();
    *entry = (entry.0 + count, entry.1 + bytes);
    Ok(())
}

/// Removes dead letters; returns how many there were.
pub(crate) fn remove(
    txn: &Change<'_>,
    head: &mut Head,
    ids: impl IntoIterator<Item = DeadLetterId>,
) -> Result<u64, redb::Error> {
    let mut table = txn.open_table(LETTERS)?;
    let mut removed = 0;
    for id in ids {
        if let Some(bytes) = table.remove(id)? {
            removed += 1;
            if let Some(owner) = owner(txn.values, id, bytes.value()) {
                forget(head, &owner, bytes.value().len());
            }
        }
    }
    Ok(removed)
}

/// Reads those of these dead letters that exist and are undamaged.
pub(crate) fn letters(
    txn: &Change<'_>,
    ids: &[DeadLetterId],
) -> Result<Vec<(DeadLetterId, DeadLetter)>, redb::Error> {
    let table = txn.open_table(LETTERS)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let letter = table
            .get(id)?
            .and_then(|bytes| decode(txn.values, *id, bytes.value()));
        found.extend(letter.map(|letter| (*id, letter)));
    }
    Ok(found)
}

/// Reads a page; also returns the number of damaged letters on the way.
pub(crate) fn page(
    txn: &View<'_>,
    filter: &DeadLetterFilter,
    page: Page,
) -> Result<(DeadLetterPage, u64), redb::Error> {
    let (mut paging, mut damaged) = (Paging::new(filter, page), 0);
    let Some(ids) = page.ids(filter) else {
        return Ok((paging.done(), damaged));
    };
    let table = txn.open_table(LETTERS)?;
    let mut entries = table.range(ids)?;
    while let Some(entry) = paging.next(&mut entries) {
        let (id, bytes) = entry?;
        let bytes = bytes.value();
        let id = id.value();
        let text = txn.values.decode(Place::Letter(id), bytes).unwrap_or_default();
        let outline = serde_json::from_slice(&text)
            .ok()
            .map(|Outline(letter)| Cow::Owned(letter));
        damaged += u64::from(outline.is_none());
        paging.look(id, bytes.len() as u64, outline, || {
            serde_json::from_slice(&text).ok()
        });
    }
    Ok((paging.done(), damaged))
}

/// Returns the counts in a head, by component.
pub(crate) fn counts(head: &Head, quota: &DeadLetterQuota) -> BTreeMap<String, LetterCounts> {
    let mut counts: BTreeMap<String, LetterCounts> = BTreeMap::new();
    for (name, (kept, bytes)) in &head.letters {
        let count = counts.entry(name.clone()).or_default();
        (count.kept, count.bytes) = (*kept, *bytes);
    }
    for (name, dropped) in &head.letters_dropped {
        counts.entry(name.clone()).or_default().dropped = *dropped;
    }
    for (name, count) in &mut counts {
        count.max_bytes = quota.bytes(name);
    }
    counts
}
