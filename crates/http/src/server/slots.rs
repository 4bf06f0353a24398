//! Slots for connections, and the choice of the connection to close when none is free.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Parts of a connection's state: one request, one request that was received whole, and the mark of a connection that
/// must close.
const REQUEST: u64 = 1;
const RECEIVED: u64 = 1 << 32;
const CLOSING: u64 = 1 << 63;

/// The connections of a listener, at most a fixed number of them. While slots are free, every connection gets one. When
/// none is free, `Slots` looks at the address with the most connections and closes its oldest one without a request
/// under way: silent connections of one client keep no other client out, and behind a balancer, where all come from one
/// address, the idlest are closed. If each of these connections has a request, the oldest one whose requests are still
/// being received is closed: bodies that never end keep no client out either. While every connection has a request that
/// was received whole, the next connection waits.
#[derive(Debug)]
pub(super) struct Slots {
    most: usize,
    state: Mutex<State>,
    /// True while a connection waits for a slot.
    wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    addresses: HashMap<IpAddr, BTreeMap<u64, Arc<Connection>>>,
    open: usize,
    /// Number of connections that must close and are still open.
    closing: usize,
    next: u64,
    /// Cancelled when a slot may be free again.
    waiting: Option<CancellationToken>,
}

#[derive(Debug, Default)]
struct Connection {
    /// Number of requests under way, number of those received whole, and [`CLOSING`].
    requests: AtomicU64,
    close: CancellationToken,
}

/// A connection's slot; freed when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    address: IpAddr,
    number: u64,
    connection: Arc<Connection>,
}

/// A request under way; ended when dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    slots: Arc<Slots>,
    connection: Arc<Connection>,
    received: AtomicBool,
}

impl Slots {
    /// Creates `most` slots.
    pub(super) fn new(most: usize) -> Arc<Slots> {
        Arc::new(Slots {
            most,
            state: Mutex::default(),
            wanted: AtomicBool::new(false),
        })
    }

    /// Takes a slot as soon as one is free. Returns `None` if the address has `limit` slots already. IPv6 addresses of
    /// one /64 network count as one.
    pub(super) async fn enter(self: &Arc<Slots>, address: IpAddr, limit: Option<usize>) -> Option<Slot> {
        let address = neighbourhood(address);
        loop {
            let wait = {
                let mut state = self.state();
                if limit.is_some_and(|limit| state.count(address) >= limit) {
                    return None;
                }
                if state.open < self.most {
                    return Some(self.add(&mut state, address));
                }
                // Set before the search for a connection without requests: any request that ends from now on wakes this
                // task.
                self.wanted.store(true, SeqCst);
                if state.closing == 0 && state.close_one() {
                    state.closing += 1;
                }
                state.waiting.get_or_insert_default().clone()
            };
            wait.cancelled().await;
        }
    }

    /// Takes a slot beyond the limits, for a connection that was accepted and cannot wait.
    pub(super) fn squeeze_in(self: &Arc<Slots>, address: IpAddr) -> Slot {
        self.add(&mut self.state(), neighbourhood(address))
    }

    fn add(self: &Arc<Slots>, state: &mut State, address: IpAddr) -> Slot {
        let (number, connection) = (state.next, Arc::new(Connection::default()));
        state.next += 1;
        state.open += 1;
        let of_address = state.addresses.entry(address).or_default();
        of_address.insert(number, connection.clone());
        Slot {
            slots: self.clone(),
            address,
            number,
            connection,
        }
    }

    fn wake(&self, state: &mut State) {
        self.wanted.store(false, SeqCst);
        if let Some(waiting) = state.waiting.take() {
            waiting.cancel();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&self, address: IpAddr) -> usize {
        self.addresses.get(&address).map_or(0, BTreeMap::len)
    }

    /// Makes one connection close, first at the address with the most: its oldest without a request, or else the oldest
    /// whose requests are still being received.
    fn close_one(&self) -> bool {
        let mut addresses: Vec<_> = self.addresses.values().collect();
        addresses.sort_by_key(|connections| (Reverse(connections.len()), connections.keys().next().copied()));
        addresses.into_iter().any(|connections| {
            let mut oldest_first = connections.values();
            oldest_first.clone().any(|connection| connection.close(0))
                || oldest_first.any(|connection| connection.close(RECEIVED - 1))
        })
    }
}

impl Connection {
    /// Closes the connection if its state is at most `most`.
    fn close(&self, most: u64) -> bool {
        let close = |state| (state <= most).then_some(state | CLOSING);
        let closed = self.requests.fetch_update(SeqCst, SeqCst, close).is_ok();
        if closed {
            self.close.cancel();
        }
        closed
    }
}

impl Slot {
    /// Notes a request, before any work for it. Returns `None` if the connection must close.
    #[must_use]
    pub(super) fn begin(&self) -> Option<UnderWay> {
        let under_way = UnderWay {
            slots: self.slots.clone(),
            connection: self.connection.clone(),
            received: AtomicBool::new(false),
        };
        let before = self.connection.requests.fetch_add(REQUEST, SeqCst);
        (before & CLOSING == 0).then_some(under_way)
    }

