//! Reports: opens the book at one pair of as-of and known-at and runs a report of the registry over it, in one read transaction.

mod control;
pub mod daily;
mod export;
mod source;
mod window;

pub use control::holders;

use super::Book;
use super::refs::{FUNCTIONAL, Refs};
use crate::report::diff;
use crate::report::doc::Doc;
use crate::report::format;
use crate::report::params::Params;
use crate::report::registry;
use crate::report::source::{ReportError, Source};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::reference;
use jiff::Timestamp;
use std::sync::Arc;
use window::View;

impl From<ReportError> for StoreError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Rejected(rejection) => Self::Rejected(rejection),
            ReportError::Source(error) => match error.downcast::<Self>() {
                Ok(stored) => *stored,
                Err(other) => Self::Damaged(other.to_string()),
            },
        }
    }
}

impl From<StoreError> for ReportError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Rejected(rejection) => Self::Rejected(rejection),
            other => Self::Source(Box::new(other)),
        }
    }
}

impl Book {
    /// Makes a report: `query` are its parameters as a page or the command line gives them (`as_of`, `known_at` and the
    /// report's own; empty values do not count). With `compare_as_of` or `compare_known_at` that state stands beside the one asked for.
    ///
    /// # Errors
    /// `NotFound` for an unknown report or subject, `InvalidField` for a wrong parameter, or the database's failure.
    pub fn report(&self, name: &str, query: &[(String, String)]) -> Result<Doc, StoreError> {
        let now = self.clock.now();
        self.read(|conn| report_in(conn, name, query, now))
    }

    /// Name and functional currency of the book, for the head of every page.
    ///
    /// # Errors
    /// The database's failure.
    pub fn title(&self) -> Result<(String, String), StoreError> {
        self.read(|conn| {
            let name = reference::book_row(conn)?.map(|book| book.name).unwrap_or_default();
            Ok((name, Refs::load(conn)?.code(FUNCTIONAL).to_owned()))
        })
    }

    /// Runs `body` over the book as the parameters want it.
    ///
    /// # Errors
    /// What `body` returned, or the database's failure.
    pub fn at<T>(&self, params: &Params, body: impl FnOnce(&mut dyn Source) -> Result<T, ReportError>) -> Result<T, StoreError> {
        self.read(|conn| {
            let mut view = View::open(conn, params.as_of()?, params.known_at()?, self.clock.now(), Arc::clone(&self.tree))?;
            Ok(body(&mut view)?)
        })
    }
}

/// Said under every report that late entries have part in.
fn late_note(count: i64) -> Option<String> {
    let late = format::how_many(count, "entry up to this day is late", "entries up to this day are late");
    let why =
        "booked in the month that was open, because the month of its date was closed; the page of that month's close lists it";
    (count > 0).then(|| format!("{late}: {why}."))
}

/// Makes a report over the state that a connection sees, unsaved changes of its transaction included.
pub(super) fn report_in(conn: &mut Conn, name: &str, query: &[(String, String)], now: Timestamp) -> Result<Doc, StoreError> {
    let report = registry::find(name)?;
    let params = Params::new(report, query)?;
    // A tree of its own: what is not saved must not stay in that of the book.
    let mut view = View::open(conn, params.as_of()?, params.known_at()?, now, Arc::default())?;
    let mut doc = (report.run)(&mut view, &params)?;
    if doc.basis.as_of.is_some() {
        doc.notes.extend(late_note(view.late_entries()?));
    }
    let Some(other) = params.compared(view.facts.as_of)? else { return Ok(doc) };
    let mut view = View::open(conn, other.as_of()?, other.known_at()?, now, Arc::default())?;
    let before = (report.run)(&mut view, &other)?;
    Ok(diff::compare(&before, &doc)?)
}
