//! Requests far larger than the burst of a rate limit: the limit lets one in, and then makes the next wait until it is
//! paid off.

use serde_json::{Value, json};

use crate::support::client::{Answer, post};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

/// Events in a batch, many times the burst.
const MANY: usize = 2_500;

const LIMIT: &str = "limit = 10\nburst = 10\nper = \"minute\"";

fn event(id: String, name: &str) -> Value {
    json!({ "type": "track", "event": name, "messageId": id, "userId": "u" })
}

fn batch(prefix: &str) -> String {
    let events: Vec<Value> = (0..MANY).map(|n| event(format!("{prefix}-{n}"), "E")).collect();
    json!({ "batch": events }).to_string()
}

/// Sends four such batches at once, and one event after them.
async fn burst(world: &World) -> (Vec<Answer>, Answer) {
    let send = async |prefix: &str| post(&world.listen, "/v1/batch", &batch(prefix)).await;
    let (a, b, c, d) = tokio::join!(send("a"), send("b"), send("c"), send("d"));
    let one = post(
        &world.listen,
        "/v1/track",
        &event("one".to_owned(), "E").to_string(),
    )
    .await;
    (vec![a, b, c, d], one)
}

/// Asserts that one batch came through, and that the answers to all others named the time after which it is paid for.
async fn assert_one_came_through(world: &World, pipe: &Pipe) {
    let (answers, one) = burst(world).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 1, "{answers:?}");
    // The debt is 2,490 events, and the next request needs one, at one a minute.
    for answer in answers.iter().filter(|answer| answer.status != 200).chain([&one]) {
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (429, &"rate_limited".into())
        );
        let minutes: f64 = answer.header("retry-after").unwrap().parse::<f64>().unwrap() / 60.0;
        assert!((2_489.0..=2_491.0).contains(&minutes), "{minutes} minutes");
    }
    let status = pipe.settled(4 * MANY as u64 + 1).await;
    assert_eq!(status.sources["shop"].journalled, MANY as u64);
    assert_eq!(
        status.sources["shop"].refused["rate_limited"],
        3 * MANY as u64 + 1
    );
}

#[tokio::test]
async fn a_limit_on_a_source_lets_one_large_batch_in_and_not_its_neighbours_of_the_same_moment() {
    let world = World::new().await;
    let top = format!("[transforms.limit]\ntype = \"rate_limit\"\n{LIMIT}\n");
    let pipe = Pipe::start(&world, &shop(&top, "through = [\"limit\"]", "")).await;
    assert_one_came_through(&world, &pipe).await;
}

#[tokio::test]
async fn a_limit_on_a_write_key_lets_one_large_batch_in() {
    let world = World::new().await;
    let key = "[{ key = \"${WRITE_KEY}\", rate_limit = { limit = 10, burst = 10, per = \"minute\" } }]";
    let text = shop("", "", "").replace("[\"${WRITE_KEY}\"]", key);
    let pipe = Pipe::start(&world, &text).await;
    assert_one_came_through(&world, &pipe).await;
}

#[tokio::test]
async fn what_an_earlier_transform_filters_does_not_count() {
    let world = World::new().await;
    let top = "[transforms.wanted]\ntype = \"filter\"\ntrigger = 'event = \"Wanted\"'\n\
               [transforms.limit]\ntype = \"rate_limit\"\nlimit = 10\nburst = 10\nper = \"hour\"\n";
    let text = shop(top, "through = [\"wanted\", \"limit\"]", "");
    let pipe = Pipe::start(&world, &text).await;
    let send = async |ids: std::ops::Range<usize>| {
        let events: Vec<Value> = ids
            .flat_map(|n| [event(format!("w{n}"), "Wanted"), event(format!("o{n}"), "Other")])
            .collect();
        post(
            &world.listen,
            "/v1/batch",
            &json!({ "batch": events }).to_string(),
        )
        .await
        .status
    };
    // Five of these ten events are wanted, each time.
    assert_eq!(send(0..5).await, 200);
    assert_eq!(send(5..10).await, 200);
    assert_eq!(send(10..15).await, 429);
    let status = pipe.settled(30).await;
    assert_eq!(status.sources["shop"].journalled, 10);
    assert_eq!(status.sources["shop"].filtered["filter"], 10);
    assert_eq!(status.sources["shop"].refused["rate_limited"], 10);
}
