//! Connecting, with each kind of credentials and each fault.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use signalbox_core::Secret;
use signalbox_nats::{ConnectError, Connection, ConnectionTls, Fault, connect};
use signalbox_testkit::NatsCluster;

fn to(servers: Vec<String>) -> Connection {
    Connection {
        servers,
        ..Connection::default()
    }
}

async fn fault(connection: &Connection) -> Fault {
    let error = connect(connection, "test").await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter22"), "{shown}");
    match error {
        ConnectError::NoServer(mut tried) => tried.remove(0).1,
        ConnectError::Settings(faults) => panic!("{faults:?}"),
    }
}

#[tokio::test]
async fn the_first_server_that_answers_is_taken() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = connect(&to(vec![format!("nats://{closed}"), cluster.url(0)]), "test")
        .await
        .unwrap();
    client.nats().flush().await.unwrap();
    let mut state = client.state();
    state.wait_for(|state| state.connected).await.unwrap();
    let info = client.jetstream().query_account().await.unwrap();
    assert_eq!(info.streams, 0);
}

#[tokio::test]
async fn each_server_has_its_fault() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let other =
        signalbox_testkit::Server::start(signalbox_testkit::Act::Close(b"HTTP/1.1 400 x\r\n\r\n".to_vec()))
            .await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let greeting = silent.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = silent.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let servers = vec![
        format!("nats://{closed}"),
        "nats://nowhere.invalid:4222".to_owned(),
        format!("nats://{greeting}"),
        format!(
            "nats://{}",
            other.url().split("//").nth(1).unwrap().trim_end_matches('/')
        ),
    ];
    let error = connect(&to(servers.clone()), "test").await.unwrap_err();
    assert!(!error.needs_operator());
    let told = error.to_string();
    assert!(told.starts_with("no NATS server can be used: "), "{told}");
    assert!(
        told.contains(&format!("{} cannot be reached: Connection refused", servers[0])),
        "{told}"
    );
    assert!(
        told.contains("nowhere.invalid:4222 has a name without an address"),
        "{told}"
    );
    assert!(
        told.contains(&format!("{} answers, but not as a NATS server", servers[2])),
        "{told}"
    );
}

#[tokio::test]
async fn users_and_tokens() {
    if !NatsCluster::available() {
        return;
    }
    let user = "authorization { user: ann, password: \"correct horse\" }";
    let cluster = NatsCluster::start_with(1, user).await;
    let with = |password: &str| Connection {
        user: Some("ann".to_owned()),
        password: Some(Secret::new(password)),
        ..to(cluster.urls())
    };
    // A file's last line ends in a line break.
    connect(&with("correct horse\n"), "test").await.unwrap();
    assert_eq!(fault(&with("hunter22")).await, Fault::Credentials);
    assert_eq!(fault(&to(cluster.urls())).await, Fault::Credentials);
    let error = connect(&with("hunter22"), "test").await.unwrap_err();
    assert!(
        error.needs_operator() && error.to_string().contains("refuses the credentials"),
        "{error}"
    );

    let cluster = NatsCluster::start_with(1, "authorization { token: \"correct-horse\" }").await;
    let with = |token: &str| Connection {
        token: Some(Secret::new(token)),
        ..to(cluster.urls())
    };
    connect(&with("correct-horse"), "test").await.unwrap();
    assert_eq!(fault(&with("hunter22")).await, Fault::Credentials);
}

