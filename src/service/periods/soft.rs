//! The soft close: the month is over, and only what was approved still goes into it. What jobs and single persons record for its
//! days is booked in the next month, as after the close itself.

use super::{Recorded, month, next_to_close, require_unclosed};
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::service::command::Command;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Kind of the facts that close a month softly; the subject is the month.
pub const SOFT: &str = "close.soft";

/// A soft close as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SoftFact {
    /// The last entry before it.
    last_entry: i64,
}

impl Book {
    /// Closes a month softly.
    ///
    /// # Errors
    /// `InvalidField`; `AlreadyExists` when it is closed, softly or for good; `OutOfOrder` before it is over or before its turn.
    pub fn soft_close(&self, call: &Call, period: &str) -> Result<Reply, StoreError> {
        self.give(call, SoftClose { period: period.to_owned() })
    }
}

/// A month that is to be closed softly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftClose {
    /// The month, as `2019-05`.
    pub period: String,
}

impl Command for SoftClose {
    const KIND: &'static str = "period.soft-close";
    const TITLE: &'static str = "Close a month softly";
    const GIVERS: &'static [Role] = &[Role::Preparer];

    fn risk(&self) -> Risk {
        Risk::One
    }

    fn check(&self) -> Result<(), Rejection> {
        month(&self.period).map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (period, today) = (month(&self.period)?, tx.today());
        require_unclosed(tx.conn, period)?;
        if is_soft_closed(tx.conn, period)? {
            let detail = "is softly closed already; it is closed for good once its checklist is done";
            return Err(Rejection::new(OutcomeCode::AlreadyExists, "/period", period, detail).into());
        }
        let next = next_to_close(tx.conn)?;
        if next != Some(period) {
            let turn = next.map_or_else(|| "nothing is booked yet".to_owned(), |next| format!("close {next} first"));
            let detail = format!("it is not its turn; months are closed in order: {turn}");
            return Err(Rejection::new(OutcomeCode::OutOfOrder, "/period", period, detail).into());
        }
        if today <= period.last_day() {
            let detail = format!("is not over; today is {today} (UTC)");
            return Err(Rejection::new(OutcomeCode::OutOfOrder, "/period", period, detail).into());
        }
        let last_entry = tx.head.last_entry;
        tx.add_fact(SOFT, &period.to_string(), period.last_day(), &SoftFact { last_entry });
        Ok(Answer::created(json!({"period": period.to_string(), "state": "soft-closed", "last_entry": last_entry})))
    }
}

/// True for a month that was closed softly, and perhaps for good since.
///
/// # Errors
/// The database's failure.
pub fn is_soft_closed(conn: &mut Conn, period: Period) -> Result<bool, StoreError> {
    Ok(fact::count(conn, &[SOFT], &period.to_string())? > 0)
}

/// The leaf of a month's soft close.
pub(super) fn leaf(conn: &mut Conn, period: Period) -> Result<Option<i64>, StoreError> {
    Ok(fact::of_subject(conn, SOFT, &period.to_string())?.first().map(|row| row.leaf))
}

/// Who closed a month softly, and when.
pub(super) fn recorded(conn: &mut Conn, period: Period) -> Result<Option<Recorded>, StoreError> {
    leaf(conn, period)?.map(|leaf| Recorded::of_leaf(conn, leaf)).transpose()
}

/// The last entry before each soft close that was recorded in the first `leaves` leaves, by month.
///
/// # Errors
/// The database's failure.
pub fn last_entries(conn: &mut Conn, leaves: i64) -> Result<BTreeMap<String, i64>, StoreError> {
    let facts = fact::of_kind(conn, SOFT)?.into_iter().filter(|row| row.leaf < leaves);
    facts.map(|row| Ok((row.subject.clone(), row.parse::<SoftFact>()?.last_entry))).collect()
}
