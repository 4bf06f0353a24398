//! The promises of every journal, tested over each kind from one source: on disk, in memory, and on NATS servers.
//!
//! The kinds differ by design in a few ways, so these tests ask for properties rather than numbers:
//!
//! - Positions ascend, but only those on disk and in memory count the events. Tests use the positions that appends return.
//! - An append with events of several sources is stored source by source on NATS. Tests that compare an order across
//!   sources append with [`in_order`].
//! - A shared journal that is closed is not read to its end, since other routers go on appending. Tests read as many
//!   events as they expect, and ask [`nothing_left`] for the rest.
//! - Nothing survives the end of a journal in memory, so [`Bench::again`] lets it go on.
//! - Each kind measures the sizes of events and letters in its own way.

mod bench;
mod dedup;
mod erasures;
mod inputs;
mod letter_pages;
mod letters;
#[cfg(feature = "nats")]
mod nats;
mod opening;
mod reading;
pub(crate) mod renamed;
mod room;
mod states;

use signalbox_journal::{Appended, Position, Reader};

use crate::support::{Journal, append, source};
pub(crate) use bench::Bench;

/// Makes a test of each function for each kind of journal. Tests of values that move are also run over a sealed journal on NATS,
/// where a value opens in its place only: `over_each_kind!(@sealed_nats …)`.
macro_rules! over_each_kind {
    ($($test:ident),+ $(,)?) => {
        over_each_kind!(@disk $($test),+);
        over_each_kind!(@memory $($test),+);
        #[cfg(feature = "nats")]
        over_each_kind!(@nats $($test),+);
    };
    (@$kind:ident $($test:ident),+) => {
        mod $kind {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(bench) = crate::contract::Bench::$kind().await {
                        super::$test(bench).await;
                    }
                }
            )+
        }
    };
}
pub(crate) use over_each_kind;

/// Appends events in the order of their numbers, and returns their positions.
pub(crate) async fn in_order(journal: &dyn Journal, numbers: std::ops::Range<u64>) -> Vec<Position> {
    let (mut at, mut positions) = (numbers.start, Vec::new());
    while at < numbers.end {
        let to = (at + 1..numbers.end)
            .find(|n| source(*n) != source(at))
            .unwrap_or(numbers.end);
        positions.extend(append(journal, at..to).await);
        at = to;
    }
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    positions
}

/// Asserts that a reader has handed out all events that its sink is owed.
pub(crate) async fn nothing_left(reader: &mut Box<dyn Reader>) {
    let ahead = reader.ahead(0).await.unwrap();
    assert_eq!((ahead.unread, ahead.returned), (Vec::new(), 0));
}

/// Counts the duplicates among the fates of events.
pub(crate) fn duplicates(fates: &[Appended]) -> usize {
    fates.iter().filter(|fate| **fate == Appended::Duplicate).count()
}
