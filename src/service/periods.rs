//! Closing months in order (E24). A closed month is never reopened: what is recorded later for one of its days is booked in the
//! first open month with its date kept.

use super::command::Command;
use super::desk;
use super::refs::{FUNCTIONAL, Refs};
use super::valuation::{VALUATION, ValuationFact};
use super::{Answer, Book, Call, Reply};
use crate::domain::account::{AccountNo, no};
use crate::domain::entry::Dims;
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::posting::close::{self, ClosingBalance};
use crate::ledger::posting::{Context, Header, NextLot};
use crate::store::error::StoreError;
use crate::store::price::{self, ClosedPeriodRow};
use crate::store::projection;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

impl Book {
    /// Closes a month (`2019-05`).
    ///
    /// # Errors
    /// `InvalidField`, `AlreadyExists` when it is closed; `OutOfOrder` with every unmet condition: an earlier month is open, the
    /// month is not over, suspense is not empty, the last day has no price set or was not valued.
    pub fn close_period(&self, call: &Call, period: &str) -> Result<Reply, StoreError> {
        self.give(call, ClosePeriod { period: period.to_owned() })
    }
}

/// A month that is to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosePeriod {
    /// The month, as `2019-05`.
    pub period: String,
}

impl ClosePeriod {
    fn wanted(&self) -> Result<Period, Rejection> {
        let unreadable = || Rejection::invalid("/period", &self.period, "is not a month; write it as 2019-05");
        Period::parse(&self.period).ok_or_else(unreadable)
    }
}

impl Command for ClosePeriod {
    const KIND: &'static str = "period.close";
    const TITLE: &'static str = "Close a month";
    const GIVERS: &'static [Role] = &[Role::Preparer];

    fn check(&self) -> Result<(), Rejection> {
        self.wanted().map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (wanted, today) = (self.wanted()?, tx.today());
        close(tx, wanted, today)
    }
}

/// The month that is to be closed next; `None` while nothing is booked.
pub fn next_to_close(tx: &mut Tx<'_>) -> Result<Option<Period>, StoreError> {
    let damaged = |text: &str| StoreError::Damaged(format!("{text:?} is not a month"));
    if let Some(closed) = price::last_closed(tx.conn)? {
        return Ok(Some(Period::parse(&closed).and_then(Period::next).ok_or_else(|| damaged(&closed))?));
    }
    let Some(first) = projection::first_period(tx.conn)? else { return Ok(None) };
    Period::parse(&first).map(Some).ok_or_else(|| damaged(&first))
}

fn close(tx: &mut Tx<'_>, period: Period, today: Date) -> Result<Answer, StoreError> {
    if price::closed_periods(tx.conn)?.iter().any(|row| row.period == period.to_string()) {
        let detail = "is closed already; closed months are not reopened";
        return Err(Rejection::new(OutcomeCode::AlreadyExists, "/period", period, detail).into());
    }
    let refs = Refs::load(tx.conn)?;
    let problems = unmet(tx, &refs, period, today)?;
    if !problems.is_empty() {
        return Err(Rejection { code: OutcomeCode::OutOfOrder, problems }.into());
    }
    let booked = projection::booked_in(tx.conn, &period.to_string())?;
    let balances: Vec<ClosingBalance> = booked
        .into_iter()
        .filter(|((account, _), _)| {
            crate::domain::account::AccountClass::of(*account)
                .is_some_and(crate::domain::account::AccountClass::is_closed_each_period)
        })
        .map(|((account, asset), a)| ClosingBalance {
            account,
            asset,
            dims: Dims::default(),
            quantity: a.quantity,
            value: a.value,
        })
        .collect();
    let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
    let prices = BTreeMap::new();
    let mut ctx = Context::new(&assets, &prices, [], NextLot::starting_at(0));
    let entry = close::post(&mut ctx, Header::new(period.last_day(), format!("{period} closed")), &balances)?;
    let mut answer = json!({"period": period.to_string(), "entry": null});
    let mut closed_entry = None;
    if let Some(entry) = entry {
        let no = tx.post_entry_in(entry.clone(), format!("period:{period}"), period)?;
        closed_entry = Some(no.0);
        answer = desk::describe(&refs, no, &entry);
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("period".to_owned(), json!(period.to_string()));
        }
    }
    tx.record(ClosedPeriodRow { period: period.to_string(), closed_entry, leaf: 0 });
    Ok(Answer::created(answer))
}

/// Every condition of closing that does not hold, with its mend.
fn unmet(tx: &mut Tx<'_>, refs: &Refs, period: Period, today: Date) -> Result<Vec<Problem>, StoreError> {
    let mut problems = Vec::new();
    let mut note = |pointer: &str, value: String, detail: String| {
        problems.push(Problem { pointer: pointer.to_owned(), detail, value });
    };
    match next_to_close(tx)? {
        None => note("/period", period.to_string(), "nothing is booked yet".to_owned()),
        Some(next) if next != period => {
            note("/period", period.to_string(), format!("months are closed in order; close {next} next"));
        }
        Some(_) => {}
    }
    let last = period.last_day();
    if today <= last {
        note("/period", period.to_string(), format!("is not over; today is {today} (UTC)"));
    }
    let through = period.to_string();
    let suspense = projection::booked_through(tx.conn, &[no::SUSPENSE], &through)?;
    for ((_, asset), amounts) in suspense.iter().filter(|(_, a)| **a != projection::Amounts::default()) {
        let units = crate::domain::amount::format_minor_trimmed(amounts.quantity.negated().minor(), refs.scale(*asset));
        let detail = "stands on account 2240 (unidentified receipts); identify it first";
        note("/suspense", format!("{units} {}", refs.code(*asset)), detail.to_owned());
    }
    let measured: Vec<AccountNo> = no::HOLDINGS.into_iter().chain(no::IN_KIND).collect();
    let standing = projection::booked_through(tx.conn, &measured, &through)?;
    if standing.values().any(|a| !a.quantity.is_zero()) {
        if price::set_on(tx.conn, &last.to_string())?.is_none() {
            note("/prices", last.to_string(), "the last day has no locked price set; import and lock one".to_owned());
        } else if !tx.facts::<ValuationFact>(VALUATION)?.iter().any(|(day, ..)| *day == last) {
            note("/valuation", last.to_string(), "the last day was not valued; run `safu prices value` for it".to_owned());
        }
    }
    Ok(problems)
}
