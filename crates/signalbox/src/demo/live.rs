//! `signalbox demo --keep`: visitors in the shop and a platform that sometimes fails, for the page to show.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox_runtime::pipeline::Pipeline;
use signalbox_runtime::sockets::OpenSockets;
use signalbox_sandbox::{FailEvents, Faults, Sandbox, Unavailable, Vendor};
use tokio::time::{MissedTickBehavior, interval};

use super::events::{client, now, post, send};
use crate::commands::run::interrupted;
use crate::router::Router;
use crate::terminal::print;

/// Time between two events of the visitors.
const PACE: Duration = Duration::from_millis(500);
/// Time for the last deliveries at the end.
const END: Duration = Duration::from_secs(5);

/// Keeps the demo going until SIGINT or SIGTERM. Returns true if the sums close at its end.
pub(super) async fn keep(
    pipeline: Pipeline,
    (listen, admin): (&str, &str),
    sandbox: &Sandbox,
) -> Result<bool, String> {
    let mut router = Box::pin(Router::start(pipeline, OpenSockets::default())).await?;
    // As platforms are: mostly there, now and then unavailable, and some events do not please them.
    for (vendor, every) in [(Vendor::Pinterest, 31), (Vendor::Meta, 47), (Vendor::TikTok, 61)] {
        let faults = Faults {
            unavailable: Some(Unavailable::every_nth(every)),
            fail_events: Some(FailEvents::every_nth(every)),
            ..Faults::default()
        };
        sandbox.set_faults_of(vendor, faults);
    }
    print(&format!(
        "The page is at http://{admin}/ui/overview, and the shop's SDKs send to http://{listen}.\n\
         Visitors come by themselves; Ctrl-C ends it, and nothing of it stays behind.\n"
    ));
    let stopped = {
        let visits = visit(listen);
        tokio::pin!(visits);
        let stop = interrupted();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                stopped = &mut stop => break stopped,
                failed = &mut visits => break failed,
                Some(command) = router.commands.recv() => {
                    if let Some(reply) = router.serve(command).await {
                        // The receiver is gone if the client hung up.
                        let _ = reply.send(Err("the demo has no file to read again".to_owned()));
                    }
                }
            }
        }
    };
    router.stop_alerts();
    router.running.stop(END).await;
    let closes = router.state.status().sums_close;
    router.close().await;
    stopped.map(|()| closes)
}

/// Sends events until something fails.
async fn visit(listen: &str) -> Result<(), String> {
    send(listen).await?;
    let client = client()?;
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0u64.. {
        ticks.tick().await;
        let event = event(number).to_string().into_bytes();
        post(&client, listen, "/v1/track", event, false).await?;
    }
    Ok(())
}

/// Makes the event of a visitor. Visitors differ in what the shop knows of them, as they do.
fn event(number: u64) -> Value {
    let (visitor, step) = (number / STEPS.len() as u64, number % STEPS.len() as u64);
    let name = STEPS[usize::try_from(step).unwrap_or(0)];
    let price = 5.0 + (visitor % 40) as f64 * 1.5;
    let mut traits = json!({ "firstName": "Robin", "address": { "country": if visitor.is_multiple_of(3) { "DE" } else { "US" } } });
    if !visitor.is_multiple_of(4) {
        traits["email"] = json!(format!("visitor{visitor}@shop.example"));
    }
    traits["phone"] = match visitor % 5 {
        // A national number: without a country it has no hash.
        0 => json!("030 555 0110"),
        1 | 2 => json!(format!("+1 206 555 01{:02}", visitor % 100)),
        _ => Value::Null,
    };
    let mut event = json!({
        "type": "track",
        "event": name,
        "messageId": format!("visit-{number}"),
        "anonymousId": format!("browser-{visitor}"),
        "timestamp": now(i64::from(visitor % 7 == 0) * 90),
        "context": {
            "library": { "name": "analytics.js", "version": "next-1.84.3" },
            "ip": format!("203.0.113.{}", visitor % 250),
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "page": { "url": format!("https://fern-finch.example/{step}") },
            "traits": traits,
        },
        "properties": {
            "product_id": format!("p-{}", visitor % 12), "name": "Boston Fern", "category": "Plants",
            "price": price, "quantity": 1 + visitor % 3,
        }
    });
    if step + 1 == STEPS.len() as u64 {
        event["userId"] = json!(format!("u-{visitor}"));
        event["properties"]["order_id"] = json!(format!("A-{}", 1_000 + visitor));
        event["properties"]["revenue"] = json!(price);
        // Some shops forget the currency, some write a word.
        event["properties"]["currency"] = match visitor % 6 {
            0 => Value::Null,
            1 => json!("Euro"),
            2 | 3 => json!("eur"),
            _ => json!("USD"),
        };
    }
    event
}

/// The way of a visitor through the shop.
const STEPS: [&str; 6] = [
    "Product Viewed",
    "Product Viewed",
    "Product Added",
    "Wishlist Shared",
    "Checkout Started",
    "Order Completed",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_an_id_of_its_own_and_each_visitor_orders() {
        let ids: std::collections::BTreeSet<String> = (0..60)
            .map(|number| event(number)["messageId"].to_string())
            .collect();
        assert_eq!(ids.len(), 60);
        let orders = (0..60).filter(|number| event(*number)["properties"]["order_id"].is_string());
        assert_eq!(orders.count(), 10);
    }
}
