//! Places for HTTP/2 requests, over all connections.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::slots::{Slot, Slots};
use super::traffic::OpenRequest;

/// The HTTP/2 requests that may be under way, which bounds the memory of their bodies; HTTP/1.1 has one per connection.
/// A request takes its place before its body is read. When none is left, requests give way as connections do: the oldest
/// whose body is still coming, first of the address that has most. One that was received whole keeps its place.
#[derive(Debug)]
pub(super) struct Requests {
    places: Arc<Slots>,
    /// One request at a time looks for a place, in the order in which they came: thousands of them would all wake up
    /// for each place that becomes free.
    turn: Mutex<()>,
}

impl Requests {
    pub(super) fn new(most: usize) -> Requests {
        Requests {
            places: Slots::new(most),
            turn: Mutex::new(()),
        }
    }

    /// Takes a place for an open request, which gives it back when it is dropped.
    pub(super) async fn enter(&self, address: IpAddr, open: &OpenRequest) -> Option<Slot> {
        // Held until the request is noted: its place would look idle to the next one.
        let _turn = self.turn.lock().await;
        let place = self.places.enter(address, None).await?;
        open.takes(place.begin()?);
        Some(place)
    }
}
