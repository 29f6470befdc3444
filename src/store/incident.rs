//! Incidents. What happens to one afterwards is recorded as facts and entries.

use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::{entry, incident, posting};
use super::tx::{Record, Stamp};
use super::types::Minor;
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

/// A movement of an incident on one account, with the event that made it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Movement {
    /// Entry.
    pub entry_no: i64,
    /// Event code.
    pub event: String,
    /// Incident.
    pub incident_id: Option<i32>,
    /// Account.
    pub account_no: i32,
    /// Asset.
    pub asset_id: i32,
    /// Units, signed.
    pub quantity: Minor,
    /// Value, signed.
    pub value: Minor,
}

/// What incidents moved on these accounts, in the order of recording; `only` limits it to one incident. Accounts that only incidents
/// use, so that nothing else is read.
pub fn movements(conn: &mut Conn, accounts: &[i32], only: Option<i32>) -> Result<Vec<Movement>, StoreError> {
    let mut found = Vec::new();
    for account in accounts {
        let rows: Vec<Movement> = posting::table
            .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
            .filter(posting::account_no.eq(account))
            .filter(posting::incident_id.is_not_null())
            .order((posting::entry_no, posting::line))
            .select((
                posting::entry_no,
                entry::event,
                posting::incident_id,
                posting::account_no,
                posting::asset_id,
                posting::quantity,
                posting::value,
            ))
            .load(conn)?;
        found.extend(rows.into_iter().filter(|row| only.is_none_or(|id| row.incident_id == Some(id))));
    }
    Ok(found)
}
