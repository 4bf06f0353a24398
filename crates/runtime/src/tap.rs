//! Taps: views of the events that pass the sources and sinks of a running pipeline.
//!
//! Without a tap, sources and sinks pay one relaxed load a batch. With one, they evaluate its filter on each event and hand
//! over at most `rate` events a second through a bounded channel, without waiting. Events beyond are left out and counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use signalbox_core::{Event, Fate, Reason};
use signalbox_journal::Position;
use tokio::sync::mpsc;

/// Most taps at the same time.
pub const MOST_TAPS: usize = 8;
/// Highest rate of a tap, in events per second.
pub const MOST_RATE: u32 = 1_000;
/// Events that wait for a slow reader of a tap.
const WAITING: usize = 256;

/// Selects events; a tap calls it for each event that passes.
pub type EventFilter = Box<dyn Fn(&Event) -> bool + Send + Sync>;

/// The events that a tap shows.
pub struct TapRequest {
    /// The components at which it shows them.
    pub scope: TapScope,
    /// Shows only the events for which this returns true. An event whose payload is not at hand then does not show.
    pub filter: Option<EventFilter>,
    /// Most events per second, at most [`MOST_RATE`]: the first ones of each second.
    pub rate: u32,
}

/// The components that a tap watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TapScope {
    /// All sources and sinks.
    All,
    /// One source.
    Source(String),
    /// One sink.
    Sink(String),
}

/// An event as it passed a source or a sink.
#[derive(Debug, Clone)]
pub struct Tapped {
    /// Unix milliseconds.
    pub at: i64,
    /// The source; `None` if the event is no longer in memory.
    pub source: Option<Arc<str>>,
    /// The sink; `None` at the source itself.
    pub sink: Option<Arc<str>>,
    /// The place in the journal, at a sink.
    pub position: Option<Position>,
    /// At a source `journalled`, `duplicate`, `filtered` or `rejected`; at a sink `mapped`, `filtered` or `rejected`.
    pub outcome: &'static str,
    /// The reason why it was filtered or rejected.
    pub reason: Option<Reason>,
    /// The results of the sink's mappings.
    pub records: Vec<TappedRecord>,
    /// The event after the transforms; `None` if it is erased or no longer in memory.
    pub event: Option<Arc<Event>>,
}

/// A record that a sink made of an event.
#[derive(Debug, Clone)]
pub struct TappedRecord {
    /// The mapping.
    pub mapping: Arc<str>,
    /// The destination's name of the conversion.
    pub event_name: Option<Box<str>>,
    /// Size of the record.
    pub bytes: usize,
    /// The reason why the sink could not make it.
    pub reason: Option<Reason>,
}

/// The taps of a running pipeline. Cheap to clone.
#[derive(Clone, Default)]
pub struct Taps(Arc<Shared>);

#[derive(Default)]
struct Shared {
    any: AtomicBool,
    list: RwLock<List>,
}

#[derive(Default)]
struct List {
    taps: Vec<Arc<Tap>>,
    closed: bool,
}

struct Tap {
    request: TapRequest,
    second: Mutex<Second>,
    left_out: Arc<AtomicU64>,
    sender: mpsc::Sender<Tapped>,
}

/// The current second of a tap.
struct Second {
    began: Instant,
    shown: u32,
}

impl std::fmt::Debug for Taps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Taps")
    }
}

