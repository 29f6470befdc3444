//! The claims of an incident, a page at a time, and the search for one of them.

use super::incidents::crumbs;
use super::{Asked, PAGE_ROWS, Page, reports};
use crate::service::incidents::docs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Field, FieldKind, Section};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (incident, after) = (asked.part("code"), asked.cursor()?.unwrap_or(0));
    let mut doc = asked.book.read(|conn| {
        let at = asked.at(conn)?;
        match asked.value("claim") {
            Some(wanted) => docs::search(conn, incident, wanted, &at),
            None => docs::claims(conn, incident, after, PAGE_ROWS, &at),
        }
    })?;
    doc.basis = asked.basis()?;
    let placeholder = "id or number".to_owned();
    let context =
        reports::context(asked, Section::Incidents).with_field(Field::new("claim", "Claim", FieldKind::Text { placeholder }));
    Ok(Page { context, doc, extras: Extras { crumbs: crumbs(incident), ..Extras::default() } })
}
