//! One event: its timeline, the sent record, the answer, the present mapping, and sending it again.

mod html;
mod resend;

use maud::Markup;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_admin::Caller;
use signalbox_history::Place;
use signalbox_runtime::history::WantedId;
use signalbox_runtime::life::{Life, LifeRequest};

pub(crate) use self::resend::SendAgain;
use crate::events::{NOT_FOUND, UNKNOWN, without_persons};
use crate::problem::Problem;
use crate::state::Page;
use crate::view::View;
use crate::words::link;

/// The life of an event, and of others with the same id.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventLives {
    /// The events, the newest first.
    events: Vec<Life>,
    /// True if there are more events with this id.
    more: bool,
    /// Sentences about parts of the history and the journal that were not searched.
    incomplete: Vec<String>,
}

/// The event: one of its ids, or the place of one of its records.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Query {
    /// The event with this `messageId`.
    message_id: Option<String>,
    /// The events with this id at the destination.
    event_id: Option<String>,
    /// The events of this order.
    order_id: Option<String>,
    /// The events of a person: the keyed hash that the search for an address, a number or a user id makes.
    person: Option<String>,
    /// The place of a record in the history.
    place: Option<Place>,
}

impl View for EventLives {
    const NAME: &'static str = "event";
    const TITLE: &'static str = "Event";
    const ABOUT: &'static str = "The life of an event: its receipt, the records of each sink as they were sent, their answers, and \
                                 the reasons why it is pending.";
    const IN_MENU: bool = false;
    type Query = Query;

    async fn read(page: &Page, _: &Caller, query: Query) -> Result<EventLives, Problem> {
        let Query {
            message_id,
            event_id,
            order_id,
            person,
            place,
        } = query;
        let id = message_id
            .map(WantedId::MessageId)
            .or(event_id.map(WantedId::EventId))
            .or(order_id.map(WantedId::OrderId))
            .or(person.map(WantedId::Person));
        if id.is_none() && place.is_none() {
            return Err(Problem::bad_request(
                "Name an event by message_id, event_id, order_id, person or place.",
            ));
        }
        let request = LifeRequest {
            id,
            place,
            again: true,
            ..LifeRequest::default()
        };
        let lives = page.admin.lives(&request).await.map_err(Problem::conflict)?;
        if lives.events.is_empty() {
            return Err(Problem::not_found(match lives.incomplete.is_empty() {
                true => UNKNOWN.to_owned(),
                false => format!("{NOT_FOUND} Not complete: {}.", lives.incomplete.join("; ")),
            }));
        }
        Ok(EventLives {
            events: lives.events,
            more: lives.more,
            incomplete: lives.incomplete,
        })
    }

    fn elsewhere(page: &Page, query: &Query) -> Option<String> {
        let mut query = query.clone();
        without_persons(
            page,
            [&mut query.message_id, &mut query.event_id, &mut query.order_id],
        )?;
        let place = query.place.map(|place| place.to_string());
        let pairs = [
            ("message_id", &query.message_id),
            ("event_id", &query.event_id),
            ("order_id", &query.order_id),
            ("person", &query.person),
            ("place", &place),
        ];
        let pairs = pairs.map(|(key, value)| (key, value.as_deref().unwrap_or_default()));
        Some(link("event", &pairs))
    }

    fn html(&self, _: &Query, caller: &Caller) -> Markup {
        html::lives(self, caller)
    }
}
