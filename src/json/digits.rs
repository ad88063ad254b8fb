//! Integers as text, most of which are small.

/// Bytes that are written to.
pub const DIGITS_ROOM: usize = 9;

/// Writes an integer of at most eight digits to the start of `out`, and returns how many bytes it
/// has; `None` for others. What is behind it may change.
#[inline(always)]
pub fn write_digits(
    out: &mut [u8; DIGITS_ROOM],
    is_negative: bool,
    magnitude: u64,
) -> Option<usize> {
    if magnitude > 99_999_999 {
        return None;
    }
    out[0] = b'-';
    let sign = usize::from(is_negative);
    let digits = eight_digits(magnitude);
    // The last digit is written even if it is zero: its byte is the highest.
    let zeros = (digits | 1 << 56).trailing_zeros() / 8;
    let text = (digits | u64::from_le_bytes([b'0'; 8])) >> (8 * zeros);
    out[sign..sign + 8].copy_from_slice(&text.to_le_bytes());
    Some(sign + 8 - zeros as usize)
}

/// The digits of a number of at most eight, a byte each, the first in the lowest.
///
/// Halves are halved, in lanes of one word: each becomes `quotient | remainder << lane`, and the
/// remainder is `number - quotient * divisor`. A division by a constant is a multiplication that is
/// exact for all values that a lane can have.
#[inline(always)]
fn eight_digits(number: u64) -> u64 {
    let halves = (number << 32) - number / 10_000 * ((10_000 << 32) - 1);
    let hundreds = ((halves * 10_486) >> 20) & 0x7F_0000_007F;
    let pairs = (halves << 16) - hundreds * ((100 << 16) - 1);
    let tens = ((pairs * 103) >> 10) & 0xF_000F_000F_000F;
    (pairs << 8) - tens * ((10 << 8) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_eight_digits_are_written() {
        let written = |value: i64| {
            let mut out = [b'.'; DIGITS_ROOM];
            let len = write_digits(&mut out, value < 0, value.unsigned_abs())?;
            Some(String::from_utf8(out[..len].to_vec()).unwrap())
        };
        for value in [0, 7, 42, 4_999, 10_000, 12_345_678, 99_999_999] {
            assert_eq!(written(value), Some(value.to_string()));
            assert_eq!(written(-value), Some((-value).to_string()));
        }
        for power in 0..8 {
            let value = 10_i64.pow(power);
            assert_eq!(written(value), Some(value.to_string()));
            assert_eq!(written(value - 1), Some((value - 1).to_string()));
        }
        assert!(
            [100_000_000, -100_000_000, i64::MAX, i64::MIN].map(written) == [const { None }; 4]
        );
    }

    #[test]
    fn every_lane_divides_right() {
        for value in 0..10_000 {
            for value in [value, value * 10_000, 9_999 * 10_000 + value, value * 10_000 + 9_999] {
                let digits = eight_digits(value).to_le_bytes().map(|digit| b'0' + digit);
                assert_eq!(std::str::from_utf8(&digits).unwrap(), format!("{value:08}"));
            }
        }
    }
}
