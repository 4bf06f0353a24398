//! The life of an event: its receipt, its way into the journal, the records that sinks made of it, and the reasons why it is
//! pending. Ends come from the history, pending events from the journal.

pub(crate) mod fields;
mod made;
mod model;
mod pending;
mod request;
mod search;
mod telling;
mod told;

use std::collections::BTreeMap;

pub use model::{Again, Check, Field, Life, Lives, Made, Pending, RecordLife, Sent, SinkLife, Why};
pub use request::{LifeRequest, MOST_EVENTS, Sight};
pub use told::outcome;

use self::pending::Unsettled;
use self::search::{Search, blocking};
use self::telling::Telling;

/// Finds events, and tells their lives.
///
/// # Errors
/// A sentence about the request, or about the history or the journal that cannot be read.
pub async fn lives(sight: Sight<'_>, request: &LifeRequest) -> Result<Lives, String> {
    // The journal comes first: an event that ends between the two reads is then in the history.
    let states = sight.journal.sinks().await.map_err(|error| error.to_string())?;
    let (reader, asked) = (sight.reader.clone(), request.clone());
    let search = blocking(move || Search::read(&reader, &asked)).await?;
    let mut lives = Lives::default();
    let mut told = Telling {
        sight,
        states,
        request,
        page: search.page,
        groups: Vec::new(),
        events: BTreeMap::new(),
        unsettled: Unsettled::default(),
    };
    told.read(&search.hashes).await?;
    lives.incomplete = std::mem::take(&mut told.page.unread);
    if told.unsettled.cut_short {
        lives.incomplete.push(
            "there are so many pending events that the search ended before the last of them: more of the wanted ones may be \
             pending"
                .to_owned(),
        );
    }
    lives.more = told.page.next.is_some() || told.unsettled.more || told.groups.len() > MOST_EVENTS;
    told.groups.truncate(MOST_EVENTS);
    let groups = std::mem::take(&mut told.groups);
    lives.events = groups.into_iter().map(|group| told.life(group)).collect();
    Ok(lives)
}
