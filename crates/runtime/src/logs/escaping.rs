//! Escapes control characters in log lines, so that no text in them can control a terminal.

use std::borrow::Cow;
use std::io;

use signalbox_core::escape::{plain_coloured, plain_json, plain_lines};
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use super::Look;

/// Makes writers that escape the output of the formatter.
pub(super) struct Escaping<M> {
    inner: M,
    look: Look,
}

impl<M> Escaping<M> {
    pub(super) fn new(inner: M, look: Look) -> Escaping<M> {
        Escaping { inner, look }
    }
}

impl<'w, M: MakeWriter<'w>> MakeWriter<'w> for Escaping<M> {
    type Writer = EscapingWriter<M::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        EscapingWriter {
            inner: self.inner.make_writer(),
            look: self.look,
        }
    }

    fn make_writer_for(&'w self, metadata: &Metadata<'_>) -> Self::Writer {
        EscapingWriter {
            inner: self.inner.make_writer_for(metadata),
            look: self.look,
        }
    }
}

/// Writes whole lines; the formatter hands over one at a time.
pub(super) struct EscapingWriter<W> {
    inner: W,
    look: Look,
}

impl<W: io::Write> io::Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let plain: Cow<'_, str> = match self.look {
            Look::Json => plain_json(&line),
            Look::Human { colours: false } => plain_lines(&line),
            Look::Human { colours: true } => plain_coloured(&line).into(),
        };
        self.inner.write_all(plain.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
