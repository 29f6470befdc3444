//! The list of incidents.

use super::{Asked, Page};
use crate::service::incidents::docs;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let doc = asked.book.read(docs::list)?;
    Ok(Page { context: asked.context(Section::Incidents), doc, extras: Extras::default() })
}

/// The way to a page below an incident.
pub(super) fn crumbs(incident: &str) -> Vec<(String, String)> {
    vec![("Incidents".to_owned(), Section::Incidents.path()), (incident.to_owned(), crate::report::link::incident(incident))]
}
