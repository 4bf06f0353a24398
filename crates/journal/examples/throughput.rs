//! temp
use signalbox_core::{Event, Receipt};
use signalbox_journal::*;
use std::sync::Arc;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn rss() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
        .collect::<Vec<_>>()
        .join(" ")
}
fn payload(n: u64) -> String {
    let prod = (0..3).map(|i| format!(r#"{{"product_id":"p-{i}-{n}","sku":"45790-32","name":"Monopoly: 3rd Edition","price":19.5,"quantity":1,"category":"Games","url":"https://www.example.com/product/path","image_url":"https:///www.example.com/product/path.jpg"}}"#)).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"messageId":"ajs-next-{:032x}","type":"track","event":"Order Completed","anonymousId":"23adfd82-aa0f-45a7-a756-24f2a7a4c895","userId":"u-{n}","context":{{"ip":"8.8.8.8","userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_5) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/40.0.2214.115 Safari/537.36","library":{{"name":"analytics.js","version":"2.11.1"}},"traits":{{"email":"someone{n}@example.com","phone":"+1 555 123 4567","firstName":"Peter","lastName":"Gibbons","address":{{"city":"San Francisco","state":"CA","country":"US","postalCode":"94103"}}}}}},"properties":{{"order_id":"5fba{n}","total":27.50,"currency":"USD","products":[{prod}]}},"timestamp":"2026-02-23T22:28:55.111Z","receivedAt":"2026-02-23T22:28:55.111Z","sentAt":"2026-02-23T22:28:55.111Z"}}"#,
        n.wrapping_mul(0x9E3779B97F4A7C15)
    )
}
fn main() {
    let mode = std::env::args().nth(1).unwrap_or("pace".into());
    let per: u64 = std::env::args().nth(2).map_or(100, |s| s.parse().unwrap());
    let conc: u64 = std::env::args().nth(3).map_or(4, |s| s.parse().unwrap());
    let total: u64 = std::env::args().nth(4).map_or(400_000, |s| s.parse().unwrap());
    let dir = std::env::args()
        .nth(5)
        .map(std::path::PathBuf::from)
        .unwrap_or("/tmp/jbench".into());
    let _ = std::fs::remove_dir_all(&dir);
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    rt.block_on(async {
        let mut o = DiskOptions::new(&dir); if mode=="nodedup" { o.dedup_window = std::time::Duration::ZERO; }
        let j = Arc::new(DiskJournal::open(o).unwrap());
        let mut readers = vec![];
        let lag = mode == "lag";
        for s in ["a","b","c"] {
            let (mut r, _) = j.reader(s, Start::Beginning).await.unwrap();
            if !lag { readers.push(tokio::spawn(async move {
                let (mut n, mut c) = (0u64, 0.0); 
                while let Read::Events(e) = r.next(1000).await { n += e.len() as u64; let p = e.last().unwrap().position+1; r.commit(Commit{progress:Some(Progress{cursor:p,..Default::default()}),..Default::default()}); c += 0.0; }
                r.flush().await; let _ = c; n })); }
        }
        let receipt = Receipt{source:"web".into(),received_at:0};
        // parse cost measured apart
        let c0=cpu(); let mut k=0; for n in 0..100_000 { k+=Event::parse(&payload(n), receipt.clone()).unwrap().memory(); } let parse=(cpu()-c0)/100_000.0*1e9;
        let size=payload(1).len();
        let c0 = cpu(); let t0 = std::time::Instant::now();
        let mut tasks = vec![];
        for t in 0..conc { let j=j.clone(); let receipt=receipt.clone(); tasks.push(tokio::spawn(async move {
            let n0 = t*total/conc; let n1=(t+1)*total/conc; let mut lat=vec![];
            let mut n=n0; while n<n1 { let ev: Vec<Event> = (n..n+per).map(|n| Event::parse(&payload(n), receipt.clone()).unwrap()).collect(); let t=std::time::Instant::now(); j.append(ev).await.unwrap(); lat.push(t.elapsed().as_micros()); n+=per; }
            lat })); }
        let mut lat=vec![]; for t in tasks { lat.extend(t.await.unwrap()); }
        lat.sort();
        let wall=t0.elapsed();
        j.close();
        let mut got=vec![]; for r in readers { got.push(r.await.unwrap()); }
        let c=(cpu()-c0)/total as f64*1e9;
        println!("{mode} per={per} conc={conc} size={size} mem={} parse={parse:.0}ns total={c:.0}ns journal={:.0}ns/event wall={:.1}s {:.0}/s commits={} p50={}us p99={}us got={got:?} {}", k/100_000, c-parse, wall.as_secs_f64(), total as f64/wall.as_secs_f64(), j.commits(), lat[lat.len()/2], lat[lat.len()*99/100], rss());
        j.shutdown().await;
        if lag {
            let j = Arc::new(DiskJournal::open(DiskOptions::new(&dir)).unwrap());
            let c0=cpu(); let t0=std::time::Instant::now(); let mut rs=vec![];
            for s in ["a","b","c"] { let (mut r,res)=j.reader(s, Start::Beginning).await.unwrap(); assert_eq!(res.unread[0].1,total); rs.push(tokio::spawn(async move { let mut n=0u64; while let Read::Events(e)=r.next(1000).await { n+=e.len() as u64; } n })); }
            j.close();
            for r in rs { assert_eq!(r.await.unwrap(), total); }
            println!("  lagging read: {:.0}ns/event/reader wall {:.1}s {}", (cpu()-c0)/total as f64/3.0*1e9, t0.elapsed().as_secs_f64(), rss());
            j.shutdown().await;
        }
    });
    for e in std::fs::read_dir(&dir).unwrap() {
        let e = e.unwrap();
        use std::os::unix::fs::MetadataExt;
        let m = e.metadata().unwrap();
        println!("  {:?} {} blocks {}", e.file_name(), m.len(), m.blocks() * 512);
    }
    let t = std::time::Instant::now();
    let o = DiskOptions::new(&dir);
    let j = DiskJournal::open(o).unwrap();
    println!("open {:?}", t.elapsed());
    rt.block_on(j.shutdown());
}
