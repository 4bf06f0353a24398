//! Recognising data that gzip made.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// The first byte of data that gzip made. No JSON begins with it.
pub const GZIP: u8 = 0x1f;

/// Bytes of a buffer; a pipe may return fewer at once.
const BUFFER: usize = 256 * 1024;

/// Returns the data of an input, decompressed if gzip made them. Waits for the first byte.
///
/// # Errors
/// The system's, if the input cannot be read.
pub fn decompressed<'a>(input: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    loop {
        // A pipe may give one byte first.
        match input.fill_buf() {
            Ok([GZIP, ..]) => {
                let decoder = MultiGzDecoder::new(input);
                return Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)));
            }
            Ok(_) => return Ok(Box::new(input)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn gzip_is_recognised_with_several_members() {
        let packed = |text: &str| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        let text = |bytes: &[u8]| io::read_to_string(decompressed(bytes).unwrap()).unwrap();
        assert_eq!(text(&[packed("{}\n"), packed("[]\n")].concat()), "{}\n[]\n");
        assert_eq!(text(b"{}\n"), "{}\n");
        assert_eq!(text(b""), "");
    }
}
