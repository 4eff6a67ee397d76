//! Values of an expression: numbers, times and lengths of time.

use super::column::Kind;

/// Nanoseconds in one second.
const SECOND: i128 = 1_000_000_000;

/// Units of time and their nanoseconds.
static UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
];

/// A number to compare with; nanoseconds where it is a time or a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    number: i128,
    /// Whether it counts from the first event.
    relative: bool,
}

impl Value {
    pub(super) fn new(number: i128) -> Self {
        Self { number, relative: false }
    }

    /// The number, if `first` is the time of the first event.
    pub(super) fn at(self, first: i128) -> i128 {
        if self.relative { self.number.saturating_add(first) } else { self.number }
    }

    /// Whether this is certain to be greater than `other`.
    pub(super) fn is_above(self, other: Self) -> bool {
        self.relative == other.relative && self.number > other.number
    }
}

/// Reads a value for a column of this kind, which is not one of text.
pub(super) fn read(text: &str, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Unsigned | Kind::Signed(_) | Kind::Status => number(text, kind).map(Value::new),
        Kind::Nanoseconds => number(text, kind).or_else(|| length(text)).map(Value::new),
        Kind::Duration => length(text).map(Value::new),
        Kind::Time => match length(text) {
            Some(number) => Some(Value { number, relative: true }),
            None => instant(text).map(Value::new),
        },
        Kind::Text => None,
    }
}

/// A decimal or hexadecimal number.
fn number(text: &str, kind: Kind) -> Option<i128> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let bits = digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, 16))?;
        let bits = bits.ok()?;
        return Some(match kind {
            // 0xC0000005 is how anybody writes this exit status.
            Kind::Signed(32) => u32::try_from(bits).map_or(bits.into(), |bits| (bits as i32).into()),
            Kind::Signed(_) => (bits as i64).into(),
            _ => bits.into(),
        });
    }
    // A logon session, as Process Monitor shows it: 00000000:000003e7.
    if let Some((high, low)) = text.split_once(':')
        && [high, low].iter().all(|half| half.len() == 8 && half.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return u64::from_str_radix(&format!("{high}{low}"), 16).ok().map(i128::from);
    }
    let (sign, digits) = signed(text);
    Some(sign * decimal(digits)?)
}

fn signed(text: &str) -> (i128, &str) {
    text.strip_prefix('-').map_or((1, text), |rest| (-1, rest))
}

/// Decimal digits that fit into 64 bits, nothing else.
fn decimal(digits: &str) -> Option<i128> {
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    if all_digits { digits.parse::<u64>().ok().map(i128::from) } else { None }
}

/// A length of time in nanoseconds: numbers with units, one after the other (`1m30s`).
fn length(text: &str) -> Option<i128> {
    let (sign, mut rest) = signed(text);
    let mut sum: i128 = 0;
    loop {
        let (number, tail) = rest.split_at_checked(rest.find(|c: char| c != '.' && !c.is_ascii_digit())?)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let nanos = UNITS.iter().find(|entry| entry.0.eq_ignore_ascii_case(unit))?.1;
        sum = sum.checked_add(scaled(number, nanos)?)?;
        if tail.is_empty() {
            return Some(sign * sum);
        }
        rest = tail;
    }
}

/// A decimal number, perhaps with a fraction, times `unit`.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = u32::try_from(fraction.len()).ok().filter(|&digits| digits <= 18)?;
    let scale = 10_i128.pow(digits);
    Some(decimal(whole)? * unit + decimal(fraction)? * unit / scale)
}

