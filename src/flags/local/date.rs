//! Dates in filters: a fixed instant, or one that is counted back from now.

use crate::timestamp::{Timestamp, civil_from_days, days_from_civil, days_in_month};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Numbers from here on are not counted back.
const COUNT_END: u16 = 10_000;

/// 0001-01-01T00:00:00Z.
const SECS_MIN: i64 = -62_135_596_800;

/// An instant: seconds since 1970, and nanoseconds.
pub type Moment = (i64, u32);

/// The date of a filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    At(Moment),
    Ago(u16, Unit),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

impl Bound {
    /// Reads `-30d`, where the sign may be absent and means nothing, or a date.
    pub fn parse(text: &str) -> Option<Bound> {
        relative(text).or_else(|| parse(text).map(Bound::At))
    }

    /// The instant it means at a time. None if that is before the year 1.
    pub fn moment(self, now: Timestamp) -> Option<Moment> {
        let (count, unit) = match self {
            Bound::At(moment) => return Some(moment),
            Bound::Ago(count, unit) => (i64::from(count), unit),
        };
        let (secs, nanos, _) = now.to_parts();
        let secs = match unit {
            Unit::Hours => secs - count * HOUR,
            Unit::Days => secs - count * DAY,
            Unit::Weeks => secs - count * WEEK,
            Unit::Months => months_before(secs, count),
            Unit::Years => years_before(secs, count),
        };
        (secs >= SECS_MIN).then_some((secs, nanos))
    }
}

fn relative(text: &str) -> Option<Bound> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = text.get(..text.len().checked_sub(1)?)?;
    let unit = match text.as_bytes().last()? {
        b'h' => Unit::Hours,
        b'd' => Unit::Days,
        b'w' => Unit::Weeks,
        b'm' => Unit::Months,
        b'y' => Unit::Years,
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let zeros = digits.bytes().take_while(|&byte| byte == b'0').count();
    // All zeros are the number 0; no digits are no number.
    let digits = if zeros > 0 { &digits[zeros - 1..] } else { digits };
    let count = digits.parse().ok()?;
    (count < COUNT_END).then_some(Bound::Ago(count, unit))
}

/// Goes back month by month. A day that a month does not have becomes its last, and stays that:
/// two months before March 31st is January 28th or 29th.
fn months_before(secs: i64, count: i64) -> i64 {
    let (year, month, mut day) = civil(secs);
    let first = year * 12 + month - 1;
    let last = first - count;
    // Every month has 28 days, so that a day is cut only until it is the 28th.
    for index in (last..first).rev() {
        if day <= 28 {
            break;
        }
        day = day.min(days_in_month(index.div_euclid(12), index.rem_euclid(12) + 1));
    }
    with_date(secs, last.div_euclid(12), last.rem_euclid(12) + 1, day)
}

/// Goes back year by year, which takes February 29th to the 28th for good.
fn years_before(secs: i64, count: i64) -> i64 {
    let (year, month, day) = civil(secs);
    let day = if count > 0 && (month, day) == (2, 29) { 28 } else { day };
    with_date(secs, year - count, month, day)
}

fn civil(secs: i64) -> (i64, i64, i64) {
    let (year, month, day) = civil_from_days(secs.div_euclid(DAY));
    (i64::from(year), i64::from(month), i64::from(day))
}

/// The same time of another day.
fn with_date(secs: i64, year: i64, month: i64, day: i64) -> i64 {
    days_from_civil(year, month, day) * DAY + secs.rem_euclid(DAY)
}

/// Reads a date, or a date and a time, of ISO 8601. What names no offset is in UTC.
pub fn parse(text: &str) -> Option<Moment> {
    let moment = |timestamp: Timestamp| {
        let (secs, nanos, _) = timestamp.to_parts();
        (secs, nanos)
    };
    let text = text.trim_ascii();
    Timestamp::parse(text).or_else(|| Timestamp::parse(&completed(text)?)).map(moment)
}

/// What may stand for the offset 0.
const UTC: &str = " UTC";

