//! Leaves rebuilt from the rows they cover, so that `safu verify` can compare what is stored with what was logged.

use super::access::AccessRow;
use super::claim::{ClaimApprovalRow, ClaimsFileRow};
use super::conn::Conn;
use super::contribution::BatchRow;
use super::error::StoreError;
use super::evidence::EvidenceRow;
use super::fact::FactRow;
use super::fee_report::{self, ReportRow, StepRow};
use super::incident::IncidentRow;
use super::key::{KeyRow, RevocationRow};
use super::payout::PayoutBatchRow;
use super::person::PersonRow;
use super::price::{ClosedPeriodRow, PriceRow, PriceSet, PriceSetRow};
use super::proposal::{ProposalRow, ProposalStepRow};
use super::reference::{AccountRow, AssetRow, BookRow, VenueRow, WalletRow};
use super::schema;
use super::tx::Record;
use diesel::prelude::*;
use serde_json::Value;

/// A leaf as the stored rows would make it today.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// Index the rows claim.
    pub leaf: i64,
    /// Kind.
    pub kind: &'static str,
    /// Body.
    pub body: Value,
    /// The moment in the rows, where they repeat it (microseconds since 1970).
    pub recorded_at: Option<i64>,
    /// The actor in the rows, where they repeat it.
    pub actor: Option<String>,
}

/// Loads the rows of one table whose leaf lies in a range.
macro_rules! rows_between {
    ($conn:expr, $table:ident, $row:ty, $from:expr, $to:expr) => {
        schema::$table::table
            .filter(schema::$table::leaf.between($from, $to))
            .order(schema::$table::leaf)
            .select(<$row>::as_select())
            .load::<$row>($conn)?
    };
}

fn records<R: Record>(rows: Vec<R>, leaf: impl Fn(&R) -> i64) -> impl Iterator<Item = Rebuilt> {
    rows.into_iter().map(move |row| Rebuilt {
        leaf: leaf(&row),
        kind: row.kind(),
        body: row.body(),
        recorded_at: None,
        actor: None,
    })
}

/// Every rebuilt leaf from `from` to `to`, both included, but for entries, which are replayed apart.
pub fn between(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<Rebuilt>, StoreError> {
    let mut all: Vec<Rebuilt> = Vec::new();
    all.extend(records(rows_between!(conn, book, BookRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, asset, AssetRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, account, AccountRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, wallet, WalletRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, venue, VenueRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, service_key, KeyRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, service_key_revocation, RevocationRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, person, PersonRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, proposal, ProposalRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, proposal_step, ProposalStepRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, access_event, AccessRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, fact, FactRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, closed_period, ClosedPeriodRow, from, to), |r| r.leaf));
    all.extend(records(price_sets(conn, from, to)?, |set| set.header.leaf));
    all.extend(records(rows_between!(conn, incident, IncidentRow, from, to), |r| r.leaf));
    all.extend(records(rows_between!(conn, claim_approval, ClaimApprovalRow, from, to), |r| r.leaf));
    /// Rows whose leaf covers further rows by a root, so that their record type is not the row itself.
    macro_rules! headers {
        ($($table:ident: $row:ty),*) => { $(
            all.extend(rows_between!(conn, $table, $row, from, to).into_iter().map(|row| Rebuilt {
                leaf: row.leaf,
                kind: stringify!($table),
                body: row.body(),
                recorded_at: Some(row.recorded_at),
                actor: None,
            }));
        )* };
    }
    headers!(contribution_batch: BatchRow, claims_file: ClaimsFileRow, payout_batch: PayoutBatchRow, evidence_file: EvidenceRow);
    all.extend(rows_between!(conn, fee_report, ReportRow, from, to).into_iter().map(|row| Rebuilt {
        leaf: row.leaf,
        kind: "fee_report",
        body: row.body(),
        recorded_at: Some(row.recorded_at),
        actor: Some(row.submitted_by),
    }));
    for step in rows_between!(conn, fee_report_step, StepRow, from, to) {
        let posted = if step.state == "accepted" { fee_report::posted(conn, step.report_id)? } else { None };
        let body = step.body(posted.as_ref());
        all.push(Rebuilt { leaf: step.leaf, kind: "fee_report_step", body, recorded_at: Some(step.recorded_at), actor: None });
    }
    Ok(all)
}

fn price_sets(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<PriceSet>, StoreError> {
    let headers = rows_between!(conn, price_set, PriceSetRow, from, to);
    let mut sets = Vec::with_capacity(headers.len());
    for header in headers {
        let prices = schema::asset_price::table
            .filter(schema::asset_price::cutoff_on.eq(&header.cutoff_on))
            .order(schema::asset_price::asset_id)
            .select(PriceRow::as_select())
            .load(conn)?;
        sets.push(PriceSet { header, prices });
    }
    Ok(sets)
}

/// Entries whose leaf lies in a range.
pub fn entries_between(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<super::journal::EntryRow>, StoreError> {
    Ok(rows_between!(conn, entry, super::journal::EntryRow, from, to))
}

/// How many rows the logged tables hold besides entries; each must have been met as a leaf.
pub fn row_count(conn: &mut Conn) -> Result<i64, StoreError> {
    let mut total = 0_i64;
    macro_rules! add {
        ($($table:ident),*) => { $(
            let rows: i64 = schema::$table::table.count().get_result(conn)?;
            total = total.saturating_add(rows);
        )* };
    }
    add!(
        book,
        asset,
        account,
        wallet,
        venue,
        service_key,
        service_key_revocation,
        person,
        proposal,
        proposal_step,
        access_event,
        fact,
        closed_period,
        price_set,
        contribution_batch,
        fee_report,
        fee_report_step,
        incident,
        claims_file,
        claim_approval,
        payout_batch,
        evidence_file
    );
    Ok(total)
}

/// Rows of tables that hang below a logged row: prices of sets and postings of entries. A row without its parent is a stranger.
pub fn child_counts(conn: &mut Conn) -> Result<(i64, i64, i64), StoreError> {
    let prices = schema::asset_price::table.count().get_result(conn)?;
    let postings = schema::posting::table.count().get_result(conn)?;
    let contributions = schema::contribution::table.count().get_result(conn)?;
    Ok((prices, postings, contributions))
}

/// The highest number of every numbered kind of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastNumbers {
    lot: i64,
    contribution: i64,
    batch: i64,
    report: i64,
    fact: i64,
}

impl LastNumbers {
    /// Each as (name, highest stored, what the head says).
    pub const fn compare(self, head: &super::log::Head) -> [(&'static str, i64, i64); 5] {
        [
            ("lot", self.lot, head.last_lot),
            ("contribution", self.contribution, head.last_contribution),
            ("batch", self.batch, head.last_batch),
            ("fee report", self.report, head.last_report),
            ("fact", self.fact, head.last_fact),
        ]
    }
}

/// The highest stored numbers.
pub fn last_numbers(conn: &mut Conn) -> Result<LastNumbers, StoreError> {
    macro_rules! last {
        ($table:ident) => {
            schema::$table::table.select(diesel::dsl::max(schema::$table::id)).first::<Option<i64>>(conn)?.unwrap_or(0)
        };
    }
    Ok(LastNumbers {
        lot: last!(lot),
        contribution: last!(contribution),
        batch: last!(contribution_batch),
        report: last!(fee_report),
        fact: last!(fact),
    })
}
