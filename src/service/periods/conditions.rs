//! What the book itself finds out about a month that is to be closed. Every finding says what is wrong and how to mend it.

use super::{next_to_close, ties};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value, format_minor_trimmed};
use crate::domain::approval::State;
use crate::domain::asset::AssetId;
use crate::domain::close::Item;
use crate::domain::contribution::calendar::DayState;
use crate::domain::period::Period;
use crate::domain::price::Price;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::invariants::{Violation, holdings_at_fair_value};
use crate::ledger::trial_balance::TrialBalance;
use crate::service::approvals;
use crate::service::clock::day_of;
use crate::service::contributions::calendar::{VenueCalendar, calendars};
use crate::service::posting::Prices;
use crate::service::reconciliation::statement::statement;
use crate::service::reconciliation::{open_breaks, signed_off};
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::service::registry::parsed_facts;
use crate::service::valuation::{VALUATION, ValuationFact};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::projection::{self, Amounts};
use crate::store::{incident, price, proposal};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The longest time that a proposal can wait.
const PROPOSALS_WAIT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How deep in a command its date may stand.
const DEPTH: u8 = 4;

/// Something that keeps an item from holding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What it is about.
    pub value: String,
    /// What is wrong, and how to mend it.
    pub detail: String,
    /// Its parts, as a reason accepts them.
    pub keys: Vec<String>,
}

impl Unmet {
    /// A finding of one part.
    pub(super) fn new(value: impl Into<String>, detail: impl Into<String>) -> Self {
        let (value, detail) = (value.into(), detail.into());
        Self { keys: vec![format!("{value} {detail}")], value, detail }
    }
}

/// What is wrong about an item the book finds out by itself, less what was accepted; nothing for items of people.
pub(super) fn unmet(
    conn: &mut Conn,
    refs: &Refs,
    item: Item,
    (period, now): (Period, Timestamp),
    accepted: &BTreeSet<String>,
) -> Result<Vec<Unmet>, StoreError> {
    let found = match item {
        Item::InOrder => in_order(conn, period)?,
        Item::Ended => ended(period, now),
        Item::Feeds => return feeds(conn, period, now, accepted),
        Item::Suspense => suspense(conn, refs, period)?,
        Item::Prices => prices(conn, period)?,
        Item::Valuation => valuation(conn, refs, period)?,
        Item::Obligations => obligations(conn, refs, period)?,
        Item::SubLedgers => ties::differences(conn, refs, period)?,
        Item::Proposals => proposals(conn, period, now)?,
        Item::Reconciliation => reconciled(conn, period)?,
        Item::Statements | Item::Estimates | Item::Changes | Item::Reports => Vec::new(),
    };
    Ok(found.into_iter().filter(|unmet| !unmet.keys.iter().all(|key| accepted.contains(key))).collect())
}

fn in_order(conn: &mut Conn, period: Period) -> Result<Vec<Unmet>, StoreError> {
    Ok(match next_to_close(conn)? {
        None => vec![Unmet::new(period.to_string(), "nothing is booked yet")],
        Some(next) if next != period => {
            vec![Unmet::new(period.to_string(), format!("months are closed in order; close {next} next"))]
        }
        Some(_) => Vec::new(),
    })
}

fn ended(period: Period, now: Timestamp) -> Vec<Unmet> {
    let today = day_of(now);
    if today > period.last_day() {
        return Vec::new();
    }
    vec![Unmet::new(period.to_string(), format!("is not over; today is {today} (UTC)"))]
}

/// Days of the contribution calendar whose report is not posted, one finding a venue and state.
fn feeds(conn: &mut Conn, period: Period, now: Timestamp, accepted: &BTreeSet<String>) -> Result<Vec<Unmet>, StoreError> {
    let mut found = Vec::new();
    for VenueCalendar { venue, days, .. } in calendars(conn, None, Some(period.first_day()), period.last_day(), now)? {
        for state in [DayState::Missing, DayState::Quarantined, DayState::Stale, DayState::NotDue] {
            let key = |day: jiff::civil::Date| format!("{venue} {day} {}", state.slug());
            let of_state = days.iter().filter(|day| day.state == state).map(|day| day.date);
            let open: Vec<_> = of_state.filter(|day| !accepted.contains(&key(*day))).collect();
            let (Some(first), Some(last)) = (open.first(), open.last()) else { continue };
            let which = if first == last { first.to_string() } else { format!("{} days from {first} to {last}", open.len()) };
            let mend = match state {
                DayState::Missing => {
                    "missing; have them submitted (`safu contributions submit`), or leave the item out with a reason"
                }
                DayState::NotDue => "not there and not due yet; wait for them",
                _ => "waiting in quarantine; look at them (`safu contributions calendar`) and mend or reject them",
            };
            let detail = format!("fee reports of {which}: {mend}");
            found.push(Unmet { value: venue.clone(), detail, keys: open.into_iter().map(key).collect() });
        }
    }
    Ok(found)
}

