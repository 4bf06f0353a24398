//! Checks of the servers before a journal opens on them. Each refusal is a sentence with the remedy.

use std::time::Duration;

use async_nats::ServerInfo;
use async_nats::jetstream::account::Account;
use async_nats::jetstream::context::{AccountError, AccountErrorKind};
use async_nats::jetstream::{Context, ErrorCode};
use tokio::time::sleep;

use super::errors::Verdict;
use super::patience::Patience;

/// Oldest version of a server: the first that stores a batch of messages whole or not at all.
const OLDEST: (u64, u64) = (2, 12);
/// JetStream's API level of that version, which the leader of the servers reports.
const LEVEL: usize = 2;
/// Bytes of a message that a server must take.
const PAYLOAD: usize = 1_000_000;
/// Streams of a journal, buckets included.
const STREAMS: i64 = 4;
/// Pause between two requests to servers that are not ready.
const PAUSE: Duration = Duration::from_millis(250);

/// Checks the server that a connection leads to: its version, its largest message, and whether it has a cluster.
///
/// # Errors
/// A sentence with the remedy.
pub(crate) fn server(info: &ServerInfo, replicas: u8) -> Result<(), String> {
    let name = &info.server_name;
    if version(&info.version).is_some_and(|version| version < OLDEST) {
        return Err(format!(
            "the NATS server {name} is of version {}, and a journal needs 2.12 or later, which stores a batch of messages whole \
             or not at all; update the servers",
            info.version
        ));
    }
    if info.max_payload < PAYLOAD {
        return Err(format!(
            "the NATS server {name} takes messages of at most {} bytes, and a journal needs {PAYLOAD}; set max_payload: 1MB in \
             its file, which is the default",
            info.max_payload
        ));
    }
    if replicas > 1 && info.cluster.is_none() {
        return Err(format!(
            "the NATS server {name} is alone, and {replicas} servers shall hold each event; give it a cluster {{ }} in its file \
             with the routes to the others, or set replicas = 1 and unsafe_single = true in [journal.cluster] for a trial"
        ));
    }
    Ok(())
}

