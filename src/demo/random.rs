//! A small deterministic generator (splitmix64): the same seed gives the same story on every machine and in every version.

/// Numbers that look random and repeat with their seed.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed and of what it is used for, so that one use never shifts another.
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a over the purpose, mixed into the seed.
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self(seed ^ hash)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included. The modulo is not quite even, which a story does not mind.
    pub fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = high.saturating_sub(low).saturating_add(1).max(1);
        i128::from(self.next()).checked_rem(span).unwrap_or_default().saturating_add(low)
    }

    /// A hexadecimal text of `words` × 16 digits.
    pub fn hex(&mut self, words: usize) -> String {
        (0..words).map(|_| format!("{:016x}", self.next())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // First outputs of splitmix64 for the seed 1234567.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn purposes_do_not_share_their_numbers_and_bounds_hold() {
        assert_ne!(Random::new(1, "a").next(), Random::new(1, "b").next());
        let mut random = Random::new(1, "bounds");
        assert!((0..1_000).map(|_| random.between(-3, 3)).all(|n| (-3..=3).contains(&n)));
        assert_eq!(random.hex(4).len(), 64);
    }
}
