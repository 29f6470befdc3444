//! Single contributions: the hottest table. One row an event, integer ids in recording order, one unique key besides.
//!
//! Cost: a row is about 130 bytes with its key; inserts go many rows a statement, all of them cached.

use super::bulk::{self, bulk_row};
use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::schema::{contribution, contribution_batch};
use super::tx::{Record, Stamp};
use super::types::{Minor, Money};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Text};
use serde_json::{Value, json};
use std::sync::Arc;

/// A stored contribution event.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = contribution)]
pub struct ContributionRow {
    /// Number in recording order.
    pub id: i64,
    /// Venue.
    pub venue_id: i32,
    /// The feeding job's own id, unique per venue.
    pub external_id: String,
    /// Business date.
    pub business_date: String,
    /// Trading pair, or empty.
    pub pair: String,
    /// Fee asset.
    pub asset_id: i32,
    /// Net fee.
    pub net_fee: Minor,
    /// The fund's share of it.
    pub amount: Minor,
    /// The batch it was recorded in.
    pub batch_id: i64,
}

/// A stored batch: what one commit recorded of single events.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = contribution_batch)]
pub struct BatchRow {
    /// Number.
    pub id: i64,
    /// Its first contribution; the others follow without gaps.
    pub first_contribution: i64,
    /// How many.
    pub row_count: i64,
    /// RFC 6962 root over the rows.
    pub rows_root: Vec<u8>,
    /// The requests in it, canonical JSON: `[{"actor","key","rows"}]`.
    pub requests: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

bulk_row!(BatchRow, contribution_batch, {
    id: BigInt, first_contribution: BigInt, row_count: BigInt, rows_root: Binary, requests: Text, recorded_at: BigInt,
    leaf: BigInt,
});

impl BatchRow {
    /// The leaf body.
    pub fn body(&self) -> Value {
        let requests: Value = serde_json::from_str(&self.requests).unwrap_or(Value::Null);
        json!({
            "id": self.id, "first": self.first_contribution, "rows": self.row_count,
            "rows_root": hex::encode(&self.rows_root), "requests": requests,
        })
    }
}

/// An event as it came in, before it has a number and an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Venue.
    pub venue_id: i32,
    /// External id.
    pub external_id: String,
    /// Business date.
    pub business_date: String,
    /// Pair, or empty.
    pub pair: String,
    /// Fee asset.
    pub asset_id: i32,
    /// Net fee.
    pub net_fee: Minor,
}

impl ContributionRow {
    /// True when the stored event says the same as this one.
    pub fn says(&self, event: &EventRow) -> bool {
        self.business_date == event.business_date
            && self.pair == event.pair
            && self.asset_id == event.asset_id
            && self.net_fee == event.net_fee
    }
}

/// Borrowed columns, so that a row is inserted without copying its texts.
struct NewContribution<'a> {
    id: i64,
    venue_id: i32,
    external_id: &'a str,
    business_date: &'a str,
    pair: &'a str,
    asset_id: i32,
    net_fee: Minor,
    amount: Minor,
    batch_id: i64,
}

bulk_row!(NewContribution<'_>, contribution, {
    id: BigInt, venue_id: Integer, external_id: Text, business_date: Text, pair: Text, asset_id: Integer,
    net_fee: Money, amount: Money, batch_id: BigInt,
});

/// One accepted event: which of the group's requests, which of its events, and the fund's share.
#[derive(Debug, Clone, Copy)]
pub struct Pick {
    /// Index of the request in the group.
    pub request: usize,
    /// Index of the event in the request.
    pub event: usize,
    /// The fund's share.
    pub amount: Minor,
}

/// A batch on its way into the book; the events stay where the requests brought them.
pub struct NewBatch {
    /// Header.
    pub header: BatchRow,
    /// The group's requests.
    pub group: Arc<Vec<Vec<EventRow>>>,
    /// Accepted events in the order of their numbers.
    pub picks: Vec<Pick>,
}

impl NewBatch {
    fn rows(&self) -> Vec<NewContribution<'_>> {
        let ids = self.header.first_contribution..;
        let rows = self.picks.iter().zip(ids).filter_map(|(pick, id)| {
            let event = self.group.get(pick.request)?.get(pick.event)?;
            Some(NewContribution {
                id,
                venue_id: event.venue_id,
                external_id: &event.external_id,
                business_date: &event.business_date,
                pair: &event.pair,
                asset_id: event.asset_id,
                net_fee: event.net_fee,
                amount: pick.amount,
                batch_id: self.header.id,
            })
        });
        rows.collect()
    }
}

