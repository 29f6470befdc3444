//! Contribution policies: which share of its fees a venue owes, from which day on.

use crate::domain::amount::{Quantity, Rounding, Value, mul_div, parse_minor, pow10};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::text::Name;
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::fmt;

/// The most decimals a share may have: a millionth is the finest a policy can say.
pub const SHARE_DECIMALS: u8 = 6;
/// How old a price may be for an accrual unless the policy says otherwise, in hours.
pub const DEFAULT_PRICE_MAX_AGE_HOURS: u32 = 48;
/// How long after the end of its day (24:00 UTC) a report is due unless the policy says otherwise, in hours.
pub const DEFAULT_DUE_AFTER_HOURS: u32 = 24;
/// The largest number of hours a policy may state for either: about a year.
pub const MAX_HOURS: u32 = 9_000;

/// A part of a whole: above 0, at most 1, at most six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(Decimal);

/// Why a text is not a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Not a plain decimal with at most six decimals.
    #[error("{0}")]
    Amount(#[from] crate::domain::amount::AmountError),
    /// Zero, below, or above one.
    #[error("must be above 0 and at most 1; write 0.1 for ten percent")]
    Range,
}

impl Share {
    /// A twentieth: no exchange charges more than five percent of what is traded.
    pub const DEFAULT_MAX_FEE_RATE: Self = Self(Decimal::from_parts(5, 0, 0, false, 2));

    /// Parses a plain decimal such as `0.1`.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        parse_minor(text, SHARE_DECIMALS)?;
        let decimal = Decimal::from_str_exact(text).map_err(|_| ShareError::Range)?.normalize();
        if decimal > Decimal::ZERO && decimal <= Decimal::ONE { Ok(Self(decimal)) } else { Err(ShareError::Range) }
    }

    /// The decimal, without trailing zeros.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// This share of `whole` units, truncated towards zero: nobody is asked for a unit that is not fully owed. `None` only on
    /// overflow, which amounts of 38 digits cannot reach.
    pub fn of(self, whole: Quantity) -> Option<Quantity> {
        mul_div(whole.minor(), self.0.mantissa(), pow10(self.0.scale())?, Rounding::TowardZero).map(Quantity)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.normalize())
    }
}

/// From which value of the fund on contributions stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopAt {
    /// A stated value in the functional currency, above zero.
    Value(Value),
    /// The target of the coverage policy in force on the business date; while it has none, nothing stops.
    Target,
}

impl StopAt {
    /// Parses an amount above zero, or the word `target`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "target" {
            return Ok(Self::Target);
        }
        match Value::parse(text) {
            Ok(value) if value > Value::ZERO => Ok(Self::Value(value)),
            Ok(_) => Err("must be above zero; leave it out for no stop".to_owned()),
            Err(error) => Err(format!("{error}; write an amount, or target")),
        }
    }
}

/// What is owed from `effective_on` until the next policy of the same reach. Never changed once it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionPolicy {
    /// The first business date it applies to.
    pub effective_on: Date,
    /// The venue it is for; `None` for all venues without one of their own.
    pub venue: Option<Name>,
    /// The share of net fees owed.
    pub share: Share,
    /// How old, at the end of the business date, the price of an accrual may be, in hours.
    pub price_max_age_hours: u32,
    /// How long after the end of its day (24:00 UTC) a report is due, in hours.
    pub due_after_hours: u32,
    /// The highest believable gross fee as a part of the traded volume; a report above it is an outlier.
    pub max_fee_rate: Share,
    /// The value of the fund from which nothing more is owed; without it contributions never stop.
    pub stop_at: Option<StopAt>,
}

impl ContributionPolicy {
    /// A policy with the default limits.
    pub const fn new(effective_on: Date, venue: Option<Name>, share: Share) -> Self {
        Self {
            effective_on,
            venue,
            share,
            price_max_age_hours: DEFAULT_PRICE_MAX_AGE_HOURS,
            due_after_hours: DEFAULT_DUE_AFTER_HOURS,
            max_fee_rate: Share::DEFAULT_MAX_FEE_RATE,
            stop_at: None,
        }
    }

    /// True when a price locked for `price_date` (24:00 UTC) may value fees of `business_date`: not after it, and at the end of
    /// the business date not older than the policy's limit.
    pub fn accepts_price_of(&self, business_date: Date, price_date: Date) -> bool {
        let age_hours = business_date.duration_since(price_date).as_hours();
        (0..=i64::from(self.price_max_age_hours)).contains(&age_hours)
    }

    /// Refuses hours that are no limit at all.
    pub fn check(&self) -> Result<(), Rejection> {
        let mut findings = super::findings::Findings::new();
        for (pointer, hours) in [("/price_max_age_hours", self.price_max_age_hours), ("/due_after_hours", self.due_after_hours)] {
            if hours == 0 || hours > MAX_HOURS {
                findings.add(OutcomeCode::InvalidField, pointer, hours, format!("must be 1 to {MAX_HOURS} hours"));
            }
        }
        findings.into_result()
    }
}

