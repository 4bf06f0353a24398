//! Asks the monitoring of NATS servers whether they sync each message to disk.

use std::time::Duration;

use futures_util::future::join_all;
use signalbox_journal::{MonitorAnswer, check_sync};

/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an answer.
const LONGEST: usize = 1 << 20;

/// Asks all addresses, and logs which servers could not be checked.
///
/// # Errors
/// A sentence about a server that does not sync each message.
pub(super) async fn check(addresses: &[String]) -> Result<(), String> {
    let client = client()?;
    let answers = addresses.iter().map(async |address| MonitorAnswer {
        address: address.clone(),
        answer: ask(&client, address).await,
    });
    for warning in check_sync(&join_all(answers).await)? {
        tracing::warn!("{warning}");
    }
    Ok(())
}

fn client() -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let client = builder.redirect(reqwest::redirect::Policy::none()).build();
    client.map_err(|error| format!("the servers' monitoring cannot be asked: {error}"))
}

async fn ask(client: &reqwest::Client, address: &str) -> Result<String, String> {
    let url = format!("{}/jsz?config=true", address.trim_end_matches('/'));
    let told = |error: reqwest::Error| {
        if error.is_timeout() {
            format!("no answer within {} s", PATIENCE.as_secs())
        } else if error.is_connect() {
            "no connection".to_owned()
        } else {
            error.without_url().to_string()
        }
    };
    let mut reply = client.get(url).send().await.map_err(told)?;
    if !reply.status().is_success() {
        return Err(format!("it answers {}", reply.status().as_u16()));
    }
    let mut text = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(told)? {
        text.extend_from_slice(&chunk);
        if text.len() > LONGEST {
            return Err("its answer is too long".to_owned());
        }
    }
    String::from_utf8(text).map_err(|_| "its answer is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use signalbox_testkit::NatsCluster;

    use super::*;

    #[tokio::test]
    async fn real_servers_say_whether_they_sync() {
        if !NatsCluster::available() {
            return;
        }
        // As the program does at its start.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cluster = NatsCluster::start(3).await;
        let monitors = cluster.monitors();
        assert_eq!(check(&monitors).await, Ok(()));
        // A server that does not answer is a warning.
        assert_eq!(check(&["http://127.0.0.1:1".to_owned()]).await, Ok(()));
        assert_eq!(check(&[]).await, Ok(()));
        let client = client().unwrap();
        let answer = ask(&client, &format!("{}/", monitors[0])).await.unwrap();
        assert!(answer.contains("\"sync_always\": true"), "{answer}");
        let answer = ask(&client, &format!("{}/nothing?", monitors[0])).await;
        assert_eq!(answer, Err("it answers 404".to_owned()));
    }
}
