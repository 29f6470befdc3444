//! Ranges of claim numbers: how approvals and selections are kept, however many claims there are.

use crate::domain::outcome::Rejection;
use std::ops::RangeInclusive;

/// Claim numbers `first..=last`.
pub type ClaimRange = RangeInclusive<i64>;

/// Ranges in order, none touching another twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimRanges(Vec<ClaimRange>);

impl ClaimRanges {
    /// Sorts ranges; refuses an empty range, a number below 1 and two that overlap.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn new(mut ranges: Vec<ClaimRange>) -> Result<Self, Rejection> {
        ranges.sort_by_key(|range| *range.start());
        if let Some(bad) = ranges.iter().find(|range| range.is_empty() || *range.start() < 1) {
            return Err(Rejection::invalid("/claims", text(bad), "is not a range of claim numbers; write first-last, from 1"));
        }
        if let Some([_, second]) = ranges.array_windows::<2>().find(|[a, b]| b.start() <= a.end()) {
            return Err(Rejection::invalid("/claims", text(second), "overlaps with another range; name each claim once"));
        }
        Ok(Self(ranges))
    }

    /// Reads `1-200,301-400,512`.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn parse(list: &str) -> Result<Self, Rejection> {
        let bad = || Rejection::invalid("/claims", list, "is not a list of claim numbers; write for example 1-200,301-400,512");
        let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse::<i64>().map_err(|_| bad()),
            false => Err(bad()),
        };
        let ranges = list.split(',').map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Ok(number(first)?..=number(last)?)
        });
        Self::new(ranges.collect::<Result<_, Rejection>>()?)
    }

    /// The numbers `1..=last` that are in none of these.
    #[must_use]
    pub fn missing_until(&self, last: i64) -> Self {
        let mut next = 1_i64;
        let mut gaps = Vec::new();
        for range in &self.0 {
            if *range.start() > next {
                gaps.push(next..=range.start().saturating_sub(1).min(last));
            }
            next = range.end().saturating_add(1);
        }
        if next <= last {
            gaps.push(next..=last);
        }
        Self(gaps.into_iter().filter(|gap| !gap.is_empty()).collect())
    }

    /// The numbers that are in both.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|a| other.0.iter().map(move |b| *a.start().max(b.start())..=*a.end().min(b.end())));
        Self(pairs.filter(|range| !range.is_empty()).collect())
    }

    /// The ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = &ClaimRange> {
        self.0.iter()
    }

    /// True when no number is in them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when this number is in them.
    pub fn contains(&self, no: i64) -> bool {
        self.0.iter().any(|range| range.contains(&no))
    }

    /// How many numbers.
    pub fn count(&self) -> i64 {
        self.0.iter().fold(0, |sum, range| sum.saturating_add(range.end().saturating_sub(*range.start()).saturating_add(1)))
    }

    /// The largest number.
    pub fn last(&self) -> Option<i64> {
        self.0.last().map(|range| *range.end())
    }
}

impl std::fmt::Display for ClaimRanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(text).collect();
        f.write_str(&parts.join(","))
    }
}

fn text(range: &ClaimRange) -> String {
    if range.start() == range.end() { range.start().to_string() } else { format!("{}-{}", range.start(), range.end()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_sorted_and_checked() {
        assert_eq!(ClaimRanges::parse("301-400,1-200,512").unwrap().to_string(), "1-200,301-400,512");
        for bad in ["", "0-3", "5-2", "1-5,5-9", "a", "1-", "-1", "1,,2", "+1", "99999999999999999999"] {
            assert!(ClaimRanges::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn gaps_and_overlaps_are_found() {
        let ranges = ClaimRanges::parse("3-4,8-9").unwrap();
        assert_eq!(ranges.missing_until(12).to_string(), "1-2,5-7,10-12");
        assert_eq!(ranges.missing_until(6).to_string(), "1-2,5-6");
        assert_eq!(ranges.missing_until(2).to_string(), "1-2");
        assert_eq!(ClaimRanges::default().missing_until(0).count(), 0);
        assert_eq!(ranges.common(&ClaimRanges::parse("4-8").unwrap()).to_string(), "4,8");
        assert_eq!(ranges.count(), 4);
        assert!(ranges.contains(8) && !ranges.contains(5));
    }
}
