//! The log and its head. The head row is the fence of every write: it is moved by a conditional update.

use super::bulk::{self, bulk_row};
use super::conn::{Conn, on_each};
use super::error::StoreError;
use super::schema::{head, log_leaf};
use crate::domain::ids::{EntryNo, LotId};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::leaf::MAX_LEAF_BYTES;
use crate::proof::merkle::{Frontier, Hash, leaf_hash};
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, HasSqlType, Text};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = head)]
struct HeadRow {
    id: i32,
    version: i64,
    log_size: i64,
    log_root: Vec<u8>,
    log_frontier: Vec<u8>,
    last_entry: i64,
    last_lot: i64,
    last_contribution: i64,
    last_batch: i64,
    last_report: i64,
    last_fact: i64,
}

/// A leaf on its way into the log, its texts borrowed.
struct NewLeaf<'a> {
    idx: i64,
    kind: &'a str,
    bytes: &'a str,
    hash: &'a [u8],
}

bulk_row!(NewLeaf<'_>, log_leaf, { idx: BigInt, kind: Text, bytes: Text, hash: Binary });

/// Where the book stands: the log's right edge and the last number of every kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Moves by one with every command that recorded something.
    pub version: i64,
    /// The log's right edge.
    pub log: Frontier,
    /// Last entry number.
    pub last_entry: i64,
    /// Last lot number.
    pub last_lot: i64,
    /// Last contribution's row number.
    pub last_contribution: i64,
    /// Last batch of contributions.
    pub last_batch: i64,
    /// Last fee report.
    pub last_report: i64,
    /// Last fact.
    pub last_fact: i64,
}

fn next(counter: &mut i64) -> i64 {
    *counter = counter.saturating_add(1);
    *counter
}

/// The conditional update of the head, written out because diesel prepares updates anew each time and every write needs it.
struct MoveHead<'r> {
    row: &'r HeadRow,
    before: i64,
}

impl QueryId for MoveHead<'_> {
    type QueryId = MoveHead<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB> QueryFragment<DB> for MoveHead<'_>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Binary>,
    i64: ToSql<BigInt, DB>,
    Vec<u8>: ToSql<Binary, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE head SET log_root = ");
        out.push_bind_param::<Binary, _>(&self.row.log_root)?;
        out.push_sql(", log_frontier = ");
        out.push_bind_param::<Binary, _>(&self.row.log_frontier)?;
        let row = self.row;
        for (column, number) in [
            (", version = ", &row.version),
            (", log_size = ", &row.log_size),
            (", last_entry = ", &row.last_entry),
            (", last_lot = ", &row.last_lot),
            (", last_contribution = ", &row.last_contribution),
            (", last_batch = ", &row.last_batch),
            (", last_report = ", &row.last_report),
            (", last_fact = ", &row.last_fact),
            (" WHERE id = 1 AND version = ", &self.before),
        ] {
            out.push_sql(column);
            out.push_bind_param::<BigInt, _>(number)?;
        }
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for MoveHead<'_> {}

