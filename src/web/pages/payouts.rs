//! The payout batches of an incident, and one batch with its transactions.

use super::incidents::crumbs;
use super::{Asked, PAGE_ROWS, Page, reports};
use crate::report::link;
use crate::service::incidents::docs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// All batches.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let incident = asked.part("code");
    let mut doc = asked.book.read(|conn| {
        let at = asked.at(conn)?;
        docs::payouts(conn, incident, &at)
    })?;
    doc.basis = asked.basis()?;
    Ok(Page {
        context: reports::context(asked, Section::Incidents),
        doc,
        extras: Extras { crumbs: crumbs(incident), ..Extras::default() },
    })
}

/// One batch.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (incident, id, after) = (asked.part("code"), asked.number("batch")?, asked.cursor()?.unwrap_or(0));
    let doc = asked.book.read(|conn| docs::payout(conn, Some(incident), id, after, PAGE_ROWS))?;
    let mut way = crumbs(incident);
    way.push(("Payouts".to_owned(), link::payouts(incident)));
    let context = asked.context_of_now(Section::Incidents, "A payout batch is recorded once and never changes.");
    Ok(Page { context, doc, extras: Extras { crumbs: way, ..Extras::default() } })
}
