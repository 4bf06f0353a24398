//! A string of bits, six in each character of the URL-safe base64 alphabet.

/// Longest Fibonacci code that is read, in bits; section ids need fewer than ten.
const MAX_CODE: u32 = 16;

/// Reads bits from the front.
pub(super) struct Bits<'t> {
    text: &'t [u8],
    /// Index of the next bit.
    at: usize,
}

impl<'t> Bits<'t> {
    pub(super) fn new(text: &'t str) -> Bits<'t> {
        Bits {
            text: text.as_bytes(),
            at: 0,
        }
    }

    fn bit(&mut self) -> Option<u32> {
        let sextet = match *self.text.get(self.at / 6)? {
            byte @ b'A'..=b'Z' => byte - b'A',
            byte @ b'a'..=b'z' => byte - b'a' + 26,
            byte @ b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        let bit = sextet >> (5 - self.at % 6) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    /// Reads an integer of at most 32 bits.
    pub(super) fn integer(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// Reads an integer in Fibonacci coding: the sum of the Fibonacci numbers 1, 2, 3, 5, … whose bits are set, ended by a
    /// second set bit in a row.
    pub(super) fn fibonacci(&mut self) -> Option<u32> {
        let (mut number, mut next, mut sum, mut before) = (1, 2, 0, 0);
        for _ in 0..MAX_CODE {
            let bit = self.bit()?;
            if bit == 1 && before == 1 {
                return Some(sum);
            }
            sum += bit * number;
            (number, next) = (next, number + next);
            before = bit;
        }
        None
    }
}
