//! Text in events that would command a terminal if it were printed as it is.

use serde_json::{Value, json};
use signalbox_runtime::identity::HEADER;
use signalbox_testkit::server::{Act, Server};

use super::{Rig, pipeline};
use crate::support::client::{get, post_all};
use crate::support::events::orders;
use crate::support::process::{command, run, run_with};
use crate::support::world::World;

/// Sets a title, rings, goes back to the beginning of the line, colours with a C1 character, and turns text round.
const EVIL: &str = "m\u{1b}]0;owned\u{7}\rok\u{9b}31m\u{202e}desrever\u{2066}\u{200f}\u{61c}";

/// Finds characters that a terminal would obey, except line ends.
fn obeyed(text: &str) -> Vec<char> {
    let is_bidi = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|c| c.is_control() && *c != '\n' || is_bidi(*c))
        .collect()
}

fn evil_order() -> Value {
    let mut order = orders("e", 1).remove(0);
    order["messageId"] = json!(EVIL);
    order["properties"]["note"] = json!(EVIL);
    order
}

#[tokio::test]
async fn whatever_is_printed_of_it() {
    let text = format!(
        "{}\n[[sinks.hook.mappings]]\nname = \"orders\"\nfields = {{ \"@path\" = \"$.nothing\" }}\n",
        pipeline("", "")
    );
    let mut rig = Rig::start_with(&text).await;
    post_all(&rig.world.listen, &[evil_order()]).await;
    rig.settled().await;
    rig.has_letters("hook", 1).await;
    for _ in 0..2 {
        for command in ["list", "show", "export", "summary"] {
            for json in [&[][..], &["--json"]] {
                let exit = rig.command(&[&["deadletters", command][..], json].concat()).await;
                assert_eq!(exit.code, Some(0), "{exit:?}");
                assert!(!exit.stdout.is_empty());
                let told = [obeyed(&exit.stdout), obeyed(&exit.stderr)].concat();
                assert!(told.is_empty(), "{command} {json:?}: {told:?} in {exit:?}");
            }
        }
        // Output for people shows the text escaped, output for programs leaves it unchanged.
        let table = rig.told(&["deadletters", "list"]).await;
        assert!(
            table.contains("m\\u{1b}]0;owned\\u{7}\\rok\\u{9b}31m\\u{202e}desrever"),
            "{table}"
        );
        assert_eq!(rig.lines(&["deadletters", "list"]).await[0]["message_id"], EVIL);
        assert_eq!(
            rig.lines(&["deadletters", "export"]).await[0]["properties"]["note"],
            EVIL
        );
        let found = rig.lines(&["deadletters", "list", "--message-id", EVIL]).await;
        assert_eq!(found.len(), 1);
        rig.kill();
    }
}

#[tokio::test]
async fn of_a_dry_run() {
    let rig = Rig::start_with(&pipeline("", "")).await;
    let config = rig.config();
    let arguments = ["dry-run", "--config", config.to_str().unwrap()];
    let input = format!("{}\n", evil_order());
    let exit = run_with(&arguments, &rig.world.variables(), &input).await;
    assert_eq!(
        (exit.code, obeyed(&exit.stdout)),
        (Some(0), Vec::new()),
        "{exit:?}"
    );
    assert!(
        exit.lines().iter().any(|line| line.to_string().contains("owned")),
        "{exit:?}"
    );
}

#[tokio::test]
async fn nor_what_a_file_or_a_command_line_says() {
    let rig = Rig::start_with(&pipeline("", "")).await;
    let named = "\n[sinks.\"a\\u001b]0;owned\\u0007\\u202eb\"]\ntype = \"console\"\ninputs = [\"shop\"]\n";
    rig.write(&format!("{}{named}", pipeline("", "")));
    for command in [
        &["validate"][..],
        &["deadletters", "list"],
        &["deadletters", "list", "--sink", EVIL],
        &["deadletters", "list", "--since", EVIL],
        &["replay", "--sink", EVIL, "--from", "0", "--yes"],
    ] {
        let exit = rig.command(command).await;
        let told = [obeyed(&exit.stdout), obeyed(&exit.stderr)].concat();
        assert!(told.is_empty(), "{command:?}: {told:?} in {exit:?}");
    }
}

#[tokio::test]
async fn of_a_destination_s_refusal() {
    let refusal = json!({ "code": 2, "message": format!("Authentication failed {EVIL}") }).to_string();
    for format in ["human", "json"] {
        let destination = Server::start(Act::reply(401, refusal.clone())).await;
        let world = World::new().await;
        let text = pipeline("", "").replace("${PINTEREST}", &destination.url());
        let config = world.write("p.toml", &text);
        let arguments = [
            "run",
            "--log-format",
            format,
            "--config",
            config.to_str().unwrap(),
        ];
        let router = world.spawn(&mut command(&arguments, &world.variables())).await;
        router.status(&world.admin, |status| status.ready).await;
        post_all(&world.listen, &orders("h", 1)).await;
        router
            .status(&world.admin, |status| status.sinks["pinterest"].held.is_some())
            .await;
        let status = get(&world.admin, "/status").await;
        assert!(status.body.contains("Authentication failed"), "{status:?}");
        assert!(obeyed(&status.body).is_empty(), "{status:?}");
        router.logged("Authentication failed").await;
        assert!(
            obeyed(&router.stderr()).is_empty(),
            "{format}: {}",
            router.stderr()
        );
    }
}

#[tokio::test]
async fn of_a_router_s_answer_to_validate() {
    let mut rig = Rig::start("").await;
    let health = get(&rig.world.admin, "/health").await;
    let identity = health.header(HEADER).unwrap();
    rig.stop().await;
    // A server with the router's identity, whose second answer is none of the router's.
    let answer = |status: &str, body: &str| Act::Reply {
        status: status.to_owned(),
        body: body.into(),
    };
    let server = Server::start(answer("502 Bad Gateway", EVIL)).await;
    server.first(vec![answer(&format!("200 OK\r\n{HEADER}: {identity}"), "")]);
    let mut variables = rig.world.variables();
    variables.retain(|(name, _)| name != "ADMIN");
    variables.push(("ADMIN".to_owned(), server.url().replace("http://", "")));
    let config = rig.config();
    let arguments = [
        "validate",
        "--against-journal",
        "--config",
        config.to_str().unwrap(),
    ];
    let exit = run(&arguments, &variables).await;
    assert_eq!(
        (exit.code, obeyed(&exit.stderr)),
        (Some(1), Vec::new()),
        "{exit:?}"
    );
    assert!(
        exit.stderr.contains("the router answers: m\\u{1b}]0;owned"),
        "{exit:?}"
    );
}
