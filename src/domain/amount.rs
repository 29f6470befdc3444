//! Exact amounts. Quantities are `i128` minor units of an asset; functional values are `i128` hundred-millionths of the
//! functional currency. Nothing here rounds unless its name says so, and nothing here touches a float.

use ruint::aliases::U256;
use std::fmt;

/// Decimals of every functional value (accounting rule: values carry 8 decimals, statements show 2).
pub const VALUE_SCALE: u8 = 8;
/// The largest scale an asset may have.
pub const MAX_SCALE: u8 = 18;
/// The most digits an amount may have in minor units; 10^38 − 1 is the largest that NUMERIC(38) and `i128` both hold.
pub const MAX_DIGITS: usize = 38;

/// Why a text is not an amount. The texts name what is wrong and what is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing was given.
    #[error("is empty; write digits with at most one dot, for example 12.5")]
    Empty,
    /// A character other than an ASCII digit, a leading minus or one dot.
    #[error("has the character {0:?}; only the digits 0-9 and one dot are allowed (no sign +, exponent, space or group mark)")]
    Character(char),
    /// The dot has no digits on one side, or there are two dots.
    #[error("has a misplaced dot; write digits on both sides of one dot, for example 0.5")]
    Dot,
    /// Digits needlessly padded to the left.
    #[error("has a leading zero; write 7, not 007")]
    LeadingZero,
    /// `-0` in any spelling.
    #[error("is a negative zero; write 0")]
    NegativeZero,
    /// A minus where only zero or more is allowed.
    #[error("is negative; only zero or more is allowed here")]
    Negative,
    /// More decimals than the asset has.
    #[error("has {found} decimals; the asset allows {allowed}")]
    Scale {
        /// Decimals in the text.
        found: usize,
        /// The asset's scale.
        allowed: u8,
    },
    /// Longer than any amount can be.
    #[error("is too large; at most {MAX_DIGITS} digits in the smallest unit are kept")]
    TooLarge,
}

/// Parses `text` as an amount of the given scale into minor units.
///
/// Strict on purpose: ASCII digits, at most one dot with digits on both sides, an optional leading minus, no other sign, no
/// exponent, no group marks, no white space, no needless leading zero, at most `scale` decimals (fewer are fine).
pub fn parse_minor(text: &str, scale: u8) -> Result<i128, AmountError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.is_empty() {
        return Err(AmountError::Empty);
    }
    if digits.len() > MAX_DIGITS + usize::from(MAX_SCALE) {
        return Err(AmountError::TooLarge);
    }
    if let Some(bad) = digits.chars().find(|c| !c.is_ascii_digit() && *c != '.') {
        return Err(AmountError::Character(bad));
    }
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let fraction = match fraction {
        Some(f) if whole.is_empty() || f.is_empty() || f.contains('.') => return Err(AmountError::Dot),
        Some(f) => f,
        None => "",
    };
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(AmountError::LeadingZero);
    }
    if fraction.len() > usize::from(scale) {
        return Err(AmountError::Scale { found: fraction.len(), allowed: scale });
    }
    let zeros = usize::from(scale).saturating_sub(fraction.len());
    let padded = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', zeros));
    let minor = padded
        .skip_while(|b| *b == b'0')
        .enumerate()
        .try_fold(0_i128, |sum, (at, byte)| {
            if at >= MAX_DIGITS {
                return None;
            }
            sum.checked_mul(10)?.checked_add(i128::from(byte.saturating_sub(b'0')))
        })
        .ok_or(AmountError::TooLarge)?;
    match (negative, minor) {
        (true, 0) => Err(AmountError::NegativeZero),
        (true, m) => Ok(m.saturating_neg()),
        (false, m) => Ok(m),
    }
}

/// Writes minor units as a plain decimal with exactly `scale` decimals.
pub fn format_minor(minor: i128, scale: u8) -> String {
    let digits = minor.unsigned_abs().to_string();
    let sign = if minor < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(scale));
    format!("{sign}{whole}.{fraction}")
}

/// Writes minor units as a plain decimal without trailing zeros: `1.50000000` becomes `1.5`.
pub fn format_minor_trimmed(minor: i128, scale: u8) -> String {
    let text = format_minor(minor, scale);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// 10 to the power of `exponent`, which must be at most 38.
pub fn pow10(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// How [`mul_div`] treats what does not divide evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to the even neighbour; the rule for functional values.
    HalfEven,
    /// Towards zero; the rule for units that nobody may be given twice.
    TowardZero,
}

/// `a × b ÷ divisor` with a 256-bit intermediate, so that nothing overflows on the way.
///
/// `None` when the divisor is not positive or the result does not fit.
pub fn mul_div(a: i128, b: i128, divisor: i128, rounding: Rounding) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    let product = U256::from(a.unsigned_abs()).checked_mul(U256::from(b.unsigned_abs()))?;
    let divisor = U256::from(divisor.unsigned_abs());
    let (mut quotient, remainder) = product.div_rem(divisor);
    if rounding == Rounding::HalfEven {
        let twice = remainder.checked_mul(U256::from(2))?;
        if twice > divisor || (twice == divisor && quotient.bit(0)) {
            quotient = quotient.checked_add(U256::from(1))?;
        }
    }
    let magnitude = i128::try_from(u128::try_from(quotient).ok()?).ok()?;
    if (a < 0) == (b < 0) { Some(magnitude) } else { magnitude.checked_neg() }
}

