//! Payout batches, their transactions, and which claim was paid by which. A claim is paid once: the key of `payout` says so.

use super::bulk::{self, bulk_row};
use super::conn::Conn;
use super::error::StoreError;
use super::schema::{payout, payout_batch, payout_transaction};
use super::tx::{Record, Stamp};
use super::types::Minor;
use crate::domain::incident::ranges::ClaimRange;
use crate::proof::merkle::{Frontier, Hash};
use crate::proof::row::RowEncoder;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use serde_json::{Value, json};
use std::sync::Arc;

/// Rows that are written at a time.
const ROWS_A_CHUNK: usize = 10_000;

/// A stored payout batch: claims of one incident and asset paid from one wallet on one day.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_batch)]
pub struct PayoutBatchRow {
    /// Number from 1.
    pub id: i64,
    /// Incident.
    pub incident_id: i32,
    /// Wallet that paid.
    pub wallet_id: i32,
    /// Asset.
    pub asset_id: i32,
    /// How many claims.
    pub claim_count: i64,
    /// Units paid, without the fee.
    pub quantity: Minor,
    /// Units the network took, in the same asset.
    pub network_fee: Minor,
    /// Root over the paid claims.
    pub rows_root: Vec<u8>,
    /// Business date.
    pub paid_on: String,
    /// The entry that booked the payout.
    pub entry_no: i64,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// Leaf.
    pub leaf: i64,
}

impl PayoutBatchRow {
    /// The leaf body.
    pub fn body(&self) -> Value {
        json!({
            "id": self.id,
            "incident": self.incident_id,
            "wallet": self.wallet_id,
            "asset": self.asset_id,
            "claim_count": self.claim_count,
            "quantity": self.quantity.0.to_string(),
            "network_fee": self.network_fee.0.to_string(),
            "rows_root": hex::encode(&self.rows_root),
            "paid_on": self.paid_on,
            "entry": self.entry_no,
            "recorded_at": self.recorded_at,
        })
    }
}

/// A transaction of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = payout_transaction)]
pub struct TransactionRow {
    /// Batch.
    pub batch_id: i64,
    /// Number within the batch, from 1.
    pub no: i64,
    /// Transaction id on the network.
    pub txid: String,
}

/// A paid claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = payout)]
pub struct PayoutRow {
    /// Incident.
    pub incident_id: i32,
    /// Claim.
    pub claim_no: i64,
    /// Batch that paid it.
    pub batch_id: i64,
    /// Transaction of the batch.
    pub transaction_no: i64,
}

bulk_row!(TransactionRow, payout_transaction, { batch_id: BigInt, no: BigInt, txid: Text });
bulk_row!(PayoutRow, payout, { incident_id: Integer, claim_no: BigInt, batch_id: BigInt, transaction_no: BigInt });

/// The root over the paid claims of a batch: number, transaction's number, transaction id.
fn root(rows: impl IntoIterator<Item = (i64, i64)>, transactions: &[TransactionRow]) -> Hash {
    let (mut frontier, mut encoder) = (Frontier::new(), RowEncoder::new());
    for (claim_no, transaction_no) in rows {
        let found = transactions.binary_search_by_key(&transaction_no, |transaction| transaction.no).ok();
        let txid = found.and_then(|at| transactions.get(at)).map_or("", |transaction| transaction.txid.as_str());
        encoder.begin("payout").amount(i128::from(claim_no), 0).amount(i128::from(transaction_no), 0).text(txid);
        frontier.push(encoder.leaf_hash());
    }
    frontier.root()
}

/// A batch with its transactions and paid claims, recorded together.
pub struct NewPayoutBatch {
    header: PayoutBatchRow,
    transactions: Vec<TransactionRow>,
    /// Claim and number of its transaction, by claim.
    paid: Arc<Vec<(i64, i64)>>,
}

impl NewPayoutBatch {
    /// A batch; the root over its rows is made here.
    pub fn new(header: PayoutBatchRow, txids: &[String], paid: Vec<(i64, i64)>) -> Self {
        let transactions: Vec<TransactionRow> =
            txids.iter().zip(1_i64..).map(|(txid, no)| TransactionRow { batch_id: header.id, no, txid: txid.clone() }).collect();
        let rows_root = root(paid.iter().copied(), &transactions).to_vec();
        Self { header: PayoutBatchRow { rows_root, ..header }, transactions, paid: Arc::new(paid) }
    }
}

