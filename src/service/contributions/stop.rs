//! Contributions stop while the fund is worth enough, if the policy says so.
//!
//! The question is asked once for a venue and a business date: by the first report of it that posts, or the first single event of it
//! that is recorded. The fund is measured as it stands then: the units on 1110 to 1150 by all entries recorded so far with a
//! business date up to that date, at the prices in force on it. At the stop or above, nothing is owed for that venue and date; below
//! it everything is: there is no part of a day. The decision is a fact with what was measured. It holds for all that follows for the
//! venue and date, whatever is recorded later, so that nothing that was decided is undone by a restatement. What accrues is no part
//! of what is measured, so that the order of reports does not matter.

use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::contribution::policy::{ContributionPolicy, StopAt};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::policies::{self, FunctionalAmount};
use crate::service::posting::{Prices, fair_value};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use crate::store::{fact, projection};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kind of the facts that hold decisions; the subject is the venue, the day the business date.
pub const STOPS: &str = "contribution.stop";
/// The share that a posted report has whose day was stopped.
pub const NO_SHARE: &str = "0";
/// Reason: the fund was worth enough, so that nothing of the report is owed.
pub const STOPPED: &str = "contributions-stopped";

/// What was measured for a venue and a business date, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What the fund had to be worth.
    pub stop_at: FunctionalAmount,
    /// What it was worth.
    pub fund_value: FunctionalAmount,
    /// Cut-off day of the prices; none if no set was needed.
    pub price_set: Option<Date>,
    /// True when nothing is owed.
    pub stopped: bool,
}

/// A decision and whether the book has it already.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub decision: Decision,
    pub recorded: bool,
}

impl Decided {
    /// Queues the decision unless the book has it.
    pub fn record(&mut self, tx: &mut Tx<'_>, venue: &str, day: Date) {
        if !self.recorded {
            tx.add_fact(STOPS, venue, day, &self.decision);
            self.recorded = true;
        }
    }
}

/// The decision that is recorded for a venue and a business date.
pub fn recorded(conn: &mut Conn, venue: &str, day: Date) -> Result<Option<Decision>, StoreError> {
    fact::of_day(conn, STOPS, venue, &day.to_string())?.map(|row| row.parse()).transpose()
}

/// The decision for a venue and a business date, found or made now; `None` where the policy has no stop.
///
/// # Errors
/// `PriceMissing`, `PriceStale` when what is held cannot be valued.
pub(super) fn decide(
    conn: &mut Conn,
    refs: &Refs,
    policy: &ContributionPolicy,
    (venue, day): (&str, Date),
    prices: &Prices,
) -> Result<Option<Decided>, StoreError> {
    let Some(stop_at) = policy.stop_at else { return Ok(None) };
    if let Some(decision) = recorded(conn, venue, day)? {
        return Ok(Some(Decided { decision, recorded: true }));
    }
    let Some(limit) = limit(conn, stop_at, day)? else { return Ok(None) };
    let held = projection::units_until(conn, &no::HOLDINGS, &day.to_string())?;
    let hours = i64::from(policy.price_max_age_hours);
    let mut missing: Option<Rejection> = None;
    for asset in held.iter().filter(|(_, units)| !units.is_zero()).map(|(asset, _)| *asset) {
        if let Err(rejection) = prices.require(refs, asset, day, hours) {
            match &mut missing {
                Some(first) => first.problems.extend(rejection.problems),
                None => missing = Some(rejection),
            }
        }
    }
    if let Some(rejection) = missing {
        return Err(rejection.into());
    }
    let value = worth(refs, prices, &held)?;
    let decision = Decision {
        stop_at: FunctionalAmount(limit),
        fund_value: FunctionalAmount(value),
        price_set: prices.cutoff_on,
        stopped: value >= limit,
    };
    Ok(Some(Decided { decision, recorded: false }))
}

/// The value at which contributions of a day stop; `None` while there is no target to stop at.
pub(in crate::service) fn limit(conn: &mut Conn, stop_at: StopAt, day: Date) -> Result<Option<Value>, StoreError> {
    match stop_at {
        StopAt::Value(value) => Ok(Some(value)),
        StopAt::Target => Ok(policies::coverage_policy(conn, day)?.and_then(|(_, policy)| policy.target).map(|target| target.0)),
    }
}

/// What units are worth at these prices; what has no price counts nothing.
pub(in crate::service) fn worth(refs: &Refs, prices: &Prices, held: &BTreeMap<AssetId, Quantity>) -> Result<Value, Rejection> {
    let mut sum = Value::ZERO;
    for (asset, units) in held {
        if let Some(price) = prices.by_asset.get(asset) {
            let value = fair_value(*price, *units, refs.scale(*asset))?;
            let too_large =
                || Rejection::new(OutcomeCode::AboveLimit, "/fund_value", "", "the fund is worth more than can be held");
            sum = sum.checked_add(value).ok_or_else(too_large)?;
        }
    }
    Ok(sum)
}
