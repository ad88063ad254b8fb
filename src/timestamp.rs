//! When an event happened, and how that is written.

use std::time::{SystemTime, UNIX_EPOCH};

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds since 1970.
const SECS_MIN: i64 = -62_135_596_800;
const SECS_MAX: i64 = 253_402_300_799;

const SECS_PER_DAY: i64 = 86_400;
const NANOS_PER_SEC: u32 = 1_000_000_000;
const DIGITS_MAX: u8 = 9;

/// The days from 0000-03-01 to 1970-01-01. A calendar that starts in March has its leap day at the
/// end of the year, where it moves no other day.
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
const YEARS_PER_ERA: i64 = 400;

/// 00 to 99, two characters each.
static PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut at = 0;
    while at < 100 {
        pairs[2 * at] = b'0' + (at / 10) as u8;
        pairs[2 * at + 1] = b'0' + (at % 10) as u8;
        at += 1;
    }
    pairs
};

/// An instant in UTC between the years 0001 and 9999, and the number of digits that its fraction
/// of a second is written with. Nothing finer than these digits is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timestamp {
    /// Since 1970, rounded down.
    secs: i64,
    nanos: u32,
    digits: u8,
}

impl Timestamp {
    /// The system's time, to the microsecond. What lies outside the range becomes its nearest end.
    pub fn from_system(time: SystemTime) -> Timestamp {
        let (secs, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let secs = i64::try_from(before.as_secs()).map_or(i64::MIN, |secs| -secs);
                match before.subsec_nanos() {
                    0 => (secs, 0),
                    nanos => (secs.saturating_sub(1), NANOS_PER_SEC - nanos),
                }
            }
        };
        Timestamp::saturating(secs, nanos, 6)
    }

    /// What a clock says: seconds, and microseconds below a million. Saturates.
    #[inline]
    pub fn from_unix_micros(secs: i64, micros: u32) -> Timestamp {
        Timestamp { secs: secs.clamp(SECS_MIN, SECS_MAX), nanos: micros * 1_000, digits: 6 }
    }

    /// None outside the range.
    pub fn from_unix_millis(ms: i64) -> Option<Timestamp> {
        let nanos = ms.rem_euclid(1_000) as u32 * 1_000_000;
        Timestamp::checked(ms.div_euclid(1_000), nanos, 3)
    }

    /// Reads a date and a time with its offset from UTC (RFC 3339): `2024-05-01T12:30:00.25+02:00`.
    ///
    /// An offset is required, for without one the text does not name an instant. The fraction
    /// keeps the number of digits that it has, up to nine. A leap second is read as the second
    /// after it.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let (stamp, rest) = text.as_bytes().split_first_chunk::<19>()?;
        let marks = [stamp[4], stamp[7], stamp[13], stamp[16]];
        if marks != *b"--::" || !matches!(stamp[10], b'T' | b't' | b' ') {
            return None;
        }
        let year = number(&stamp[..4])?;
        let (month, day) = (number(&stamp[5..7])?, number(&stamp[8..10])?);
        let (hour, minute) = (number(&stamp[11..13])?, number(&stamp[14..16])?);
        let second = number(&stamp[17..])?;
        if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return None;
        }
        if hour >= 24 || minute >= 60 || second > 60 {
            return None;
        }
        let (nanos, digits, rest) = parse_fraction(rest)?;
        let offset = parse_offset(rest)?;
        let secs = days_from_civil(year, month, day) * SECS_PER_DAY;
        Timestamp::checked(secs + (hour * 60 + minute) * 60 + second - offset, nanos, digits)
    }

    /// Appends the instant as `2024-05-01T10:30:00.250Z`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let days = self.secs.div_euclid(SECS_PER_DAY);
        let second = self.secs.rem_euclid(SECS_PER_DAY) as u32;
        let (year, month, day) = civil_from_days(days);

        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        pair(&mut text, 0, year / 100);
        pair(&mut text, 2, year % 100);
        pair(&mut text, 5, month);
        pair(&mut text, 8, day);
        pair(&mut text, 11, second / 3_600);
        pair(&mut text, 14, second / 60 % 60);
        pair(&mut text, 17, second % 60);
        if self.digits == 0 {
            text[19] = b'Z';
            out.extend_from_slice(&text[..20]);
            return;
        }
        // All nine digits, then the end is set over the first that is not wanted.
        let micros = self.nanos / 1_000;
        pair(&mut text, 20, micros / 10_000);
        pair(&mut text, 22, micros / 100 % 100);
        pair(&mut text, 24, micros % 100);
        if self.digits > 6 {
            let rest = self.nanos % 1_000;
            pair(&mut text, 26, rest / 10);
            text[28] = b'0' + (rest % 10) as u8;
        }
        let end = 20 + usize::from(self.digits);
        text[end] = b'Z';
        out.extend_from_slice(&text[..=end]);
    }

    /// Milliseconds since 1970, rounded down.
    pub fn unix_millis(&self) -> i64 {
        self.secs * 1_000 + i64::from(self.nanos / 1_000_000)
    }

    /// Seconds since 1970, nanoseconds after that, and the number of digits.
    pub fn to_parts(self) -> (i64, u32, u8) {
        (self.secs, self.nanos, self.digits)
    }

    /// The instant that [`Timestamp::to_parts`] took apart. Parts that are outside their ranges,
    /// as a damaged file may hold, are brought inside.
    pub fn from_parts(secs: i64, nanos: u32, digits: u8) -> Timestamp {
        Timestamp::saturating(secs, nanos.min(NANOS_PER_SEC - 1), digits.min(DIGITS_MAX))
    }

    fn checked(secs: i64, nanos: u32, digits: u8) -> Option<Timestamp> {
        let in_range = (SECS_MIN..=SECS_MAX).contains(&secs);
        in_range.then_some(Timestamp { secs, nanos, digits })
    }

    fn saturating(secs: i64, nanos: u32, digits: u8) -> Timestamp {
        let nanos = match secs {
            ..SECS_MIN => 0,
            SECS_MIN..=SECS_MAX => nanos,
            _ => NANOS_PER_SEC - 1,
        };
        let finer = nanos % 10u32.pow(u32::from(DIGITS_MAX - digits));
        Timestamp { secs: secs.clamp(SECS_MIN, SECS_MAX), nanos: nanos - finer, digits }
    }
}

