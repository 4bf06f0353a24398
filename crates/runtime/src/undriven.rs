//! Tells of sinks that no router drives since the one that drives their rate group lacks them in its file.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use signalbox_journal::Node;

/// The reason code of such a sink.
const LACKED: &str = "driver_lacks_sink";
/// The time for which a sink is without a driver before the log tells. After a change of the files the router that has the sink
/// takes its group over in less.
const TELL: Duration = Duration::from_secs(30);

/// Returns the sentence about a sink that no router drives, with the remedy; `None` if there is another reason for that, or none.
#[must_use]
pub fn told(nodes: &[Node], sink: &str) -> Option<String> {
    let (router, group) = Node::lacking(nodes, sink)?;
    let router = &router.name;
    Some(format!(
        "no router drives the sink ({LACKED}): {router} drives its rate group '{group}', and the file of {router} lacks the sink; give \
         all routers the same file"
    ))
}

/// The sinks without a driver.
#[derive(Debug, Default)]
pub(crate) struct Undriven(BTreeMap<String, Since>);

#[derive(Debug)]
struct Since {
    at: Instant,
    told: bool,
}

impl Undriven {
    /// Looks for such sinks among those that this router does not drive.
    pub(crate) fn look<'a>(&mut self, nodes: &[Node], sinks: impl Iterator<Item = &'a str>, now: Instant) {
        let mut before = std::mem::take(&mut self.0);
        for sink in sinks {
            let Some(why) = told(nodes, sink) else {
                continue;
            };
            let mut since = before.remove(sink).unwrap_or(Since { at: now, told: false });
            if !since.told && now.duration_since(since.at) >= TELL {
                since.told = true;
                tracing::warn!(sink, "{why}");
            }
            self.0.insert(sink.to_owned(), since);
        }
        for (sink, since) in before {
            if since.told {
                tracing::info!(
                    sink,
                    "the file of another router no longer keeps the sink from being driven"
                );
            }
        }
    }

    #[cfg(test)]
    fn told(&self) -> Vec<&str> {
        let told = self.0.iter().filter(|(_, since)| since.told);
        told.map(|(sink, _)| sink.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_without_a_driver_is_told_after_a_while_and_once() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = |sinks: &[&str], drives: &[&str]| Node {
            groups: [("g".to_owned(), names(sinks))].into(),
            drives: names(drives),
            ..Node::default()
        };
        let apart = [node(&["x"], &["g"]), node(&["x", "y"], &[])];
        let same = [node(&["x", "y"], &["g"]), node(&["x", "y"], &[])];
        let (mut undriven, start) = (Undriven::default(), Instant::now());
        let mut look = |nodes: &[Node], at: Duration| {
            undriven.look(nodes, ["x", "y"].into_iter(), start + at);
            undriven.told().join(" ")
        };
        assert_eq!(look(&apart, Duration::ZERO), "");
        assert_eq!(look(&apart, TELL), "y");
        assert_eq!(look(&same, TELL), "");
        // It begins anew.
        assert_eq!(look(&apart, TELL), "");
        assert_eq!(look(&apart, TELL * 2), "y");
    }
}
