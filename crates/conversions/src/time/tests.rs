use proptest::prelude::*;
use signalbox_segment::time::write_iso;

use super::*;

#[test]
fn reads_every_spelling_and_never_guesses() {
    for text in [
        "2026-03-01T12:34:56Z",
        " 2026-03-01T12:34:56Z ",
        "20260301T123456Z",
        "1772368496",
        "1772368496789",
        "Sun, 01 Mar 2026 12:34:56 GMT",
        "Sun Mar 01 2026 13:34:56 GMT+0100 (Central European Standard Time)",
        "March 1, 2026 12:34:56 PM",
        "2026/03/01 12:34:56",
        "2026-3-1 12:34:56",
        "2026-3-1T12:34:56",
        "2026-03-1T12:34:56Z",
        "03/01/2026 12:34:56",
    ] {
        assert_eq!(unix_seconds(text), Ok(1_772_368_496), "{text}");
    }
    assert_eq!(unix_seconds("2026-3-1T1:2:3"), Ok(1_772_326_923));
    assert_eq!(unix_seconds("  "), Err(BadTime::Empty));
    for text in [
        "yesterday",
        "true",
        "-1",
        "5",
        "2026",
        "Invalid Date",
        "2026-13-01",
        "2026-13-01T00:00:00",
        "2026-02-30",
        "February 30, 2026",
        "3/1",
        "May 5",
        "version 1.2.2026.3",
        "2026-3-1-1",
        "2026-2-30T1:2:3",
    ] {
        assert_eq!(unix_seconds(text), Err(BadTime::Unreadable), "{text}");
    }
}

/// Texts near the shapes that are read.
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
        let mut text = String::new();
        write_iso(Millis(ms), &mut text);
        prop_assert_eq!(unix_seconds(&text), Ok(ms.div_euclid(1000)));
    }

    #[test]
    fn nothing_panics(text in texts()) {
        let _ = unix_seconds(&text);
    }
}
