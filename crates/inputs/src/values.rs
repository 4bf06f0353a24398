//! Reading an input in chunks of values.

use std::io::{self, BufRead};

use signalbox_segment::ingest::{Place, Splitter, Value};

/// The most values in a chunk.
const MAX_VALUES: usize = 100;

/// A chunk that has reached this size takes no further value.
const CHUNK_BYTES: usize = 512 * 1024;

/// A piece of an input that the reader passes on.
#[derive(Debug)]
pub enum Chunk {
    /// Up to a hundred values; a last one that may go on comes alone.
    Values {
        /// The values, in order.
        values: Vec<Value>,
        /// The place behind the values.
        end: Place,
    },
    /// The end of the input.
    End(Place),
    /// The input cannot be read further.
    Failed(io::Error),
}

/// Reads to the end, or until `pass_on` returns false; the input begins at `from`. A chunk is passed on when it is
/// full, and before waiting for more input, so that values from a pipe are not held back.
pub fn read(mut input: impl BufRead, from: Place, mut pass_on: impl FnMut(Chunk) -> bool) {
    let mut splitter = Splitter::new(from);
    let mut found = Vec::new();
    loop {
        let buffered = match input.fill_buf() {
            Ok(buffered) => buffered,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                pass_on(Chunk::Failed(error));
                return;
            }
        };
        let length = buffered.len();
        let end = if length == 0 {
            Some(splitter.end(&mut found))
        } else {
            splitter.feed(buffered, &mut found);
            None
        };
        input.consume(length);
        if !pass_chunks(&mut found, &mut pass_on) {
            return;
        }
        if let Some(end) = end {
            pass_on(Chunk::End(end));
            return;
        }
    }
}

fn pass_chunks(found: &mut Vec<Value>, pass_on: &mut impl FnMut(Chunk) -> bool) -> bool {
    let mut found = found.drain(..).peekable();
    while let Some(first) = found.next() {
        let mut bytes = length(&first);
        let mut end = first.end;
        let mut values = vec![first];
        while values.len() < MAX_VALUES
            && bytes < CHUNK_BYTES
            && let Some(value) = found.next_if(|next| next.ended)
        {
            bytes += length(&value);
            end = value.end;
            values.push(value);
        }
        if !pass_on(Chunk::Values { values, end }) {
            return false;
        }
    }
    true
}

fn length(value: &Value) -> usize {
    value.text.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    /// Gives its parts one by one, as a pipe does.
    struct Parts(Vec<Vec<u8>>);

    impl Read for Parts {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0);
            out[..part.len()].copy_from_slice(&part);
            Ok(part.len())
        }
    }

    /// Reads these parts, and returns the lines of the values of each chunk.
    fn chunks(parts: &[&str]) -> Vec<Vec<u64>> {
        let mut out = Vec::new();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let parts = parts.iter().map(|part| part.as_bytes().to_vec()).collect();
        let input = BufReader::with_capacity(1 << 21, Parts(parts));
        read(input, Place::default(), |chunk| {
            match chunk {
                Chunk::Values { values, end } => {
                    assert_eq!(end, values.last().unwrap().end);
                    out.push(values.iter().map(|value| value.line).collect());
                }
                Chunk::End(end) => assert_eq!(end.offset as usize, length),
                Chunk::Failed(error) => panic!("{error}"),
            }
            true
        });
        out
    }

    #[test]
    fn values_come_as_they_arrive() {
        assert_eq!(
            chunks(&["a\n\nb\nc", "c\r\n", " \n", "d"]),
            [vec![1, 3], vec![4], vec![6]]
        );
        assert!(chunks(&[]).is_empty());
        // A last value without a line break comes alone.
        assert_eq!(chunks(&["a\nb"]), [vec![1], vec![2]]);
    }

    #[test]
    fn chunks_are_bounded() {
        let many = chunks(&[&"x\n".repeat(250)]);
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        let large = "x".repeat(CHUNK_BYTES / 2) + "\n";
        let many = chunks(&[&large.repeat(5)]);
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn nobody_listening_ends_it() {
        let mut count = 0;
        let parts = BufReader::new(Parts(vec![b"a\n".to_vec(); 9]));
        read(parts, Place::default(), |_| {
            count += 1;
            count < 3
        });
        assert_eq!(count, 3);
    }
}
