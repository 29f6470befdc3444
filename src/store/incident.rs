//! Incidents. What happens to one afterwards is recorded as facts and entries.

use super::conn::Conn;
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

/// Units that entries of one event moved on an account for an incident: (asset, signed units), in the order of recording.
pub fn moved_by(conn: &mut Conn, incident: i32, account: AccountNo, event: Event) -> Result<Vec<(i32, Minor)>, StoreError> {
    Ok(posting::table
        .inner_join(entry::table.on(entry::no.eq(posting::entry_no)))
        .filter(posting::account_no.eq(account.0))
        .filter(posting::incident_id.eq(incident))
        .filter(entry::event.eq(event.code()))
        .order((posting::entry_no, posting::line))
        .select((posting::asset_id, posting::quantity))
        .load(conn)?)
}
