//! The disk of one server is full: the others go on, and it catches up once it has room and was started again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use signalbox_testkit::NatsCluster;

use crate::clients::{Clients, Sending};
use crate::rig::{Options, Rig};

/// A small file system in memory. Dropping it unmounts it.
struct Disk<'p>(&'p Path);

impl Disk<'_> {
    /// Mounts an empty one of 24 MB; none without the right to.
    fn mount(path: &Path) -> Option<Disk<'_>> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(path);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Disk(path))
    }

    /// Writes a file beside the server's until nothing more fits.
    fn fill(&self) {
        let mut file = File::create(self.ballast()).unwrap();
        while file.write_all(&[1; 4_096]).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // Lazily, since the server may still hold files of it.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_disk_of_one_server_stops_nothing() {
    let options = Options {
        routers: 2,
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    // The leader's, which is the harder case.
    let full = rig.servers.wait_for_leader("sbx_EV").await;
    let store = rig.servers.store(full);
    rig.servers.stop(full).await;
    let Some(disk) = Disk::mount(&store) else {
        eprintln!("skipped: no right to mount a small disk");
        return;
    };
    rig.servers.start_again(full).await;
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 1_000,
        batch: 50,
        to_all: false,
    });
    rig.wait(60, "the server to have all events", async |rig| {
        current(&rig.servers).await
    })
    .await;
    disk.fill();
    rig.wait(60, "the server to see that its disk is full", async |rig| {
        rig.servers
            .monitor(full, "/healthz")
            .await
            .is_none()
            .then_some(())
    })
    .await;
    let before = clients.book().acknowledged.len();
    rig.wait(60, "further events", async |_| {
        (clients.book().acknowledged.len() > before + 2_000).then_some(())
    })
    .await;
    let book = clients.stop().await;
    println!("{}", book.told());
    disk.empty();
    rig.servers.stop(full).await;
    rig.servers.start_again(full).await;
    rig.wait(60, "the server to catch up", async |rig| {
        current(&rig.servers).await
    })
    .await;
    rig.settled(120).await;
    rig.nothing_is_lost(&book);
    // Servers before the disk.
    rig.servers.kill(full);
    drop(disk);
}

/// True once all replicas of the stream of events are current.
pub(crate) async fn current(servers: &NatsCluster) -> Option<()> {
    let leader = servers.leader_of("sbx_EV").await?;
    let view = servers.monitor(leader, "/jsz?accounts=true&streams=true").await?;
    let accounts = view["account_details"].as_array()?.iter();
    let mut streams = accounts
        .filter_map(|account| account["stream_detail"].as_array())
        .flatten();
    let stream = streams.find(|stream| stream["name"] == "sbx_EV")?;
    let replicas = stream["cluster"]["replicas"].as_array()?;
    let current = replicas.iter().all(|replica| replica["current"] == true);
    (current && replicas.len() + 1 == servers.len()).then_some(())
}