macro_rules! amount_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub i128);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The minor units.
            pub const fn minor(self) -> i128 { self.0 }
            /// True for exactly zero.
            pub const fn is_zero(self) -> bool { self.0 == 0 }
            /// The sum, or `None` on overflow.
            pub fn checked_add(self, other: Self) -> Option<Self> { self.0.checked_add(other.0).map(Self) }
            /// The difference, or `None` on overflow.
            pub fn checked_sub(self, other: Self) -> Option<Self> { self.0.checked_sub(other.0).map(Self) }
            /// The same with the other sign. Amounts stay within ±(10^38 − 1), so this cannot overflow.
            pub const fn negated(self) -> Self { Self(self.0.saturating_neg()) }
            /// The sum of all, or `None` on overflow.
            pub fn checked_sum<I: IntoIterator<Item = Self>>(items: I) -> Option<Self> {
                items.into_iter().try_fold(Self::ZERO, Self::checked_add)
            }
        }
    };
}

amount_type! {
    /// A quantity of one asset in its minor units (debit positive, credit negative). The asset's scale says what one unit is.
    Quantity
}
amount_type! {
    /// A functional value (US dollars unless the book says otherwise) in units of 10^-8.
    Value
}

impl Quantity {
    /// Parses with the asset's scale; see [`parse_minor`].
    pub fn parse(text: &str, scale: u8) -> Result<Self, AmountError> {
        parse_minor(text, scale).map(Self)
    }

    /// Parses, and refuses what is below zero.
    pub fn parse_unsigned(text: &str, scale: u8) -> Result<Self, AmountError> {
        let quantity = Self::parse(text, scale)?;
        if quantity.0 < 0 { Err(AmountError::Negative) } else { Ok(quantity) }
    }

    /// The exact decimal with all decimals of the scale.
    pub fn to_text(self, scale: u8) -> String {
        format_minor(self.0, scale)
    }

    /// This quantity's part of `value`, where `whole` is the quantity that `value` belongs to: rounded half-even, and the last
    /// part takes the remainder so that an emptied position carries exactly nothing.
    pub fn share_of(self, whole: Self, value: Value) -> Option<Value> {
        if self == whole {
            return Some(value);
        }
        mul_div(value.0, self.0, whole.0, Rounding::HalfEven).map(Value)
    }
}

impl Value {
    /// Parses a functional value with at most 8 decimals.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        parse_minor(text, VALUE_SCALE).map(Self)
    }
}

impl fmt::Display for Value {
    /// The exact value with 8 decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_minor(self.0, VALUE_SCALE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_refused() {
        let bad = [
            "",
            "-",
            "1e5",
            "1_000",
            "+1",
            ".5",
            "5.",
            "NaN",
            "inf",
            "1.2.3",
            " 1",
            "1 ",
            "1,5",
            "１２",
            "-0",
            "-0.00",
            "007",
            "0x1",
            "--1",
            "1.0000000000000000001",
            "\u{2212}1",
            "1\0",
        ];
        for text in bad {
            assert!(parse_minor(text, 18).is_err(), "{text:?} was accepted");
        }
        assert_eq!(parse_minor(&"9".repeat(40), 0), Err(AmountError::TooLarge));
        assert_eq!(parse_minor("1.123", 2), Err(AmountError::Scale { found: 3, allowed: 2 }));
    }

    #[test]
    fn exact_texts_round_trip() {
        for (text, scale, minor) in [
            ("0", 8, 0),
            ("1", 8, 100_000_000),
            ("-1.5", 2, -150),
            ("100000000000.000000000000000001", 18, 100_000_000_000_000_000_000_000_000_001),
        ] {
            assert_eq!(parse_minor(text, scale), Ok(minor));
            assert_eq!(parse_minor(&format_minor(minor, scale), scale), Ok(minor));
        }
        assert_eq!(format_minor(-5, 8), "-0.00000005");
        assert_eq!(format_minor_trimmed(150_000_000, 8), "1.5");
        assert_eq!(format_minor_trimmed(100, 0), "100");
    }

    #[test]
    fn mul_div_rounds_half_to_even_past_128_bits() {
        assert_eq!(mul_div(5, 1, 2, Rounding::HalfEven), Some(2));
        assert_eq!(mul_div(7, 1, 2, Rounding::HalfEven), Some(4));
        assert_eq!(mul_div(-5, 1, 2, Rounding::HalfEven), Some(-2));
        assert_eq!(mul_div(-7, 1, 2, Rounding::TowardZero), Some(-3));
        let big = 10_i128.pow(37);
        assert_eq!(mul_div(big, big, big, Rounding::HalfEven), Some(big));
        assert_eq!(mul_div(big, big, 1, Rounding::HalfEven), None);
        assert_eq!(mul_div(1, 1, 0, Rounding::HalfEven), None);
    }

    #[test]
    fn the_last_part_takes_the_remainder() {
        let whole = Quantity(3);
        let first = Quantity(1).share_of(whole, Value(100)).unwrap_or_default();
        assert_eq!(first, Value(33));
        assert_eq!(Quantity(2).share_of(Quantity(2), Value(67)), Some(Value(67)));
    }
}