impl Taps {
    /// Opens a tap. It ends when its receiver is dropped.
    ///
    /// # Errors
    /// A sentence if there are [`MOST_TAPS`] already, or the router is stopping.
    pub fn open(&self, request: TapRequest) -> Result<TapReceiver, String> {
        let mut list = self.0.list.write().unwrap_or_else(PoisonError::into_inner);
        if list.closed {
            return Err("the router is stopping".to_owned());
        }
        if list.taps.len() >= MOST_TAPS {
            return Err(format!("there are {MOST_TAPS} taps already; end one of them"));
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let tap = Arc::new(Tap {
            request,
            second: Mutex::new(Second {
                began: Instant::now(),
                shown: 0,
            }),
            left_out: left_out.clone(),
            sender,
        });
        let weak = Arc::downgrade(&tap);
        list.taps.push(tap);
        self.0.any.store(true, Relaxed);
        Ok(TapReceiver {
            tap: weak,
            taps: self.clone(),
            left_out,
            receiver,
        })
    }

    /// Ends all taps, and refuses further ones.
    pub fn close(&self) {
        let mut list = self.0.list.write().unwrap_or_else(PoisonError::into_inner);
        list.closed = true;
        list.taps.clear();
        self.0.any.store(false, Relaxed);
    }

    /// True if there is a tap.
    pub(crate) fn any(&self) -> bool {
        self.0.any.load(Relaxed)
    }

    /// Lists the present taps.
    fn present(&self) -> Vec<Arc<Tap>> {
        let list = self.0.list.read().unwrap_or_else(PoisonError::into_inner);
        list.taps.clone()
    }

    /// Chooses the events of a request that taps of a source show. Their fates are not known yet.
    pub(crate) fn choose(&self, source: &Arc<str>, events: &[Event]) -> Vec<Chosen> {
        if !self.any() {
            return Vec::new();
        }
        let mut taps = self.present();
        taps.retain(|tap| match &tap.request.scope {
            TapScope::All => true,
            TapScope::Source(name) => **name == **source,
            TapScope::Sink(_) => false,
        });
        let mut chosen = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let mut copy = None;
            for tap in taps.iter().filter(|tap| tap.takes(Some(event))) {
                let copy = copy.get_or_insert_with(|| Arc::new(event.clone()));
                let (tap, event) = (tap.clone(), copy.clone());
                chosen.push(Chosen { tap, index, event });
            }
        }
        chosen
    }

    /// Shows the chosen events of a request with their fates.
    pub(crate) fn show_fates(source: &Arc<str>, chosen: Vec<Chosen>, fates: &[Fate]) {
        for Chosen { tap, index, event } in chosen {
            let Some(fate) = fates.get(index) else { continue };
            let (outcome, reason) = match fate {
                Fate::Accepted => ("journalled", None),
                Fate::Duplicate => ("duplicate", None),
                Fate::Filtered(reason) => ("filtered", Some(reason.clone())),
                Fate::Rejected(reason) => ("rejected", Some(reason.clone())),
            };
            tap.send(Tapped {
                at: now(),
                source: Some(source.clone()),
                sink: None,
                position: None,
                outcome,
                reason,
                records: Vec::new(),
                event: Some(event),
            });
        }
    }

    /// Shows an event at a sink. `describe` is called once if a tap shows it.
    pub(crate) fn show_at_sink(&self, sink: &str, event: Option<&Event>, describe: impl FnOnce() -> Tapped) {
        let mut taps = self.present();
        taps.retain(|tap| {
            let here = match &tap.request.scope {
                TapScope::All => true,
                TapScope::Source(_) => false,
                TapScope::Sink(name) => name == sink,
            };
            here && tap.takes(event)
        });
        if taps.is_empty() {
            return;
        }
        let tapped = describe();
        for tap in taps {
            tap.send(tapped.clone());
        }
    }

    fn remove(&self, tap: &std::sync::Weak<Tap>) {
        let mut list = self.0.list.write().unwrap_or_else(PoisonError::into_inner);
        list.taps.retain(|other| Arc::as_ptr(other) != tap.as_ptr());
        self.0.any.store(!list.taps.is_empty(), Relaxed);
    }
}

/// An event that a tap shows when its fate is known.
pub(crate) struct Chosen {
    tap: Arc<Tap>,
    index: usize,
    event: Arc<Event>,
}

impl Tap {
    /// True if the tap shows this event; counts it.
    fn takes(&self, event: Option<&Event>) -> bool {
        let fits = match (&self.request.filter, event) {
            (None, _) => true,
            (Some(filter), Some(event)) => filter(event),
            (Some(_), None) => false,
        };
        fits && self.has_room()
    }

    /// True if this second has room for one more.
    fn has_room(&self) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.began.elapsed() >= Duration::from_secs(1) {
            *second = Second {
                began: Instant::now(),
                shown: 0,
            };
        }
        let has_room = second.shown < self.request.rate.min(MOST_RATE);
        if has_room {
            second.shown += 1;
        } else {
            self.left_out.fetch_add(1, Relaxed);
        }
        has_room
    }

    fn send(&self, tapped: Tapped) {
        // The reader is slow, or has just gone.
        if self.sender.try_send(tapped).is_err() {
            self.left_out.fetch_add(1, Relaxed);
        }
    }
}

