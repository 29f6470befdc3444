//! Estimates of what an incident costs: per asset a low, best and high case, and what claimants not identified yet are owed.
//! Every version is whole; a revision says what it makes of the one before.

use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::contribution::rows::amount_mend;
use crate::domain::outcome::Rejection;
use std::collections::BTreeMap;

/// The estimate in one asset, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AssetEstimate {
    /// The least that identified claimants may be owed.
    pub low: Quantity,
    /// The best estimate of it: what is booked.
    pub best: Quantity,
    /// The most it may be.
    pub high: Quantity,
    /// What claimants not identified yet are owed, by the best estimate.
    pub ibnr: Quantity,
}

impl AssetEstimate {
    /// Refuses a best estimate outside of low and high.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn check(self, pointer: &str) -> Result<Self, Rejection> {
        if self.low <= self.best && self.best <= self.high {
            return Ok(self);
        }
        Err(Rejection::invalid(format!("{pointer}/case"), "", "is not between case_low and case_high; mend one of the three"))
    }
}

/// The estimates of one version by asset.
pub type Estimates = BTreeMap<AssetId, AssetEstimate>;

/// What a revision changes in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Units that move from IBNR to the case because their claimants are known now; zero or more.
    pub identified: Quantity,
    /// What else the IBNR changes by, signed.
    pub ibnr: Quantity,
    /// What else the case changes by, signed.
    pub case: Quantity,
}

impl Change {
    /// From one estimate to the next, of which `identified` units moved from IBNR to the case.
    ///
    /// # Errors
    /// `InvalidField` when more is identified than was estimated.
    pub fn between(before: AssetEstimate, after: AssetEstimate, identified: Quantity, pointer: &str) -> Result<Self, Rejection> {
        let bad = |detail| Rejection::invalid(format!("{pointer}/identified"), "", detail);
        if identified > before.ibnr {
            return Err(bad("is more than the IBNR estimated so far; identify at most that and raise the case by the rest"));
        }
        let too_large = || bad("makes a change that does not fit");
        let left = before.ibnr.checked_sub(identified).ok_or_else(too_large)?;
        let moved = before.best.checked_add(identified).ok_or_else(too_large)?;
        Ok(Self {
            identified,
            ibnr: after.ibnr.checked_sub(left).ok_or_else(too_large)?,
            case: after.best.checked_sub(moved).ok_or_else(too_large)?,
        })
    }

    /// True when nothing is posted.
    pub const fn is_none(self) -> bool {
        self.identified.is_zero() && self.ibnr.is_zero() && self.case.is_zero()
    }
}

/// Reads an amount of zero or more.
///
/// # Errors
/// `InvalidField` at the pointer.
pub fn amount(text: &str, scale: u8, pointer: &str) -> Result<Quantity, Rejection> {
    Quantity::parse_unsigned(text, scale).map_err(|error| Rejection::invalid(pointer, text, amount_mend(text, error)))
}

/// Reads an amount above zero.
///
/// # Errors
/// `InvalidField` at the pointer.
pub fn positive(text: &str, scale: u8, pointer: &str) -> Result<Quantity, Rejection> {
    let quantity = amount(text, scale, pointer)?;
    if quantity.is_zero() { Err(Rejection::invalid(pointer, text, "must be above zero")) } else { Ok(quantity) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(best: i128, ibnr: i128) -> AssetEstimate {
        AssetEstimate { low: Quantity(best), best: Quantity(best), high: Quantity(best), ibnr: Quantity(ibnr) }
    }

    #[test]
    fn a_revision_is_told_apart_into_identified_released_and_raised() {
        // 300 + 20 IBNR; 12 are identified, 3 released, the case raised by 5.
        let change = Change::between(estimate(300, 20), estimate(317, 5), Quantity(12), "/assets/0").unwrap();
        assert_eq!(change, Change { identified: Quantity(12), ibnr: Quantity(-3), case: Quantity(5) });
        assert!(Change::between(estimate(1, 2), estimate(1, 2), Quantity::ZERO, "").unwrap().is_none());
        assert!(Change::between(estimate(300, 20), estimate(321, 0), Quantity(21), "").is_err());
    }

    #[test]
    fn the_best_case_lies_between_low_and_high() {
        assert!(AssetEstimate { low: Quantity(2), ..estimate(1, 0) }.check("/a").is_err());
        assert!(estimate(1, 0).check("/a").is_ok());
        assert!(positive("0", 8, "/q").is_err() && amount("0", 8, "/q").is_ok() && amount("1,5", 8, "/q").is_err());
    }
}
