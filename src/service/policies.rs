//! Policies: contribution, coverage, prices. Each is a fact with the day from which it holds; recording one never changes what
//! was decided under an earlier one. Of two for the same day the later recording holds.

use super::command::{Command, From};
use super::refs::Refs;
use super::{Answer, Book, Call, Reply};
use crate::domain::amount::{Value, format_minor_trimmed, parse_minor};
use crate::domain::contribution::policy::{
    ContributionPolicy, DEFAULT_DUE_AFTER_HOURS, DEFAULT_PRICE_MAX_AGE_HOURS, MAX_HOURS, PolicyBook, Share, StopAt,
};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::domain::text::{Name, check_free_text};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::price;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;
use std::collections::BTreeMap;

/// Kind of the facts that hold contribution policies; the subject is the venue, or empty for all venues.
pub const CONTRIBUTION: &str = "policy.contribution";
/// Kind of the facts that hold coverage policies.
pub const COVERAGE: &str = "policy.coverage";
/// Kind of the facts that hold price policies.
pub const PRICE: &str = "policy.price";

/// Decimals of a ratio.
const RATIO_DECIMALS: u8 = 6;
/// The most bands, haircuts or scenarios one policy states.
const MAX_ITEMS: usize = 100;

/// An amount in functional currency, written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionalAmount(pub Value);

/// A ratio of zero or more in millionths (1.5 is 1 500 000), written as text with at most six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(i128);

impl Ratio {
    /// One half: how far a price may move between two sets before a person must look.
    pub const HALF: Self = Self(500_000);
    /// One.
    pub const ONE: Self = Self(1_000_000);
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One percent: how far two sources may be apart before a person must look.
    pub const ONE_PERCENT: Self = Self(10_000);
    /// More than any that is written.
    pub const MAX: Self = Self(1_000_000_000_000_000_000_000_000);

    /// The ratio of this many millionths; below zero is zero.
    pub const fn of_millionths(millionths: i128) -> Self {
        if millionths < 0 { Self::ZERO } else { Self(millionths) }
    }

    /// Parses a plain decimal of zero or more.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        match parse_minor(text, RATIO_DECIMALS) {
            Ok(millionths) if millionths >= 0 => Ok(Self(millionths)),
            Ok(_) => Err("is negative; only zero or more is allowed here".to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    /// The ratio in millionths.
    pub const fn millionths(self) -> i128 {
        self.0
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format_minor_trimmed(self.0, RATIO_DECIMALS))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|e| serde::de::Error::custom(format!("the ratio {text:?} {e}")))
    }
}

impl Serialize for FunctionalAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_minor_trimmed(self.0.minor(), crate::domain::amount::VALUE_SCALE))
    }
}

impl<'de> Deserialize<'de> for FunctionalAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = Value::parse(&text).map_err(|e| serde::de::Error::custom(format!("the amount {text:?} {e}")))?;
        if value < Value::ZERO {
            return Err(serde::de::Error::custom(format!("the amount {text:?} is negative")));
        }
        Ok(Self(value))
    }
}

/// A contribution policy as it is given and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributionTerms {
    /// The venue, or none for all venues without a policy of their own.
    #[serde(default)]
    pub venue: Option<String>,
    /// The share of net fees that is owed, for example `0.1`.
    pub share: String,
    /// How old, at the end of the business date, the price of an accrual may be, in hours.
    #[serde(default = "default_price_hours")]
    pub price_max_age_hours: u32,
    /// How long after the end of its day a report is due, in hours.
    #[serde(default = "default_due_hours")]
    pub due_after_hours: u32,
    /// The highest believable fee as a part of the traded volume.
    #[serde(default = "default_fee_rate")]
    pub max_fee_rate: String,
    /// Contributions stop while the fund is worth this or more: an amount in functional currency, or `target` for the target of
    /// the coverage policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<String>,
}

