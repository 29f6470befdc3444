//! Who came in, who was refused, and whose login was changed. Append-only, with a leaf each; no secret and no address stands here.

use super::conn::Conn;
use super::error::StoreError;
use super::reference::record_row;
use super::schema::access_event;
use super::tx::{Record, Stamp};
use diesel::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = access_event)]
pub struct AccessRow {
    /// Number in recording order.
    pub id: i64,
    /// Stable word of what happened.
    pub what: String,
    /// The person it is about; nobody for a login name that is not known.
    pub person: Option<i32>,
    /// Short name of the session, where there is one.
    pub session: String,
    /// The address under a key of this book; empty at the machine itself.
    pub address: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

record_row!(AccessRow, access_event, "access_event", e => json!({
    "id": e.id.to_string(), "what": e.what, "person": e.person, "session": e.session, "address": e.address,
    "recorded_at": e.recorded_at.to_string(),
}));

/// The last number; 0 before the first event.
pub fn last(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(access_event::table.select(diesel::dsl::max(access_event::id)).first::<Option<i64>>(conn)?.unwrap_or(0))
}

/// Events before a number, latest first, at most `limit`; from the last one without a number.
pub fn page(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<AccessRow>, StoreError> {
    Ok(access_event::table
        .filter(access_event::id.lt(before.unwrap_or(i64::MAX)))
        .order(access_event::id.desc())
        .limit(limit)
        .select(AccessRow::as_select())
        .load(conn)?)
}

/// When each person last had one of these events before a leaf, as (person, microseconds since 1970).
pub fn last_of(conn: &mut Conn, what: &[&str], leaves: i64) -> Result<Vec<(i32, i64)>, StoreError> {
    let mut last: BTreeMap<i32, i64> = BTreeMap::new();
    for word in what {
        let wanted = access_event::table.filter(access_event::what.eq(*word)).filter(access_event::leaf.lt(leaves));
        let found: Vec<(Option<i32>, i64)> = wanted.select((access_event::person, access_event::recorded_at)).load(conn)?;
        for (person, at) in found.into_iter().filter_map(|(person, at)| Some((person?, at))) {
            let latest = last.entry(person).or_insert(at);
            *latest = at.max(*latest);
        }
    }
    Ok(last.into_iter().collect())
}
