//! The servers' setting for syncing, which their monitoring alone tells: the answers to `/jsz?config=true`.
//!
//! A server acknowledges a message once a majority has written it. Only with `sync_interval: always` it has synced it to disk, too.

use std::collections::BTreeSet;

use serde::Deserialize;

/// The answer of one address.
#[derive(Debug, Clone)]
pub struct MonitorAnswer {
    /// The address as the settings name it.
    pub address: String,
    /// The text, or why there is none.
    pub answer: Result<String, String>,
}

#[derive(Deserialize)]
struct Jsz {
    #[serde(default)]
    server_id: String,
    #[serde(default)]
    disabled: bool,
    config: Option<Config>,
    meta_cluster: Option<MetaCluster>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
    /// Nanoseconds.
    #[serde(default)]
    sync_interval: u64,
}

#[derive(Deserialize)]
struct MetaCluster {
    #[serde(default)]
    cluster_size: usize,
}

/// Judges the answers. Returns warnings about servers that could not be checked.
///
/// # Errors
/// A sentence with the remedy, if a server does not sync each message.
pub fn check_sync(answers: &[MonitorAnswer]) -> Result<Vec<String>, String> {
    const RISK: &str = "without sync_interval: always in the jetstream { } of its file, a failure of power takes acknowledged \
                        events of up to two minutes";
    if answers.is_empty() {
        return Ok(vec![format!(
            "[journal] monitor names no address, so it could not be checked whether the NATS servers sync each message to disk; \
             {RISK}. Set monitor = [\"http://n1:8222\", …]"
        )]);
    }
    let mut warnings = Vec::new();
    let mut known = BTreeSet::new();
    let mut servers = 0;
    for MonitorAnswer { address, answer } in answers {
        let read = answer.as_ref().map_err(String::clone).and_then(|text| {
            let read = serde_json::from_str::<Jsz>(text);
            read.map_err(|_| "the answer is none of a NATS server's /jsz".to_owned())
        });
        let read = match read {
            Ok(read) => read,
            Err(why) => {
                warnings.push(format!(
                    "[journal] monitor: whether the NATS server at {address} syncs each message to disk could not be checked: {why}; \
                     {RISK}"
                ));
                continue;
            }
        };
        if read.disabled {
            warnings.push(format!(
                "[journal] monitor: the NATS server at {address} has JetStream switched off; a server whose disk was full needs a \
                 restart"
            ));
            continue;
        }
        let config = read.config.unwrap_or(Config {
            sync_always: false,
            sync_interval: 0,
        });
        if !config.sync_always {
            return Err(format!(
                "the NATS server at {address} syncs to disk every {} s, so a failure of power would take acknowledged events; set \
                 sync_interval: always in the jetstream {{ }} of its file, and restart it",
                config.sync_interval / 1_000_000_000
            ));
        }
        known.insert(read.server_id);
        servers = servers.max(read.meta_cluster.map_or(1, |cluster| cluster.cluster_size));
    }
    if !known.is_empty() && known.len() + warnings.len() < servers {
        warnings.push(format!(
            "[journal] monitor names {} of the {servers} NATS servers, so the others could not be checked; {RISK}",
            known.len() + warnings.len()
        ));
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of a nats-server 2.15.1, shortened; `{ID}` and `{SYNC}` are filled in.
    const CLUSTERED: &str = r#"{ "memory": 0, "storage": 0, "accounts": 1, "ha_assets": 1, "api": { "level": 5, "total": 0 },
        "server_id": "{ID}", "now": "2026-11-30T00:28:31.346021741Z", "config": { "max_memory": 18957382656,
        "max_storage": 1073741824, "store_dir": "/var/lib/nats/jetstream", "sync_interval": 120000000000, {SYNC} "strict": true },
        "streams": 0, "meta_cluster": { "name": "sbx", "leader": "n3", "replicas": [], "cluster_size": 3, "quorum_needed": 2 },
        "total": 1 }"#;
    const DISABLED: &str = r#"{ "memory": 0, "storage": 0, "server_id": "NB", "disabled": true,
        "config": { "max_memory": 0, "max_storage": 0 }, "streams": 0, "total": 0 }"#;

    fn answer(id: &str, always: bool) -> Result<String, String> {
        let sync = if always { "\"sync_always\": true," } else { "" };
        Ok(CLUSTERED.replace("{ID}", id).replace("{SYNC}", sync))
    }

    fn check(answers: &[Result<String, String>]) -> Result<Vec<String>, String> {
        let answers = answers.iter().enumerate().map(|(n, answer)| MonitorAnswer {
            address: format!("http://n{}:8222", n + 1),
            answer: answer.clone(),
        });
        check_sync(&answers.collect::<Vec<_>>())
    }

    #[test]
    fn servers_that_sync_each_message_are_silent() {
        let all = [answer("NA", true), answer("NB", true), answer("NC", true)];
        assert_eq!(check(&all), Ok(Vec::new()));
        let alone = CLUSTERED
            .replace("{SYNC}", "\"sync_always\": true,")
            .replace("\"meta_cluster\"", "\"other\"");
        assert_eq!(check(&[Ok(alone)]), Ok(Vec::new()));
    }

    #[test]
    fn a_server_that_does_not_is_refused() {
        let refused = check(&[answer("NA", true), answer("NB", false)]).unwrap_err();
        assert!(
            refused.contains("http://n2:8222 syncs to disk every 120 s")
                && refused.contains("sync_interval: always"),
            "{refused}"
        );
    }

    #[test]
    fn servers_that_could_not_be_checked_are_told() {
        for (answers, told) in [
            (vec![], "monitor names no address"),
            (vec![answer("NA", true)], "names 1 of the 3 NATS servers"),
            // Two addresses of one server.
            (vec![answer("NA", true), answer("NA", true)], "names 1 of the 3"),
            (
                vec![answer("NA", true), answer("NB", true), Err("refused".to_owned())],
                "http://n3:8222 syncs each message to disk could not be checked: refused",
            ),
            (
                vec![answer("NA", true), answer("NB", true), Ok("<html>".to_owned())],
                "the answer is none of a NATS server's /jsz",
            ),
            (
                vec![answer("NA", true), answer("NB", true), Ok(DISABLED.to_owned())],
                "http://n3:8222 has JetStream switched off",
            ),
        ] {
            let warnings = check(&answers).unwrap();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains(told), "{warnings:?}");
        }
    }
}
