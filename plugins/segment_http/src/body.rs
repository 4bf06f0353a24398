//! Reading a request's body within bounds of size and time, and inflating it.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use http::header::{CONTENT_ENCODING, EXPECT};
use http::{HeaderMap, request};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use signalbox_core::Reason;
use signalbox_http::server::BEYOND_BODIES;
use signalbox_segment::ingest::{MAX_BATCH_BYTES, too_large};
use tokio::time::{Instant, timeout_at};

/// The most bytes of an excessive request that are read and thrown away, so that the client gets to read the answer
/// instead of a reset connection. Beyond that the connection ends, see [`signalbox_http::server::BEYOND_BODIES`].
const DISCARDED: usize = MAX_BATCH_BYTES + BEYOND_BODIES * 9 / 10;

/// The reasons why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The body is over the limit, or broken; the answer gives the reason.
    Refused(Reason),
    /// The body did not come in time; the connection is closed without an answer.
    Slow,
}

/// Reads a body of at most `limit` bytes, compressed or not.
pub(crate) async fn read(
    head: &request::Parts,
    mut body: Body,
    limit: usize,
    read_timeout: Duration,
) -> Result<Bytes, Unread> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // Reading would give the go-ahead that the client waits for; or the body is too long to discard.
    if declared > limit && (head.headers.contains_key(EXPECT) || declared > DISCARDED) {
        return Err(Unread::Refused(too_large()));
    }
    let deadline = Instant::now() + read_timeout;
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(frame) = timeout_at(deadline, body.frame())
        .await
        .map_err(|_| Unread::Slow)?
    {
        let Ok(data) = frame.map_err(|_| Unread::Refused(incomplete()))?.into_data() else {
            continue;
        };
        if length == 0 && data.len() == declared && declared <= limit {
            // All in one piece, the common case: no copy.
            return Ok(data);
        }
        length += data.len();
        if declared.max(length) <= limit {
            if read.is_empty() {
                read.reserve(declared);
            }
            read.extend_from_slice(&data);
        } else {
            read = Vec::new();
            if length > DISCARDED {
                break;
            }
        }
    }
    if declared.max(length) > limit {
        return Err(Unread::Refused(too_large()));
    }
    Ok(read.into())
}

fn incomplete() -> Reason {
    Reason::new("body_incomplete", "the body ended early or its framing is broken")
}

/// Undoes `Content-Encoding`, to at most `limit` bytes.
pub(crate) fn inflate(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Reason> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let encoding = encodings.next().map(|value| value.to_str().unwrap_or("?").trim());
    let unsupported = || {
        Reason::new(
            "unsupported_encoding",
            "Content-Encoding must be gzip or deflate, or absent",
        )
    };
    if encodings.next().is_some() {
        return Err(unsupported());
    }
    let is = |name: &str| encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case(name));
    if encoding.is_none() || is("") || is("identity") {
        Ok(body)
    } else if is("gzip") || is("x-gzip") {
        gunzip(&body, limit)
    } else if is("deflate") {
        // HTTP means zlib's format by it; some clients leave out its header.
        let zlib =
            body.len() >= 2 && body[0] & 15 == 8 && u16::from_be_bytes([body[0], body[1]]).is_multiple_of(31);
        let out = Vec::with_capacity((body.len() * 4).min(limit + 1));
        let (out, _) = run(Decompress::new(zlib), &body, out, limit)?;
        Ok(out.into())
    } else {
        Err(unsupported())
    }
}

/// A gzip body may have several members, one after the other.
fn gunzip(body: &[u8], limit: usize) -> Result<Bytes, Reason> {
    // Each member costs memory to set up: thousands of empty ones would keep a server busy.
    const MOST: usize = 64;
    // The last bytes hold the length of the contents; with that capacity they are inflated in one go.
    let declared = body
        .last_chunk()
        .map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let (mut out, mut rest) = (Vec::with_capacity(declared.min(limit) + 1), body);
    for _ in 0..MOST {
        let used;
        (out, used) = run(Decompress::new_gzip(15), rest, out, limit)?;
        rest = &rest[used..];
        // Some compressors pad with zeros.
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(out.into());
        }
    }
    Err(corrupt())
}

