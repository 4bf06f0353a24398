//! Forms of text, as ajv-formats 2.1 checks them in its full mode.

use super::date::is_date_like;
use super::uri;

/// The forms a text field can demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An e-mail address in ASCII.
    Email,
    /// An absolute URI.
    Uri,
    /// A URI or a relative reference.
    UriReference,
    /// A DNS name.
    Hostname,
    /// Four decimal numbers.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A UUID, with or without `urn:uuid:`.
    Uuid,
    /// `2026-03-04`, a day that exists.
    Date,
    /// `05:06:07Z`; fraction and zone may be missing.
    Time,
    /// A date and a time joined by `T` or white space.
    DateTime,
    /// What Segment takes for a date, see [`is_date_like`]. Every `Datetime` field has it.
    DateLike,
    /// Anything.
    Text,
    /// Anything.
    Password,
}

impl Format {
    /// A format by the name JSON schemas use.
    pub fn from_name(name: &str) -> Option<Format> {
        Some(match name {
            "email" => Format::Email,
            "uri" => Format::Uri,
            "uri-reference" => Format::UriReference,
            "hostname" => Format::Hostname,
            "ipv4" => Format::Ipv4,
            "ipv6" => Format::Ipv6,
            "uuid" => Format::Uuid,
            "date" => Format::Date,
            "time" => Format::Time,
            "date-time" => Format::DateTime,
            "date-like" => Format::DateLike,
            "text" => Format::Text,
            "password" => Format::Password,
            _ => return None,
        })
    }

    /// The name used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Format::Email => "email address",
            Format::Uri => "URI",
            Format::UriReference => "URI Reference",
            Format::Hostname => "hostname",
            Format::Ipv4 => "IPv4 address",
            Format::Ipv6 => "IPv6 address",
            Format::Uuid => "UUID",
            Format::Date => "date",
            Format::Time => "time",
            Format::DateTime => "date and time",
            Format::DateLike => "date-like",
            Format::Text => "text",
            Format::Password => "password",
        }
    }

    /// Whether a text has this form.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Format::Email => email(text),
            Format::Uri => text.contains(['/', ':']) && uri::is_uri(text),
            Format::UriReference => uri::is_reference(text),
            Format::Hostname => hostname(text),
            Format::Ipv4 => ipv4(text),
            Format::Ipv6 => text.parse::<std::net::Ipv6Addr>().is_ok(),
            Format::Uuid => uuid(text),
            Format::Date => date(text),
            Format::Time => time(text),
            Format::DateTime => date_time(text),
            Format::DateLike => is_date_like(text),
            Format::Text | Format::Password => true,
        }
    }
}

fn email(text: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    local.split('.').all(atom)
        && domain.contains('.')
        && domain.split('.').all(|label| dns_label(label, usize::MAX))
}

/// Letters, digits and inner hyphens.
fn dns_label(label: &str, longest: usize) -> bool {
    !label.is_empty()
        && label.len() <= longest
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn hostname(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    (1..=253).contains(&name.len()) && name.split('.').all(|label| dns_label(label, 63))
}

pub(super) fn ipv4(text: &str) -> bool {
    let octet = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
            && part.parse::<u8>().is_ok()
    };
    text.split('.').count() == 4 && text.split('.').all(octet)
}

fn uuid(text: &str) -> bool {
    let prefixed = text
        .get(..9)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("urn:uuid:"));
    let text = if prefixed {
        text.get(9..).unwrap_or_default()
    } else {
        text
    };
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn two_digits(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    }
}

fn date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return false;
    };
    let (Some(century), Some(year)) = (two_digits(&[*y1, *y2]), two_digits(&[*y3, *y4])) else {
        return false;
    };
    let (Some(month), Some(day)) = (two_digits(&[*m1, *m2]), two_digits(&[*d1, *d2])) else {
        return false;
    };
    let year = century * 100 + year;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = bytes else {
        return false;
    };
    let parts = (
        two_digits(&[*h1, *h2]),
        two_digits(&[*m1, *m2]),
        two_digits(&[*s1, *s2]),
    );
    let (Some(hour), Some(minute), Some(second)) = parts else {
        return false;
    };
    let in_range = (hour <= 23 && minute <= 59 && second <= 59) || (hour, minute, second) == (23, 59, 60);
    let rest = match rest {
        [b'.', digits @ ..] => {
            let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
            if count == 0 {
                return false;
            }
            &digits[count..]
        }
        rest => rest,
    };
    let zone = match rest {
        [] | [b'z' | b'Z'] => true,
        [b'+' | b'-', offset @ ..] => {
            let digits: Vec<u8> = offset.iter().copied().filter(|b| *b != b':').collect();
            let colon_fits = match offset.iter().position(|b| *b == b':') {
                None => true,
                Some(at) => at == 2 && offset.len() == 5,
            };
            colon_fits && matches!(digits.len(), 2 | 4) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    in_range && zone
}

fn date_time(text: &str) -> bool {
    let separator = |c: char| c == 't' || c == 'T' || c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}');
    let mut parts = text.split(separator);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(clock), None) => date(day) && time(clock),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_checked_as_ajv_formats_does() {
        let cases = [
            (Format::Email, "a@b.dk", true),
            (Format::Email, "a@b", false),
            (Format::Email, "å@b.dk", false),
            (Format::Email, "a..b@c.dk", false),
            (Format::Ipv4, "203.0.113.9", true),
            (Format::Ipv4, "01.0.0.0", false),
            (Format::Ipv4, "1.2.3", false),
            (Format::Ipv6, "2001:db8::1", true),
            (
                Format::Uuid,
                "URN:UUID:123e4567-e89b-12d3-a456-426614174000",
                true,
            ),
            (Format::Date, "2024-02-29", true),
            (Format::Date, "2100-02-29", false),
            (Format::Time, "05:06:07.1+0200", true),
            (Format::Time, "05:06:07+2", false),
            (Format::Time, "23:59:60Z", true),
            (Format::DateTime, "2026-03-04 05:06:07", true),
            (Format::DateTime, "2026-03-04T05:06:07Z x", false),
            (Format::Hostname, "-a.dk", false),
            (Format::Hostname, "ex.dk.", true),
        ];
        for (format, text, expected) in cases {
            assert_eq!(format.accepts(text), expected, "{format:?} {text}");
        }
    }
}
