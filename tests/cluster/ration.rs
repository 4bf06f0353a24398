//! Processes that get a share of one core, as on machines of that size.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The time in which a process gets its share once, in milliseconds. It is short beside the terms of leases.
const PERIOD: u32 = 100;

/// A share of one core for one process, until this is dropped.
pub(crate) struct Ration {
    process: u32,
    means: Means,
}

/// The means that hold the process to its share.
enum Means {
    /// A control group of Linux, with the one that the process came from.
    Group { own: PathBuf, parent: PathBuf },
    /// A shell that stops the process for the rest of each period. It ends with the process.
    Pauses(Child),
}

impl Ration {
    /// Gives a process a share in percent: by a control group where this process may make one, otherwise by pauses.
    pub(crate) fn start(process: u32, percent: u32) -> Ration {
        let run = PERIOD * percent / 100;
        let parents = parents().into_iter();
        let mut groups = parents.filter_map(|parent| group(&parent, process, run));
        let means = groups.next().unwrap_or_else(|| pauses(process, run));
        Ration { process, means }
    }

    /// Names the means.
    pub(crate) fn told(&self) -> &'static str {
        match self.means {
            Means::Group { .. } => "by a control group",
            Means::Pauses(_) => "by SIGSTOP and SIGCONT",
        }
    }
}

impl Drop for Ration {
    fn drop(&mut self) {
        // The process may have ended already, so each of these may fail.
        match &mut self.means {
            Means::Group { own, parent } => {
                let _ = std::fs::write(parent.join("cgroup.procs"), self.process.to_string());
                let _ = std::fs::remove_dir(own);
            }
            Means::Pauses(shell) => {
                let _ = shell.kill();
                let _ = shell.wait();
                let go_on = ["-CONT", &self.process.to_string()];
                let _ = Command::new("kill").args(go_on).stderr(Stdio::null()).status();
            }
        }
    }
}

/// Returns the CPU time that a process has used, in seconds; none once it has ended.
pub(crate) fn used(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold spaces.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut times = rest.split(' ').skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    // Linux counts in hundredths of a second here.
    Some((user + system) as f64 / 100.0)
}

/// Where control groups that limit CPU may be made: of version 1, then of version 2.
fn parents() -> Vec<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let paths = own.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let root = Path::new("/sys/fs/cgroup");
        let root = match controllers {
            "" => root.to_owned(),
            _ if controllers.split(',').any(|controller| controller == "cpu") => root.join(controllers),
            _ => return None,
        };
        Some(root.join(path.trim_start_matches('/')))
    });
    paths.collect()
}

/// Moves the process into a new group that runs for `run` milliseconds of each period.
fn group(parent: &Path, process: u32, run: u32) -> Option<Means> {
    let own = parent.join(format!("signalbox-test-{process}"));
    std::fs::create_dir(&own).ok()?;
    // Microseconds.
    let (run, period) = (run * 1_000, PERIOD * 1_000);
    let limited = std::fs::write(own.join("cpu.max"), format!("{run} {period}"))
        .or_else(|_| std::fs::write(own.join("cpu.cfs_quota_us"), run.to_string()));
    let moved = limited.and_then(|()| std::fs::write(own.join("cgroup.procs"), process.to_string()));
    if moved.is_err() {
        let _ = std::fs::remove_dir(&own);
        return None;
    }
    let parent = parent.to_owned();
    Some(Means::Group { own, parent })
}

/// Lets the process run for `run` milliseconds of each period.
fn pauses(process: u32, run: u32) -> Means {
    let seconds = |millis: u32| format!("{:.3}", f64::from(millis) / 1_000.0);
    let script = "while kill -STOP \"$1\"; do sleep \"$2\"; kill -CONT \"$1\"; sleep \"$3\"; done";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "ration", &process.to_string()]);
    shell.args([seconds(PERIOD - run), seconds(run)]);
    Means::Pauses(shell.stderr(Stdio::null()).spawn().unwrap())
}