const fn default_price_hours() -> u32 {
    DEFAULT_PRICE_MAX_AGE_HOURS
}
const fn default_due_hours() -> u32 {
    DEFAULT_DUE_AFTER_HOURS
}
fn default_fee_rate() -> String {
    Share::DEFAULT_MAX_FEE_RATE.to_string()
}

impl ContributionTerms {
    /// `share` of the fees of every venue, with the default limits.
    pub fn of_all_venues(share: &str) -> Self {
        Self {
            venue: None,
            share: share.to_owned(),
            price_max_age_hours: default_price_hours(),
            due_after_hours: default_due_hours(),
            max_fee_rate: default_fee_rate(),
            stop_at: None,
        }
    }

    /// The policy of the domain that starts on `effective_on`.
    ///
    /// # Errors
    /// `InvalidField`.
    pub fn to_domain(&self, effective_on: Date) -> Result<ContributionPolicy, Rejection> {
        let share = |pointer: &str, text: &str| Share::parse(text).map_err(|e| Rejection::invalid(pointer, text, e.to_string()));
        let stop = |text: &String| StopAt::parse(text).map_err(|e| Rejection::invalid("/stop_at", text, e));
        let venue = self.venue.as_deref().map(Name::parse).transpose();
        let policy = ContributionPolicy {
            effective_on,
            venue: venue.map_err(|e| Rejection::invalid("/venue", self.venue.as_deref().unwrap_or_default(), e.to_string()))?,
            share: share("/share", &self.share)?,
            price_max_age_hours: self.price_max_age_hours,
            due_after_hours: self.due_after_hours,
            max_fee_rate: share("/max_fee_rate", &self.max_fee_rate)?,
            stop_at: self.stop_at.as_ref().map(stop).transpose()?,
        };
        policy.check()?;
        Ok(policy)
    }
}

/// What the fund is measured against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoveragePolicy {
    /// What the fund should be worth.
    #[serde(default)]
    pub target: Option<FunctionalAmount>,
    /// Below this the alarm is raised.
    #[serde(default)]
    pub floor: Option<FunctionalAmount>,
    /// The least acceptable coverage ratio.
    #[serde(default)]
    pub minimum_coverage: Option<Ratio>,
    /// Coverage below each ratio gets its word; from the lowest ratio up.
    #[serde(default)]
    pub bands: Vec<Band>,
    /// Part of the value of an asset that is not counted as liquid, by asset code; 0 where none is given.
    #[serde(default)]
    pub haircuts: BTreeMap<String, Ratio>,
    /// Part of the hot-wallet user assets that a stress takes as lost on top.
    #[serde(default)]
    pub stress_payout_share: Option<Ratio>,
    /// Saved scenarios.
    #[serde(default)]
    pub scenarios: Vec<Scenario>,
}

/// A band of the coverage ratio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The band reaches up to this ratio.
    pub below: Ratio,
    /// Its word, for example `alarm` or `watch`.
    pub name: String,
}

/// A saved stress scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// How far the price of each asset falls, by asset code: 0.6 is minus 60 %.
    #[serde(default)]
    pub shocks: BTreeMap<String, Ratio>,
    /// A further loss owed to users.
    #[serde(default)]
    pub loss: Option<FunctionalAmount>,
}

