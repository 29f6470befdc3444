//! Incidents. What happens to one afterwards is recorded as facts and entries.

use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::reference::record_row;
use super::schema::{entry, incident, posting};
use super::tx::{Record, Stamp};
use super::types::Minor;
use crate::domain::account::AccountNo;
use crate::domain::event::Event;
use diesel::prelude::*;
use serde_json::{Value, json};

/// A stored incident.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = incident)]
pub struct IncidentRow {
    /// Number from 1.
    pub id: i32,
    /// Code, for example `INC-2019-001`.
    pub code: String,
    /// Slug of its kind.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// When it happened, microseconds since 1970.
    pub occurred_at: i64,
    /// Leaf.
    pub leaf: i64,
}

record_row!(IncidentRow, incident, "incident", i => json!({
    "id": i.id, "code": i.code, "kind": i.kind, "title": i.title, "occurred_at": i.occurred_at,
}));

/// All incidents by number.
pub fn all(conn: &mut Conn) -> Result<Vec<IncidentRow>, StoreError> {
    Ok(incident::table.order(incident::id).select(IncidentRow::as_select()).load(conn)?)
}

/// The incident with this code.
pub fn find(conn: &mut Conn, code: &str) -> Result<Option<IncidentRow>, StoreError> {
    Ok(incident::table.filter(incident::code.eq(code)).select(IncidentRow::as_select()).first(conn).optional()?)
}

/// What an entry moved for an incident: account, asset, incident, units, value.
pub type Moved = (i32, i32, i32, Minor, Minor);

/// What entries effective up to a day and numbered up to one moved for incidents on these accounts.
pub fn moved_until(conn: &mut Conn, accounts: &[AccountNo], day: &str, last: i64) -> Result<Vec<Moved>, StoreError> {
    let numbers: Vec<i32> = accounts.iter().map(|account| account.0).collect();
    Ok(on_each!(conn, c => posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(posting::account_no.eq_any(&numbers))
        .filter(posting::incident_id.is_not_null())
        .filter(entry::effective_on.le(day))
        .filter(entry::no.le(last))
        .select((
            posting::account_no,
            posting::asset_id,
            posting::incident_id.assume_not_null(),
            posting::quantity,
            posting::value,
        ))
        .load(c))?)
}

/// Units that entries of one event moved on an account for an incident, effective up to a day and numbered up to one: (asset,
/// signed units), in the order of recording.
pub fn moved_by(
    conn: &mut Conn,
    (incident, account, event): (i32, AccountNo, Event),
    day: &str,
    last: i64,
) -> Result<Vec<(i32, Minor)>, StoreError> {
    Ok(posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(posting::account_no.eq(account.0))
        .filter(posting::incident_id.eq(incident))
        .filter(entry::event.eq(event.code()))
        .filter(entry::effective_on.le(day))
        .filter(entry::no.le(last))
        .order((posting::entry_no, posting::line))
        .select((posting::asset_id, posting::quantity))
        .load(conn)?)
}
