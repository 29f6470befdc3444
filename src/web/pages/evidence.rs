//! All files of evidence. Each is a download; nothing of one is shown here but its name.

use super::{Asked, PAGE_ROWS, Page};
use crate::service::evidence;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let cursor = asked.cursor()?;
    let doc = asked.book.read(|conn| evidence::list(conn, cursor, PAGE_ROWS))?;
    let extras = Extras { crumbs: vec![("Journal".to_owned(), Section::Journal.path())], ..Extras::default() };
    Ok(Page { context: asked.context_of_now(Section::Journal, "Evidence is shown as it stands now."), doc, extras })
}
