//! `signalbox dry-run`

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use signalbox_core::escape::plain_json;
use signalbox_runtime::dry_run::DryRun;

use super::load::load;
use crate::exit::{self, Code, Failure};

/// A line longer than this is no event: the Tracking API refuses events over 32 KiB.
const LONGEST: u64 = 1 << 20;

pub(crate) fn run(args: &crate::cli::DryRunArgs) -> Result<Code, Failure> {
    let pipeline = load(&args.config.config)?;
    let dry_run = DryRun::new(pipeline, args.sink.as_deref(), args.source.as_deref())
        .map_err(|problem| Failure::Problem(exit::USAGE, problem.to_string()))?;
    match copy(&dry_run) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard input or output: {error}").into())
        }
        _ => Ok(exit::OK),
    }
}

fn copy(dry_run: &DryRun) -> std::io::Result<()> {
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') {
            input.skip_until(b'\n')?;
        }
        // A line that is not UTF-8 is reported like any other line that is no event.
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if text.is_empty() {
            continue;
        }
        for line in dry_run.line(number, text) {
            writeln!(output, "{}", plain_json(&line.to_string()))?;
        }
        // A person may be typing.
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}
