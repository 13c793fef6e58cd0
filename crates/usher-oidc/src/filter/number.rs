//! Numbers as they are written in JSON, kept and compared exactly.

use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;

use super::error::FilterErrorKind;

/// Longest number, in characters.
const NUMBER_MAX: usize = 64;
/// Of what is not zero: from 1e-300, and less than 1e300.
const MAGNITUDES: RangeInclusive<i32> = -299..=300;
/// Largest exponent that is written, up or down.
const EXPONENT_MAX: i32 = 400;

/// A number of JSON.
///
/// It is zero, or its size is from 1e-300 to less than 1e300: PostgreSQL takes it as `numeric` without loss and as
/// `double precision` without a failure. Equality is that of what is written, [`Number::order`] that of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// `None` if it is no number of JSON, or out of range.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    pub(super) fn read(text: &str) -> Result<Self, FilterErrorKind> {
        let parts = Parts::read(text).ok_or(FilterErrorKind::Number)?;
        let is_in_range = text.len() <= NUMBER_MAX
            && parts.exponent.abs() <= EXPONENT_MAX
            && (parts.digits().is_empty() || MAGNITUDES.contains(&parts.magnitude()));
        if is_in_range { Ok(Self(text.to_owned())) } else { Err(FilterErrorKind::NumberOutOfRange) }
    }

    /// Exactly as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// If it is written without point and exponent, and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// By value: `1.0` and `1` are equal, and so are `0` and `-0`.
    pub fn order(&self, other: &Self) -> Ordering {
        let (one, two) = (self.parts(), other.parts());
        match one.sign().cmp(&two.sign()) {
            Ordering::Equal if one.sign() < 0 => two.size().cmp(&one.size()),
            Ordering::Equal => one.size().cmp(&two.size()),
            order => order,
        }
    }

    fn parts(&self) -> Parts<'_> {
        Parts::read(&self.0).expect("a number is read before it is made")
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `-whole.fraction e exponent`
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// One beyond `EXPONENT_MAX` stands for all of them.
    exponent: i32,
}

impl<'a> Parts<'a> {
    /// `None` if it is not as RFC 8259, section 6 has it.
    fn read(text: &'a str) -> Option<Self> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(both) => both,
            None => (mantissa, ""),
        };
        let is_whole = whole == "0" || (is_digits(whole) && !whole.starts_with('0'));
        let is_good = is_whole && (fraction.is_empty() || is_digits(fraction));
        is_good.then_some(Self { is_negative, whole, fraction, exponent })
    }

    /// Without zeros at either end: none for zero.
    fn digits(&self) -> String {
        let all = format!("{}{}", self.whole, self.fraction);
        all.trim_matches('0').to_owned()
    }

    /// The number is `0.digits` times ten to this power. Only for a number that is not zero.
    fn magnitude(&self) -> i32 {
        let length = |text: &str| i32::try_from(text.len()).expect("a number is short");
        if self.whole == "0" {
            self.exponent + length(self.fraction.trim_start_matches('0')) - length(self.fraction)
        } else {
            self.exponent + length(self.whole)
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits().is_empty(), self.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// In the order of numbers that are not negative and have the same sign.
    fn size(&self) -> (i32, String) {
        let digits = self.digits();
        if digits.is_empty() { (0, digits) } else { (self.magnitude(), digits) }
    }
}

fn read_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let exponent = text.parse().unwrap_or(EXPONENT_MAX + 1).clamp(-EXPONENT_MAX - 1, EXPONENT_MAX + 1);
    is_digits(digits).then_some(exponent)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