impl CoveragePolicy {
    fn check(&self, refs: &Refs) -> Result<(), Rejection> {
        let part = |pointer: String, ratio: Ratio| {
            if ratio <= Ratio::ONE { Ok(()) } else { Err(Rejection::invalid(pointer, ratio, "must be at most 1")) }
        };
        for (list, len) in
            [("/bands", self.bands.len()), ("/haircuts", self.haircuts.len()), ("/scenarios", self.scenarios.len())]
        {
            if len > MAX_ITEMS {
                return Err(Rejection::invalid(list, len, format!("has more than {MAX_ITEMS} items")));
            }
        }
        if let Some((floor, target)) = self.floor.zip(self.target)
            && floor > target
        {
            return Err(Rejection::invalid("/floor", floor.0, "is above the target"));
        }
        for (at, band) in self.bands.iter().enumerate() {
            check_free_text(&band.name, 40)
                .map_err(|e| Rejection::invalid(format!("/bands/{at}/name"), &band.name, e.to_string()))?;
        }
        if !self.bands.iter().map(|band| band.below).is_sorted_by(|a, b| a < b) {
            return Err(Rejection::invalid("/bands", "", "give the bands from the lowest ratio up, each ratio once"));
        }
        for (code, haircut) in &self.haircuts {
            let pointer = format!("/haircuts/{code}");
            refs.asset(&pointer, code)?;
            part(pointer, *haircut)?;
        }
        if let Some(share) = self.stress_payout_share {
            part("/stress_payout_share".to_owned(), share)?;
        }
        for (at, scenario) in self.scenarios.iter().enumerate() {
            check_free_text(&scenario.name, 80)
                .map_err(|e| Rejection::invalid(format!("/scenarios/{at}/name"), &scenario.name, e.to_string()))?;
            for (code, shock) in &scenario.shocks {
                let pointer = format!("/scenarios/{at}/shocks/{code}");
                refs.asset(&pointer, code)?;
                part(pointer, *shock)?;
            }
        }
        Ok(())
    }
}

/// When a price may be used, and when it is looked at twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricePolicy {
    /// How old the price of a treasury event may be, in hours.
    pub max_age_hours: u32,
    /// How far a price may move from the set before, up or down, as a part of the price before.
    pub outlier_share: Ratio,
    /// How far a second source may be from the first, as a part of the first, before a person must look.
    #[serde(default = "default_tolerance")]
    pub source_tolerance: Ratio,
}

const fn default_tolerance() -> Ratio {
    Ratio::ONE_PERCENT
}

impl Default for PricePolicy {
    fn default() -> Self {
        Self { max_age_hours: DEFAULT_PRICE_MAX_AGE_HOURS, outlier_share: Ratio::HALF, source_tolerance: default_tolerance() }
    }
}

impl Book {
    /// Records the share of fees that a venue (or every venue) owes from `on`.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownVenue`, `PeriodClosed`.
    pub fn set_contribution_policy(&self, call: &Call, on: Date, terms: ContributionTerms) -> Result<Reply, StoreError> {
        self.give(call, From { effective_on: on, terms })
    }

    /// Records what the fund is measured against from `on`.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAsset`, `PeriodClosed`.
    pub fn set_coverage_policy(&self, call: &Call, on: Date, policy: CoveragePolicy) -> Result<Reply, StoreError> {
        self.give(call, From { effective_on: on, terms: policy })
    }

    /// Records when prices may be used from `on`.
    ///
    /// # Errors
    /// `InvalidField`, `PeriodClosed`.
    pub fn set_price_policy(&self, call: &Call, on: Date, policy: PricePolicy) -> Result<Reply, StoreError> {
        self.give(call, From { effective_on: on, terms: policy })
    }
}

impl Command for From<ContributionTerms> {
    const KIND: &'static str = CONTRIBUTION;
    const TITLE: &'static str = "Set the contribution policy";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn check(&self) -> Result<(), Rejection> {
        self.terms.to_domain(self.effective_on).map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (on, terms) = (self.effective_on, &self.terms);
        if let Some(venue) = &terms.venue {
            Refs::load(tx.conn)?.venue("/venue", venue)?;
        }
        require_open(tx, "/effective_on", on)?;
        let id = tx.add_fact(CONTRIBUTION, terms.venue.as_deref().unwrap_or_default(), on, terms);
        Ok(Answer::created(json!({"fact": id, "policy": "contribution", "effective_on": on, "terms": terms})))
    }
}

impl Command for From<CoveragePolicy> {
    const KIND: &'static str = COVERAGE;
    const TITLE: &'static str = "Set the coverage policy";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (on, policy) = (self.effective_on, &self.terms);
        policy.check(&Refs::load(tx.conn)?)?;
        require_open(tx, "/effective_on", on)?;
        let id = tx.add_fact(COVERAGE, "", on, policy);
        Ok(Answer::created(json!({"fact": id, "policy": "coverage", "effective_on": on, "terms": policy})))
    }
}

