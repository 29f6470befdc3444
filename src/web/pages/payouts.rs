//! The payout batches of an incident, and one batch with its transactions.

use super::cells::{code, count, day, entry, table, time, units_of};
use super::{Asked, PAGE_ROWS, Page, missing};
use crate::report::doc::{Cell, Column, Doc, Row};
use crate::report::{format, link};
use crate::service::incidents::view::{self, Batch};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// The way to a page below an incident.
pub(super) fn crumbs(incident: &str) -> Vec<(String, String)> {
    vec![("Incidents".to_owned(), Section::Incidents.path()), (incident.to_owned(), link::incident(incident))]
}

/// All batches.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let incident = asked.part("code");
    let (refs, batches) = asked.book.read(|conn| Ok((Refs::load(conn)?, view::batches(conn, incident)?)))?;
    let doc = Doc {
        name: format!("payouts-{}", incident.to_ascii_lowercase()),
        title: format!("Payouts of {incident}"),
        finding: Some(
            super::incidents::how_many(i64::try_from(batches.len()).unwrap_or(i64::MAX), "batch", "batches") + " paid.",
        ),
        tables: vec![super::incident::batches(&refs, incident, &batches)],
        ..Doc::default()
    };
    Ok(Page { context: asked.context(Section::Incidents), doc, extras: Extras { crumbs: crumbs(incident), ..Extras::default() } })
}

/// One batch.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (incident, id, after) = (asked.part("code"), asked.number("batch")?, asked.cursor()?.unwrap_or(0));
    let (refs, (own, batch), mut transactions) = asked.book.read(|conn| {
        let transactions = view::transactions(conn, id, after, PAGE_ROWS.saturating_add(1))?;
        Ok((Refs::load(conn)?, view::batch(conn, id)?, transactions))
    })?;
    if own != incident {
        return Err(missing(asked.part("batch"), "is a batch of another incident").into());
    }
    let rows = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let more = transactions.len() > rows;
    transactions.truncate(rows);
    let row = |row: &crate::store::payout::TransactionRow| Row::body(vec![count(row.no), code(&row.txid)]);
    let columns = vec![Column::number("no", "No"), Column::text("transaction", "Transaction id")];
    let mut list = table(
        "transactions",
        "Transactions on the network",
        columns,
        transactions.iter().map(row).collect(),
        "This batch has no transactions here.",
    );
    list.next = transactions.last().filter(|_| more).map(|last| last.no.to_string());
    let mut way = crumbs(incident);
    way.push(("Payouts".to_owned(), link::payouts(incident)));
    let doc = Doc {
        name: format!("payout-{id}"),
        title: format!("Payout batch {id}"),
        finding: Some(finding(&refs, &batch)),
        tables: vec![list],
        ..Doc::default()
    };
    let extras = Extras { crumbs: way, facts: facts(&refs, incident, &batch), ..Extras::default() };
    Ok(Page { context: asked.context(Section::Incidents), doc, extras })
}

fn finding(refs: &Refs, batch: &Batch) -> String {
    let paid = units_of(batch.quantity, refs.scale(batch.asset), refs.code(batch.asset));
    let paid = format::show(&paid.content, format::Style::alone(&paid.content)).plain();
    format!("{paid} paid to {}.", super::incidents::how_many(batch.claims, "claim", "claims"))
}

fn facts(refs: &Refs, incident: &str, batch: &Batch) -> Vec<(String, Cell)> {
    let to = link::entry(batch.entry);
    let units = |quantity| units_of(quantity, refs.scale(batch.asset), refs.code(batch.asset)).to(&to);
    let wallet = refs.wallets.get(&batch.wallet).map_or("", |wallet| wallet.code.as_str());
    let facts = [
        ("Paid", units(batch.quantity)),
        ("Network fee", units(batch.network_fee)),
        ("Claims", count(batch.claims).to(link::claims(incident))),
        ("From wallet", Cell::text(wallet)),
        ("Paid on", day(batch.paid_on)),
        ("Recorded", time(batch.recorded_at)),
        ("Entry", entry(batch.entry.0)),
        ("Incident", Cell::text(incident).to(link::incident(incident))),
    ];
    facts.into_iter().map(|(label, cell)| (label.to_owned(), cell)).collect()
}
