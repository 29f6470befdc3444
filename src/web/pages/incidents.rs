//! The list of incidents.

use super::{Asked, Page, reports};
use crate::service::incidents::docs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut doc = asked.book.read(|conn| {
        let at = asked.at(conn)?;
        docs::list(conn, &at)
    })?;
    doc.basis = asked.basis()?;
    Ok(Page { context: reports::context(asked, Section::Incidents), doc, extras: Extras::default() })
}

/// The way to a page below an incident.
pub(super) fn crumbs(incident: &str) -> Vec<(String, String)> {
    vec![("Incidents".to_owned(), Section::Incidents.path()), (incident.to_owned(), crate::report::link::incident(incident))]
}
