//! Sign-in: sessions, their cookies, and the connections on which there are none.

use axum::Router;
use axum::extract::Extension;
use axum::response::Html;
use axum::routing::{get, post};
use tempfile::TempDir;

use super::roles::{OPERATOR, READER, access};
use super::*;

/// Routes that stand for those of the page.
fn routes() -> PageRoutes {
    let shown = || {
        get(|Extension(caller): Extension<Caller>| async move { Html(format!("seen by {}", caller.name)) })
    };
    let router = Router::new()
        .route("/ui/overview", shown())
        .route("/api/overview", shown())
        .route("/ui/search", post(|| async { "found" }))
        .route("/api/act", post(|| async { "done" }))
        .route("/ui/assets/{name}", get(|| async { "a file" }));
    PageRoutes {
        router,
        posts: vec![
            ("/ui/search".to_owned(), None),
            ("/api/act".to_owned(), Some("test_act")),
        ],
        sign_in: Some(|page| format!("{page:?}")),
    }
}

struct Door {
    folder: TempDir,
    at: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Door {
    async fn open(access: Access) -> Door {
        let folder = tempfile::tempdir().unwrap();
        let (_, state) = pipeline().await;
        let state = state.audited(Audit::open(&folder.path().join("audit.jsonl")).unwrap());
        let stop = CancellationToken::new();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = serve(listen, access, state, routes(), stop.clone())
            .await
            .unwrap();
        let at = server.address();
        Door { folder, at, stop }
    }

    /// Sends a request with these header lines besides the name of the host.
    async fn send(&self, request: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}",
            self.at
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    async fn sign_in(&self, token: &str, headers: &[&str]) -> Answer {
        let body = format!("next=%2Fui%2Foverview%3Fsink%3Dpin&token={token}");
        self.send("POST /ui/sign-in", headers, &body).await
    }

    /// Signs in, and returns the line of the cookie.
    async fn session(&self, token: &str) -> String {
        let answer = self.sign_in(token, &[]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = header(&answer, "set-cookie").unwrap();
        format!("cookie: {}", cookie.split(';').next().unwrap())
    }

    fn audit(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap()
    }

    /// Returns action, caller and status of each line.
    fn lines(&self) -> Vec<(String, Option<String>, u16)> {
        let text = self.audit();
        let entries = text
            .lines()
            .map(|line| serde_json::from_str::<AuditEntry>(line).unwrap());
        entries
            .map(|entry| (entry.action, entry.who, entry.status))
            .collect()
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

const NAVIGATES: [&str; 2] = ["sec-fetch-mode: navigate", "sec-fetch-dest: document"];

#[tokio::test]
async fn a_page_leads_to_the_sign_in_and_a_link_of_another_site_loads_twice() {
    let door = Door::open(access()).await;
    for headers in [
        &[][..],
        &NAVIGATES,
        &["sec-fetch-site: none"],
        &["sec-fetch-site: same-origin", NAVIGATES[0]],
    ] {
        let answer = door.send("GET /ui/overview?sink=a%26b", headers, "").await;
        assert_eq!(answer.status, 303, "{headers:?}");
        let to = header(&answer, "location").unwrap();
        assert_eq!(to, "/ui/sign-in?next=%2Fui%2Foverview%3Fsink%3Da%2526b");
        let form = door.send(&format!("GET {to}"), headers, "").await;
        assert_eq!(form.status, 200);
        assert!(
            form.body
                .contains("Form { next: \"/ui/overview?sink=a%26b\", problem: None }"),
            "{}",
            form.body
        );
    }
    let linked = ["sec-fetch-site: cross-site", NAVIGATES[0], NAVIGATES[1]];
    for path in ["/ui/overview", "/"] {
        let answer = door.send(&format!("GET {path}"), &linked, "").await;
        assert_eq!((answer.status, &*answer.body), (200, "Again"), "{path}");
    }
    // Parts of pages, and programs, get 401.
    for (path, headers) in [
        (
            "/ui/overview",
            &["sec-fetch-mode: cors", "sec-fetch-site: same-origin"][..],
        ),
        (
            "/ui/overview",
            &["sec-fetch-mode: no-cors", "sec-fetch-site: cross-site"],
        ),
        ("/api/overview", &NAVIGATES),
        ("/status", &NAVIGATES),
        ("/", &[]),
    ] {
        assert_eq!(
            door.send(&format!("GET {path}"), headers, "").await.status,
            401,
            "{path} {headers:?}"
        );
    }
    for path in ["/ui/search", "/ui/overview", "/api/act", "/health"] {
        assert_eq!(
            door.send(&format!("POST {path}"), &["x-signalbox: 1"], "")
                .await
                .status,
            401,
            "{path}"
        );
    }
    assert_eq!(door.send("GET /ui/assets/page.css", &[], "").await.body, "a file");
    assert_eq!(door.audit(), "");
}

#[tokio::test]
async fn every_page_is_protected() {
    let door = Door::open(access()).await;
    let cookie = door.session(OPERATOR).await;
    for path in ["/ui/sign-in", "/ui/overview"] {
        let answer = door.send(&format!("GET {path}"), &[&cookie], "").await;
        assert_eq!(answer.status, 200);
        let policy = header(&answer, "content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{path}");
        }
    }
    let answer = door
        .send("GET /api/overview", &[&cookie, "sec-fetch-site: same-origin"], "")
        .await;
    assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn the_right_token_opens_a_session_that_the_cookie_alone_names() {
    let door = Door::open(access()).await;
    let answer = door.sign_in(READER, &[]).await;
    assert_eq!(
        (answer.status, header(&answer, "location")),
        (303, Some("/ui/overview?sink=pin"))
    );
    let cookie = header(&answer, "set-cookie").unwrap();
    let (pair, rest) = cookie.split_once("; ").unwrap();
    let id = pair.strip_prefix("signalbox=").unwrap();
    assert!(id.len() == 64 && !cookie.contains(READER), "{cookie}");
    assert_eq!(rest, "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
    let cookie = format!("cookie: {pair}");
    let seen = door.send("GET /ui/overview", &[&cookie], "").await;
    assert_eq!((seen.status, &*seen.body), (200, "seen by media-team"));
    // Only own pages are gone to.
    for next in [
        "%2F%2Fevil.example",
        "https%3A%2F%2Fevil.example%2Fui%2F",
        "%2Fui%2F%5Cevil",
    ] {
        let body = format!("token={READER}&next={next}");
        let answer = door.send("POST /ui/sign-in", &[], &body).await;
        assert_eq!(
            (answer.status, header(&answer, "location")),
            (303, Some("/ui/overview")),
            "{next}"
        );
    }
    assert_eq!(
        door.lines()[0],
        ("sign_in".to_owned(), Some("media-team".to_owned()), 303)
    );
    assert!(!door.audit().contains(id) && !door.audit().contains(READER));
}

#[tokio::test]
async fn a_session_reads_for_its_own_page_and_acts_with_the_header() {
    let door = Door::open(access()).await;
    let (reader, operator) = (door.session(READER).await, door.session(OPERATOR).await);
    let own = "sec-fetch-site: same-origin";
    let header = "x-signalbox: 1";
    for (request, headers, status) in [
        ("GET /api/overview", &[&*reader, own][..], 200),
        ("GET /api/overview", &[&reader, header], 200),
        ("GET /api/overview", &[&reader, "sec-fetch-site: none"], 200),
        ("GET /status", &[&reader], 200),
        (
            "GET /ui/overview",
            &[&reader, "sec-fetch-site: cross-site", NAVIGATES[0], NAVIGATES[1]],
            200,
        ),
        ("POST /ui/search", &[&reader, own], 200),
        ("POST /ui/search", &[&reader, header], 200),
        ("POST /api/act", &[&operator, header], 200),
        ("POST /api/act", &[&operator, header, own], 200),
        // Without a proof that the page itself asks.
        ("GET /api/overview", &[&reader], 403),
        ("GET /api/overview", &[&reader, "sec-fetch-site: cross-site"], 403),
        ("GET /dead_letters", &[&operator], 403),
        (
            "GET /ui/overview",
            &[&reader, "sec-fetch-site: cross-site", "sec-fetch-mode: no-cors"],
            403,
        ),
        (
            "GET /ui/overview",
            &[
                &reader,
                "sec-fetch-site: cross-site",
                NAVIGATES[0],
                "sec-fetch-dest: iframe",
            ],
            403,
        ),
        ("POST /ui/search", &[&reader], 403),
        ("POST /ui/search", &[&reader, "sec-fetch-site: cross-site"], 403),
        ("POST /api/act", &[&operator], 403),
        ("POST /api/act", &[&operator, own], 403),
        ("POST /reload", &[&operator, own], 403),
        // A foreign origin, with or without a header.
        (
            "POST /api/act",
            &[&operator, header, "origin: http://evil.example"],
            403,
        ),
        ("POST /api/act", &[&operator, header, "origin: null"], 403),
        // The role.
        ("POST /api/act", &[&reader, header], 403),
        ("POST /reload", &[&reader, header], 403),
        ("POST /tap?plain=1", &[&reader, header], 403),
        ("GET /dead_letters?payload=1", &[&reader, header], 403),
        ("GET /dead_letters?payload=1", &[&operator, header], 200),
        // A wrong cookie is none.
        ("GET /api/overview", &["cookie: signalbox=0", own], 401),
        (
            "GET /api/overview",
            &[&*reader.replace("signalbox=", "__Host-signalbox="), own],
            401,
        ),
    ] {
        let answer = door.send(request, headers, "").await;
        assert_eq!(answer.status, status, "{request} {headers:?}: {}", answer.body);
    }
    let acts: Vec<_> = door
        .lines()
        .into_iter()
        .filter(|(action, ..)| action != "sign_in")
        .collect();
    let act = ("test_act".to_owned(), Some("on-call".to_owned()), 200);
    assert_eq!(acts, [act.clone(), act]);
}

#[tokio::test]
async fn a_wrong_token_is_told_and_tried_a_few_times_only() {
    let door = Door::open(access()).await;
    let answer = door.sign_in("zq-wrong", &[]).await;
    assert_eq!(answer.status, 401);
    assert!(
        answer.body.contains("not known") && answer.body.contains("next: \"/ui/overview?sink=pin\""),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("zq-wrong") && header(&answer, "set-cookie").is_none());
    for body in ["", "token=", "next=%2Fui%2F"] {
        assert_eq!(
            door.send("POST /ui/sign-in", &[], body).await.status,
            401,
            "{body}"
        );
    }
    assert_eq!(door.sign_in("zq-wrong", &[]).await.status, 401);
    let late = door.sign_in(OPERATOR, &[]).await;
    assert!(
        late.status == 429 && late.body.contains("Wait a few seconds"),
        "{}",
        late.body
    );
    // Programs with the token, and sessions, go on.
    let token = format!("authorization: Bearer {OPERATOR}");
    assert_eq!(door.send("GET /status", &[&token], "").await.status, 200);
    let failed = ("sign_in".to_owned(), None, 401);
    assert_eq!(door.lines(), vec![failed; 5]);
    assert!(!door.audit().contains("zq-wrong"));
}

#[tokio::test]
async fn no_other_site_signs_a_browser_in() {
    let door = Door::open(access()).await;
    let own = format!("origin: http://{}", door.at);
    for (headers, status) in [
        (&["origin: http://evil.example"][..], 403),
        (&["origin: null"], 403),
        (&["sec-fetch-site: cross-site"], 403),
        (&["sec-fetch-site: same-site"], 403),
        (&[&own, "sec-fetch-site: same-origin"], 303),
    ] {
        let answer = door.sign_in(OPERATOR, headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(
            header(&answer, "set-cookie").is_some(),
            status == 303,
            "{headers:?}"
        );
    }
    assert_eq!(door.send("DELETE /ui/sign-in", &[], "").await.status, 405);
    assert_eq!(door.send("GET /ui/sign-out", &[], "").await.status, 405);
}

#[tokio::test]
async fn a_session_ends_with_the_sign_out() {
    let door = Door::open(access()).await;
    let cookie = door.session(READER).await;
    let out = door.send("POST /ui/sign-out", &[&cookie], "").await;
    assert_eq!((out.status, header(&out, "location")), (303, Some("/ui/sign-in")));
    let removed = header(&out, "set-cookie").unwrap();
    assert!(
        removed.starts_with("signalbox=; ") && removed.contains("Max-Age=0"),
        "{removed}"
    );
    assert_eq!(door.send("GET /ui/overview", &[&cookie], "").await.status, 303);
    assert_eq!(
        door.lines()[1],
        ("sign_out".to_owned(), Some("media-team".to_owned()), 303)
    );
    // Another sign-in ends the session before it.
    let first = door.session(READER).await;
    let body = format!("token={OPERATOR}");
    assert_eq!(door.send("POST /ui/sign-in", &[&first], &body).await.status, 303);
    assert_eq!(door.send("GET /ui/overview", &[&first], "").await.status, 303);
}

#[tokio::test]
async fn tokens_and_cookies_count_on_private_connections_only() {
    let https = "x-forwarded-proto: https";
    let client = "x-forwarded-for: 9.9.9.9, 203.0.113.7";
    let door = Door::open(access()).await;
    for headers in [&[https, client][..], &[client]] {
        let refused = door.sign_in(OPERATOR, headers).await;
        assert!(
            refused.status == 403 && refused.body.contains("trusted_proxies"),
            "{}",
            refused.body
        );
        let form = door.send("GET /ui/sign-in", headers, "").await;
        assert!(
            form.status == 403 && form.body.contains("Refused"),
            "{}",
            form.body
        );
    }
    // The cookie of this machine counts for no request that a proxy passed on.
    let cookie = door.session(OPERATOR).await;
    assert_eq!(
        door.send("GET /ui/overview", &[&cookie, client], "").await.status,
        303
    );

    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let door = Door::open(Access { proxies, ..access() }).await;
    let refused = door
        .sign_in(OPERATOR, &[client, "x-forwarded-proto: https, http"])
        .await;
    assert!(
        refused.status == 403 && refused.body.contains("X-Forwarded-Proto: https"),
        "{}",
        refused.body
    );
    let answer = door.sign_in(OPERATOR, &[client, https]).await;
    let cookie = header(&answer, "set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-signalbox=") && cookie.ends_with("; SameSite=Strict; Secure"),
        "{cookie}"
    );
    let cookie = format!("cookie: {}", cookie.split(';').next().unwrap());
    assert_eq!(
        door.send("GET /ui/overview", &[&cookie, client, https], "")
            .await
            .status,
        200
    );
    assert_eq!(
        door.send("GET /ui/overview", &[&cookie, client], "").await.status,
        303
    );
    assert_eq!(door.send("GET /ui/overview", &[&cookie], "").await.status, 303);
    assert!(
        door.audit().contains("\"from\":\"203.0.113.7\""),
        "{}",
        door.audit()
    );
    // A program on this machine needs no proxy.
    assert!(door.session(OPERATOR).await.starts_with("cookie: signalbox="));
}

#[tokio::test]
async fn without_tokens_nobody_signs_in() {
    let door = Door::open(Access::default()).await;
    let form = door.send("GET /ui/sign-in?next=%2Fapi%2Foverview", &[], "").await;
    assert_eq!(
        (form.status, header(&form, "location")),
        (303, Some("/api/overview"))
    );
    let answer = door.sign_in("anything", &[]).await;
    assert!(answer.status == 303 && header(&answer, "set-cookie").is_none());
    for (request, headers, status) in [
        ("GET /ui/overview", &["sec-fetch-site: none"][..], 200),
        (
            "GET /ui/overview",
            &["sec-fetch-site: cross-site", NAVIGATES[0], NAVIGATES[1]],
            200,
        ),
        (
            "GET /ui/overview",
            &["sec-fetch-site: cross-site", "sec-fetch-mode: cors"],
            403,
        ),
        ("GET /ui/overview", &[], 403),
        ("POST /api/act", &["sec-fetch-site: same-origin"], 403),
        ("POST /api/act", &["x-signalbox: 1"], 200),
        ("POST /ui/search", &["sec-fetch-site: same-origin"], 200),
        ("POST /ui/search", &["sec-fetch-site: cross-site"], 403),
    ] {
        let answer = door.send(request, headers, "").await;
        assert_eq!(answer.status, status, "{request} {headers:?}: {}", answer.body);
    }
    assert_eq!(
        door.lines(),
        [("test_act".to_owned(), Some("local".to_owned()), 200)]
    );
}