/// The text with what it may leave out.
fn completed(text: &str) -> Option<String> {
    let (date, time) = text.split_at_checked(10)?;
    let Some(separator) = time.chars().next() else {
        return Some(format!("{date}T00:00:00Z"));
    };
    if !matches!(separator, 'T' | 't' | ' ') {
        return None;
    }
    let time = &time[1..];
    let (time, offset) = match time.split_at_checked(time.len().saturating_sub(UTC.len())) {
        Some((time, zone)) if zone.eq_ignore_ascii_case(UTC) => (time, "Z"),
        _ => match time.find(['Z', 'z', '+', '-']) {
            Some(at) => time.split_at(at),
            None => (time, "Z"),
        },
    };
    // A numeric offset may stand behind a space.
    let numeric = offset.starts_with(['+', '-']);
    let time = time.strip_suffix(' ').filter(|_| numeric).unwrap_or(time);
    let seconds = if time.len() == 5 { ":00" } else { "" };
    Some(format!("{date}T{time}{seconds}{offset}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn moment(text: &str) -> Moment {
        let (secs, nanos, _) = at(text).to_parts();
        (secs, nanos)
    }

    #[test]
    fn dates_are_read() {
        let table = [
            ("2024-05-01", "2024-05-01T00:00:00Z"),
            (" 2024-05-01\n", "2024-05-01T00:00:00Z"),
            ("2024-05-01T10:30", "2024-05-01T10:30:00Z"),
            ("2024-05-01 10:30", "2024-05-01T10:30:00Z"),
            ("2024-05-01 10:30:15", "2024-05-01T10:30:15Z"),
            ("2024-05-01T10:30:15.25", "2024-05-01T10:30:15.25Z"),
            ("2024-05-01T10:30:15Z", "2024-05-01T10:30:15Z"),
            ("2024-05-01t10:30:15z", "2024-05-01T10:30:15Z"),
            ("2024-05-01T10:30Z", "2024-05-01T10:30:00Z"),
            ("2024-05-01T10:30:15+02:00", "2024-05-01T08:30:15Z"),
            ("2024-05-01T10:30-02:30", "2024-05-01T13:00:00Z"),
            ("2024-05-01 10:30:15 +02:00", "2024-05-01T08:30:15Z"),
            ("2024-05-01 10:30:15 UTC", "2024-05-01T10:30:15Z"),
            ("2024-05-01 10:30 utc", "2024-05-01T10:30:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
        ];
        for (text, same) in table {
            assert_eq!(parse(text), Some(moment(same)), "{text}");
        }
        let refused = [
            "",
            "2024",
            "2024-05",
            "20240501",
            "2024-5-1",
            "2024-05-01Z",
            "2024-05-01T",
            "now",
            "2024-05-01 UTC",
            "2024-05-01T10",
            "2024-05-01_10:30",
            "2024-05-01T10:30:15 Z",
            "2024-05-01T10:30:15,5",
            "2024-05-01T10:30:15+0200",
            "2024-05-01T10:30:15  +02:00",
            "2024-05-01T25:00",
            "2023-02-29",
            "1714521600",
            "May 1, 2024",
            "2024/05/01",
            "-3d",
            "2024-05-01T10:30:15Z UTC",
            "2024-05-01T10:30:15 UTCZ",
            "2024-05-01T10:30:15+02:00 UTC",
            "2024-05-0é",
        ];
        for text in refused {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn relative_dates_are_read() {
        let table = [
            ("-3d", Some(Bound::Ago(3, Unit::Days))),
            ("3d", Some(Bound::Ago(3, Unit::Days))),
            ("0h", Some(Bound::Ago(0, Unit::Hours))),
            ("-007w", Some(Bound::Ago(7, Unit::Weeks))),
            ("00000000000000000000001m", Some(Bound::Ago(1, Unit::Months))),
            ("000y", Some(Bound::Ago(0, Unit::Years))),
            ("9999y", Some(Bound::Ago(9_999, Unit::Years))),
            ("10000h", None),
            ("65536h", None),
            ("99999999999999999999h", None),
            ("--3d", None),
            ("+3d", None),
            ("d", None),
            ("-", None),
            ("3", None),
            ("3s", None),
            ("3D", None),
            ("1.5d", None),
            (" 3d", None),
            ("3d ", None),
            ("٣d", None),
        ];
        for (text, bound) in table {
            assert_eq!(Bound::parse(text), bound, "{text}");
        }
        assert_eq!(Bound::parse("2024-05-01"), Some(Bound::At(moment("2024-05-01T00:00:00Z"))));
    }

    #[test]
    fn now_is_counted_back_from() {
        let table = [
            ("2024-05-01T12:00:00.5Z", "3h", "2024-05-01T09:00:00.5Z"),
            ("2024-05-01T12:00:00Z", "1d", "2024-04-30T12:00:00Z"),
            ("2024-05-01T12:00:00Z", "2w", "2024-04-17T12:00:00Z"),
            ("2024-03-31T01:02:03Z", "1m", "2024-02-29T01:02:03Z"),
            ("2024-03-31T01:02:03Z", "2m", "2024-01-29T01:02:03Z"),
            ("2023-03-31T01:02:03Z", "2m", "2023-01-28T01:02:03Z"),
            ("2024-05-31T00:00:00Z", "1m", "2024-04-30T00:00:00Z"),
            ("2024-05-31T00:00:00Z", "12m", "2023-05-29T00:00:00Z"),
            ("2024-01-31T00:00:00Z", "1m", "2023-12-31T00:00:00Z"),
            ("2024-05-31T00:00:00Z", "0m", "2024-05-31T00:00:00Z"),
            ("2024-02-29T00:00:00Z", "1y", "2023-02-28T00:00:00Z"),
            ("2024-02-29T00:00:00Z", "4y", "2020-02-28T00:00:00Z"),
            ("2024-02-29T00:00:00Z", "0y", "2024-02-29T00:00:00Z"),
            ("2024-06-15T00:00:00Z", "2023y", "0001-06-15T00:00:00Z"),
        ];
        for (now, back, then) in table {
            let bound = Bound::parse(back).unwrap();
            assert_eq!(bound.moment(at(now)), Some(moment(then)), "{now} {back}");
        }
        for back in ["2024y", "9999y"] {
            let bound = Bound::parse(back).unwrap();
            assert_eq!(bound.moment(at("2024-06-15T00:00:00Z")), None, "{back}");
        }
        assert!(Bound::parse("9999m").unwrap().moment(at("2024-06-15T00:00:00Z")).is_some());
        assert_eq!(Bound::parse("9999m").unwrap().moment(at("0800-06-15T00:00:00Z")), None);
    }
}
