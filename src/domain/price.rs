//! Prices: functional currency per one whole unit of an asset, exact decimals.

use super::amount::{MAX_SCALE, Quantity, Rounding, VALUE_SCALE, Value, mul_div, parse_minor, pow10};
use rust_decimal::Decimal;
use std::fmt;

/// The most decimals a price may have.
pub const PRICE_MAX_DECIMALS: u32 = 12;

/// Functional currency per one whole unit of an asset; always above zero, at most 12 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(Decimal);

/// Why a text is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Not a plain decimal.
    #[error("{0}")]
    Amount(#[from] super::amount::AmountError),
    /// Zero or below.
    #[error("must be above zero; leave the asset out if there is no price")]
    NotPositive,
    /// Larger than a decimal holds exactly.
    #[error("has more digits than a price can keep exactly (at most 12 decimals, 28 digits)")]
    TooPrecise,
}

impl Price {
    /// The functional currency's own price.
    pub const ONE: Self = Self(Decimal::ONE);

    /// Parses a plain decimal above zero. Trailing zeros do not matter: `1.50` equals `1.5`.
    pub fn parse(text: &str) -> Result<Self, PriceError> {
        // The strict parser decides what a number looks like; rust_decimal alone would accept `1_000`, `1e5` and `.5`.
        parse_minor(text, MAX_SCALE)?;
        let decimal = Decimal::from_str_exact(text).map_err(|_| PriceError::TooPrecise)?.normalize();
        if decimal <= Decimal::ZERO {
            return Err(PriceError::NotPositive);
        }
        if decimal.scale() > PRICE_MAX_DECIMALS {
            return Err(PriceError::TooPrecise);
        }
        Ok(Self(decimal))
    }

    /// The decimal.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// What `quantity` minor units of an asset with `scale` are worth, rounded half-even at 8 decimals.
    ///
    /// This is the one function that turns units into functional value. `None` only on overflow.
    pub fn fair_value(self, quantity: Quantity, scale: u8) -> Option<Value> {
        let digits = u32::from(scale).checked_add(self.0.scale())?;
        let value_scale = u32::from(VALUE_SCALE);
        let (factor, divisor) = if digits >= value_scale {
            (1, pow10(digits.checked_sub(value_scale)?)?)
        } else {
            (pow10(value_scale.checked_sub(digits)?)?, 1)
        };
        let mantissa = self.0.mantissa().checked_mul(factor)?;
        mul_div(quantity.minor(), mantissa, divisor, Rounding::HalfEven).map(Value)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fair_value_is_exact_and_rounds_half_even_once() -> Result<(), PriceError> {
        let price = Price::parse("5850.10")?;
        assert_eq!(price.to_string(), "5850.1");
        assert_eq!(price.fair_value(Quantity(200_000), 8), Some(Value(1_170_020_000)));
        // 1 wei at 0.5 is 5e-19, far below half of 1e-8.
        assert_eq!(Price::parse("0.5")?.fair_value(Quantity(1), 18), Some(Value(0)));
        assert_eq!(Price::parse("1.5")?.fair_value(Quantity(1), 8), Some(Value(2)));
        assert_eq!(Price::parse("2.5")?.fair_value(Quantity(1), 8), Some(Value(2)));
        assert_eq!(Price::ONE.fair_value(Quantity(-7), 0), Some(Value(-700_000_000)));
        Ok(())
    }

    #[test]
    fn hostile_prices_are_refused() {
        for text in ["0", "-1", "1e3", "1_0", ".5", "NaN", "", "0.0000000000001", "1,5"] {
            assert!(Price::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
