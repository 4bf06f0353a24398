//! The body of a request: pieces that are copied only when the socket takes them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Bytes handed to the connection at once. Hyper buffers up to sixteen chunks before it waits for the socket, which is
/// the memory of a large request beside its records. A chunk is copied just before it is written, so it is still in the
/// cache then.
const CHUNK: usize = 16 * 1024;

/// The body of a request. Records are joined without a copy: while a slow destination reads megabytes, they are in
/// memory once.
#[derive(Clone, Default)]
pub struct Body {
    open: Bytes,
    records: Vec<Bytes>,
    separator: Bytes,
    close: Bytes,
}

/// Puts records into one body: `open`, the records with `separator` between them, `close`.
pub fn join<'a>(open: &str, records: impl Iterator<Item = &'a Bytes>, separator: &str, close: &str) -> Body {
    let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Body {
        open: copy(open),
        records: records.cloned().collect(),
        separator: copy(separator),
        close: copy(close),
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body {
            open: bytes,
            ..Body::default()
        }
    }
}

impl Body {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        let records: usize = self.records.iter().map(Bytes::len).sum();
        let separators = self.records.len().saturating_sub(1) * self.separator.len();
        self.open.len() + records + separators + self.close.len()
    }

    /// True if the body has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the body into one piece.
    pub fn to_bytes(&self) -> Bytes {
        let mut all = BytesMut::with_capacity(self.len());
        for number in 0.. {
            match self.piece(number) {
                Some(piece) => all.put_slice(piece),
                None => break,
            }
        }
        all.freeze()
    }

    /// The pieces in their order: what opens it, records with what separates them, what closes it.
    fn piece(&self, number: usize) -> Option<&Bytes> {
        let last = (2 * self.records.len()).max(1);
        match number {
            0 => Some(&self.open),
            _ if number == last => Some(&self.close),
            _ if number > last => None,
            _ if number.is_multiple_of(2) => Some(&self.separator),
            _ => self.records.get(number / 2),
        }
    }

    /// For the client.
    pub(crate) fn into_sent(self) -> reqwest::Body {
        let left = self.len();
        if left <= CHUNK {
            return self.to_bytes().into();
        }
        reqwest::Body::wrap(Sending {
            body: self,
            next: 0,
            left,
        })
    }
}

/// A body on its way.
struct Sending {
    body: Body,
    /// The piece to be sent next.
    next: usize,
    /// Bytes not sent.
    left: usize,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let sending = &mut *self;
        let mut chunk = BytesMut::with_capacity(CHUNK.min(sending.left));
        while let Some(piece) = sending.body.piece(sending.next) {
            if chunk.is_empty() && piece.len() >= CHUNK {
                // Long enough by itself: not copied at all.
                let piece = piece.clone();
                sending.next += 1;
                sending.left -= piece.len();
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if chunk.len() + piece.len() > CHUNK {
                break;
            }
            chunk.put_slice(piece);
            sending.next += 1;
        }
        sending.left -= chunk.len();
        let chunk = (!chunk.is_empty()).then(|| Ok(Frame::data(chunk.freeze())));
        Poll::Ready(chunk)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Returns the bytes sent, and the number of frames.
    fn sent(body: Body) -> (Vec<u8>, usize) {
        let left = body.len();
        let mut sending = Sending { body, next: 0, left };
        let (mut all, mut frames) = (Vec::new(), 0);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut sending).poll_frame(&mut context) {
            let data = frame.into_data().unwrap_or_default();
            assert!(!data.is_empty());
            all.extend_from_slice(&data);
            frames += 1;
            assert_eq!(sending.size_hint().exact(), Some((left - all.len()) as u64));
        }
        assert!(sending.is_end_stream());
        (all, frames)
    }

    #[test]
    fn bodies() {
        let records = [Bytes::from_static(b"1"), Bytes::from_static(b"22")];
        let body = |n: usize| join("[", records[..n].iter(), ",", "]");
        for (n, expected) in [(0, "[]"), (1, "[1]"), (2, "[1,22]")] {
            assert_eq!(body(n).to_bytes(), expected);
            assert_eq!(body(n).len(), expected.len());
            assert_eq!(sent(body(n)), (expected.into(), 1));
        }
        assert!(Body::default().is_empty());
        assert_eq!(sent(Body::default()), (Vec::new(), 0));
        assert_eq!(sent(Bytes::from_static(b"ping").into()), (b"ping".into(), 1));
    }

    #[test]
    fn a_large_body_is_sent_in_chunks_and_none_of_it_twice() {
        for length in [1, 100, 5_000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let records: Vec<Bytes> = (0..50u8)
                .map(|n| vec![n; length - usize::from(n % 2) * (length / 2)].into())
                .collect();
            let body = join("{", records.iter(), ", ", "}");
            let expected = [&b"{"[..], &records.join(&b", "[..]), b"}"].concat();
            assert_eq!(body.to_bytes(), expected);
            assert_eq!(body.len(), expected.len());
            let (all, frames) = sent(body);
            assert!(all == expected, "records of {length}");
            assert!(frames >= expected.len() / (3 * CHUNK));
        }
    }
}