    /// Waits until the connection must close, which it must then do at once: another one waits for its slot.
    pub(super) async fn closed(&self) {
        self.connection.close.cancelled().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        if let Some(connections) = state.addresses.get_mut(&self.address) {
            connections.remove(&self.number);
            if connections.is_empty() {
                state.addresses.remove(&self.address);
            }
        }
        state.open -= 1;
        if self.connection.close.is_cancelled() {
            state.closing -= 1;
        }
        self.slots.wake(&mut state);
    }
}

impl UnderWay {
    /// Notes that the request was received whole, after which its connection is not closed for another one.
    pub(super) fn received(&self) {
        if !self.received.swap(true, SeqCst) {
            self.connection.requests.fetch_add(RECEIVED, SeqCst);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let received = if *self.received.get_mut() { RECEIVED } else { 0 };
        let before = self.connection.requests.fetch_sub(REQUEST + received, SeqCst);
        // The connection can give way now, or sooner than before.
        if (before & CLOSING) == 0 && before - received < RECEIVED && self.slots.wanted.load(SeqCst) {
            self.slots.wake(&mut self.slots.state());
        }
    }
}

/// Returns the network that counts as one client: a customer has at least a /64 of IPv6.
#[must_use]
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn now<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn enter(slots: &Arc<Slots>, address: &str) -> Option<Slot> {
        now(slots.enter(address.parse().unwrap(), None)).flatten()
    }

    fn is_closed(slot: &Slot) -> bool {
        now(slot.closed()).is_some()
    }

    #[test]
    fn nobody_gives_way_while_places_are_free() {
        let slots = Slots::new(3);
        let all: Vec<Slot> = (0..3).filter_map(|_| enter(&slots, "192.0.2.1")).collect();
        assert_eq!(all.len(), 3);
        assert!(!all.iter().any(is_closed));
    }

    #[test]
    fn the_oldest_idle_one_of_the_address_with_most_gives_way() {
        let slots = Slots::new(4);
        let alone = enter(&slots, "192.0.2.9").unwrap();
        let many: Vec<Slot> = (0..3).filter_map(|_| enter(&slots, "192.0.2.1")).collect();
        let busy = many[0].begin().unwrap();
        busy.received();
        let mut next = pin!(slots.enter("192.0.2.5".parse().unwrap(), None));
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            next.as_mut().poll(&mut context).is_pending(),
            "until the place is free"
        );
        assert_eq!(
            [&alone, &many[0], &many[1], &many[2]].map(is_closed),
            [false, false, true, false]
        );
        assert!(
            next.as_mut().poll(&mut context).is_pending(),
            "one gives way, not one after another"
        );
        assert!(many[1].begin().is_none(), "too late for a request");
        drop(busy);
        drop(many);
        assert!(matches!(next.as_mut().poll(&mut context), Poll::Ready(Some(_))));
    }

    #[test]
    fn with_requests_everywhere_the_next_waits_for_the_first_that_ends() {
        let slots = Slots::new(2);
        let (one, two) = (
            enter(&slots, "192.0.2.1").unwrap(),
            enter(&slots, "192.0.2.2").unwrap(),
        );
        let (first, second) = (one.begin().unwrap(), two.begin().unwrap());
        first.received();
        second.received();
        let mut next = pin!(slots.enter("192.0.2.3".parse().unwrap(), None));
        let mut context = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut context).is_pending());
        assert!(!is_closed(&one) && !is_closed(&two));
        drop(first);
        assert!(next.as_mut().poll(&mut context).is_pending());
        assert!(is_closed(&one) && !is_closed(&two));
        drop(one);
        assert!(matches!(next.as_mut().poll(&mut context), Poll::Ready(Some(_))));
    }

    #[test]
    fn a_request_that_is_still_coming_gives_way_where_none_is_idle() {
        let slots = Slots::new(3);
        let many: Vec<Slot> = (0..2).filter_map(|_| enter(&slots, "192.0.2.1")).collect();
        let alone = enter(&slots, "192.0.2.2").unwrap();
        let (_coming, whole) = (many[0].begin().unwrap(), many[1].begin().unwrap());
        whole.received();
        let mut next = pin!(slots.enter("192.0.2.3".parse().unwrap(), None));
        let mut context = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut context).is_pending());
        assert_eq!(
            [&many[0], &many[1], &alone].map(is_closed),
            [true, false, false],
            "of the address that has most"
        );
    }

    #[test]
    fn an_address_may_have_a_limit_and_ipv6_counts_by_network() {
        let slots = Slots::new(100);
        let enter = |address: &str| now(slots.enter(address.parse().unwrap(), Some(2))).flatten();
        let (first, second) = (enter("192.0.2.1"), enter("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none());
        let (six, seven) = (enter("2001:db8::1"), enter("2001:db8::2:1"));
        assert!(six.is_some() && seven.is_some());
        assert!(enter("2001:db8::3").is_none() && enter("2001:db8:0:1::3").is_some());
        drop(first);
        assert!(enter("192.0.2.1").is_some());
        drop((second, six, seven));
        assert!(slots.state().addresses.is_empty());
        assert_eq!(slots.state().open, 0);
    }
}