impl Record for NewBatch {
    fn kind(&self) -> &'static str {
        "contribution_batch"
    }
    fn body(&self) -> Value {
        self.header.body()
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, stamp: &Stamp) -> Result<(), StoreError> {
        let header = BatchRow { leaf, recorded_at: stamp.at.as_microsecond(), ..self.header.clone() };
        bulk::insert(conn, &[header])?;
        bulk::insert(conn, &self.rows())
    }
}

/// Stored events of a venue whose external ids lie from `first` to `last` in the order of bytes, at most `limit`.
pub fn within(conn: &mut Conn, venue: i32, first: &str, last: &str, limit: i64) -> Result<Vec<ContributionRow>, StoreError> {
    let range = contribution::table
        .filter(contribution::venue_id.eq(venue))
        .filter(contribution::external_id.ge(first))
        .filter(contribution::external_id.le(last));
    Ok(on_each!(conn, c => range.limit(limit).select(ContributionRow::as_select()).load(c))?)
}

/// The stored events of a venue with these external ids. New ids that lie beyond every stored one, as those of jobs in time
/// order do, cost one seek for all of them.
pub fn known(conn: &mut Conn, venue: i32, external_ids: &[&str]) -> Result<Vec<ContributionRow>, StoreError> {
    let (Some(first), Some(last)) = (external_ids.iter().min(), external_ids.iter().max()) else { return Ok(Vec::new()) };
    let limit = i64::try_from(external_ids.len()).unwrap_or(i64::MAX).saturating_add(1);
    let near = within(conn, venue, first, last, limit)?;
    if i64::try_from(near.len()).unwrap_or(i64::MAX) < limit {
        return Ok(near);
    }
    match conn {
        Conn::Sqlite(c) => {
            let mut found = Vec::new();
            for id in external_ids {
                let row = contribution::table
                    .filter(contribution::venue_id.eq(venue))
                    .filter(contribution::external_id.eq(id))
                    .select(ContributionRow::as_select())
                    .first(c)
                    .optional()?;
                found.extend(row);
            }
            Ok(found)
        }
        // One round trip for all of them.
        #[cfg(feature = "postgres")]
        Conn::Postgres(c) => Ok(contribution::table
            .filter(contribution::venue_id.eq(venue))
            .filter(contribution::external_id.eq_any(external_ids))
            .select(ContributionRow::as_select())
            .load(c)?),
    }
}

/// Rows from a number on, at most `limit`, in recording order.
pub fn page(conn: &mut Conn, from: i64, limit: i64) -> Result<Vec<ContributionRow>, StoreError> {
    Ok(contribution::table
        .filter(contribution::id.ge(from))
        .order(contribution::id)
        .limit(limit)
        .select(ContributionRow::as_select())
        .load(conn)?)
}

/// Rows `first..=last`, handed one by one to `each` in recording order; memory does not grow with their number.
pub fn stream(
    conn: &mut Conn,
    first: i64,
    last: i64,
    mut each: impl FnMut(ContributionRow) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let rows = contribution::table.filter(contribution::id.between(first, last)).order(contribution::id);
    on_each!(conn, c => {
        for row in rows.select(ContributionRow::as_select()).load_iter::<ContributionRow, diesel::connection::DefaultLoadingMode>(c)? {
            each(row?)?;
        }
    });
    Ok(())
}

/// One batch.
pub fn batch(conn: &mut Conn, id: i64) -> Result<Option<BatchRow>, StoreError> {
    Ok(contribution_batch::table.filter(contribution_batch::id.eq(id)).select(BatchRow::as_select()).first(conn).optional()?)
}

/// Batches before a number, the newest first.
pub fn batches_before(conn: &mut Conn, before: i64, limit: i64) -> Result<Vec<BatchRow>, StoreError> {
    Ok(contribution_batch::table
        .filter(contribution_batch::id.lt(before))
        .order(contribution_batch::id.desc())
        .limit(limit)
        .select(BatchRow::as_select())
        .load(conn)?)
}

/// Batches after a number, in recording order.
pub fn batches(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<BatchRow>, StoreError> {
    Ok(contribution_batch::table
        .filter(contribution_batch::id.gt(after))
        .order(contribution_batch::id)
        .limit(limit)
        .select(BatchRow::as_select())
        .load(conn)?)
}
