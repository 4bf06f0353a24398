//! Reads events from the files: by position, by time, and counted by source.

use std::collections::BTreeMap;

use signalbox_core::Event;

use super::files::{Fetched, LogFiles, Stored};
use super::frame::Frame;
use crate::mutex::lock;
use crate::{JournalError, Loss, Position};

/// The most unreadable frames that are remembered, so that each is logged once.
const REPORTED: usize = 10_000;

/// The result of reading a position.
pub(crate) enum Events {
    /// Events from that position on; `None` for one that does not parse.
    Some(Vec<(Position, Option<Event>)>),
    /// The position up to which no event can be read, and the reason.
    Lost(Position, Loss),
}

/// The events that [`LogFiles::pick`] found, and the error that stopped it with the positions it had not yet read.
pub(crate) type Picked = (Vec<(Position, Event)>, Option<(JournalError, Vec<Position>)>);

impl LogFiles {
    /// Reads the events from a position to the end of its frame. Logs a corrupt frame once.
    ///
    /// # Errors
    /// If the system refused; trying again may help.
    pub(crate) fn read(&self, position: Position) -> Result<Events, JournalError> {
        self.visit(position, |frame| {
            let events = frame.events().filter(|(at, _)| *at >= position);
            events
                .map(|(at, raw)| (at, raw.and_then(|raw| raw.parse())))
                .collect()
        })
        .map(|visited| match visited {
            Ok(events) => Events::Some(events),
            Err(to) => Events::Lost(to, self.loss(position)),
        })
    }

    /// Reads the events at these positions, which are in order. Events that are gone are left out. If the system refuses
    /// to read, also returns the error and the remaining positions.
    pub(crate) fn pick(&self, positions: &[Position]) -> Picked {
        let (mut found, mut rest) = (Vec::with_capacity(positions.len()), positions);
        while let Some(first) = rest.first().copied() {
            let visited = self.visit(first, |frame| {
                let wanted = frame.events().filter(|(at, _)| rest.binary_search(at).is_ok());
                found.extend(wanted.filter_map(|(at, raw)| Some((at, raw?.parse()?))));
                frame.head.end()
            });
            match visited {
                Ok(Ok(to) | Err(to)) => rest = &rest[rest.partition_point(|at| *at < to)..],
                Err(error) => return (found, Some((error, rest.to_vec()))),
            }
        }
        (found, None)
    }

    /// Passes the frame that holds a position to `visitor`; `Err` with the next position if nothing is readable up to it.
    pub(crate) fn visit<T>(
        &self,
        position: Position,
        visitor: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<Result<T, Position>, JournalError> {
        let fetched = self.fetch(position);
        match fetched.map_err(|trouble| JournalError(trouble.text().to_owned()))? {
            Fetched::Gap(to) => Ok(Err(to.max(position.saturating_add(1)))),
            Fetched::Flawed(why, next) => Ok(Err(self.report(position, next, &why))),
            Fetched::Frame(Stored { mut bytes, at, file }, next) => {
                let why = match Frame::decode_at(&mut bytes, &file.key, at) {
                    Ok(frame) if frame.head.first <= position && position < frame.head.end() => {
                        return Ok(Ok(visitor(&frame)));
                    }
                    Ok(_) => "its frame is gone",
                    Err(flaw) => flaw,
                };
                Ok(Err(self.report(position, next, why)))
            }
        }
    }

    /// Logs a flaw once; returns the position after it.
    fn report(&self, from: Position, next: Position, why: &str) -> Position {
        let to = next.max(from.saturating_add(1));
        let mut reported = lock(&self.reported);
        if reported.len() < REPORTED && reported.insert(to) {
            let log_files = self.log_files();
            let file = log_files
                .iter()
                .rfind(|log_file| log_file.first <= from)
                .map(|s| s.path.clone());
            let (file, positions) = (file.unwrap_or_default(), format!("{from}..{to}"));
            let file = file.display();
            match self.loss(from) {
                Loss::Missing => {
                    tracing::error!(%file, positions, "journal file missing, empty or cut short: {why}");
                }
                Loss::Damaged => tracing::error!(%file, positions, "journal frame unreadable: {why}"),
                Loss::Aged => {}
            }
        }
        to
    }

    /// Passes all readable frames that have positions in `from..to` to `visitor`.
    pub(crate) fn scan(
        &self,
        from: Position,
        to: Position,
        mut visitor: impl FnMut(&Frame<'_>),
    ) -> Result<(), JournalError> {
        let mut at = from.max(self.start().unwrap_or(to));
        while at < to {
            at = match self.visit(at, |frame| {
                visitor(frame);
                frame.head.end()
            })? {
                Ok(next) | Err(next) => next,
            };
        }
        Ok(())
    }

    /// Counts the events in `from..to` by source; unreadable ones are included where the file still tells of them.
    pub(crate) fn counts(&self, from: Position, to: Position) -> Result<BTreeMap<String, u64>, JournalError> {
        let mut counts = BTreeMap::new();
        let mut rest = Vec::new();
        for log_file in self.log_files() {
            if log_file.first < to && from < log_file.end() {
                rest.extend(log_file.count(from, to, &mut counts));
            }
        }
        for (from, to, most) in rest {
            let mut unread = to - from;
            self.scan(from, to, |frame| {
                if from <= frame.head.first && frame.head.end() <= to {
                    for (source, count) in &frame.sources {
                        *counts.entry(source.to_string()).or_default() += u64::from(*count);
                        unread = unread.saturating_sub(u64::from(*count));
                    }
                    return;
                }
                for (at, raw) in frame.events() {
                    if let Some(raw) = raw.filter(|_| from <= at && at < to) {
                        *counts.entry(raw.source.to_string()).or_default() += 1;
                        unread = unread.saturating_sub(1);
                    }
                }
            })?;
            if unread > 0 {
                *counts.entry(most).or_default() += unread;
            }
        }
        Ok(counts)
    }

    /// The first position whose event arrived at or after a moment; `None` if there is none.
    pub(crate) fn find(&self, arrived_at: i64) -> Result<Option<Position>, JournalError> {
        for log_file in self.log_files() {
            let stretches = log_file.content().stretches.clone();
            for stretch in stretches
                .iter()
                .filter(|stretch| stretch.arrivals.1 >= arrived_at)
            {
                let mut found = None;
                self.scan(stretch.from, stretch.to, |frame| {
                    if found.is_none() && frame.head.arrivals.1 >= arrived_at {
                        let mut late = frame.events().filter(|(at, raw)| {
                            *at >= stretch.from
                                && raw.as_ref().is_some_and(|raw| raw.received_at >= arrived_at)
                        });
                        found = late.next().map(|(at, _)| at);
                    }
                })?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// The arrival of the event at a position, or of the next one after it.
    pub(crate) fn arrival(&self, position: Position) -> Result<Option<i64>, JournalError> {
        let mut at = position.max(self.start().unwrap_or(position));
        while self.end().is_some_and(|end| at < end) {
            let arrival = self.visit(at, |frame| {
                frame
                    .events()
                    .find(|(there, _)| *there >= at)
                    .and_then(|(_, raw)| Some(raw?.received_at))
            })?;
            match arrival {
                Ok(arrival) => return Ok(arrival),
                Err(next) => at = next,
            }
        }
        Ok(None)
    }
}
