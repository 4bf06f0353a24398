//! What exit codes mean; `--help` tells the same.

/// A code to leave with.
pub(crate) type Code = u8;

/// All went well.
pub(crate) const OK: Code = 0;
/// Something failed while running: a port is taken, a source broke, the demo's sums do not close.
pub(crate) const FAILED: Code = 1;
/// The command line is wrong.
pub(crate) const USAGE: Code = 2;
/// The configuration is wrong.
pub(crate) const CONFIG: Code = 3;
/// Stopped, and some events were not delivered and are lost: the journal was in memory.
pub(crate) const UNDELIVERED: Code = 4;
/// `validate --probe`: a destination would not take deliveries now.
pub(crate) const PROBE: Code = 5;

/// For the end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  all went well
  1  something failed while running (a port is taken, a source broke)
  2  the command line is wrong
  3  the configuration is wrong
  4  stopped, and undelivered events are lost with a journal in memory
  5  validate --probe: a destination would not take deliveries now

Environment:
  SIGNALBOX_LOG  what is logged to standard error, for instance info, debug,
                 signalbox_runtime=debug (default: info)";
