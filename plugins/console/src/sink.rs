//! Lines to an output.

use std::io::{self, Write};
use std::sync::Arc;

use async_trait::async_trait;
use signalbox_core::escape::plain_json;
use signalbox_core::{Batch, Event, Framing, Outcome, Prepared, Reason, Record, Report, Sink};
use tokio::sync::Mutex;

use crate::reasons;

/// Prints records. The lock is held across a write, so lines of two batches never mix.
pub(crate) struct Console {
    name: Arc<str>,
    output: Arc<Mutex<Output>>,
}

struct Output {
    out: Box<dyn Write + Send>,
    /// A write failed, so the last line may be cut off.
    torn: bool,
    closed: bool,
}

impl Output {
    fn print(&mut self, lines: &[u8]) -> io::Result<()> {
        let result = self.try_print(lines);
        self.torn = result.is_err();
        self.closed = result.as_ref().is_err_and(reasons::is_closed);
        result
    }

    fn try_print(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(lines)?;
        self.out.flush()
    }
}

impl Console {
    pub(crate) fn new(name: Arc<str>, out: Box<dyn Write + Send>) -> Console {
        Console {
            name,
            output: Arc::new(Mutex::new(Output {
                out,
                torn: false,
                closed: false,
            })),
        }
    }
}

#[async_trait]
impl Sink for Console {
    fn prepare(&self, event: &Event) -> Prepared {
        Prepared::Mapped(vec![Ok(Record::line(self.name.clone(), event))])
    }

    async fn deliver(&self, batch: Batch) -> Report {
        let mut lines = Vec::new();
        for record in batch.records() {
            // The output is the same JSON, without anything that a terminal would obey.
            match std::str::from_utf8(&record.bytes) {
                Ok(text) => lines.extend_from_slice(plain_json(text).as_bytes()),
                Err(_) => lines.extend_from_slice(&record.bytes),
            }
            lines.push(b'\n');
        }
        // A reader that does not read blocks the write, so the write runs on a blocking thread.
        let mut output = Arc::clone(&self.output).lock_owned().await;
        let printed = tokio::task::spawn_blocking(move || output.print(&lines)).await;
        let reason = match printed {
            Ok(Ok(())) => return batch.settle_all(|_| Outcome::delivered()),
            Ok(Err(error)) if reasons::is_closed(&error) => return batch.hold(reasons::output_closed()),
            Ok(Err(error)) => reasons::write_failed(&error),
            Err(_) => reasons::interrupted(),
        };
        batch.settle_all(|_| Outcome::Retry {
            reason: reason.clone(),
            after: None,
            maybe_written: true,
        })
    }

    async fn probe(&self) -> Result<(), Reason> {
        if self.output.lock().await.closed {
            Err(reasons::output_closed())
        } else {
            Ok(())
        }
    }

