//! Digits without allocation.

/// More digits than any `i128` has.
const SLOTS: usize = 40;
/// Digits of one limb: the most that a `u64` always holds.
const LIMB_DIGITS: usize = 19;
const LIMB: u128 = 10_000_000_000_000_000_000;

/// Appends minor units as a plain decimal with exactly `scale` decimals, like `domain::amount::format_minor`.
pub fn push_minor(out: &mut Vec<u8>, minor: i128, scale: u8) {
    if minor < 0 {
        out.push(b'-');
    }
    let magnitude = minor.unsigned_abs();
    let mut digits = [b'0'; SLOTS];
    let mut used = fill(&mut digits, 0, magnitude % LIMB);
    let above = magnitude / LIMB;
    if above != 0 {
        used = fill(&mut digits, LIMB_DIGITS, above % LIMB);
        if above / LIMB != 0 {
            used = fill(&mut digits, LIMB_DIGITS.saturating_mul(2), above / LIMB);
        }
    }
    let scale = usize::from(scale);
    let shown = used.max(scale.saturating_add(1)).min(SLOTS);
    let text = digits.get(SLOTS.saturating_sub(shown)..).unwrap_or_default();
    let (whole, fraction) = text.split_at_checked(shown.saturating_sub(scale)).unwrap_or((text, &[]));
    out.extend_from_slice(whole);
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

/// Writes one limb's digits, the lowest `skip` places from the right; says how many places are in use then.
fn fill(digits: &mut [u8; SLOTS], skip: usize, limb: u128) -> usize {
    // A limb is below 10^19 and fits; 64-bit division is many times faster than 128-bit.
    let mut rest = u64::try_from(limb).unwrap_or(u64::MAX);
    let mut used = skip;
    for slot in digits.iter_mut().rev().skip(skip) {
        if rest == 0 {
            break;
        }
        *slot = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        used = used.saturating_add(1);
    }
    used
}

#[cfg(test)]
mod tests {
    use super::push_minor;
    use crate::domain::amount::format_minor;
    use proptest::prelude::*;

    fn pushed(minor: i128, scale: u8) -> String {
        let mut out = Vec::new();
        push_minor(&mut out, minor, scale);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn limbs_meet_without_a_seam() {
        for power in 0..=38 {
            let ten = 10_i128.pow(power);
            for minor in [ten - 1, ten, ten + 1, -ten] {
                for scale in [0, 1, 2, 8, 18] {
                    assert_eq!(pushed(minor, scale), format_minor(minor, scale));
                }
            }
        }
        assert_eq!(pushed(i128::MIN, 18), format_minor(i128::MIN, 18));
    }

    proptest! {
        #[test]
        fn same_as_the_domain_writes_it(minor: i128, shift in 0_u32..127, scale in 0_u8..=18) {
            prop_assert_eq!(pushed(minor >> shift, scale), format_minor(minor >> shift, scale));
        }
    }
}
