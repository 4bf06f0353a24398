//! Logs by tracing, on stderr: readable on a terminal, as JSON lines otherwise.

mod escaping;

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::panic::PanicHookInfo;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use self::escaping::Escaping;

/// The environment variable with the log filter, in tracing's filter language: `debug`,
/// `info,signalbox_runtime=trace`. Default: `info`.
pub const FILTER_VARIABLE: &str = "SIGNALBOX_LOG";

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Human if stderr is a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One readable line for each event; coloured on a terminal unless `NO_COLOR` is set.
    Human,
    /// One JSON object a line.
    Json,
}

/// Sets up logging and the panic hook for the process. Call it once, first of all. `filter`, for instance `info`, applies
/// unless [`FILTER_VARIABLE`] is set.
///
/// # Errors
/// A sentence if the filter in [`FILTER_VARIABLE`] is wrong, or if logging was set up before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), String> {
    let filter = match std::env::var(FILTER_VARIABLE) {
        Ok(text) => parse_filter(&text)?,
        Err(std::env::VarError::NotPresent) => parse_filter(filter)?,
        Err(std::env::VarError::NotUnicode(_)) => return Err(format!("{FILTER_VARIABLE} is not UTF-8")),
    };
    let terminal = std::io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let look = match format {
        LogFormat::Human => Look::Human { colours },
        LogFormat::Auto if terminal => Look::Human { colours },
        LogFormat::Auto | LogFormat::Json => Look::Json,
    };
    subscriber(look, filter, std::io::stderr)
        .try_init()
        .map_err(|_| "logging is set up already".to_owned())?;
    std::panic::set_hook(Box::new(tell_place));
    Ok(())
}

#[derive(Clone, Copy)]
enum Look {
    Human { colours: bool },
    Json,
}

fn subscriber<W>(look: Look, filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A closed stderr must not become a panic, so internal errors are not printed there either.
    let layer = fmt::layer()
        .with_writer(Escaping::new(writer, look))
        .log_internal_errors(false);
    let layer = match look {
        Look::Human { colours } => layer.with_ansi(colours).boxed(),
        Look::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter_fn(presentable)).with_filter(filter))
}

fn parse_filter(text: &str) -> Result<EnvFilter, String> {
    if text.trim().is_empty() {
        return Ok(EnvFilter::new("info"));
    }
    EnvFilter::try_new(text).map_err(|_| {
        format!("{FILTER_VARIABLE} is no log filter; write a level (error, warn, info, debug, trace) or pairs such as info,signalbox_runtime=debug")
    })
}

/// Limits other crates to level info and above, regardless of the filter: below it HTTP libraries log addresses, headers
/// and bytes, which hold tokens and personal data. The client of NATS is left out: `signalbox_nats` tells its events.
fn presentable(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target.starts_with("signalbox") || (*metadata.level() <= Level::INFO && !target.starts_with("async_nats"))
}

/// The panic hook: logs the place of a panic and never its message, which may quote personal data.
fn tell_place(info: &PanicHookInfo<'_>) {
    let mut place = String::from("an unknown place");
    if let Some(location) = info.location() {
        place.clear();
        // Writing into a string cannot fail.
        let _ = write!(place, "{}:{}", location.file(), location.line());
    }
    let current = std::thread::current();
    let thread = current.name().unwrap_or("unnamed");
    if tracing::dispatcher::has_been_set() {
        tracing::error!(
            place,
            thread,
            "a panic; its message is not shown, since it may hold data"
        );
    } else {
        // Not eprintln: a panic within a panic hook ends the process.
        let _ = writeln!(std::io::stderr(), "a panic at {place} in thread {thread}");
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use signalbox_core::escape::{plain_coloured, plain_lines};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the log lines of `speak`.
    fn logged(look: Look, filter: &str, speak: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(look, parse_filter(filter).unwrap(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, speak);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(Look::Json, "", || {
            tracing::info!(sink = "pin", events = 3, "two\nlines");
            tracing::debug!("not by default");
        });
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(
            (&line["level"], &line["sink"], &line["events"]),
            (&"INFO".into(), &"pin".into(), &3.into())
        );
        assert_eq!(line["message"], "two\nlines");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn human_lines_are_plain_without_a_terminal() {
        let text = logged(Look::Human { colours: false }, "", || {
            tracing::warn!(sink = "pin", "held")
        });
        assert!(
            text.contains("WARN signalbox_runtime::logs::tests: held sink=\"pin\"\n"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn nothing_in_a_line_commands_a_terminal() {
        let evil = "a\u{1b}]0;owned\u{7}\rb\u{9b}31m\u{202e}c\u{2066}\u{200f}\u{61c}";
        let speak = || tracing::info!(id = evil, path = %evil, ids = ?[evil], "told: {evil}");
        for look in [Look::Human { colours: false }, Look::Json] {
            let text = logged(look, "", speak);
            assert_eq!(text, plain_lines(&text), "{text}");
            assert!(text.contains("owned") && text.ends_with('\n'), "{text}");
        }
        let text = logged(Look::Json, "", speak);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["id"], &line["path"]), (&evil.into(), &evil.into()));
        let coloured = logged(Look::Human { colours: true }, "", speak);
        assert!(coloured.contains("\u{1b}["), "{coloured}");
        assert!(!coloured.contains("\u{1b}]"), "{coloured}");
        assert_eq!(coloured, plain_coloured(&coloured));
    }

    #[test]
    fn libraries_never_speak_below_info() {
        let text = logged(Look::Json, "trace", || {
            tracing::trace!("ours");
            tracing::debug!(target: "hyper::client", "authorization: theirs");
            tracing::info!(target: "rustls", "fine");
        });
        assert!(text.contains("ours") && text.contains("fine"), "{text}");
        assert!(!text.contains("theirs"), "{text}");
    }

    #[test]
    fn a_wrong_filter_is_told() {
        for wrong in ["signalbox=loud", "=,=", "a[b"] {
            let error = parse_filter(wrong).unwrap_err();
            assert!(error.starts_with("SIGNALBOX_LOG is no log filter"), "{error}");
        }
    }

    #[test]
    fn a_panic_tells_its_place_and_nothing_else() {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(tell_place));
        let text = logged(Look::Json, "", || {
            let caught = std::panic::catch_unwind(|| panic!("cannot read ada@example.com"));
            assert!(caught.is_err());
        });
        std::panic::set_hook(before);
        assert!(text.contains("logs.rs:"), "{text}");
        assert!(!text.contains("ada@example.com"), "{text}");
    }
}
