//! The time at which a limit ends, as Codex writes it into its message.
//!
//! Codex runs with `TZ=UTC`, so its clock times are UTC: `try again at 9:13 AM.` means the next time
//! the clock shows that; a later day is written out: `Nov 25th, 2026 7:33 PM`.

use std::sync::OnceLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use regex::{Regex, RegexBuilder};

/// The time that a message names, on or after `now`.
pub(super) fn named_in(message: &str, now: Timestamp) -> Option<Timestamp> {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| {
        RegexBuilder::new(
            r"(?i)try again at (?:(?P<month>[a-z]{3})[a-z]* (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4}),? )?(?P<hour>\d{1,2}):(?P<minute>\d{2}) ?(?P<half>am|pm)",
        )
        .unicode(false)
        .build()
        .expect("a constant pattern, exercised by the test below")
    });
    let found = pattern.captures(message)?;
    let number = |name: &str| found.name(name)?.as_str().parse::<i8>().ok();
    let afternoon = found["half"].eq_ignore_ascii_case("pm");
    let hour = number("hour")? % 12 + if afternoon { 12 } else { 0 };
    let time = Time::new(hour, number("minute")?, 0, 0).ok()?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let date = match found.name("month") {
        Some(month) => {
            let year = found["year"].parse().ok()?;
            Date::new(year, month_number(month.as_str())?, number("day")?).ok()?
        }
        None => today,
    };
    let at = |date: Date| {
        DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    let stated = at(date)?;
    // The minute is cut off, not rounded: the limit still holds within it.
    let end = stated.checked_add(1.minute()).ok()?;
    match found.name("month") {
        None if end < now => at(today.checked_add(1.day()).ok()?)?.checked_add(1.minute()).ok(),
        _ => Some(end),
    }
}

fn month_number(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let at = MONTHS.iter().position(|month| name.to_ascii_lowercase() == *month)?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: Option<&str>) {
        let now: Timestamp = "2026-11-22T18:00:00Z".parse().unwrap();
        assert_eq!(named_in(message, now), expected.map(|time| time.parse().unwrap()), "{message}");
    }

    #[test]
    fn a_clock_time_is_the_next_one() {
        check("You’ve hit your usage limit. Try again at 9:13 PM.", Some("2026-11-22T21:14:00Z"));
        check("… or try again at 9:13 AM.", Some("2026-11-23T09:14:00Z"));
        check("try again at 12:05 AM.", Some("2026-11-23T00:06:00Z"));
        check("try again at 6:00 PM.", Some("2026-11-22T18:01:00Z"));
    }

    #[test]
    fn a_later_day_is_written_out() {
        check("try again at Nov 25th, 2026 7:33 PM.", Some("2026-11-25T19:34:00Z"));
        check("try again at Feb 30th, 2027 7:33 PM.", None);
    }

    #[test]
    fn a_message_without_a_time_names_none() {
        check("try again later", None);
        check("try again at 99:99 AM", None);
    }
}
