//! Decisions to stop contributions: one for a venue and a day, and what was measured is what the entries before it come to at the
//! prices that it names.

use super::Verdict;
use super::contributions::Policies;
use super::journal::Replay;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::contribution::policy::StopAt;
use crate::service::contributions::stop::{Decision, STOPS, worth};
use crate::service::policies::{COVERAGE, CoveragePolicy};
use crate::service::posting::Prices;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::price;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap};

/// Every decision, by venue and day, with its leaf.
#[derive(Default)]
pub(super) struct Stops(HashMap<(String, String), (i64, bool)>);

impl Stops {
    /// Whether contributions of a venue and a day were stopped by a decision before this leaf.
    pub(super) fn stopped(&self, venue: &str, day: &str, leaf: i64) -> bool {
        self.0.get(&(venue.to_owned(), day.to_owned())).is_some_and(|(at, stopped)| *stopped && *at < leaf)
    }
}

/// Checks all decisions and gives them for looking up.
pub(super) fn check(conn: &mut Conn, replay: &Replay, verdict: &mut Verdict) -> Result<Stops, StoreError> {
    let decisions = fact::of_kind(conn, STOPS)?;
    let mut stops = Stops::default();
    if decisions.is_empty() {
        return Ok(stops);
    }
    let (refs, policies) = (Refs::load(conn)?, Policies::load(conn)?);
    let coverage = fact::of_kind(conn, COVERAGE)?;
    let mut moved = replay.holdings.iter().peekable();
    let mut held: BTreeMap<AssetId, BTreeMap<&str, Quantity>> = BTreeMap::new();
    for row in &decisions {
        while let Some((_, day, asset, units)) = moved.next_if(|(leaf, ..)| *leaf < row.leaf) {
            plus(held.entry(*asset).or_default().entry(day).or_default(), *units)?;
        }
        let decision: Decision = row.parse()?;
        let subject = format!("fact {} (contributions of {} on {})", row.id, row.subject, row.effective_on);
        let mut units: BTreeMap<AssetId, Quantity> = BTreeMap::new();
        for (asset, days) in &held {
            for moved in days.range(..=row.effective_on.as_str()).map(|(_, moved)| *moved) {
                plus(units.entry(*asset).or_default(), moved)?;
            }
        }
        let prices = match decision.price_set {
            Some(day) => price::set_on(conn, &day.to_string())?.map_or_else(|| Ok(Prices::none()), |set| Prices::of(&set))?,
            None => Prices::none(),
        };
        let value = worth(&refs, &prices, &units).unwrap_or_default();
        if value != decision.fund_value.0 {
            verdict.add(subject.clone(), format!("says the fund was worth {}, it was {value}", decision.fund_value.0));
        }
        if decision.stopped != (decision.fund_value.0 >= decision.stop_at.0) {
            verdict.add(subject.clone(), "does not follow from its own figures");
        }
        let due = limit(row, &policies, &coverage)?;
        if due != Some(decision.stop_at.0) {
            verdict.add(subject.clone(), format!("stops at {}, the policy then said {due:?}", decision.stop_at.0));
        }
        let key = (row.subject.clone(), row.effective_on.clone());
        if stops.0.insert(key, (row.leaf, decision.stopped)).is_some() {
            verdict.add(subject, "was decided before");
        }
    }
    Ok(stops)
}

/// The stop by the policies that were recorded before the decision.
fn limit(row: &FactRow, policies: &Policies, coverage: &[FactRow]) -> Result<Option<Value>, StoreError> {
    let day: Date = row.effective_on.parse().map_err(|_| StoreError::Damaged(format!("fact {}: date", row.id)))?;
    let book = policies.as_of_leaf(row.leaf);
    match book.in_force(&row.subject, day).and_then(|policy| policy.stop_at) {
        None => Ok(None),
        Some(StopAt::Value(value)) => Ok(Some(value)),
        Some(StopAt::Target) => {
            let known = coverage.iter().filter(|fact| fact.leaf < row.leaf && fact.effective_on <= row.effective_on);
            // `max_by_key` keeps the last of equals, which is the later recording.
            let in_force = known.max_by_key(|fact| fact.effective_on.as_str());
            let policy = in_force.map(FactRow::parse::<CoveragePolicy>).transpose()?;
            Ok(policy.and_then(|policy| policy.target).map(|target| target.0))
        }
    }
}

fn plus(sum: &mut Quantity, units: Quantity) -> Result<(), StoreError> {
    *sum = sum.checked_add(units).ok_or_else(|| StoreError::Damaged("a sum of holdings is too large".to_owned()))?;
    Ok(())
}