/// Returns the first two numbers of a version.
fn version(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.trim_start_matches('v').split(['.', '-', '+']);
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

/// Checks the account at the servers: JetStream, its limits. Servers that start or elect a leader are asked again as long
/// as `patience` lasts.
///
/// # Errors
/// A sentence with the remedy.
pub(crate) async fn account(jetstream: &Context, replicas: u8, mut patience: Patience) -> Result<(), String> {
    loop {
        let failure = match jetstream.query_account().await {
            Ok(account) => return limits(&account, replicas),
            Err(error) => unusable(&error),
        };
        if !patience.lasts(&failure) {
            return Err(failure);
        }
        sleep(PAUSE).await;
    }
}

/// Judges the limits of the account.
fn limits(account: &Account, replicas: u8) -> Result<(), String> {
    if account.requests.level < LEVEL {
        return Err(
            "a NATS server of the cluster is older than 2.12, and a journal needs 2.12 or later; update the servers".to_owned(),
        );
    }
    if !account.tiers.is_empty() && !account.tiers.contains_key(&format!("R{replicas}")) {
        let tiers: Vec<&str> = account.tiers.keys().map(String::as_str).collect();
        return Err(format!(
            "the account at the NATS servers may have streams of {} only, and the journal needs R{replicas}; give the account this \
             tier, or change replicas in [journal.cluster]",
            tiers.join(", ")
        ));
    }
    let limits = &account.limits;
    if let Some(most) = limits.max_streams.filter(|most| *most < STREAMS) {
        return Err(format!(
            "the account at the NATS servers may have {most} streams, and a journal needs {STREAMS}; raise max_streams of the \
             account"
        ));
    }
    if limits.max_storage == Some(0) {
        return Err(
            "the account at the NATS servers may store nothing on disk; raise max_file of the account"
                .to_owned(),
        );
    }
    Ok(())
}

/// Says why the account cannot be used.
fn unusable(error: &AccountError) -> String {
    match error.kind() {
        AccountErrorKind::JetStreamUnavailable => "no NATS server of the cluster has JetStream switched on, or none is ready; \
             set jetstream { store_dir: … } in the servers' files, and read their logs"
            .to_owned(),
        AccountErrorKind::JetStream(error)
            if error.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT =>
        {
            "the account of this router at the NATS servers has no JetStream; set jetstream: enabled in the account".to_owned()
        }
        AccountErrorKind::JetStream(error) => Verdict::of(&error).told(),
        AccountErrorKind::TimedOut => {
            "the NATS servers do not answer on $JS.API.INFO: they elect no leader, or the user lacks the rights to publish on \
             $JS.API.> and to subscribe to _INBOX.>, which the servers' logs tell"
                .to_owned()
        }
        AccountErrorKind::Other => format!("the NATS servers cannot be asked about the account: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use signalbox_testkit::NatsCluster;

    use super::*;

    /// The greeting of a nats-server 2.15.1, without keys and addresses.
    fn greeting(changes: serde_json::Value) -> ServerInfo {
        let mut info = json!({ "server_name": "n1", "version": "2.15.1", "proto": 1, "go": "go1.27.2", "headers": true,
            "max_payload": 1_048_576, "jetstream": true, "client_id": 24, "cluster": "sbx", "api_lvl": 5 });
        for (key, value) in changes.as_object().unwrap() {
            info[key] = value.clone();
        }
        serde_json::from_value(info).unwrap()
    }

    #[test]
    fn servers_that_cannot_hold_a_journal_are_refused() {
        assert_eq!(server(&greeting(json!({})), 3), Ok(()));
        for version in ["2.12.0", "2.12.0-preview.1", "v3.0.0", "dev"] {
            assert_eq!(
                server(&greeting(json!({ "version": version })), 3),
                Ok(()),
                "{version}"
            );
        }
        for (changes, told) in [
            (json!({ "version": "2.11.9" }), "n1 is of version 2.11.9"),
            (json!({ "version": "2.9.10" }), "update the servers"),
            (json!({ "max_payload": 65_536 }), "at most 65536 bytes"),
            (
                json!({ "cluster": null }),
                "is alone, and 3 servers shall hold each event",
            ),
        ] {
            let refused = server(&greeting(changes), 3).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
        assert_eq!(server(&greeting(json!({ "cluster": null })), 1), Ok(()));
    }

    /// The account of a nats-server 2.15.1.
    fn of_account(changes: serde_json::Value) -> Account {
        let mut account = json!({ "type": "io.nats.jetstream.api.v1.account_info_response", "memory": 0, "storage": 0,
            "reserved_memory": 0, "reserved_storage": 0, "streams": 0, "consumers": 0,
            "limits": { "max_memory": -1, "max_storage": -1, "max_streams": -1, "max_consumers": -1, "max_ack_pending": -1,
                "memory_max_stream_bytes": -1, "storage_max_stream_bytes": -1, "max_bytes_required": false },
            "api": { "level": 5, "total": 0, "errors": 0 } });
        for (path, value) in changes.as_object().unwrap() {
            match path.split_once('.') {
                Some((table, key)) => account[table][key] = value.clone(),
                None => account[path] = value.clone(),
            }
        }
        serde_json::from_value(account).unwrap()
    }

    #[test]
    fn limits_of_the_account_are_told() {
        let limits = |changes| limits(&of_account(changes), 3);
        assert_eq!(limits(json!({})), Ok(()));
        assert_eq!(
            limits(json!({ "limits.max_streams": 4, "limits.max_storage": 100 })),
            Ok(())
        );
        let tier = |name: &str| {
            let tier = json!({ "memory": 0, "storage": 0, "reserved_memory": 0, "reserved_storage": 0, "streams": 0,
                "consumers": 0, "limits": { "max_memory": -1, "max_storage": -1, "max_streams": -1, "max_consumers": -1,
                "max_ack_pending": -1, "memory_max_stream_bytes": -1, "storage_max_stream_bytes": -1,
                "max_bytes_required": false } });
            json!({ "tiers": { name: tier } })
        };
        assert_eq!(limits(tier("R3")), Ok(()));
        for (changes, told) in [
            (json!({ "api.level": 1 }), "older than 2.12"),
            (json!({ "api": { "total": 0, "errors": 0 } }), "older than 2.12"),
            (tier("R1"), "may have streams of R1 only"),
            (json!({ "limits.max_streams": 2 }), "may have 2 streams"),
            (json!({ "limits.max_storage": 0 }), "may store nothing on disk"),
        ] {
            let refused = limits(changes).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
    }

    #[tokio::test]
    async fn accounts_of_a_real_server() {
        if !NatsCluster::available() {
            return;
        }
        let accounts = r#"
accounts {
  A { jetstream: {max_streams: 2}, users: [{user: few, password: p}] }
  B { users: [{user: none, password: p}] }
  C { jetstream: enabled, users: [{user: mute, password: p, permissions: {publish: ["sbx.>"]}}, {user: good, password: p}] }
}"#;
        let cluster = NatsCluster::start_with(1, accounts).await;
        for (user, wanted) in [
            ("good", Ok(())),
            ("few", Err("may have 2 streams")),
            ("none", Err("has no JetStream; set jetstream: enabled")),
            ("mute", Err("do not answer on $JS.API.INFO")),
        ] {
            let options = async_nats::ConnectOptions::with_user_and_password(user.into(), "p".into());
            let client = options.connect(cluster.url(0)).await.unwrap();
            assert_eq!(server(&client.server_info(), 1), Ok(()));
            assert!(server(&client.server_info(), 3).is_err());
            let mut jetstream = async_nats::jetstream::new(client);
            jetstream.set_timeout(Duration::from_millis(500));
            let judged = account(&jetstream, 1, Patience::new(Duration::from_millis(100))).await;
            match (&judged, wanted) {
                (Ok(()), Ok(())) => {}
                (Err(refused), Err(told)) => assert!(refused.contains(told), "{user}: {refused}"),
                _ => panic!("{user}: {judged:?}"),
            }
        }
    }
}
