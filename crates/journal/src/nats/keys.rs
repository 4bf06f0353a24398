//! The keys of a sealed journal: the state key and the id key, wrapped under the operator's key, stand in the stream of
//! states. The servers see neither.

use std::time::Instant;

use async_nats::jetstream::{self, stream};

use super::book::Book;
use super::book::key::Key;
use super::book::store::{Refused, Store, Write};
use super::book::values::Values;
use super::subjects::Subjects;
use crate::seal::keys_file::{Found, JournalKeys, WrappedKeys};
use crate::seal::wrapped::Locked;
use crate::{DeadLetterQuota, JournalError, KeyId, Keys};

/// Opens the keys, or makes them for a journal that gets its first key; `None` for a plain journal. After a rotation of the
/// operator's key they are wrapped under the newest one.
///
/// # Errors
/// [`JournalError`] with the id of a key that is missing and the remedy.
pub(super) async fn open(
    context: &jetstream::Context,
    stream: &stream::Stream<()>,
    subjects: &Subjects,
    operator: Option<&Keys>,
    until: Instant,
) -> Result<Option<JournalKeys>, JournalError> {
    // The keys themselves are written in plain form, since they are wrapped.
    let store = Store::new(
        context.clone(),
        stream.clone(),
        subjects.clone(),
        Values::default(),
        "keys".to_owned() + &uuid::Uuid::new_v4().to_string(),
        Book::new(DeadLetterQuota::default()),
    );
    loop {
        let kept = store.newest(&Key::Keys, until).await?;
        let (sequence, found) = match &kept {
            None => (0, Found::Nothing),
            Some((sequence, bytes)) => (*sequence, wrapped(bytes)?),
        };
        let Some(operator) = operator else {
            return match found {
                Found::Nothing => Ok(None),
                Found::Whole(wrapped) => Err(no_key(wrapped.keys().first().copied())),
                Found::Broken => Err(no_key(None)),
            };
        };
        match &found {
            Found::Broken => {
                return Err(JournalError(
                    "the keys of the journal in its stream of states are damaged: restore the stream from a backup".into(),
                ));
            }
            Found::Whole(wrapped) => {
                if let Err(Locked::Unlisted(key)) = wrapped.check(operator) {
                    return Err(unlisted(key, operator));
                }
            }
            Found::Nothing => {}
        }
        let keys = JournalKeys::open(operator, &found, None)?;
        let bytes = keys.wrapped.to_bytes();
        if kept.is_some_and(|(_, kept)| kept == bytes) {
            return Ok(Some(keys));
        }
        let write = Write::set(Key::Keys, bytes).over(sequence);
        match store.write(&[write], until).await {
            Ok(_) => return Ok(Some(keys)),
            Err(Refused::Fenced) if Instant::now() < until => {}
            Err(refused) => return Err(refused.into()),
        }
    }
}

fn wrapped(bytes: &[u8]) -> Result<Found, JournalError> {
    let parsed = WrappedKeys::parse(bytes);
    let parsed = parsed.map_err(|trouble| JournalError(format!("the journal's keys: {}", trouble.text())))?;
    Ok(parsed.map_or(Found::Broken, Found::Whole))
}

fn no_key(key: Option<KeyId>) -> JournalError {
    let under = key.map_or_else(String::new, |key| format!(" under the key {key}"));
    JournalError(format!(
        "the journal at the NATS servers is sealed{under}, and no key is configured: set journal.key to the file that holds the \
         key, such as key = \"${{file:/etc/signalbox/journal.key}}\""
    ))
}

fn unlisted(key: KeyId, keys: &Keys) -> JournalError {
    let listed: Vec<String> = keys.ids().map(|id| id.to_string()).collect();
    JournalError(format!(
        "the journal at the NATS servers is sealed under the key {key}, which journal.key does not list (it lists {}): list it as \
         well, the newest key first",
        listed.join(", ")
    ))
}
