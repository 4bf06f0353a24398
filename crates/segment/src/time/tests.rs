use proptest::prelude::*;

use super::*;

fn iso(instant: Millis) -> String {
    let mut out = String::new();
    write_iso(instant, &mut out);
    out
}

fn read(text: &str) -> Option<String> {
    parse_timestamp(text).map(iso)
}

#[test]
fn timestamps_of_every_sdk() {
    for (text, expected) in [
        ("2026-03-01T12:34:56.789Z", "2026-03-01T12:34:56.789Z"),
        ("2026-03-01T12:34:56Z", "2026-03-01T12:34:56.000Z"),
        ("2026-03-01T12:34Z", "2026-03-01T12:34:00.000Z"),
        // Python, Go, C#, Ruby, PHP.
        ("2026-03-01T12:34:56.718332+00:00", "2026-03-01T12:34:56.718Z"),
        ("2026-03-01T12:34:56.123456789Z", "2026-03-01T12:34:56.123Z"),
        ("2026-03-01T12:34:56.1234567Z", "2026-03-01T12:34:56.123Z"),
        ("2026-03-01 12:34:56 +0000", "2026-03-01T12:34:56.000Z"),
        ("2026-03-01 12:34:56 UTC", "2026-03-01T12:34:56.000Z"),
        ("2026-03-01T12:34:56+0530", "2026-03-01T07:04:56.000Z"),
        ("2026-03-01T12:34:56.5-08:00", "2026-03-01T20:34:56.500Z"),
        ("2026-03-01T23:34:56-08", "2026-03-02T07:34:56.000Z"),
        ("2026-03-01t12:34:56z", "2026-03-01T12:34:56.000Z"),
        ("2026-03-01T12:34:56", "2026-03-01T12:34:56.000Z"),
        (" 2026-03-01\n", "2026-03-01T00:00:00.000Z"),
        ("20260301T123456Z", "2026-03-01T12:34:56.000Z"),
        ("20260301", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T24:00:00Z", "2026-03-02T00:00:00.000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("+010000-01-01T00:00:00Z", "+010000-01-01T00:00:00.000Z"),
        ("-000001-01-01T00:00:00Z", "-000001-01-01T00:00:00.000Z"),
        ("0000-02-29", "0000-02-29T00:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("1772368496", "2026-03-01T12:34:56.000Z"),
        ("1772368496789", "2026-03-01T12:34:56.789Z"),
        ("1772368496.789", "2026-03-01T12:34:56.789Z"),
    ] {
        assert_eq!(read(text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "",
        " ",
        "yesterday",
        "true",
        "2026",
        "2026-03",
        "2026-3-1",
        "2026-02-29",
        "2026-13-01T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T24:00:01Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:34:61Z",
        "2026-03-01T12:34:56.Z",
        "2026-03-01T12:34:56+24:00",
        "2026-03-01T12:34:56ZZ",
        "2026-0301",
        "2026-03-01T",
        "-000000-01-01T00:00:00Z",
        "+999999-01-01T00:00:00Z",
        "12345",
        "99999999999999999999",
        "1772368496 ms",
        "２０２６-03-01",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn epoch_numbers_by_magnitude() {
    for (number, expected) in [
        (0.0, Some(0)),
        (-1.0, Some(-1000)),
        (1_772_368_496.0, Some(1_772_368_496_000)),
        (1_772_368_496.789, Some(1_772_368_496_789)),
        (1_772_368_496_789.0, Some(1_772_368_496_789)),
        (1_772_368_496_789.9, Some(1_772_368_496_789)),
        (99_999_999_999.0, Some(99_999_999_999_000)),
        (100_000_000_000.0, Some(100_000_000_000)),
        (1_772_368_496_789_123.0, Some(1_772_368_496_789)),
        (1_772_368_496_789_123_456.0, Some(1_772_368_496_789)),
        (1e20, None),
        (f64::NAN, None),
        (f64::NEG_INFINITY, None),
    ] {
        assert_eq!(Millis::from_epoch(number), expected.map(Millis), "{number}");
    }
    assert_eq!(Millis(-1).seconds(), -1);
    assert_eq!(Millis(1999).seconds(), 1);
}

#[test]
fn skew_is_taken_out() {
    let (received, sent, original) = (Millis(1_000_000), Millis(5_000), Millis(3_000));
    assert_eq!(corrected(received, Some(sent), Some(original)), Millis(998_000));
    assert_eq!(corrected(received, None, Some(original)), original);
    assert_eq!(corrected(received, Some(sent), None), received);
    assert_eq!(
        corrected(received, Some(Millis(i64::MIN)), Some(Millis(i64::MAX))),
        Millis(i64::MAX)
    );
}

#[test]
fn writes_any_instant() {
    assert_eq!(iso(Millis::LIMIT), "+275760-09-13T00:00:00.000Z");
    assert_eq!(iso(Millis(-Millis::LIMIT.0)), "-271821-04-20T00:00:00.000Z");
    assert!(iso(Millis(i64::MAX)).starts_with("+292278994-08-17T07:12:55.807"));
    assert!(iso(Millis(i64::MIN)).starts_with("-292275055-05-16T16:47:04.192"));
}

#[test]
fn segment_takes_dates_apart() {
    for (text, expected) in [
        ("2026-13-01 00:00:00", Some("2027-01-01T00:00:00.000Z")),
        ("2026-02-30", Some("2026-03-02T00:00:00.000Z")),
        ("2026-00-00", Some("2025-11-30T00:00:00.000Z")),
        ("0050-01-01", Some("1950-01-01T00:00:00.000Z")),
        ("2026", Some("2026-01-01T00:00:00.000Z")),
        ("1 March 2026 EST", Some("2026-03-01T05:00:00.000Z")),
        ("garbage", None),
        ("", None),
    ] {
        let expected = expected.map(|text| parse_timestamp(text).unwrap().seconds());
        assert_eq!(segment::event_time(text), expected, "{text}");
    }
    assert_eq!(segment::install_time(&"9".repeat(400)), None);
}

/// Texts close to the shapes that are read.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[0-9]{1,5}",
        "[-+/:., TZ()]{1,2}",
        "(?i)(jan|march|gmt|utc|est|am|pm|z|t|sun)",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(ms in -Millis::LIMIT.0..=Millis::LIMIT.0) {
        let text = iso(Millis(ms));
        prop_assert_eq!(parse_timestamp(&text), Some(Millis(ms)));
        prop_assert_eq!(segment::event_time(&text), Some(ms.div_euclid(1000)));
    }

    #[test]
    fn written_as_jiff_writes(ms in -62_135_596_800_000_i64..253_402_207_200_000) {
        let expected = format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap());
        prop_assert_eq!(iso(Millis(ms)), expected);
    }

    #[test]
    fn nothing_panics(text in texts(), number in any::<f64>(), ms in any::<i64>()) {
        let _ = (parse_timestamp(&text), Millis::from_epoch(number), iso(Millis(ms)));
        let _ = (segment::event_time(&text), segment::install_time(&text));
    }
}