#[tokio::test]
async fn nkeys() {
    if !NatsCluster::available() {
        return;
    }
    // The pair of the documentation of NATS.
    let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    let public = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let cluster =
        NatsCluster::start_with(1, &format!("authorization {{ users: [ {{ nkey: {public} }} ] }}")).await;
    let with = |seed: &str| Connection {
        nkey: Some(Secret::new(seed)),
        ..to(cluster.urls())
    };
    connect(&with(&format!("{seed}\n")), "test").await.unwrap();
    assert_eq!(fault(&to(cluster.urls())).await, Fault::Credentials);
    // The right form and a wrong checksum.
    let broken = seed.replace("SUACSSL3", "SUACSSL4");
    assert_eq!(fault(&with(&broken)).await, Fault::Credentials);
    // A seed that cannot be read fails before the client connects to a server.
    let creds = format!(
        "-----BEGIN NATS USER JWT-----\neyJ0.eyJq.c2ln\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{broken}\n------END USER NKEY SEED------"
    );
    let connection = Connection {
        credentials: Some(Secret::new(creds)),
        ..to(cluster.urls())
    };
    let error = connect(&connection, "test").await.unwrap_err();
    assert!(matches!(error, ConnectError::Settings(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("SUACSSL4"), "{error}");
}

/// An authority and files signed by it.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Authority {
            folder,
            issuer: Issuer::new(params, key),
        }
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    fn sign(&self, file: &str, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    fn server(&self, more: &str) -> String {
        let folder = self.folder.path().display();
        format!("tls {{ cert_file: \"{folder}/server.pem\", key_file: \"{folder}/server.key\" {more} }}")
    }
}

#[tokio::test]
async fn certificates() {
    if !NatsCluster::available() {
        return;
    }
    let ours = Authority::new();
    let other = Authority::new();
    ours.sign("server", &["127.0.0.11"]);
    ours.sign("client", &["router"]);
    other.sign("client", &["router"]);
    let cluster = NatsCluster::start_with(1, &ours.server("")).await;
    let with = |servers: Vec<String>, tls: ConnectionTls| Connection {
        tls: Some(tls),
        ..to(servers)
    };
    let trusting = |authority: &Authority| ConnectionTls {
        ca: Some(authority.path("ca.pem")),
        ..ConnectionTls::default()
    };
    connect(&with(cluster.urls(), trusting(&ours)), "test")
        .await
        .unwrap();
    let tls = |fault: Fault| match fault {
        Fault::Tls(told) => told,
        other => panic!("{other:?}"),
    };
    let told = tls(fault(&with(cluster.urls(), trusting(&other))).await);
    assert!(told.contains("set `tls.ca`"), "{told}");
    // Without the table, the server's demand is followed, and the system knows no such authority.
    let told = tls(fault(&to(cluster.urls())).await);
    assert!(told.contains("set `tls.ca`"), "{told}");
    let missing = ConnectionTls {
        ca: Some(ours.path("nothing.pem")),
        ..ConnectionTls::default()
    };
    assert!(
        matches!(fault(&with(cluster.urls(), missing)).await, Fault::File(told) if told.contains("No such file"))
    );

    let asking = NatsCluster::start_with(
        1,
        &ours.server(&format!(
            ", ca_file: \"{}\", verify: true",
            ours.path("ca.pem").display()
        )),
    )
    .await;
    let told = tls(fault(&with(asking.urls(), trusting(&ours))).await);
    assert!(told.contains("asks for a client's certificate"), "{told}");
    let own = |authority: &Authority| ConnectionTls {
        certificate: Some(authority.path("client.pem")),
        key: Some(authority.path("client.key")),
        ..trusting(&ours)
    };
    connect(&with(asking.urls(), own(&ours)), "test").await.unwrap();
    let told = tls(fault(&with(asking.urls(), own(&other))).await);
    assert!(told.contains("refuses the router's certificate"), "{told}");

    ours.sign("server", &["n1.example.com"]);
    let misnamed = NatsCluster::start_with(1, &ours.server("")).await;
    let told = tls(fault(&with(misnamed.urls(), trusting(&ours))).await);
    assert!(told.contains("for another name"), "{told}");

    let plain = NatsCluster::start(1).await;
    let connection = with(plain.urls(), trusting(&ours));
    let connecting = fault(&connection);
    let found = tokio::time::timeout(Duration::from_secs(10), connecting)
        .await
        .unwrap();
    assert!(
        matches!(&found, Fault::Tls(told) if told.contains("does not speak TLS")),
        "{found:?}"
    );
}
