//! The journal over restarts, reloads and commands, through the real binary.

mod dates;
mod declined;
mod deleted;
mod disabled;
mod disk;
mod echoed;
mod emptied;
mod ending;
mod erase;
mod escapes;
mod fates;
mod files;
mod folder;
mod full;
mod history;
mod hold;
mod letters;
mod letters_full;
mod letters_many;
mod lost_history;
mod missing;
mod operators;
mod private;
mod rates;
mod rebuilt;
mod rejected;
mod reload;
mod renamed;
mod replay;
mod resend;
mod restart;
mod sealed;
mod searched;
mod status;
mod totals;
mod troubled;
mod twice;
mod unclean;

use std::path::PathBuf;

use serde_json::Value;
use signalbox_admin::Status;

use crate::support::process::{Exit, Process, run};
use crate::support::until;
use crate::support::world::{World, shop};

/// One pipeline file and at most one router that runs by it.
struct Rig {
    world: World,
    router: Option<Process>,
}

impl Rig {
    /// Starts a router with [`pipeline`].
    async fn start(pinterest: &str) -> Rig {
        Rig::start_with(&pipeline("", pinterest)).await
    }

    async fn start_with(text: &str) -> Rig {
        let mut rig = Rig {
            world: World::new().await,
            router: None,
        };
        rig.write(text);
        rig.again().await;
        rig
    }

    fn config(&self) -> PathBuf {
        self.world.path("p.toml")
    }

    fn write(&self, text: &str) {
        self.world.write("p.toml", text);
    }

    /// Starts the router that was stopped or killed.
    async fn again(&mut self) {
        let router = self.world.router(&self.config()).await;
        router.status(&self.world.admin, |status| status.ready).await;
        self.router = Some(router);
    }

    /// Restarts the first router, which listens on port 0 by its variables. The next one has the ports that it got, and
    /// keeps them when a reload replaces the source.
    async fn keep_ports(&mut self) {
        self.stop().await;
        self.again().await;
    }

    fn router(&self) -> &Process {
        self.router.as_ref().unwrap()
    }

    fn kill(&mut self) {
        self.router = None;
    }

    async fn stop(&mut self) {
        let router = self.router.take().unwrap();
        router.signal("TERM");
        let exit = router.exit().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
    }

    /// A command of the binary with this pipeline file.
    async fn command(&self, command: &[&str]) -> Exit {
        let config = self.config();
        let mut arguments = command.to_vec();
        arguments.extend(["--config", config.to_str().unwrap()]);
        run(&arguments, &self.world.variables()).await
    }

    /// Runs [`Rig::command`], which must succeed, and returns its standard output.
    async fn told(&self, command: &[&str]) -> String {
        let exit = self.command(command).await;
        assert_eq!(exit.code, Some(0), "{command:?}: {exit:?}");
        exit.stdout
    }

    /// Runs [`Rig::told`] with `--json` and returns the JSON lines.
    async fn lines(&self, command: &[&str]) -> Vec<Value> {
        let text = self.told(&[command, &["--json"]].concat()).await;
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the status by `signalbox status`, from the running router or from the files.
    async fn asked(&self) -> Status {
        let exit = self.command(&["status", "--json"]).await;
        let status: Status = serde_json::from_str(&exit.stdout).unwrap();
        let held = status.sinks.values().any(|sink| sink.held.is_some());
        assert_eq!(exit.code, Some(if held { 2 } else { 0 }), "{exit:?}");
        status
    }

    /// Waits until the running router's status is as wanted.
    async fn wait(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        self.router().status(&self.world.admin, wanted).await
    }

    /// Waits until nothing is pending.
    async fn settled(&self) -> Status {
        let done = |status: &Status| status.sums_close && status.sinks.values().all(|sink| sink.pending == 0);
        self.wait(done).await
    }

    /// Waits until a sink has this number of dead letters. They are written in the commit that follows their count.
    async fn has_letters(&self, sink: &str, count: u64) {
        self.wait(|status| status.sinks[sink].letters.kept == count).await;
    }

    /// Reloads the pipeline file, and waits until the log holds this answer once more.
    async fn reload(&self, answer: &str) {
        let count = || self.router().stderr().matches(answer).count();
        let before = count();
        self.router().signal("HUP");
        let answered = || async { (count() > before).then_some(()) };
        until(answered, || self.router().stderr()).await;
    }
}

/// The shop's pipeline with an admin address and a short drain.
fn pipeline(top: &str, pinterest: &str) -> String {
    let own = "[admin]\nlisten = \"${ADMIN}\"\n[shutdown]\ndeadline = \"200ms\"\n";
    shop(&format!("{own}{top}"), "", pinterest)
}

/// The values of a member, sorted.
fn values(lines: &[Value], member: &str) -> Vec<String> {
    crate::support::events::ids(lines, member)
}
