//! Rights at the admin address: tokens with names and roles, through the program and its commands.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair};

use crate::support::client::try_send;
use crate::support::process::run;
use crate::support::until;
use crate::support::world::{World, shop};

const READER: &str = "zq-reader-token-51c2";
const OPERATOR: &str = "zq-operator-token-77aa";

/// Makes a table of a token.
fn token(name: &str, role: &str, token: &str) -> String {
    format!("[[admin.tokens]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken = \"{token}\"\n")
}

/// Writes a pipeline file whose admin address has these tokens.
fn file(world: &World, name: &str, tokens: &[String]) -> PathBuf {
    let admin = format!("[admin]\nlisten = \"${{ADMIN}}\"\n{}", tokens.concat());
    world.write(name, &shop(&admin, "", ""))
}

#[tokio::test]
async fn a_readers_commands_read_and_are_told_why_they_cannot_act() {
    let world = World::new().await;
    let reader = token("media-team", "read", READER);
    let both = [reader.clone(), token("on-call", "operator", OPERATOR)];
    let config = file(&world, "p.toml", &both);
    let process = world.router(&config).await;
    let mine = file(&world, "mine.toml", &[reader]);
    let mine = mine.to_str().unwrap();
    let ask = async |arguments: &[&str], config: &str| {
        let arguments = [arguments, &["--config", config]].concat();
        run(&arguments, &world.variables()).await
    };
    for arguments in [&["status"][..], &["deadletters", "list"], &["report"]] {
        let exit = ask(arguments, mine).await;
        assert_eq!(exit.code, Some(0), "{arguments:?}: {exit:?}");
    }
    for arguments in [
        &["deadletters", "discard", "--yes"][..],
        &["deadletters", "retry"],
        &["resend", "--message-id", "m1"],
    ] {
        let exit = ask(arguments, mine).await;
        assert_ne!(exit.code, Some(0), "{arguments:?}: {exit:?}");
        assert!(
            exit.stderr.contains("the role \"read\"") && exit.stderr.contains("[[admin.tokens]]"),
            "{arguments:?}: {exit:?}"
        );
    }
    let exit = ask(&["deadletters", "discard", "--yes"], config.to_str().unwrap()).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let log = process.stderr();
    assert!(!log.contains(READER) && !log.contains(OPERATOR), "{log}");
}

/// Finds the audit log beside the journal.
fn audit_of(world: &World) -> PathBuf {
    let found = std::fs::read_dir(world.folder.path()).unwrap();
    let mut names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let audit = names.find(|name| name.ends_with("-audit.jsonl")).unwrap();
    world.path(&audit)
}

#[tokio::test]
async fn acts_are_in_the_audit_log_beside_the_journal() {
    let world = World::new().await;
    let tokens = [
        token("media-team", "read", READER),
        token("on-call", "operator", OPERATOR),
    ];
    let config = file(&world, "p.toml", &tokens);
    let process = world.router(&config).await;
    let exit = run(
        &[
            "deadletters",
            "discard",
            "--yes",
            "--config",
            config.to_str().unwrap(),
        ],
        &world.variables(),
    )
    .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let text = std::fs::read_to_string(audit_of(&world)).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["who"], &line["action"], &line["status"]),
        (&"on-call".into(), &"discard".into(), &200.into()),
        "{text}"
    );
    assert!(!text.contains(OPERATOR), "{text}");
    drop(process);
}

