//! Closing months, in order: a checklist of what has to hold, a soft close after which only what was approved goes into the month,
//! then the close itself (E24) with a seal over all balances. A closed month is never reopened: what is recorded later for one of
//! its days is booked in the first open month with its date kept, and is marked as late wherever it shows.

pub mod changes;
pub mod checklist;
mod conditions;
pub mod docs;
pub mod files;
pub mod seal;
pub mod soft;
mod ties;

use super::command::Command;
use super::desk;
use super::refs::{FUNCTIONAL, Refs};
use super::{Answer, Book, Call, Reply};
use crate::domain::account::AccountClass;
use crate::domain::close::{Item, ItemState, MonthState};
use crate::domain::entry::{Balanced, Dims};
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::ledger::asset_table::AssetTable;
use crate::ledger::posting::close::{self, ClosingBalance};
use crate::ledger::posting::{Context, Header, NextLot};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::price::{self, ClosedPeriodRow};
use crate::store::tx::Tx;
use crate::store::{log, projection};
use checklist::Checklist;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

impl Book {
    /// Closes a month (`2019-05`) for good.
    ///
    /// # Errors
    /// `InvalidField`, `AlreadyExists` when it is closed; `OutOfOrder` with every item of the checklist that is open and its mend.
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

impl Command for ClosePeriod {
    const KIND: &'static str = "period.close";
    const TITLE: &'static str = "Close a month";
    const GIVERS: &'static [Role] = &[Role::Preparer];

    fn check(&self) -> Result<(), Rejection> {
        month(&self.period).map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        close(tx, month(&self.period)?)
    }
}

/// A month as commands write it.
///
/// # Errors
/// `InvalidField`.
pub fn month(text: &str) -> Result<Period, Rejection> {
    let unreadable = || Rejection::invalid("/period", text, "is not a month; write it as 2019-05");
    Period::parse(text).ok_or_else(unreadable)
}

fn stored_month(text: &str) -> Result<Period, StoreError> {
    Period::parse(text).ok_or_else(|| StoreError::Damaged(format!("{text:?} is not a month")))
}

/// The month that is to be closed next; `None` while nothing is booked.
///
/// # Errors
/// The database's failure.
pub fn next_to_close(conn: &mut Conn) -> Result<Option<Period>, StoreError> {
    if let Some(closed) = price::last_closed(conn)? {
        let next = stored_month(&closed)?.next();
        return Ok(Some(next.ok_or_else(|| StoreError::Damaged(format!("there is no month after {closed}")))?));
    }
    projection::first_period(conn)?.as_deref().map(stored_month).transpose()
}

/// The row of a closed month.
fn closed(conn: &mut Conn, period: Period) -> Result<Option<ClosedPeriodRow>, StoreError> {
    let text = period.to_string();
    Ok(price::closed_periods(conn)?.into_iter().find(|row| row.period == text))
}

/// Refuses a month that is closed.
fn require_unclosed(conn: &mut Conn, period: Period) -> Result<(), StoreError> {
    if closed(conn, period)?.is_none() {
        return Ok(());
    }
    let detail = "is closed already; closed months are not reopened";
    Err(Rejection::new(OutcomeCode::AlreadyExists, "/period", period, detail).into())
}

/// Who recorded something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Actor, as the log names it.
    pub by: String,
    /// Moment.
    pub at: Timestamp,
}

impl Recorded {
    /// What the leaf says.
    fn of_leaf(conn: &mut Conn, leaf: i64) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Envelope {
            actor: String,
            at: Timestamp,
        }
        let damaged = || StoreError::Damaged(format!("leaf {leaf} is missing or cannot be read"));
        let stored = log::leaf(conn, leaf)?.ok_or_else(damaged)?;
        let envelope: Envelope = serde_json::from_str(&stored.bytes).map_err(|_| damaged())?;
        Ok(Self { by: envelope.actor, at: envelope.at })
    }
}

fn close(tx: &mut Tx<'_>, period: Period) -> Result<Answer, StoreError> {
    require_unclosed(tx.conn, period)?;
    let checklist = Checklist::load(tx.conn, period, tx.stamp.at)?;
    let problems = unmet(&checklist);
    if !problems.is_empty() {
        return Err(Rejection { code: OutcomeCode::OutOfOrder, problems }.into());
    }
    let refs = Refs::load(tx.conn)?;
    let entry = closing_entry(tx, &refs, period)?;
    let mut answer = json!({"period": period.to_string(), "entry": null});
    let mut number = None;
    if let Some(entry) = &entry {
        let no = tx.post_entry_in(entry.clone(), format!("period:{period}"), period)?;
        number = Some(no.0);
        answer = desk::describe(&refs, no, entry);
    }
    tx.record(ClosedPeriodRow { period: period.to_string(), closed_entry: number, leaf: 0 });
    let sealed = seal::seal(tx, period, entry.as_ref(), &checklist)?;
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("period".to_owned(), json!(period.to_string()));
        fields.insert("seal".to_owned(), json!({"log_size": sealed.log_size, "balances": sealed.balances, "root": sealed.root}));
    }
    Ok(Answer::created(answer))
}

/// The entry that takes income and expense of the month to the fund balance; none where there is neither.
fn closing_entry(tx: &mut Tx<'_>, refs: &Refs, period: Period) -> Result<Option<Balanced>, StoreError> {
    let booked = projection::booked_in(tx.conn, &period.to_string())?;
    let of_income = booked
        .into_iter()
        .filter(|((account, _), _)| AccountClass::of(*account).is_some_and(AccountClass::is_closed_each_period));
    let balances: Vec<ClosingBalance> = of_income
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
    Ok(close::post(&mut ctx, Header::new(period.last_day(), format!("{period} closed")), &balances)?)
}

/// Everything that keeps a month from being closed, each with its mend.
fn unmet(checklist: &Checklist) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut note = |pointer: String, value: String, detail: String| problems.push(Problem { pointer, detail, value });
    for view in checklist.items.iter().filter(|view| view.state == ItemState::Open) {
        let pointer = match view.item {
            Item::InOrder | Item::Ended => "/period".to_owned(),
            item => format!("/{}", item.slug()),
        };
        for unmet in &view.unmet {
            note(pointer.clone(), unmet.value.clone(), unmet.detail.clone());
        }
        if view.unmet.is_empty() {
            let detail = format!("is not ticked; {} answers for it (`safu periods tick`)", view.owner);
            note(pointer, view.item.slug().to_owned(), detail);
        }
    }
    if checklist.state == MonthState::Open {
        let detail = "is not softly closed; close it softly first (`safu periods soft-close`)";
        note("/state".to_owned(), checklist.period.to_string(), detail.to_owned());
    }
    problems
}
