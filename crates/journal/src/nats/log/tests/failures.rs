//! The log while servers die and come back.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_death_of_the_leader_loses_and_doubles_nothing() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(3).await;
    let caches = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let three = |cache: &Path, start: &str| LogOptions {
        replicas: 3,
        ..options(cache, start)
    };
    let one = Arc::new(open(&cluster, three(caches[0].path(), "a-1")).await.unwrap());
    let two = open(&cluster, three(caches[1].path(), "b-1")).await.unwrap();
    let go_on = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let writers: Vec<_> = (0..4u64)
        .map(|writer| {
            let (log, go_on) = (one.clone(), go_on.clone());
            tokio::spawn(async move {
                let (mut acknowledged, mut next) = (Vec::new(), writer * 1_000_000);
                while go_on.load(SeqCst) {
                    let ids = next..next + 10;
                    // A client sends events again that were not acknowledged.
                    if append(&log, events(ids.clone())).await.is_ok() {
                        acknowledged.extend(ids);
                        next += 10;
                    }
                }
                acknowledged
            })
        })
        .collect();
    for _ in 0..2 {
        let target = one.end() + place::start(30);
        follows(&one, target).await;
        let leader = cluster.wait_for_leader("sbx_EV").await;
        cluster.kill(leader);
        let target = one.end() + place::start(30);
        follows(&one, target).await;
        cluster.start_again(leader).await;
    }
    go_on.store(false, SeqCst);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    follows(&two, one.end()).await;
    for log in [&*one, &two] {
        let (entries, lost) = all_from(log, 0).await;
        let mut ids: Vec<&str> = entries.iter().map(|entry| entry.event.message_id()).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!((all, lost.len()), (ids.len(), 0), "no id twice");
        for id in &acknowledged {
            assert!(ids.binary_search(&format!("id-{id}").as_str()).is_ok(), "{id}");
        }
        assert_eq!(log.count(0, log.end()).await.unwrap(), all as u64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_servers_appends_fail_in_time_and_go_on_with_them() {
    if !NatsCluster::available() {
        return;
    }
    let (mut cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let log = open(&cluster, options(cache.path(), "a-1")).await.unwrap();
    append(&log, events(0..10)).await.unwrap();
    cluster.kill(0);
    let start = Instant::now();
    let error = append(&log, events(10..20)).await.unwrap_err();
    assert!(matches!(error, AppendError::Failed(_)), "{error}");
    let took = start.elapsed();
    assert!(
        took >= PATIENCE / 2 && took < PATIENCE + Duration::from_secs(4),
        "{took:?}"
    );
    let refusing = async {
        while log.refusing().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONG, refusing).await.unwrap();
    let refusing = log.refusing().unwrap();
    assert!(!refusing.until_restart && refusing.why.contains("a majority of them runs"));
    cluster.start_again(0).await;
    let fates = loop {
        match append(&log, events(5..20)).await {
            Ok(fates) => break fates,
            Err(AppendError::Failed(_)) => {}
            Err(error) => panic!("{error}"),
        }
    };
    // The refused ones may have been stored by an attempt that was on its way.
    assert!([0, 10].contains(&stored(&fates)), "{fates:?}");
    assert_eq!(log.refusing(), None);
    assert_eq!(all_from(&log, 0).await.0.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_death_of_a_follower_is_hardly_noticed() {
    if !NatsCluster::available() {
        return;
    }
    let (mut cluster, cache) = (NatsCluster::start(3).await, tempfile::tempdir().unwrap());
    let three = LogOptions {
        replicas: 3,
        ..options(cache.path(), "a-1")
    };
    let log = open(&cluster, three).await.unwrap();
    let mut next = 0;
    let mut longest = Duration::ZERO;
    // One of them runs the consumer.
    for server in 0..3 {
        if server == cluster.wait_for_leader("sbx_EV").await {
            continue;
        }
        cluster.kill(server);
        for _ in 0..100 {
            let start = Instant::now();
            assert_eq!(stored(&append(&log, events(next..next + 10)).await.unwrap()), 10);
            longest = longest.max(start.elapsed());
            next += 10;
        }
        cluster.start_again(server).await;
    }
    eprintln!("the longest append took {longest:?}");
    assert!(longest < Duration::from_secs(6), "{longest:?}");
    assert_eq!(log.count(0, log.end()).await.unwrap(), next);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_the_log_says_so_before_anybody_appends() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(3).await;
    let cache = tempfile::tempdir().unwrap();
    let three = LogOptions {
        replicas: 3,
        ..options(cache.path(), "a-1")
    };
    let log = open(&cluster, three).await.unwrap();
    append(&log, events(0..1)).await.unwrap();
    assert_eq!(log.refusing(), None);
    for server in [0, 1] {
        cluster.kill(server);
    }
    let becomes = async |refusing: bool| {
        while log.refusing().is_some() != refusing {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LONG, becomes(true)).await.unwrap();
    let told = log.refusing().unwrap();
    assert!(!told.until_restart && told.why.contains("majority"), "{told:?}");
    for server in [0, 1] {
        cluster.start_again(server).await;
    }
    tokio::time::timeout(LONG, becomes(false)).await.unwrap();
    assert_eq!(stored(&append(&log, events(1..2)).await.unwrap()), 1);
}