/// The reading end of a tap; dropping it ends the tap.
pub struct TapReceiver {
    tap: std::sync::Weak<Tap>,
    taps: Taps,
    left_out: Arc<AtomicU64>,
    receiver: mpsc::Receiver<Tapped>,
}

impl TapReceiver {
    /// Waits for the next event; `None` once the router has ended the taps.
    pub async fn next(&mut self) -> Option<Tapped> {
        self.receiver.recv().await
    }

    /// Returns the number of matching events that were left out since the last call.
    pub fn left_out(&self) -> u64 {
        self.left_out.swap(0, Relaxed)
    }
}

impl Drop for TapReceiver {
    fn drop(&mut self) {
        self.taps.remove(&self.tap);
    }
}

/// The wall clock in Unix milliseconds.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn event(name: &str) -> Event {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1,
        };
        let json = format!(r#"{{"type":"track","event":"{name}","messageId":"m"}}"#);
        Event::parse(&json, receipt).unwrap()
    }

    fn request(scope: TapScope, rate: u32) -> TapRequest {
        TapRequest {
            scope,
            filter: None,
            rate,
        }
    }

    fn pass(taps: &Taps, source: &str, events: &[Event]) {
        let source = source.into();
        let chosen = taps.choose(&source, events);
        Taps::show_fates(&source, chosen, &vec![Fate::Accepted; events.len()]);
    }

    fn received(receiver: &mut TapReceiver) -> usize {
        let mut count = 0;
        while receiver.receiver.try_recv().is_ok() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn a_tap_shows_its_component_and_counts_what_is_beyond_its_rate() {
        let taps = Taps::default();
        assert!(!taps.any());
        let mut web = taps.open(request(TapScope::Source("web".into()), 3)).unwrap();
        let mut sink = taps.open(request(TapScope::Sink("web".into()), 3)).unwrap();
        let mut all = taps.open(request(TapScope::All, u32::MAX)).unwrap();
        assert!(taps.any());
        pass(&taps, "web", &vec![event("A"); 5]);
        pass(&taps, "shop", &[event("A")]);
        assert_eq!((received(&mut web), web.left_out(), web.left_out()), (3, 2, 0));
        assert_eq!((received(&mut sink), sink.left_out()), (0, 0));
        assert_eq!(received(&mut all), 6);
        drop((web, sink));
        assert!(taps.any());
        drop(all);
        assert!(!taps.any());
    }

    #[tokio::test]
    async fn events_that_do_not_match_take_no_room() {
        let taps = Taps::default();
        let mut tap = taps
            .open(TapRequest {
                filter: Some(Box::new(|event| {
                    event
                        .root()
                        .get("event")
                        .is_some_and(|name| name.as_str() == Some("B"))
                })),
                ..request(TapScope::All, 1)
            })
            .unwrap();
        pass(&taps, "web", &[event("A"), event("A"), event("B")]);
        let shown = tap.next().await.unwrap();
        assert_eq!((shown.outcome, tap.left_out()), ("journalled", 0));
        taps.show_at_sink("ads", None, || unreachable!());
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_loses_events_and_blocks_nobody() {
        let taps = Taps::default();
        let mut tap = taps.open(request(TapScope::All, MOST_RATE)).unwrap();
        pass(&taps, "web", &vec![event("A"); WAITING + 5]);
        assert_eq!(tap.left_out(), 5);
        assert_eq!(received(&mut tap), WAITING);
    }

    #[tokio::test]
    async fn taps_are_few_and_end_with_the_router() {
        let taps = Taps::default();
        let open = || taps.open(request(TapScope::All, 1));
        let mut open_ones: Vec<_> = (0..MOST_TAPS).map(|_| open().unwrap()).collect();
        assert!(open().is_err_and(|told| told.contains("end one of them")));
        open_ones.pop();
        let mut last = open().unwrap();
        taps.close();
        assert!(last.next().await.is_none());
        assert!(open().is_err_and(|told| told.contains("stopping")));
        assert!(!taps.any());
    }
}