impl Record for NewPayoutBatch {
    fn kind(&self) -> &'static str {
        "payout_batch"
    }
    fn body(&self) -> Value {
        self.header.body()
    }
    fn insert(&self, conn: &mut Conn, leaf: i64, _: &Stamp) -> Result<(), StoreError> {
        let header = PayoutBatchRow { leaf, ..self.header.clone() };
        diesel::insert_into(payout_batch::table).values(&header).execute(conn)?;
        bulk::insert(conn, &self.transactions)?;
        for chunk in self.paid.chunks(ROWS_A_CHUNK) {
            let row = |(claim_no, transaction_no): &(i64, i64)| PayoutRow {
                incident_id: header.incident_id,
                claim_no: *claim_no,
                batch_id: header.id,
                transaction_no: *transaction_no,
            };
            bulk::insert(conn, &chunk.iter().map(row).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

/// All batches by number.
pub fn batches(conn: &mut Conn) -> Result<Vec<PayoutBatchRow>, StoreError> {
    Ok(payout_batch::table.order(payout_batch::id).select(PayoutBatchRow::as_select()).load(conn)?)
}

/// The batches of an incident.
pub fn batches_of(conn: &mut Conn, incident: i32) -> Result<Vec<PayoutBatchRow>, StoreError> {
    Ok(payout_batch::table
        .filter(payout_batch::incident_id.eq(incident))
        .order(payout_batch::id)
        .select(PayoutBatchRow::as_select())
        .load(conn)?)
}

/// One batch.
pub fn batch(conn: &mut Conn, id: i64) -> Result<Option<PayoutBatchRow>, StoreError> {
    Ok(payout_batch::table.filter(payout_batch::id.eq(id)).select(PayoutBatchRow::as_select()).first(conn).optional()?)
}

/// The number of the last batch; 0 before the first.
pub fn last_batch(conn: &mut Conn) -> Result<i64, StoreError> {
    let last: Option<i64> = payout_batch::table.order(payout_batch::id.desc()).select(payout_batch::id).first(conn).optional()?;
    Ok(last.unwrap_or(0))
}

/// The transactions of a batch in order, from a number on.
pub fn transactions(conn: &mut Conn, batch: i64, after: i64, limit: i64) -> Result<Vec<TransactionRow>, StoreError> {
    Ok(payout_transaction::table
        .filter(payout_transaction::batch_id.eq(batch))
        .filter(payout_transaction::no.gt(after))
        .order(payout_transaction::no)
        .limit(limit)
        .select(TransactionRow::as_select())
        .load(conn)?)
}

/// One transaction of a batch.
pub fn transaction(conn: &mut Conn, batch: i64, no: i64) -> Result<Option<TransactionRow>, StoreError> {
    Ok(transactions(conn, batch, no.saturating_sub(1), 1)?.into_iter().find(|row| row.no == no))
}

/// The paid claims of a range, in order.
pub fn paid(conn: &mut Conn, incident: i32, range: &ClaimRange) -> Result<Vec<PayoutRow>, StoreError> {
    Ok(payout::table
        .filter(payout::incident_id.eq(incident))
        .filter(payout::claim_no.between(*range.start(), *range.end()))
        .order(payout::claim_no)
        .select(PayoutRow::as_select())
        .load(conn)?)
}

/// The root over the paid claims of a batch as they are stored, for comparison with the one in the log.
pub fn stored_rows_root(conn: &mut Conn, batch: &PayoutBatchRow) -> Result<Hash, StoreError> {
    let transactions = transactions(conn, batch.id, 0, i64::MAX)?;
    let rows: Vec<(i64, i64)> = payout::table
        .filter(payout::incident_id.eq(batch.incident_id))
        .filter(payout::batch_id.eq(batch.id))
        .order(payout::claim_no)
        .select((payout::claim_no, payout::transaction_no))
        .load(conn)?;
    Ok(root(rows, &transactions))
}

/// How many claims were paid over all incidents, for verification that no payout lies outside of the batches.
pub fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(payout::table.count().get_result(conn)?)
}

/// The units of every claim that a batch paid.
pub fn claims_paid(conn: &mut Conn, batch: &PayoutBatchRow) -> Result<Vec<Minor>, StoreError> {
    use super::schema::claim;
    Ok(payout::table
        .inner_join(claim::table.on(claim::incident_id.eq(payout::incident_id).and(claim::no.eq(payout::claim_no))))
        .filter(payout::incident_id.eq(batch.incident_id))
        .filter(payout::batch_id.eq(batch.id))
        .select(claim::quantity)
        .load(conn)?)
}