/// Writes a number below 100 as two digits.
#[inline]
fn pair(text: &mut [u8; 30], at: usize, value: u32) {
    let from = 2 * value as usize;
    text[at..at + 2].copy_from_slice(&PAIRS[from..from + 2]);
}

/// The number that is written in decimal digits and in nothing else.
fn number(digits: &[u8]) -> Option<i64> {
    let mut value = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(value)
}

/// Reads a fraction, if there is one: its nanoseconds, its digits and what follows it.
fn parse_fraction(text: &[u8]) -> Option<(u32, u8, &[u8])> {
    let Some((b'.', text)) = text.split_first() else {
        return Some((0, 0, text));
    };
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let (mut nanos, mut digits) = (0, 0);
    for at in 0..DIGITS_MAX {
        let digit = text[..len].get(usize::from(at)).map(|&byte| u32::from(byte - b'0'));
        nanos = nanos * 10 + digit.unwrap_or(0);
        digits += u8::from(digit.is_some());
    }
    Some((nanos, digits, &text[len..]))
}

/// Reads an offset from UTC to the end of the text, in seconds.
fn parse_offset(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            let offset = (hours * 60 + minutes) * 60;
            let in_range = hours < 24 && minutes < 60;
            in_range.then_some(if sign == b'-' { -offset } else { offset })
        }
        _ => None,
    }
}

pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to a date in the years 0000 to 9999. This and its inverse are Howard
/// Hinnant's (<https://howardhinnant.github.io/date_algorithms.html>).
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(YEARS_PER_ERA);
    let year_of_era = year.rem_euclid(YEARS_PER_ERA);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH
}

/// The year, month and day that is `days` after 1970-01-01. Every instant in range is after
/// 0000-03-01, so nothing here is negative.
pub fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let days = (days + DAYS_TO_EPOCH) as u32;
    let (era, day_of_era) = (days / DAYS_PER_ERA as u32, days % DAYS_PER_ERA as u32);
    let leap_days = day_of_era / 1_460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * YEARS_PER_ERA as u32 + year_of_era + u32::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(timestamp: Timestamp) -> String {
        let mut out = b"before ".to_vec();
        timestamp.write(&mut out);
        String::from_utf8(out).unwrap().strip_prefix("before ").unwrap().to_owned()
    }

    fn parsed(text: &str) -> Option<(i64, u32, u8)> {
        Timestamp::parse(text).map(|timestamp| timestamp.to_parts())
    }

    #[test]
    fn texts_are_read() {
        let table = [
            ("1970-01-01T00:00:00Z", (0, 0, 0)),
            ("1970-01-01t00:00:00z", (0, 0, 0)),
            ("1970-01-01 00:00:00+00:00", (0, 0, 0)),
            ("1970-01-01T00:00:00-00:00", (0, 0, 0)),
            ("1969-12-31T23:59:59.5Z", (-1, 500_000_000, 1)),
            ("2024-02-29T12:34:56.789Z", (1_709_210_096, 789_000_000, 3)),
            ("2024-02-29T14:34:56.789000+02:00", (1_709_210_096, 789_000_000, 6)),
            ("2024-02-29T06:49:56.1234567891234-05:45", (1_709_210_096, 123_456_789, 9)),
            ("2016-12-31T23:59:60Z", (1_483_228_800, 0, 0)),
            ("2016-12-31T23:59:60.25Z", (1_483_228_800, 250_000_000, 2)),
            ("2000-02-29T00:00:00Z", (951_782_400, 0, 0)),
            ("0001-01-01T00:00:00Z", (SECS_MIN, 0, 0)),
            ("0000-12-31T23:30:00-00:30", (SECS_MIN, 0, 0)),
            ("9999-12-31T23:59:59.999999999Z", (SECS_MAX, 999_999_999, 9)),
        ];
        for (text, parts) in table {
            assert_eq!(parsed(text), Some(parts), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let refused = [
            "",
            "2024",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.5",
            "2024-01-01T00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00,5Z",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01T00:00:00Z ",
            " 2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00+01",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+00:60",
            "2024-01-01T00:00:00 +00:00",
            "2024-01-01T00:00:00\u{2212}01:00",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01_00:00:00Z",
            "2024/01/01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-32T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-02-30T00:00:00Z",
            "2024-1-01T00:00:00Z",
            "+024-01-01T00:00:00Z",
            "2024-01-01T0 :00:00Z",
            "-2024-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0000-06-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "2024-01-01T00:00:0\u{661}Z",
        ];
        for text in refused {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read() {
        let millis = |ms| Timestamp::from_unix_millis(ms).map(text);
        assert_eq!(millis(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(millis(-1).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(millis(SECS_MAX * 1_000 + 999).as_deref(), Some("9999-12-31T23:59:59.999Z"));
        assert_eq!(millis(SECS_MIN * 1_000).as_deref(), Some("0001-01-01T00:00:00.000Z"));
        let outside = [i64::MIN, SECS_MIN * 1_000 - 1, (SECS_MAX + 1) * 1_000, i64::MAX];
        assert!(outside.into_iter().all(|ms| millis(ms).is_none()));
    }

    #[test]
    fn the_systems_time_is_taken_to_the_microsecond() {
        let after = UNIX_EPOCH + Duration::new(1_709_210_096, 123_456_789);
        assert_eq!(text(Timestamp::from_system(after)), "2024-02-29T12:34:56.123456Z");
        let before = UNIX_EPOCH - Duration::from_nanos(1_500);
        assert_eq!(text(Timestamp::from_system(before)), "1969-12-31T23:59:59.999998Z");
        let whole = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(text(Timestamp::from_system(whole)), "1969-12-31T23:59:59.000000Z");
        // Not every system's clock reaches this far.
        if let Some(late) = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 40)) {
            assert_eq!(text(Timestamp::from_system(late)), "9999-12-31T23:59:59.999999Z");
        }
        if let Some(early) = UNIX_EPOCH.checked_sub(Duration::from_secs(1 << 40)) {
            assert_eq!(text(Timestamp::from_system(early)), "0001-01-01T00:00:00.000000Z");
        }
    }

    #[test]
    fn parts_are_brought_into_range() {
        let table = [
            ((0, 123_456_789, 9), (0, 123_456_789, 9)),
            ((0, 123_456_789, 2), (0, 120_000_000, 2)),
            ((0, 123_456_789, 0), (0, 0, 0)),
            ((0, u32::MAX, u8::MAX), (0, 999_999_999, 9)),
            ((i64::MIN, 5, 9), (SECS_MIN, 0, 9)),
            ((i64::MAX, 5, 3), (SECS_MAX, 999_000_000, 3)),
        ];
        for ((secs, nanos, digits), parts) in table {
            assert_eq!(Timestamp::from_parts(secs, nanos, digits).to_parts(), parts);
        }
    }

    /// Counts through every day from year 1 to 9999 by the rules of the calendar.
    #[test]
    fn every_day_agrees_with_a_count() {
        let mut days = SECS_MIN / SECS_PER_DAY;
        let mut out = Vec::new();
        for year in 1..=9999 {
            let leap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
            let february = if leap { 29 } else { 28 };
            let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(months) {
                for day in 1..=length {
                    assert_eq!(days_from_civil(year, month, day), days);
                    let civil = (year as u32, month as u32, day as u32);
                    assert_eq!(civil_from_days(days), civil);
                    days += 1;
                }
                let last = Timestamp::from_parts(days * SECS_PER_DAY - 1, 0, 0);
                out.clear();
                last.write(&mut out);
                let expected = format!("{year:04}-{month:02}-{length:02}T23:59:59Z");
                assert_eq!(out, expected.as_bytes());
                let next = format!("{year:04}-{month:02}-{:02}T00:00:00Z", length + 1);
                assert_eq!(parsed(&next), None);
            }
        }
        assert_eq!(days * SECS_PER_DAY, SECS_MAX + 1);
    }

    #[test]
    fn random_instants_are_read_back() {
        let mut state = 5u64;
        let mut random = |bound: i64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 2) as i64 % bound
        };
        for round in 0..200_000 {
            let secs = SECS_MIN + random(SECS_MAX - SECS_MIN + 1);
            let nanos = random(i64::from(NANOS_PER_SEC)) as u32;
            let timestamp = Timestamp::from_parts(secs, nanos, (round % 10) as u8);
            let written = text(timestamp);
            assert_eq!(Timestamp::parse(&written), Some(timestamp), "{written}");
            let (secs, nanos, digits) = timestamp.to_parts();
            assert_eq!(Timestamp::from_parts(secs, nanos, digits), timestamp);

            let millis = Timestamp::from_unix_millis(timestamp.unix_millis()).unwrap();
            assert_eq!(millis, Timestamp::from_parts(secs, nanos, 3));

            // The same instant, as somewhere else would write it.
            let minutes = random(24 * 60);
            if let Some(shifted) = Timestamp::checked(secs + minutes * 60, nanos, digits) {
                let there = text(shifted).replace('Z', "");
                let there = format!("{there}+{:02}:{:02}", minutes / 60, minutes % 60);
                assert_eq!(Timestamp::parse(&there), Some(timestamp), "{there}");
            }
        }
    }
}
