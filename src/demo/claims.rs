//! The claims of the theft: 20,000 pseudonymous claimants whose claims sum exactly to the loss, and the transactions that pay them.

use super::random::Random;
use crate::domain::amount::{Rounding, format_minor, mul_div};
use std::fmt::Write;

/// How many claims.
pub const COUNT: usize = 20_000;
/// Claims that one transaction pays.
const PER_TRANSACTION: usize = 250;
/// Decimals of a Bitcoin amount.
const SCALE: u8 = 8;

/// Quantities in satoshi that sum exactly to `total`: many small ones and a few large ones.
pub fn quantities(seed: u64, total: i128) -> Vec<i128> {
    let mut random = Random::new(seed, "claims");
    // The product of three even numbers is far from even: half of the claims hold about a tenth of the sum.
    let weights: Vec<i128> = (0..COUNT).map(|_| (0..3).fold(1_i128, |w, _| w.saturating_mul(random.between(1, 1_000)))).collect();
    let whole: i128 = weights.iter().sum();
    let mut parts: Vec<i128> =
        weights.iter().map(|weight| mul_div(total, *weight, whole, Rounding::TowardZero).unwrap_or_default().max(1)).collect();
    // Truncation leaves less than one satoshi a claim; the first claims take it.
    let mut left = total.saturating_sub(parts.iter().sum());
    for part in &mut parts {
        let step = left.signum();
        *part = part.saturating_add(step);
        left = left.saturating_sub(step);
    }
    parts
}

/// Id of the `no`-th claim, from 1.
fn claim_id(no: usize) -> String {
    format!("C-{no:05}")
}

/// The claims file.
pub fn file(seed: u64, quantities: &[i128]) -> String {
    let mut random = Random::new(seed, "claimants");
    let mut text = String::from("claim_id,claimant_ref,asset,quantity,payout_address\n");
    for (quantity, no) in quantities.iter().zip(1..) {
        let (claimant, address) = (random.hex(1), random.hex(2));
        let quantity = format_minor(*quantity, SCALE);
        let _ = writeln!(text, "{},synthetic-{claimant},BTC,{quantity},synthetic-{address}", claim_id(no));
    }
    text
}

/// The file of transactions that pay claims `first` to `last`.
pub fn transactions(seed: u64, first: usize, last: usize) -> String {
    let mut random = Random::new(seed, &format!("payout {first}"));
    let mut text = String::from("claim_id,txid\n");
    let mut txid = String::new();
    for (no, at) in (first..=last).zip(0_usize..) {
        if at.is_multiple_of(PER_TRANSACTION) {
            txid = random.hex(4);
        }
        let _ = writeln!(text, "{},{txid}", claim_id(no));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_sum_exactly_and_repeat_with_the_seed() {
        let total = 707_070_000_000;
        let parts = quantities(7, total);
        assert_eq!((parts.len(), parts.iter().sum::<i128>()), (COUNT, total));
        assert!(parts.iter().all(|part| *part > 0));
        assert_eq!(parts, quantities(7, total));
        assert_ne!(parts, quantities(8, total));
        assert_eq!(file(7, &parts).lines().count(), COUNT + 1);
        let paid = transactions(7, 1, 500);
        let txids: std::collections::BTreeSet<_> = paid.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
        assert_eq!(txids.len(), 2);
    }
}
