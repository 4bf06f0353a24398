//! Country calling codes, and how many digits their numbers have.

/// Bit `n` is set if numbers with `n` digits behind the country calling code exist, for the code at its index; zero for a
/// code that is not assigned.
static LENGTHS: [u16; 1000] = by_code(&TABLE);

/// The lengths of numbers, and the country calling codes that have them. From the metadata of libphonenumber 9.0.33, all
/// types of numbers and all countries of a code; a test compares it with the crate.
#[rustfmt::skip]
const TABLE: [(u16, &[u16]); 72] = [
    (span(10, 10), &[1, 52, 58, 225]),
    (span(10, 10) | span(14, 14), &[7]),
    (span(8, 10), &[20, 60, 855, 856, 964, 970, 976]),
    (span(5, 10), &[27, 64, 263]),
    (span(10, 12), &[30]),
    (span(5, 11), &[31]),
    (span(8, 9), &[32, 36, 51, 213, 224, 233, 237, 250, 258, 264, 268, 377, 382, 387, 591, 962, 963]),
    (span(9, 9), &[33, 34, 93, 94, 211, 212, 218, 221, 240, 242, 244, 249, 251, 255, 256, 260, 261, 262, 351, 590, 594, 596, 979, 992, 994, 995, 998]),
    (span(6, 12), &[39, 381]),
    (span(6, 6) | span(9, 9), &[40, 508, 681]),
    (span(9, 9) | span(12, 12), &[41, 870]),
    (span(4, 13), &[43, 598]),
    (span(7, 7) | span(9, 10), &[44]),
    (span(8, 8), &[45, 216, 222, 223, 226, 227, 228, 232, 235, 236, 253, 257, 266, 350, 356, 357, 370, 371, 373, 374, 389, 505, 509, 800, 808, 973, 993]),
    (span(6, 10) | span(12, 12), &[46]),
    (span(5, 5) | span(8, 8), &[47, 686]),
    (span(6, 10), &[48, 95, 880]),
    (span(4, 15), &[49]),
    (span(6, 8) | span(10, 10), &[53]),
    (span(10, 11), &[54]),
    (span(8, 11), &[55, 593]),
    (span(9, 11), &[56]),
    (span(8, 8) | span(10, 11), &[57, 65, 977]),
    (span(5, 10) | span(12, 12), &[61]),
    (span(7, 15), &[62]),
    (span(6, 6) | span(8, 13), &[63]),
    (span(8, 10) | span(13, 13), &[66]),
    (span(8, 15), &[81]),
    (span(5, 6) | span(8, 14), &[82]),
    (span(7, 10), &[84, 243, 254, 353]),
    (span(7, 12), &[86, 882, 972]),
    (span(7, 7) | span(10, 10) | span(12, 13), &[90]),
    (span(8, 13), &[91]),
    (span(8, 12), &[92, 383, 883]),
    (span(4, 7) | span(10, 10), &[98]),
    (span(7, 7), &[220, 238, 239, 246, 248, 269, 291, 297, 592, 673, 674, 680, 691, 692]),
    (span(8, 8) | span(10, 10), &[229, 378, 506, 850]),
    (span(7, 8) | span(10, 10), &[230, 267, 372]),
    (span(7, 9), &[231, 385, 967, 968]),
    (span(10, 14), &[234]),
    (span(7, 8), &[241, 599, 670, 675, 853, 961, 965, 975]),
    (span(7, 7) | span(9, 9), &[245, 265, 354, 423]),
    (span(5, 6), &[247]),
    (span(6, 9), &[252, 355]),
    (span(4, 5), &[290]),
    (span(6, 6), &[298, 299, 672, 687]),
    (span(4, 11), &[352]),
    (span(5, 12), &[358, 971]),
    (span(6, 9) | span(12, 12), &[359]),
    (span(6, 11), &[375, 595]),
    (span(6, 6) | span(8, 9), &[376, 689]),
    (span(9, 10), &[380, 881, 966, 996]),
    (span(5, 8), &[386]),
    (span(9, 12), &[420]),
    (span(6, 7) | span(9, 9), &[421]),
    (span(5, 5), &[500, 682]),
    (span(7, 7) | span(11, 11), &[501, 679]),
    (span(8, 8) | span(11, 11), &[502, 504]),
    (span(7, 8) | span(11, 11), &[503]),
    (span(7, 8) | span(10, 11), &[507]),
    (span(6, 7), &[597]),
    (span(5, 5) | span(7, 7), &[676, 677, 678]),
    (span(4, 4) | span(7, 7), &[683]),
    (span(5, 7) | span(10, 10), &[685]),
    (span(5, 7), &[688]),
    (span(4, 7), &[690]),
    (span(5, 9) | span(11, 11), &[852]),
    (span(12, 12), &[878]),
    (span(7, 11), &[886]),
    (span(11, 11), &[888]),
    (span(7, 7) | span(10, 10), &[960]),
    (span(7, 9) | span(11, 11), &[974]),
];

