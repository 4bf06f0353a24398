//! Finds one event in the journal by its id.

use std::sync::Arc;

use signalbox_core::Event;
use signalbox_history::Reader;
use signalbox_journal::Journal;

use super::in_log::{ids, in_log};
use super::resend::{ResendRequest, Resent};

/// Returns the newest copy of an event that the log holds and no erasure covers. A history spares the search of the log.
///
/// # Errors
/// A sentence if the log does not hold it, an erasure covers it, or the journal cannot be read.
pub async fn find_event(
    journal: &dyn Journal,
    history: Option<Reader>,
    message_id: &str,
    preferred: impl Fn(&Event) -> bool,
) -> Result<Arc<Event>, String> {
    let request = ResendRequest {
        message_ids: vec![message_id.to_owned()],
        sink: None,
    };
    let mut told = Resent::default();
    let ids = ids(&request, &mut told)?;
    let found = in_log(journal, history, &ids, &mut told).await?;
    let newest = found
        .into_values()
        .max_by_key(|(position, event)| (preferred(event), *position));
    if let Some((_, event)) = newest {
        return Ok(event);
    }
    Err(match (told.events.first(), told.searched_to) {
        (Some(event), _) if event.erased => "the event was erased".to_owned(),
        (_, Some(position)) => format!(
            "the search took too long; it ended before position {position}, and the event was not found until there"
        ),
        _ => "the journal does not hold the event, or no longer".to_owned(),
    })
}