fn corrupt() -> Reason {
    Reason::new("corrupt_encoding", "the compressed body is damaged or cut off")
}

/// Inflates one stream and appends it to `out`; returns the length of the input it used. Memory grows with the output,
/// and stops at the limit.
fn run(
    mut state: Decompress,
    input: &[u8],
    mut out: Vec<u8>,
    limit: usize,
) -> Result<(Vec<u8>, usize), Reason> {
    let mut used = 0;
    loop {
        let status = state
            .decompress_vec(&input[used..], &mut out, FlushDecompress::None)
            .map_err(|_| corrupt())?;
        used = state.total_in() as usize;
        if out.len() > limit {
            return Err(too_large());
        }
        if status == Status::StreamEnd {
            return Ok((out, used));
        }
        if out.len() < out.capacity() {
            // Room was left, so it is input that is missing.
            return Err(corrupt());
        }
        out.reserve(out.len().max(4096).min(limit + 1 - out.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 10_000;

    fn undo(encoding: &'static str, body: Vec<u8>) -> Result<Bytes, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        inflate(&headers, body.into(), LIMIT).map_err(|reason| reason.code().to_owned())
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|i| b'a' + (i * i % 26) as u8).collect()
    }

    #[test]
    fn gzip_and_both_kinds_of_deflate() {
        for length in [0, 1, 100, 5000, LIMIT] {
            let data = text(length);
            assert_eq!(undo("gzip", gzip(&data)).unwrap(), data);
            assert_eq!(undo("X-GZIP", gzip(&data)).unwrap(), data);
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
            zlib.write_all(&data).unwrap();
            assert_eq!(undo("deflate", zlib.finish().unwrap()).unwrap(), data);
            let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
            raw.write_all(&data).unwrap();
            assert_eq!(undo("deflate", raw.finish().unwrap()).unwrap(), data);
        }
        let mut two = gzip(b"{\"a\":");
        two.extend(gzip(b"1}"));
        two.extend([0; 5]);
        assert_eq!(undo("gzip", two).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn damaged_and_cut_off_bodies_are_refused() {
        let whole = gzip(&text(5000));
        for cut in 0..whole.len() {
            assert_eq!(
                undo("gzip", whole[..cut].to_vec()),
                Err("corrupt_encoding".into()),
                "{cut}"
            );
        }
        let mut damaged = whole.clone();
        let crc = damaged.len() - 6;
        damaged[crc] ^= 1;
        assert_eq!(undo("gzip", damaged), Err("corrupt_encoding".into()));
        let mut trailing = whole;
        trailing.extend(b"junk");
        assert_eq!(undo("gzip", trailing), Err("corrupt_encoding".into()));
        assert_eq!(undo("br", Vec::new()), Err("unsupported_encoding".into()));
        assert_eq!(undo("gzip, gzip", Vec::new()), Err("unsupported_encoding".into()));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&text(5000)).unwrap();
        let zlib = zlib.finish().unwrap();
        for cut in 2..zlib.len() {
            assert_eq!(
                undo("deflate", zlib[..cut].to_vec()),
                Err("corrupt_encoding".into()),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        assert_eq!(
            undo("gzip", gzip(&vec![0; LIMIT + 1])),
            Err("payload_too_large".into())
        );
        let bomb = gzip(&vec![b' '; 2 * 1024 * 1024]);
        assert_eq!(undo("gzip", bomb.clone()), Err("payload_too_large".into()));
        let many = gzip(b"").repeat(65);
        assert_eq!(undo("gzip", many), Err("corrupt_encoding".into()));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_inflate_to_no_more_than_the_limit(body: Vec<u8>, cut: usize, text in ".{0,200}") {
            for encoding in ["gzip", "deflate"] {
                let out = undo(encoding, body.clone()).map_or(0, |out| out.len());
                prop_assert!(out <= LIMIT);
            }
            let mut damaged = gzip(text.as_bytes());
            let at = cut % damaged.len();
            damaged[at] ^= 0x55;
            let _ = undo("gzip", damaged);
            prop_assert_eq!(undo("gzip", gzip(text.as_bytes())).unwrap(), text);
        }
    }
}