/// A date in UTC, perhaps with a time of day, in nanoseconds since 1601.
fn instant(text: &str) -> Option<i128> {
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (date, clock.strip_suffix(['Z', 'z']).unwrap_or(clock)),
        None => (text, "00:00"),
    };
    let mut fields = date.split('-');
    let year = field(fields.next()?, 4)?;
    let month = field(fields.next()?, 2)?;
    let day = field(fields.next()?, 2)?;
    let is_date = (1601..=9999).contains(&year) && (1..=12).contains(&month) && fields.next().is_none();
    if !is_date || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    let mut fields = clock.split(':');
    let hour = field(fields.next()?, 2).filter(|&hour| hour < 24)?;
    let minute = field(fields.next()?, 2).filter(|&minute| minute < 60)?;
    let (second, fraction) = match fields.next() {
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "0")),
        None => ("00", "0"),
    };
    let second = field(second, 2).filter(|&second| second < 60)?;
    if fields.next().is_some() || fraction.len() > 7 {
        return None;
    }
    let seconds = ((days_before(year, month) + day - 1) * 24 + hour) * 3_600 + minute * 60 + second;
    Some(seconds * SECOND + scaled(&format!("0.{fraction}"), SECOND)?)
}

/// A field of exactly `length` digits.
fn field(digits: &str, length: usize) -> Option<i128> {
    if digits.len() == length { decimal(digits) } else { None }
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of_month(year: i128, month: i128) -> i128 {
    match month {
        2 => 28 + i128::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1601-01-01 to the first of a month.
fn days_before(year: i128, month: i128) -> i128 {
    let years = year - 1601;
    let days = years * 365 + years / 4 - years / 100 + years / 400;
    days + (1..month).map(|month| days_of_month(year, month)).sum::<i128>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FileTime;

    #[test]
    fn numbers() {
        let number = |text| number(text, Kind::Unsigned);
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("18446744073709551615"), Some(u64::MAX.into()));
        assert_eq!(number("18446744073709551616"), None);
        assert_eq!(number("0xfF"), Some(255));
        assert_eq!(number("-12"), Some(-12));
        for wrong in ["", "-", "0x", "+1", "1.5", "12a", "0x+1", "--1", "1 "] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bit_patterns_of_signed_numbers() {
        assert_eq!(number("0xC0000005", Kind::Signed(32)), Some(-1_073_741_819));
        assert_eq!(number("0x7FFFFFFF", Kind::Signed(32)), Some(0x7FFF_FFFF));
        assert_eq!(number("0xFFFFFFFFFFFFFFFF", Kind::Signed(64)), Some(-1));
        assert_eq!(number("-1", Kind::Signed(64)), Some(-1));
    }

    #[test]
    fn lengths() {
        assert_eq!(length("12s"), Some(12 * SECOND));
        assert_eq!(length("1.5s"), Some(1_500_000_000));
        assert_eq!(length("250MS"), Some(250_000_000));
        assert_eq!(length("2m"), Some(120 * SECOND));
        assert_eq!(length("1h"), Some(3_600 * SECOND));
        assert_eq!(length("1m30s"), Some(90 * SECOND));
        assert_eq!(length("-100ns"), Some(-100));
        assert_eq!(length("7µs"), Some(7_000));
        assert_eq!(length("0.0000001s"), Some(100));
        for wrong in ["", "12", "s", ".s", "1.2.3s", "1x", "1s2", "1 s", "-", "99999999999999999999s"] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn instants_read_as_times_are_written() {
        for time in [0, 1, 133_485_408_450_001_234, 125_962_560_000_000_000, 2_650_467_743_999_999_999] {
            let text = FileTime(time).to_string();
            assert_eq!(instant(&text), Some(i128::from(time) * 100), "{text}");
        }
        let day = instant("2024-11-14");
        assert!(day.is_some());
        for same in ["2024-11-14T00:00", "2024-11-14 00:00:00", "2024-11-14t00:00:00.0z"] {
            assert_eq!(instant(same), day, "{same}");
        }
        for wrong in [
            "2024-02-30",
            "2023-02-29",
            "2024-13-01",
            "1600-01-01",
            "24-01-01",
            "2024-01-01T24:00",
            "2024-01-01T00:00:60",
            "2024-01-01T00:00:00.12345678",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00+01:00",
            "2024-01-01-01",
            "",
        ] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }
}