fn suspense(conn: &mut Conn, refs: &Refs, period: Period) -> Result<Vec<Unmet>, StoreError> {
    let suspense = projection::booked_through(conn, &[no::SUSPENSE], &period.to_string())?;
    let standing = suspense.into_iter().filter(|(_, amounts)| *amounts != Amounts::default());
    let unmet = |((_, asset), amounts): ((AccountNo, AssetId), Amounts)| {
        let units = format_minor_trimmed(amounts.quantity.negated().minor(), refs.scale(asset));
        let detail = "stands on account 2240 (unidentified receipts); identify it first";
        Unmet::new(format!("{units} {}", refs.code(asset)), detail)
    };
    Ok(standing.map(unmet).collect())
}

/// Breaks that nobody has explained, wallets that nobody has looked at, and a sign-off that is missing or out of date.
fn reconciled(conn: &mut Conn, period: Period) -> Result<Vec<Unmet>, StoreError> {
    let found: Vec<Unmet> = open_breaks(conn, period)?
        .into_iter()
        .map(|open| {
            let differs = open.difference.map(|difference| format!("differs by {difference}; ")).unwrap_or_default();
            Unmet::new(open.of, format!("{differs}{}", open.mend))
        })
        .collect();
    if !found.is_empty() || statement(conn, period)?.lines.is_empty() {
        return Ok(found);
    }
    let detail = match signed_off(conn, period)? {
        Some(signed) if signed.is_current => return Ok(Vec::new()),
        Some(_) => "changed since it was signed off; sign it off again (`safu reconciliation sign-off`)",
        None => "is not signed off; look at it and sign it off (`safu reconciliation sign-off`)",
    };
    Ok(vec![Unmet::new(format!("reconciliation of {period}"), detail)])
}

/// What the fund holds and owes in kind at the end of the month, as booked in it and before.
fn standing(
    conn: &mut Conn,
    period: Period,
    accounts: &[AccountNo],
) -> Result<BTreeMap<(AccountNo, AssetId), Amounts>, StoreError> {
    let mut standing = projection::booked_through(conn, accounts, &period.to_string())?;
    standing.retain(|_, amounts| *amounts != Amounts::default());
    Ok(standing)
}

fn holdings(conn: &mut Conn, period: Period) -> Result<BTreeMap<(AccountNo, AssetId), Amounts>, StoreError> {
    let accounts: Vec<AccountNo> = no::HOLDINGS.into_iter().chain([no::FAIR_VALUE_ADJUSTMENT]).collect();
    standing(conn, period, &accounts)
}

fn prices(conn: &mut Conn, period: Period) -> Result<Vec<Unmet>, StoreError> {
    let last = period.last_day();
    let nothing = holdings(conn, period)?.is_empty() && standing(conn, period, &no::IN_KIND)?.is_empty();
    if nothing || price::set_on(conn, &last.to_string())?.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![Unmet::new(last.to_string(), "the last day has no locked price set; import and lock one")])
}

/// The prices of the last day, or why it cannot be valued by them.
fn measured(conn: &mut Conn, period: Period) -> Result<Result<BTreeMap<AssetId, Price>, Unmet>, StoreError> {
    let last = period.last_day();
    let Some(set) = price::set_on(conn, &last.to_string())? else {
        return Ok(Err(Unmet::new(last.to_string(), "cannot be measured before the last day has a locked price set")));
    };
    if !parsed_facts::<ValuationFact>(conn, VALUATION)?.iter().any(|(day, ..)| *day == last) {
        return Ok(Err(Unmet::new(last.to_string(), "the last day was not valued; run `safu prices value` for it")));
    }
    Ok(Ok(Prices::of(&set)?.by_asset))
}

/// How to mend a figure that is not at the prices of the last day.
fn mend_of_value(conn: &mut Conn, period: Period) -> Result<&'static str, StoreError> {
    let later = parsed_facts::<ValuationFact>(conn, VALUATION)?.iter().any(|(day, ..)| *day > period.last_day());
    Ok(if later {
        "later days were valued since, so it stays; leave the item out with a reason"
    } else {
        "value the last day again (`safu prices value`)"
    })
}

