//! Views of the page and their data, through a running router: constructed events whose numbers are known, and the rows behind
//! them.

mod failures;
mod quality;
mod rows;

use serde_json::{Value, json};

use crate::support::client::{Answer, get, try_send};
use crate::support::events::ago;
use crate::support::process::Process;
use crate::support::until;
use crate::support::world::World;

/// An order with value, currency, products, order id, IP address and user agent; every fifth one has two e-mail addresses less.
fn order(n: usize) -> Value {
    let mut order = json!({
        "type": "track", "event": "Order Completed", "messageId": format!("o-{n}"), "anonymousId": format!("visitor-{n}"),
        "timestamp": ago(10),
        "context": { "ip": "93.184.216.34", "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
            "page": { "url": "https://shop.example/thanks" } },
        "properties": { "order_id": format!("A-{n}"), "revenue": 73.5, "currency": "USD",
            "products": [ { "product_id": "p-1", "name": "Pot", "price": 73.5, "quantity": 1 } ] }
    });
    if n % 5 < 3 {
        order["properties"]["email"] = json!(format!("buyer{n}@example.com"));
    }
    order
}

/// Starts a router and waits until it is ready.
async fn start(world: &World, text: &str) -> Process {
    let config = world.write("p.toml", text);
    let router = world.router(&config).await;
    router.status(&world.admin, |status| status.ready).await;
    router
}

async fn stop(router: Process) {
    router.signal("TERM");
    let exit = router.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
}

fn member<'v>(list: &'v Value, key: &str, wanted: &str) -> &'v Value {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let found = list.iter().find(|item| item[key] == wanted);
    found.unwrap_or_else(|| panic!("no {wanted} in {list:?}"))
}

/// Waits until the vendors' stand-ins have accepted this many events.
async fn arrived(world: &World, count: usize) {
    let accepted = async || (world.accepted().len() >= count).then_some(());
    until(accepted, || {
        format!("{} of {count} arrived", world.accepted().len())
    })
    .await;
}

/// A registration from a browser; some have a phone number that tells no country.
fn registration(n: usize) -> Value {
    let mut registration = json!({
        "type": "track", "event": "Signed Up", "messageId": format!("r-{n}"), "anonymousId": format!("visitor-{n}"),
        "timestamp": ago(10),
        "context": { "ip": "93.184.216.34", "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
            "page": { "url": "https://shop.example/join" } },
    });
    if n % 5 < 2 {
        registration["properties"] = json!({ "phone": "0151 2345678" });
    }
    registration
}

/// Follows every link of a page to a view, which must answer; returns their number.
async fn follow(world: &World, token: &str, page: &str) -> usize {
    let links = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let mut links: Vec<String> = links
        .filter(|link| link.starts_with("/ui/"))
        .map(|link| link.replace("&amp;", "&"))
        .collect();
    links.sort_unstable();
    links.dedup();
    for link in &links {
        let answer = see(world, token, link).await;
        assert_eq!(answer.status, 200, "{link}: {}", answer.body);
    }
    links.len()
}

/// Compares the numbers that lead to rows with the rows; returns how many there are.
async fn compare(world: &World, page: &str) -> usize {
    let links = page.split("<a href=\"/ui/events?").skip(1);
    let mut compared = 0;
    for link in links {
        let (query, rest) = link.split_once("\">").unwrap();
        let number: String = rest
            .split('<')
            .next()
            .unwrap()
            .chars()
            .filter(|digit| *digit != '\u{202f}')
            .collect();
        let Ok(number) = number.parse::<usize>() else {
            continue;
        };
        let query = query.replace("&amp;", "&");
        // An event that was received has a row at each sink, and a pending one has none yet.
        if query.starts_with("source=") || query.contains("outcome=pending") {
            continue;
        }
        let found = api(world, &format!("/api/events?limit=1000&{query}")).await;
        assert_eq!(found["entries"].as_array().map(Vec::len), Some(number), "{query}");
        compared += 1;
    }
    compared
}

async fn api(world: &World, path: &str) -> Value {
    let answer = get(&world.admin, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Acts on the page's API as an operator's browser does, with the token of a person.
async fn act(world: &World, token: &str, path: &str, body: &Value) -> Answer {
    let token = format!("Bearer {token}");
    let headers = [
        ("x-signalbox", "1"),
        ("authorization", &*token),
        ("content-type", "application/json"),
    ];
    let answer = try_send(&world.admin, "POST", path, &headers, body.to_string().as_bytes()).await;
    answer.unwrap()
}

/// Opens a page or an answer of the API with the token of a person.
async fn see(world: &World, token: &str, path: &str) -> Answer {
    let token = format!("Bearer {token}");
    let headers = [("x-signalbox", "1"), ("authorization", &*token)];
    try_send(&world.admin, "GET", path, &headers, b"").await.unwrap()
}
