//! The payout batches of an incident, and one batch with its transactions.

use super::wallet;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::{Cell, Column, Doc, Row, Table};
use crate::report::{format, link};
use crate::service::at::At;
use crate::service::incidents::view::{self, Batch};
use crate::service::paging::cut;
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::payout::TransactionRow;

/// The payout batches of an incident.
///
/// # Errors
/// `NotFound`.
pub fn payouts(conn: &mut Conn, code: &str, at: &At) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let batches = view::batches(conn, code, at)?;
    let count = i64::try_from(batches.len()).unwrap_or(i64::MAX);
    Ok(Doc {
        name: format!("payouts-{}", code.to_ascii_lowercase()),
        title: format!("{code}: payouts"),
        finding: Some(format!("{} paid.", format::how_many(count, "batch", "batches"))),
        tables: vec![table(&refs, code, &batches)],
        ..Doc::default()
    })
}

/// One payout batch and a page of its transactions after a number; with an incident, only if it is one of its batches.
///
/// # Errors
/// `NotFound`.
pub fn payout(conn: &mut Conn, incident: Option<&str>, id: i64, after: i64, limit: i64) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let (own, batch) = view::batch(conn, id)?;
    if incident.is_some_and(|incident| incident != own) {
        return Err(Rejection::new(OutcomeCode::NotFound, "/batch", id, "is a batch of another incident").into());
    }
    let mut transactions = view::transactions(conn, id, after, limit.saturating_add(1))?;
    let next = cut(&mut transactions, limit, |last| last.no);
    let row = |row: &TransactionRow| Row::body(vec![Cell::count(row.no), Cell::code(&row.txid)]);
    let columns = vec![Column::number("no", "No"), Column::text("txid", "Transaction")];
    let rows = transactions.iter().map(row).collect();
    let mut list =
        Table::new("transactions", "Transactions on the network", columns, rows, "This batch has no transactions here.");
    list.next = next.map(|no| no.to_string());
    let paid = Cell::units_of(batch.quantity, refs.scale(batch.asset), refs.code(batch.asset));
    let paid = format::show(&paid.content, format::Style::alone(&paid.content)).plain();
    Ok(Doc {
        name: format!("payout-{id}"),
        title: format!("{own}: payout batch {id}"),
        finding: Some(format!("{paid} paid to {}.", format::how_many(batch.claims, "claim", "claims"))),
        tables: vec![table(&refs, &own, &[batch]), list],
        ..Doc::default()
    })
}

/// Batches as a table.
pub(super) fn table(refs: &Refs, incident: &str, batches: &[Batch]) -> Table {
    let row = |batch: &Batch| {
        let to = link::payout(incident, batch.id);
        let units = |quantity| Cell::units(quantity, refs.scale(batch.asset)).to(link::entry(batch.entry));
        let txid = match batch.transactions.as_slice() {
            [] => Cell::empty(),
            [one] => Cell::code(&one.txid),
            [first, ..] => Cell::code(format!("{} and more", first.txid)),
        };
        Row::body(vec![
            Cell::text(batch.id.to_string()).to(&to),
            Cell::date(batch.paid_on),
            Cell::text(wallet(refs, batch.wallet)),
            Cell::text(refs.code(batch.asset)),
            Cell::count(batch.claims).to(&to),
            units(batch.quantity),
            units(batch.network_fee),
            txid.to(&to),
            Cell::entry(batch.entry),
            Cell::time(batch.recorded_at),
        ])
    };
    let columns = vec![
        Column::text("batch", "Batch"),
        Column::text("paid_on", "Paid on"),
        Column::text("wallet", "From"),
        Column::text("asset", "Asset"),
        Column::number("claims", "Claims"),
        Column::number("quantity", "Units"),
        Column::number("network_fee", "Network fee"),
        Column::text("txid", "Transaction"),
        Column::text("entry", "Entry"),
        Column::text("recorded_at", "Recorded"),
    ];
    let empty = "Nothing is paid yet; `safu payouts pay` takes approved claims and their transactions.";
    Table::new("payouts", "Payout batches", columns, batches.iter().map(row).collect(), empty)
}
