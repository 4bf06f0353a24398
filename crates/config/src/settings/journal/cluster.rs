//! `[journal.cluster]`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration};

use super::super::name_fault;

/// The routers that share a journal on NATS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterSettings {
    /// Name by which the other routers know this one, up to 64 letters, digits, `-`, `_` and `.`; no two may have the same. Two
    /// routers on one machine need one each. Default: the machine's name, as `hostname` prints it.
    pub node: Option<String>,
    /// Time for which a router may be silent before others drive its sinks, from `"3s"` to `"5m"`. Below `"10s"` sinks also change
    /// hands while the servers elect a leader, which takes up to 8 s. Default: `"10s"`.
    pub takeover: Option<HumanDuration>,
    /// Servers that hold a copy of each event: 3 or 5, of which 1 or 2 may fail. 1 needs `unsafe_single`. Default: 3.
    pub replicas: Option<u8>,
    /// True to allow `replicas = 1`, for a trial: a server's disk then takes acknowledged events with it. Default: `false`.
    pub unsafe_single: Option<bool>,
}

impl ClusterSettings {
    pub(super) const TAKEOVER: Duration = Duration::from_secs(10);
    pub(super) const REPLICAS: u8 = 3;
    const SHORTEST: Duration = Duration::from_secs(3);
    const LONGEST: Duration = Duration::from_secs(300);

    pub(super) fn faults(&self) -> Vec<BuildError> {
        let mut faults = Vec::new();
        if let Some(fault) = self.node.as_deref().and_then(name_fault) {
            faults.push(BuildError::new("cluster.node", fault).help("write it like \"router-1\""));
        }
        let outside = |time: &HumanDuration| !(Self::SHORTEST..=Self::LONGEST).contains(&time.0);
        if self.takeover.as_ref().is_some_and(outside) {
            faults.push(BuildError::new("cluster.takeover", "must be from 3s to 5m"));
        }
        let single = self.unsafe_single.unwrap_or_default();
        match self.replicas {
            None | Some(3 | 5) => {}
            Some(1) if single => {}
            Some(1) => faults.push(
                BuildError::new(
                    "cluster.replicas",
                    "acknowledged events are lost with the disk of the one server that holds them",
                )
                .help("set replicas = 3; for a trial, set unsafe_single = true beside it"),
            ),
            Some(_) => faults.push(BuildError::new("cluster.replicas", "must be 3 or 5").help(
                "a majority decides: 2 copies survive the failure of no server, and 4 no more than 3 do",
            )),
        }
        faults
    }

    pub(super) fn doubts(&self) -> Vec<BuildError> {
        let short = self.takeover.is_some_and(|time| time.0 < Self::TAKEOVER);
        let short = short.then(|| {
            let message = "sinks change hands also while the servers elect a leader, which takes up to 8 s";
            BuildError::new("cluster.takeover", message).help("\"10s\" is the default")
        });
        let idle = self.unsafe_single == Some(true) && self.replicas != Some(1);
        let idle =
            idle.then(|| BuildError::new("cluster.unsafe_single", "has no effect without 'replicas = 1'"));
        short.into_iter().chain(idle).collect()
    }
}

/// Returns the name of a router: the given one, else the machine's.
pub(super) fn node(given: Option<&str>) -> Result<String, String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    match name_fault(&name) {
        None => Ok(name.into_owned()),
        Some(fault) => Err(format!(
            "journal.cluster.node: the machine's name is the default, and it {fault}; set node"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_that_of_the_machine() {
        assert_eq!(node(Some("router-1")), Ok("router-1".to_owned()));
        let host = std::process::Command::new("hostname").output();
        let Ok(host) = host else { return };
        let host = String::from_utf8(host.stdout).expect("a name");
        assert_eq!(node(None), Ok(host.trim().to_owned()));
    }
}