    fn framing(&self) -> Framing {
        // Every record ends in a line break.
        Framing {
            request: 1,
            separator: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use signalbox_core::{Receipt, Verdict};

    use super::*;

    /// Takes bytes until its budget is spent, then fails once with the given error.
    #[derive(Clone)]
    struct Fake {
        seen: Arc<StdMutex<Vec<u8>>>,
        fails: Arc<StdMutex<Option<(usize, io::ErrorKind)>>>,
    }

    impl Fake {
        fn new(fails: Option<(usize, io::ErrorKind)>) -> Fake {
            Fake {
                seen: Arc::default(),
                fails: Arc::new(StdMutex::new(fails)),
            }
        }

        fn text(&self) -> String {
            String::from_utf8(self.seen.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Fake {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut fails = self.fails.lock().unwrap();
            let count = match *fails {
                Some((0, kind)) => {
                    *fails = None;
                    return Err(kind.into());
                }
                Some((budget, kind)) => {
                    let count = budget.min(bytes.len());
                    *fails = Some((budget - count, kind));
                    count
                }
                None => bytes.len(),
            };
            self.seen.lock().unwrap().extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn batch(sink: &Console, texts: &[&str]) -> Batch {
        let receipt = Receipt {
            source: "site".into(),
            received_at: 0,
        };
        let records = texts.iter().map(|text| {
            let event = Event::parse(text, receipt.clone()).unwrap();
            let Prepared::Mapped(mut records) = sink.prepare(&event) else {
                panic!()
            };
            Arc::new(records.remove(0).unwrap())
        });
        Batch::new(1, records.collect())
    }

    const ONE: &str = r#"{"messageId":"m1","n":1.50}"#;
    const TWO: &str = r#"{"messageId":"m2","text":"a\nb"}"#;

    #[tokio::test]
    async fn each_event_is_a_line() {
        let fake = Fake::new(None);
        let sink = Console::new("look".into(), Box::new(fake.clone()));
        let batch = batch(&sink, &[ONE, TWO]);
        assert_eq!(&*batch.records()[0].mapping, "look");
        assert_eq!(batch.records()[0].dedup_key, None);
        let (_, verdict) = sink.deliver(batch).await.into_parts();
        let Verdict::Settled(outcomes) = verdict else {
            panic!()
        };
        assert_eq!(outcomes, vec![Outcome::delivered(); 2]);
        assert_eq!(fake.text(), format!("{ONE}\n{TWO}\n"));
        let framing = sink.framing();
        assert_eq!(
            fake.text().len(),
            framing.request + ONE.len() + framing.separator + TWO.len()
        );
    }

    #[tokio::test]
    async fn an_event_of_several_lines_becomes_one() {
        let fake = Fake::new(None);
        let sink = Console::new("look".into(), Box::new(fake.clone()));
        let pretty = "{\r\n  \"messageId\": \"m1\",\n  \"n\": 1.50\n}";
        let (_, verdict) = sink.deliver(batch(&sink, &[pretty])).await.into_parts();
        assert!(matches!(verdict, Verdict::Settled(_)));
        assert_eq!(fake.text(), format!("{ONE}\n"));
    }

    #[tokio::test]
    async fn an_event_commands_no_terminal() {
        let fake = Fake::new(None);
        let sink = Console::new("look".into(), Box::new(fake.clone()));
        let evil = "{\"messageId\":\"\u{202e}m\u{9b}31m\u{7f}\"}";
        let (_, verdict) = sink.deliver(batch(&sink, &[evil])).await.into_parts();
        assert!(matches!(verdict, Verdict::Settled(_)));
        assert_eq!(fake.text(), "{\"messageId\":\"\\u202em\\u009b31m\\u007f\"}\n");
    }

    #[tokio::test]
    async fn a_cut_line_is_ended_and_the_event_printed_again() {
        let fake = Fake::new(Some((5, io::ErrorKind::Other)));
        let sink = Console::new("look".into(), Box::new(fake.clone()));
        let (_, verdict) = sink.deliver(batch(&sink, &[ONE])).await.into_parts();
        let Verdict::Settled(outcomes) = verdict else {
            panic!()
        };
        assert!(matches!(
            &outcomes[..],
            [Outcome::Retry { reason, maybe_written: true, .. }] if reason.code() == "write_failed"
        ));
        assert_eq!(sink.probe().await, Ok(()));
        let (_, verdict) = sink.deliver(batch(&sink, &[ONE])).await.into_parts();
        assert!(matches!(verdict, Verdict::Settled(_)));
        assert_eq!(fake.text(), format!("{}\n{ONE}\n", &ONE[..5]));
    }

    #[tokio::test]
    async fn a_closed_pipe_holds() {
        let fake = Fake::new(Some((0, io::ErrorKind::BrokenPipe)));
        let sink = Console::new("look".into(), Box::new(fake.clone()));
        assert_eq!(sink.probe().await, Ok(()));
        let (_, verdict) = sink.deliver(batch(&sink, &[ONE])).await.into_parts();
        assert!(matches!(verdict, Verdict::Hold(reason) if reason.code() == "output_closed"));
        assert_eq!(sink.probe().await.unwrap_err().code(), "output_closed");
    }
}
