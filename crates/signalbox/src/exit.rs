//! The exit codes of all commands; `--help` and `docs/operations.md` list the same ones.

use std::io::IsTerminal as _;

use crate::terminal::complain;

/// A code to leave with.
pub(crate) type Code = u8;

/// All went well.
pub(crate) const OK: Code = 0;
/// The command could not do its work: a port is taken, a source broke, the demo's sums do not close, or there is
/// neither a router nor a journal to ask. Or it was cut short: a second signal ended `run` while deliveries were left.
pub(crate) const FAILED: Code = 1;
/// `status`: at least one sink of the running router is on hold.
pub(crate) const HELD: Code = 2;
/// The configuration is wrong.
pub(crate) const CONFIG: Code = 3;
/// The router has stopped, and some undelivered events are lost: the journal was in memory, or its files were deleted.
pub(crate) const UNDELIVERED: Code = 4;
/// `validate --probe`: a destination would not take deliveries now.
pub(crate) const PROBE: Code = 5;
/// The command line is wrong. The usual code for this would be 2, but a typing error in a script must not look like a
/// held sink.
pub(crate) const USAGE: Code = 64;

/// The end of a command that has not done its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The problem has been reported.
    Reported(Code),
    /// The problem is still to be reported.
    Problem(Code, String),
}

impl From<String> for Failure {
    fn from(problem: String) -> Failure {
        Failure::Problem(FAILED, problem)
    }
}

impl Failure {
    /// Reports the problem, and returns the code.
    pub(crate) fn report(self) -> Code {
        match self {
            Failure::Reported(code) => code,
            Failure::Problem(code, problem) => {
                complain(&problem);
                code
            }
        }
    }
}

/// Ends a command that would have to ask when no answer is possible, before it does anything.
pub(crate) fn must_be_confirmed(what: &str, yes: bool) -> Result<(), Failure> {
    if yes || std::io::stdin().is_terminal() {
        return Ok(());
    }
    let problem = format!("{what}, and nobody is at the terminal to confirm it: say --yes");
    Err(Failure::Problem(USAGE, problem))
}

/// For the end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0   all went well
  1   the command could not do its work (a port is taken, a source broke, there
      is neither a running router nor a journal to ask), or a second signal cut
      it short while it had deliveries to make
  2   status: a sink of the running router is on hold
  3   the configuration is wrong
  4   stopped, and undelivered events are lost: the journal was in memory, or
      its files were deleted while the router ran
  5   validate --probe: a destination would not take deliveries now
  64  the command line is wrong

Environment:
  SIGNALBOX_LOG  what is logged to standard error, for instance info, debug,
                 signalbox_runtime=debug (default: info)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_the_same_codes() {
        let docs = include_str!("../../../docs/operations.md");
        let (_, table) = docs.split_once("\n## Exit codes\n").unwrap();
        let documented: Vec<&str> = table
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
            .map(|(code, _)| code)
            .filter(|code| code.parse::<Code>().is_ok())
            .collect();
        let helped: Vec<&str> = HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once(' '))
            .map(|(code, _)| code)
            .filter(|code| code.parse::<Code>().is_ok())
            .collect();
        assert_eq!(documented, helped);
        for code in [OK, FAILED, HELD, CONFIG, UNDELIVERED, PROBE, USAGE] {
            assert!(helped.contains(&code.to_string().as_str()), "{code}");
        }
    }
}