#[tokio::test]
async fn a_browser_signs_in_and_neither_token_nor_session_is_logged() {
    let world = World::new().await;
    let tokens = [
        token("media-team", "read", READER),
        token("on-call", "operator", OPERATOR),
    ];
    let config = file(&world, "p.toml", &tokens);
    let process = world.router(&config).await;
    let send = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        try_send(&world.admin, method, path, headers, body.as_bytes())
            .await
            .unwrap()
    };
    let led = send("GET", "/ui/overview", &[], "").await;
    assert_eq!(
        (led.status, led.header("location")),
        (303, Some("/ui/sign-in?next=%2fui%2foverview"))
    );
    let form = send("GET", "/ui/sign-in", &[], "").await;
    assert!(
        form.status == 200 && form.body.contains("name=\"token\""),
        "{}",
        form.body
    );
    assert!(
        form.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    let wrong = send("POST", "/ui/sign-in", &[], "token=zq-wrong-token").await;
    assert!(
        wrong.status == 401 && wrong.body.contains("not known here"),
        "{}",
        wrong.body
    );
    let right = send(
        "POST",
        "/ui/sign-in",
        &[],
        &format!("token={READER}&next=%2Fui%2Foverview"),
    )
    .await;
    assert_eq!(
        (right.status, right.header("location")),
        (303, Some("/ui/overview"))
    );
    let cookie = right.header("set-cookie").unwrap().split(';').next().unwrap();
    let page = send("GET", "/ui/overview", &[("cookie", cookie)], "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(
        page.body.contains("media-team · read only") && page.body.contains("Sign out"),
        "{}",
        page.body
    );
    let own = ("sec-fetch-site", "same-origin");
    let data = send("GET", "/api/overview", &[("cookie", cookie), own], "").await;
    assert_eq!(data.status, 200, "{}", data.body);
    let recorded = send("GET", "/ui/audit", &[("cookie", cookie)], "").await;
    assert!(
        recorded.body.contains("Sign-in") && recorded.body.contains("media-team (read)"),
        "{}",
        recorded.body
    );
    let recorded = send("GET", "/api/audit?limit=1", &[("cookie", cookie), own], "")
        .await
        .json();
    assert_eq!(
        (&recorded["entries"][0]["who"], &recorded["next"]),
        (&"media-team".into(), &2.into()),
        "{recorded}"
    );
    let earlier = send("GET", "/api/audit?before=2", &[("cookie", cookie), own], "")
        .await
        .json();
    assert_eq!(
        (&earlier["entries"][0]["status"], &earlier["next"]),
        (&401.into(), &serde_json::Value::Null),
        "{earlier}"
    );
    assert_eq!(
        send("GET", "/api/audit?limit=0", &[("cookie", cookie), own], "")
            .await
            .status,
        400
    );
    let metrics = send("GET", "/metrics", &[("cookie", cookie), own], "").await;
    let status = send("GET", "/status", &[("cookie", cookie), own], "").await;
    let audit = std::fs::read_to_string(audit_of(&world)).unwrap();
    let log = process.stderr();
    let id = cookie.strip_prefix("signalbox=").unwrap();
    for (place, text) in [
        ("log", &log),
        ("audit", &audit),
        ("metrics", &metrics.body),
        ("status", &status.body),
        ("page", &page.body),
        ("wrong", &wrong.body),
    ] {
        for secret in [READER, OPERATOR, "zq-wrong-token", id] {
            assert!(!text.contains(secret), "{place}: {secret}: {text}");
        }
    }
    assert!(log.contains("the token is wrong"), "{log}");
}

/// Makes a certificate and its key, and writes both into the folder.
fn certify(world: &World, name: &str) {
    let params = CertificateParams::new(["signalbox.example".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    world.write(&format!("{name}.key"), &key.serialize_pem());
    world.write(&format!("{name}.pem"), &certificate.pem());
}

/// Writes a pipeline file whose admin address speaks HTTPS with this certificate.
fn https(world: &World, name: &str, certificate: &str) -> String {
    let admin = format!(
        "[admin]\nlisten = \"${{ADMIN}}\"\ntoken = \"{OPERATOR}\"\ntls.certificate = \"${{FOLDER}}/{certificate}.pem\"\n\
         tls.key = \"${{FOLDER}}/{certificate}.key\"\ntls.check_every = \"20ms\"\n"
    );
    world.write(name, &shop(&admin, "", "")).display().to_string()
}

#[tokio::test]
async fn over_https_the_commands_trust_the_certificate_of_the_file_alone() {
    let world = World::new().await;
    certify(&world, "own");
    certify(&world, "other");
    let config = https(&world, "p.toml", "own");
    let process = world.router(config.as_ref()).await;
    assert!(
        process.stderr().contains("admin address: https://127.0.0.1"),
        "{}",
        process.stderr()
    );
    let status = async |config: &str| run(&["status", "--config", config], &world.variables()).await;
    let exit = status(&config).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let other = https(&world, "other.toml", "other");
    let exit = status(&other).await;
    assert!(
        exit.code == Some(1) && exit.stderr.contains("does not show the certificate of"),
        "{exit:?}"
    );
    assert!(try_send(&world.admin, "GET", "/health", &[], b"").await.is_none());

    signalbox_http::install_tls();
    let tls = signalbox_http::trusting_only(&world.path("own.pem")).unwrap();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
    let client = client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let form = client.post(format!("https://{}/ui/sign-in", &*world.admin));
    let answer = form.body(format!("token={OPERATOR}")).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-signalbox=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    let page = client.get(format!("https://{}/ui/overview", &*world.admin));
    let page = page.header("cookie", cookie.split(';').next().unwrap());
    assert_eq!(page.send().await.unwrap().status(), 200);

    // The router takes the renewed certificate, and the commands do too.
    certify(&world, "own");
    let renewed = async || (status(&config).await.code == Some(0)).then_some(());
    until(renewed, || "the renewed certificate is not in use".to_owned()).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_told_with_its_place() {
    let world = World::new().await;
    certify(&world, "own");
    let config = https(&world, "p.toml", "own");
    let validate = async || run(&["validate", "--config", &config], &world.variables()).await;
    let exit = validate().await;
    assert!(
        exit.code == Some(0) && exit.stderr.contains("admin.tls.key"),
        "{exit:?}"
    );
    for (name, text, told) in [
        (
            "own.pem",
            "no certificate",
            "admin.tls.certificate: no certificate in the file",
        ),
        ("own.pem", "", "admin.tls.certificate"),
        ("own.key", "no key", "admin.tls.key: no private key in PEM"),
    ] {
        certify(&world, "own");
        world.write(name, text);
        let exit = validate().await;
        assert_eq!(exit.code, Some(3), "{exit:?}");
        assert!(
            exit.stderr.contains(told) && exit.stderr.contains("p.toml:"),
            "{told}: {exit:?}"
        );
    }
}
