//! The server's times.

/// Reads a time such as `2026-11-30T00:19:35.036245Z`, as Unix milliseconds; `None` if it is none in UTC.
pub(super) fn unix_millis(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let digits = fraction.get(..3.min(fraction.len()))?;
    let millis = format!("{digits:0<3}").parse::<i64>().ok()?;
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && (1970..10_000).contains(&year);
    if !in_range || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970-01-01, of years that begin in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_server() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-30T00:19:35.036245Z", 1_795_997_975_036),
            ("2026-11-30T00:19:35.03Z", 1_795_997_975_030),
            ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999),
            ("2024-03-01T00:00:00Z", 1_709_251_200_000),
        ] {
            assert_eq!(unix_millis(text), Some(millis), "{text}");
        }
        for text in [
            "",
            "2026-11-30",
            "2026-13-30T00:00:00Z",
            "2026-11-30T00:19:35+01:00",
            "x-y-zT1:2:3Z",
        ] {
            assert_eq!(unix_millis(text), None, "{text}");
        }
    }
}
