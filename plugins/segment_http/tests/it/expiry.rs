//! The reported expiry of the certificate, before and after its renewal.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use signalbox_core::{SourceContext, Vitals};
use signalbox_testkit::IntakeDouble;
use tokio_util::sync::CancellationToken;

use crate::support::config;

/// First of January of a year, in Unix seconds.
fn new_year(year: i32) -> i64 {
    date_time_ymd(year, 1, 1).unix_timestamp()
}

#[tokio::test]
async fn the_expiry_of_the_certificate_in_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let renew = |year: i32| {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(path("certificate.pem"), certificate.pem()).unwrap();
    };
    renew(2031);
    let vitals = Arc::new(Vitals::default());
    assert_eq!(vitals.certificate_expiry(), None);
    let context = SourceContext {
        name: "web".into(),
        outlet: IntakeDouble::default().outlet(),
        shutdown: CancellationToken::new(),
        checkpoints: signalbox_testkit::MemoryCheckpoints::default().shared(),
        vitals: vitals.clone(),
        sockets: signalbox_testkit::NewSockets::shared(),
    };
    let shutdown = context.shutdown.clone();
    let settings = serde_json::json!({"tls": {
        "certificate": path("certificate.pem"), "key": path("key.pem"), "check_every": "20ms",
    }});
    let (_, task) = config(settings).prepare().unwrap().open(context).await.unwrap();
    let running = tokio::spawn(task);
    assert_eq!(vitals.certificate_expiry(), Some(new_year(2031)));
    renew(2032);
    let renewed = async {
        while vitals.certificate_expiry() != Some(new_year(2032)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed)
        .await
        .unwrap();
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