fn valuation(conn: &mut Conn, refs: &Refs, period: Period) -> Result<Vec<Unmet>, StoreError> {
    let held = holdings(conn, period)?;
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let prices = match measured(conn, period)? {
        Ok(prices) => prices,
        Err(unmet) => return Ok(vec![unmet]),
    };
    let rows = held.iter().map(|((account, asset), a)| (*account, *asset, a.quantity, a.value));
    let trial = TrialBalance::of_balances(rows).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
    let mend = mend_of_value(conn, period)?;
    let unmet = |violation: Violation| match violation {
        Violation::NotAtFairValue { asset, carried, fair } => off(refs, asset, carried, fair, mend),
        other => Unmet::new("", other.to_string()),
    };
    Ok(holdings_at_fair_value(&trial, &assets, &prices).into_iter().map(unmet).collect())
}

fn off(refs: &Refs, asset: AssetId, carried: Value, fair: Value, mend: &str) -> Unmet {
    Unmet::new(
        refs.code(asset),
        format!("is carried at {carried}, its units at the price of the last day are worth {fair}; {mend}"),
    )
}

/// Obligations are measured for each incident, and each rounds once; a total of several may differ by that.
fn obligations(conn: &mut Conn, refs: &Refs, period: Period) -> Result<Vec<Unmet>, StoreError> {
    let owed = standing(conn, period, &no::IN_KIND)?;
    if owed.is_empty() {
        return Ok(Vec::new());
    }
    let prices = match measured(conn, period)? {
        Ok(prices) => prices,
        Err(unmet) => return Ok(vec![unmet]),
    };
    let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
    let rounding = i128::try_from(incident::all(conn)?.len()).unwrap_or(i128::MAX);
    let mend = mend_of_value(conn, period)?;
    let mut found = Vec::new();
    for ((_, asset), amounts) in owed {
        let (quantity, carried) = (amounts.quantity.negated(), amounts.value.negated());
        let fair = fair_value(&assets, &prices, asset, quantity);
        match fair {
            Some(fair) if fair.minor().abs_diff(carried.minor()) <= rounding.unsigned_abs() => {}
            Some(fair) => found.push(off(refs, asset, carried, fair, mend)),
            None => found.push(Unmet::new(refs.code(asset), "has no price on the last day; lock one")),
        }
    }
    Ok(found)
}

fn fair_value(assets: &AssetTable, prices: &BTreeMap<AssetId, Price>, asset: AssetId, quantity: Quantity) -> Option<Value> {
    if quantity.is_zero() {
        return Some(Value::ZERO);
    }
    assets.fair_value(asset, quantity, assets.price(prices, asset).ok()?).ok()
}

/// Proposals that wait for a decision or for being carried out, and name a day of the month.
fn proposals(conn: &mut Conn, period: Period, now: Timestamp) -> Result<Vec<Unmet>, StoreError> {
    let since = now.checked_sub(PROPOSALS_WAIT).unwrap_or(Timestamp::MIN);
    let mut found = Vec::new();
    for id in proposal::asked_since(conn, since.as_microsecond())? {
        let Some(one) = approvals::find(conn, id, now)? else { continue };
        let waits = matches!(one.state, State::Submitted | State::Approved);
        // What closes the month waits itself while it is decided on.
        if waits && !one.kind.starts_with("period.") && names(&one.command, period, DEPTH) {
            let title = one.rules()?.title;
            found.push(Unmet::new(
                format!("proposal {id}"),
                format!("({title}) waits and names a day of the month; decide on it or have it withdrawn"),
            ));
        }
    }
    Ok(found)
}

/// True for a command with a date in the month.
fn names(command: &Json, period: Period, depth: u8) -> bool {
    let Some(fields) = command.as_object().filter(|_| depth > 0) else { return false };
    fields.iter().any(|(name, value)| match value {
        Json::String(text) if ["on", "day", "effective_on"].contains(&name.as_str()) => {
            text.parse().is_ok_and(|day| period.has(day))
        }
        other => names(other, period, depth.saturating_sub(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_command_names_a_month_by_its_dates() {
        let may = Period::parse("2019-05").unwrap();
        assert!(names(&json!({"effective_on": "2019-05-31", "terms": {}}), may, DEPTH));
        assert!(names(&json!({"incident": "INC-1", "ask": {"on": "2019-05-01"}}), may, DEPTH));
        assert!(!names(&json!({"on": "2019-06-01", "memo": "2019-05-01"}), may, DEPTH), "a memo is no date");
    }
}
