//! What waits for a decision, and one proposal.

use super::{Asked, PAGE_ROWS, Page};
use crate::service::approvals::docs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// All proposals.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (now, cursor) = (asked.book.clock.now(), asked.cursor()?);
    let doc = asked.book.read(|conn| docs::queue(conn, now, cursor, PAGE_ROWS))?;
    Ok(Page { context: asked.context_of_now(Section::Approvals, WAITS), doc, extras: Extras::default() })
}

/// One proposal.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let doc = asked.book.proposal_doc(asked.number("proposal")?)?;
    let crumbs = vec![("Approvals".to_owned(), Section::Approvals.path())];
    Ok(Page { context: asked.context_of_now(Section::Approvals, WAITS), doc, extras: Extras { crumbs, ..Extras::default() } })
}

const WAITS: &str = "Proposals are shown as they stand now.";