impl Command for From<PricePolicy> {
    const KIND: &'static str = PRICE;
    const TITLE: &'static str = "Set the price policy";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn check(&self) -> Result<(), Rejection> {
        let hours = self.terms.max_age_hours;
        if (1..=MAX_HOURS).contains(&hours) {
            return Ok(());
        }
        Err(Rejection::invalid("/max_age_hours", hours, format!("must be 1 to {MAX_HOURS} hours")))
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (on, policy) = (self.effective_on, self.terms);
        require_open(tx, "/effective_on", on)?;
        let id = tx.add_fact(PRICE, "", on, &policy);
        Ok(Answer::created(json!({"fact": id, "policy": "price", "effective_on": on, "terms": policy})))
    }
}

/// Every contribution policy of the book, to find the one in force for a venue and a day.
pub fn contribution_policies(conn: &mut Conn) -> Result<PolicyBook, StoreError> {
    let facts = super::registry::parsed_facts::<ContributionTerms>(conn, CONTRIBUTION)?;
    let policies = facts.iter().map(|(on, _, terms)| terms.to_domain(*on)).collect::<Result<Vec<_>, _>>();
    let policies = policies.map_err(|e| StoreError::Damaged(format!("a contribution policy: {e}")))?;
    Ok(PolicyBook::new(policies))
}

/// The coverage policy in force on a day, with its first day.
pub fn coverage_policy(conn: &mut Conn, day: Date) -> Result<Option<(Date, CoveragePolicy)>, StoreError> {
    in_force(conn, COVERAGE, day)
}

/// The price policy in force on a day; the default where none is recorded.
pub fn price_policy(conn: &mut Conn, day: Date) -> Result<PricePolicy, StoreError> {
    Ok(in_force(conn, PRICE, day)?.map(|(_, policy)| policy).unwrap_or_default())
}

fn in_force<T: serde::de::DeserializeOwned>(conn: &mut Conn, kind: &str, day: Date) -> Result<Option<(Date, T)>, StoreError> {
    let facts = super::registry::parsed_facts::<T>(conn, kind)?;
    // `max_by_key` keeps the last of equals, which is the later recording.
    Ok(facts.into_iter().filter(|(on, ..)| *on <= day).max_by_key(|(on, ..)| *on).map(|(on, _, policy)| (on, policy)))
}

/// Refuses a day in a closed period.
///
/// # Errors
/// `PeriodClosed`.
pub fn require_open(tx: &mut Tx<'_>, pointer: &str, day: Date) -> Result<(), StoreError> {
    let Some(closed) = price::last_closed(tx.conn)? else { return Ok(()) };
    if Period::of(day).to_string() > closed {
        return Ok(());
    }
    let detail = format!("lies in a closed period; {closed} is the last one closed, use a later day");
    Err(Rejection::new(OutcomeCode::PeriodClosed, pointer, day, detail).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_and_amounts_are_strict_texts() {
        for bad in ["1e2", "-0.1", "1.0000001", ".5", "NaN", "1,5", ""] {
            assert!(Ratio::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Ratio::parse("1.50").unwrap().to_string(), "1.5");
        assert!(serde_json::from_str::<Ratio>("0.5").is_err(), "a number is not a text");
        assert!(serde_json::from_str::<FunctionalAmount>("\"-1\"").is_err());
        let policy: CoveragePolicy = serde_json::from_str(r#"{"target":"1000000","minimum_coverage":"1.1"}"#).unwrap();
        assert_eq!(serde_json::to_value(&policy).unwrap()["target"], "1000000");
        assert!(serde_json::from_str::<CoveragePolicy>(r#"{"goal":"1"}"#).is_err(), "unknown fields are refused");
    }
}
