//! Events that a sink gives up when the journal is full.

use super::bench::Bench;
use super::*;

/// Has the first event wait for a minute.
#[derive(Default)]
struct Late(Mutex<bool>);

impl Transform for Late {
    fn apply(&self, _: &mut Event) -> Flow {
        if std::mem::replace(&mut *self.0.lock().unwrap(), true) {
            return Flow::Pass;
        }
        Flow::NotBefore(std::time::Instant::now() + Duration::from_secs(60))
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_given_up_while_it_waits_leaves_its_key_to_others() {
    let bench = Bench::new();
    let shed = Arc::new(LoadShed::default());
    let mut options = rig([""; 0]).options;
    options.shed_when_full = true;
    let stage = Stage {
        transforms: vec![Box::new(Late::default())],
        ..bench.sink(|_, _| Act::Deliver).stage(&options)
    };
    let driver = Driver::new(
        Parts::new(options, stage, Arc::default()),
        bench.open().await,
        bench.ledger.clone(),
        Arc::new(DeadLetters::new(PersonalData::None)),
        SinkMeters::none(),
        (Stop::default(), shed.clone(), Arc::default()),
    );
    let running = tokio::spawn(driver.run());
    bench.journal.append(vec![event("keyed 1")]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    shed.ask();
    tokio::time::sleep(Duration::from_secs(120)).await;
    bench.journal.append(vec![event("keyed 2")]).await.unwrap();
    bench.journal.close();
    running.await.unwrap();
    assert_eq!(bench.sent().into_keys().collect::<Vec<_>>(), ["keyed 2"]);
    assert_eq!(bench.ledger.rejected.snapshot()["journal_full"], 1);
    assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn gives_up_the_oldest_when_asked_for_room() {
    let bench = Bench::new();
    drop(bench.open().await);
    bench.append(0..50).await;
    bench.journal.close();
    let shed = Arc::new(LoadShed::default());
    shed.ask();
    let mut options = rig([""; 0]).options;
    options.shed_when_full = true;
    let sink = Scripted {
        probes_fail_until: Duration::from_secs(5),
        ..bench.sink(until(5, || Act::Hold))
    };
    let stage = sink.stage(&options);
    let parts = Parts::new(options, stage, Arc::default());
    let dead_letters = Arc::new(DeadLetters::new(PersonalData::None));
    let signals = (Stop::default(), shed.clone(), Arc::default());
    let asker = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shed.ask();
    });
    let ledger = bench.ledger.clone();
    Driver::new(
        parts,
        bench.open().await,
        ledger,
        dead_letters,
        SinkMeters::none(),
        signals,
    )
    .run()
    .await;
    asker.await.unwrap();
    let given_up = bench.ledger.rejected.snapshot()["journal_full"];
    assert!(given_up >= 40, "{given_up}");
    assert_eq!(bench.ledger.delivered.get() + given_up, 50);
    assert_eq!(bench.dead().await.len() as u64, given_up);
    assert_eq!(bench.ledger.pending(), 0);
}