/// Returns the bits of these lengths and all between.
const fn span(least: u16, most: u16) -> u16 {
    let mut bits = 0;
    let mut length = least;
    while length <= most {
        bits |= 1 << length;
        length += 1;
    }
    bits
}

const fn by_code(table: &[(u16, &[u16])]) -> [u16; 1000] {
    let mut lengths = [0; 1000];
    let mut row = 0;
    while row < table.len() {
        let (bits, codes) = table[row];
        let mut at = 0;
        while at < codes.len() {
            lengths[codes[at] as usize] = bits;
            at += 1;
        }
        row += 1;
    }
    lengths
}

/// Splits the digits of an international number into the country calling code and the rest; `None` if no such code is
/// assigned. No code is the beginning of another.
#[inline]
pub(super) fn split_code(digits: &str) -> Option<(u16, &str)> {
    let mut code = 0;
    for (at, digit) in digits.bytes().take(3).enumerate() {
        code = code * 10 + u16::from(digit.wrapping_sub(b'0'));
        if lengths(code) != 0 {
            return Some((code, digits.get(at + 1..)?));
        }
        if code == 0 {
            return None;
        }
    }
    None
}

/// Returns true if numbers of this code may have this many digits behind it.
#[inline]
pub(super) fn has_length(code: u16, length: usize) -> bool {
    length < 16 && lengths(code) & (1 << length) != 0
}

#[inline]
fn lengths(code: u16) -> u16 {
    LENGTHS.get(usize::from(code)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use phonenumber::Type;
    use phonenumber::metadata::DATABASE;

    use super::*;

    #[test]
    fn codes_are_split_off() {
        for (digits, found) in [
            ("14155550100", Some((1, "4155550100"))),
            ("442079460958", Some((44, "2079460958"))),
            ("35312345678", Some((353, "12345678"))),
            ("1", Some((1, ""))),
            ("210123456", None),
            ("999123456", None),
            ("0123", None),
            ("35", None),
            ("", None),
        ] {
            assert_eq!(split_code(digits), found, "{digits}");
        }
    }

    #[test]
    fn the_table_is_that_of_libphonenumber() {
        const TYPES: [Type; 11] = [
            Type::FixedLine,
            Type::Mobile,
            Type::TollFree,
            Type::PremiumRate,
            Type::SharedCost,
            Type::PersonalNumber,
            Type::Voip,
            Type::Pager,
            Type::Uan,
            Type::Voicemail,
            Type::NoInternational,
        ];
        for code in 1..1000_u16 {
            let mut bits = 0;
            for region in DATABASE.by_code(&code).unwrap_or_default() {
                let of_types = TYPES.iter().filter_map(|kind| region.descriptors().get(*kind));
                let lengths = of_types
                    .flat_map(|kind| kind.possible_length())
                    .filter(|length| **length < 16);
                lengths.for_each(|length| bits |= 1 << *length);
            }
            if code == 1 {
                // Some companies of Canada have numbers that are dialled inside of it only.
                bits &= !(1 << 7);
            }
            assert_eq!(lengths(code), bits, "{code}");
        }
    }
}
