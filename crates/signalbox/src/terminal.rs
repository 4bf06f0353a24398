//! The terminal: what commands print, report and ask.

use std::io::{BufRead as _, Write as _};

use signalbox_core::escape::plain_lines;

/// Prints to standard output; returns false once the reader has closed it (`| head`), which is no error.
pub(crate) fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Reports a text on standard error, in a form that cannot command the terminal.
pub(crate) fn tell(text: &str) {
    eprintln!("{}", plain_lines(text));
}

/// Reports on standard error the reason why a command ends, in a form that cannot command the terminal.
pub(crate) fn complain(problem: &str) {
    eprintln!("signalbox: {}", plain_lines(problem));
}

/// Puts a question on the terminal. The command has called [`crate::exit::must_be_confirmed`] before it did anything.
pub(crate) fn confirmed(question: &str, yes: bool) -> bool {
    if yes {
        return true;
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
