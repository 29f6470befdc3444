//! What is recorded about a month after it was closed. An entry is late when it is booked in a later month than its date has; as
//! text, its date then comes before its month.

use super::conn::Conn;
use super::error::StoreError;
use super::fact::FactRow;
use super::fee_report::ReportRow;
use super::journal::EntryRow;
use super::projection::BalanceDayRow;
use super::schema::{balance_day, entry, fact, fee_report};
use diesel::prelude::*;

/// Late entries with a date of `from..=to`, in order of recording.
pub fn entries(conn: &mut Conn, from: &str, to: &str) -> Result<Vec<EntryRow>, StoreError> {
    Ok(entry::table
        .filter(entry::effective_on.lt(entry::period))
        .filter(entry::effective_on.between(from, to))
        .order(entry::no)
        .select(EntryRow::as_select())
        .load(conn)?)
}

/// How many late entries there are with a date up to `to` and a number up to `last`.
pub fn count(conn: &mut Conn, to: &str, last: i64) -> Result<i64, StoreError> {
    Ok(entry::table
        .filter(entry::effective_on.lt(entry::period))
        .filter(entry::effective_on.le(to))
        .filter(entry::no.le(last))
        .count()
        .get_result(conn)?)
}

/// The dates of all late entries, one each.
pub fn dates(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    Ok(entry::table.filter(entry::effective_on.lt(entry::period)).select(entry::effective_on).load(conn)?)
}

/// What was booked after `period` for days up to `to`.
pub fn movements(conn: &mut Conn, to: &str, period: &str) -> Result<Vec<BalanceDayRow>, StoreError> {
    Ok(balance_day::table
        .filter(balance_day::effective_on.le(to))
        .filter(balance_day::period.gt(period))
        .select(BalanceDayRow::as_select())
        .load(conn)?)
}

/// Fee reports for the days `from..=to` that were recorded after this leaf.
pub fn reports(conn: &mut Conn, leaf: i64, from: &str, to: &str) -> Result<Vec<ReportRow>, StoreError> {
    Ok(fee_report::table
        .filter(fee_report::leaf.gt(leaf))
        .filter(fee_report::business_date.between(from, to))
        .order(fee_report::id)
        .select(ReportRow::as_select())
        .load(conn)?)
}

/// Facts that hold from a day of `from..=to` and were recorded after this leaf.
pub fn facts(conn: &mut Conn, leaf: i64, from: &str, to: &str) -> Result<Vec<FactRow>, StoreError> {
    Ok(fact::table
        .filter(fact::leaf.gt(leaf))
        .filter(fact::effective_on.between(from, to))
        .order(fact::id)
        .select(FactRow::as_select())
        .load(conn)?)
}