/// Every policy of a book.
#[derive(Debug, Clone, Default)]
pub struct PolicyBook {
    policies: Vec<ContributionPolicy>,
}

impl PolicyBook {
    /// From all recorded policies, oldest recording first: of two for the same day and reach, the later recording applies.
    pub fn new(policies: Vec<ContributionPolicy>) -> Self {
        Self { policies }
    }

    /// The policy in force for a venue on a business date: the venue's own before the general one, the latest first day first.
    pub fn in_force(&self, venue: &str, business_date: Date) -> Option<&ContributionPolicy> {
        let applies =
            |p: &&ContributionPolicy| p.effective_on <= business_date && p.venue.as_ref().is_none_or(|v| v.as_str() == venue);
        // `max_by_key` keeps the last of equals, which is the later recording.
        self.policies.iter().filter(applies).max_by_key(|p| (p.venue.is_some(), p.effective_on))
    }

    /// The policy in force, or the rejection `policy-missing`.
    pub fn require(&self, venue: &str, business_date: Date) -> Result<&ContributionPolicy, Rejection> {
        self.in_force(venue, business_date).ok_or_else(|| {
            Rejection::new(
                OutcomeCode::PolicyMissing,
                "/business_date",
                business_date,
                format!("no contribution policy is in force for {venue} on that day; record one that starts on or before it"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        super::super::parse_day(text).unwrap()
    }

    fn policy(from: &str, venue: Option<&str>, share: &str) -> ContributionPolicy {
        ContributionPolicy::new(day(from), venue.map(|v| Name::parse(v).unwrap()), Share::parse(share).unwrap())
    }

    #[test]
    fn shares_are_strict() {
        for bad in ["0", "1.1", "-0.1", "0.0000001", "1e-1", "0,1", ".1", "10%", "", "2", "99999999999999999999999999999999"] {
            assert!(Share::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Share::parse("0.100").unwrap().to_string(), "0.1");
        assert_eq!(Share::DEFAULT_MAX_FEE_RATE, Share::parse("0.05").unwrap());
    }

    #[test]
    fn a_stop_is_an_amount_above_zero_or_the_target() {
        assert_eq!(StopAt::parse("target"), Ok(StopAt::Target));
        assert_eq!(StopAt::parse("1000000000.5").map(|stop| stop == StopAt::Value(Value(100_000_000_050_000_000))), Ok(true));
        for bad in ["0", "-1", "", "Target", "1e9", "1,000"] {
            assert!(StopAt::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_contribution_is_truncated_towards_zero() {
        let tenth = Share::parse("0.1").unwrap();
        assert_eq!(tenth.of(Quantity(19)), Some(Quantity(1)));
        assert_eq!(tenth.of(Quantity(-19)), Some(Quantity(-1)));
        assert_eq!(tenth.of(Quantity(9)), Some(Quantity(0)));
        let most = 10_i128.pow(38) - 1;
        assert_eq!(Share::parse("1").unwrap().of(Quantity(most)), Some(Quantity(most)));
        assert_eq!(
            Share::parse("0.999999").unwrap().of(Quantity(most)),
            Some(Quantity(99_999_900_000_000_000_000_000_000_000_000_000_000 - 1))
        );
    }

    #[test]
    fn the_venues_own_policy_beats_the_general_one_and_the_latest_day_wins() {
        let book = PolicyBook::new(vec![
            policy("2018-07-14", None, "0.1"),
            policy("2019-01-01", None, "0.2"),
            policy("2018-10-01", Some("futures"), "0.05"),
            policy("2019-01-01", None, "0.25"),
        ]);
        let share = |venue, on| book.in_force(venue, day(on)).map(|p| p.share.to_string());
        assert_eq!(share("spot", "2018-07-13"), None);
        assert_eq!(share("spot", "2018-07-14").as_deref(), Some("0.1"));
        assert_eq!(share("spot", "2019-06-30").as_deref(), Some("0.25"));
        assert_eq!(share("futures", "2018-09-30").as_deref(), Some("0.1"));
        assert_eq!(share("futures", "2019-06-30").as_deref(), Some("0.05"));
        assert_eq!(book.require("spot", day("2018-07-13")).unwrap_err().code, OutcomeCode::PolicyMissing);
    }

    #[test]
    fn prices_age_from_the_end_of_their_day() {
        let policy = policy("2018-07-14", None, "0.1");
        let accepts = |price| policy.accepts_price_of(day("2018-07-16"), day(price));
        assert_eq!(["2018-07-17", "2018-07-16", "2018-07-14", "2018-07-13"].map(accepts), [false, true, true, false]);
    }

    #[test]
    fn hours_have_limits() {
        let mut bad = policy("2018-07-14", None, "0.1");
        assert!(bad.check().is_ok());
        bad.due_after_hours = 0;
        bad.price_max_age_hours = MAX_HOURS + 1;
        assert_eq!(bad.check().unwrap_err().problems.len(), 2);
    }
}