impl Head {
    /// The head as stored.
    pub fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        let row: HeadRow = head::table.select(HeadRow::as_select()).first(conn).optional()?.ok_or_else(|| {
            StoreError::Rejected(Rejection::new(
                OutcomeCode::BookMissing,
                "database",
                "",
                "this database holds no book yet; make one with `safu init`",
            ))
        })?;
        let size = u64::try_from(row.log_size).unwrap_or_default();
        let log = Frontier::from_parts(size, &row.log_frontier)
            .ok_or_else(|| StoreError::Damaged("the head's frontier does not fit its size".to_owned()))?;
        if log.root().as_slice() != row.log_root {
            return Err(StoreError::Damaged("the head's root does not follow from its frontier".to_owned()));
        }
        Ok(Self {
            version: row.version,
            log,
            last_entry: row.last_entry,
            last_lot: row.last_lot,
            last_contribution: row.last_contribution,
            last_batch: row.last_batch,
            last_report: row.last_report,
            last_fact: row.last_fact,
        })
    }

    fn to_row(&self) -> HeadRow {
        HeadRow {
            id: 1,
            version: self.version,
            log_size: i64::try_from(self.log.size()).unwrap_or(i64::MAX),
            log_root: self.log.root().to_vec(),
            log_frontier: self.log.peaks_bytes(),
            last_entry: self.last_entry,
            last_lot: self.last_lot,
            last_contribution: self.last_contribution,
            last_batch: self.last_batch,
            last_report: self.last_report,
            last_fact: self.last_fact,
        }
    }

    /// Writes the first head of a new book.
    pub fn create(&self, conn: &mut Conn) -> Result<(), StoreError> {
        diesel::insert_into(head::table).values(self.to_row()).execute(conn)?;
        Ok(())
    }

    /// Moves the stored head here if it still is where this one was loaded; else the whole write runs again.
    pub fn save(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let before = self.version;
        self.version = self.version.saturating_add(1);
        let row = self.to_row();
        let moved = on_each!(conn, c => MoveHead { row: &row, before }.execute(c))?;
        if moved == 1 { Ok(()) } else { Err(StoreError::Conflict("the head has moved".to_owned())) }
    }

    /// The next entry number.
    pub fn next_entry(&mut self) -> EntryNo {
        EntryNo(next(&mut self.last_entry))
    }
    /// The next lot number.
    pub fn next_lot(&mut self) -> LotId {
        LotId(next(&mut self.last_lot))
    }
    /// The first of `count` consecutive contribution numbers.
    pub fn take_contributions(&mut self, count: i64) -> i64 {
        let first = self.last_contribution.saturating_add(1);
        self.last_contribution = self.last_contribution.saturating_add(count);
        first
    }
    /// The next batch number.
    pub fn next_batch(&mut self) -> i64 {
        next(&mut self.last_batch)
    }
    /// The next fee report number.
    pub fn next_report(&mut self) -> i64 {
        next(&mut self.last_report)
    }
    /// The next fact number.
    pub fn next_fact(&mut self) -> i64 {
        next(&mut self.last_fact)
    }

    /// Appends a leaf to the log and gives its index.
    pub fn append(&mut self, conn: &mut Conn, kind: &str, bytes: &str) -> Result<i64, StoreError> {
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(Rejection::new(
                OutcomeCode::AboveLimit,
                "",
                format!("{} bytes", bytes.len()),
                format!("one record may be at most {MAX_LEAF_BYTES} bytes in the log; split it"),
            )
            .into());
        }
        let index = i64::try_from(self.log.size()).unwrap_or(i64::MAX);
        let hash = leaf_hash(bytes.as_bytes());
        bulk::insert(conn, &[NewLeaf { idx: index, kind, bytes, hash: hash.as_slice() }])?;
        self.log.push(hash);
        Ok(index)
    }
}

/// The version of the head alone: moves by one with every command that recorded something.
pub fn version(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(on_each!(conn, c => head::table.select(head::version).first(c))?)
}

/// A stored leaf.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = log_leaf)]
pub struct Leaf {
    /// Index from 0.
    pub idx: i64,
    /// Kind of its body.
    pub kind: String,
    /// Canonical bytes (JSON text).
    pub bytes: String,
    /// Leaf hash.
    pub hash: Vec<u8>,
}

/// Leaves from `from` on, at most `limit`.
pub fn leaves(conn: &mut Conn, from: i64, limit: i64) -> Result<Vec<Leaf>, StoreError> {
    Ok(log_leaf::table.filter(log_leaf::idx.ge(from)).order(log_leaf::idx).limit(limit).select(Leaf::as_select()).load(conn)?)
}

/// One leaf.
pub fn leaf(conn: &mut Conn, index: i64) -> Result<Option<Leaf>, StoreError> {
    Ok(log_leaf::table.filter(log_leaf::idx.eq(index)).select(Leaf::as_select()).first(conn).optional()?)
}

/// How many leaves there are.
pub fn size(conn: &mut Conn) -> Result<i64, StoreError> {
    let last: Option<i64> = log_leaf::table.select(diesel::dsl::max(log_leaf::idx)).first(conn)?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// When a leaf was recorded; `None` if it is not there.
pub fn recorded_at(conn: &mut Conn, index: i64) -> Result<Option<jiff::Timestamp>, StoreError> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        at: jiff::Timestamp,
    }
    let Some(stored) = leaf(conn, index)? else { return Ok(None) };
    let unreadable = |error| StoreError::Damaged(format!("leaf {index}: {error}"));
    let envelope: Envelope = serde_json::from_str(&stored.bytes).map_err(unreadable)?;
    Ok(Some(envelope.at))
}

/// All leaf hashes in order; 32 bytes a leaf.
pub fn leaf_hashes(conn: &mut Conn) -> Result<Vec<Hash>, StoreError> {
    leaf_hashes_from(conn, 0)
}

/// The leaf hashes from an index on, in order.
pub fn leaf_hashes_from(conn: &mut Conn, first: i64) -> Result<Vec<Hash>, StoreError> {
    let from = log_leaf::table.filter(log_leaf::idx.ge(first)).order(log_leaf::idx);
    let hashes: Vec<Vec<u8>> = from.select(log_leaf::hash).load(conn)?;
    hashes
        .into_iter()
        .map(|hash| Hash::try_from(hash).map_err(|_| StoreError::Damaged("a leaf hash is not 32 bytes".to_owned())))
        .collect()
}
