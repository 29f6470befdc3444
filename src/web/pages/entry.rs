//! One entry: its report, and the same entry as a command and as text for a journal.

use super::reports;
use super::{Asked, Page, missing};
use crate::report::doc::Cell;
use crate::report::export::{self, ExportEntry, JournalFormat};
use crate::report::link;
use crate::report::params::Params;
use crate::report::registry;
use crate::report::source::{BookFacts, EntryFacts, ReportError};
use crate::service::entries::{self, PREPARE};
use crate::service::evidence;
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section, TextBlock, Upload, User};

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let report = registry::find("entry")?;
    let number = asked.number("entry")?;
    let params = Params::new(report, &reports::query(asked, Some("entry")))?;
    let (mut doc, facts, entry) = asked.book.at(&params, |source| {
        let doc = (report.run)(source, &params)?;
        let entry = source.entry(crate::domain::ids::EntryNo(number))?;
        Ok((doc, source.facts().clone(), entry))
    })?;
    let entry = entry.ok_or_else(|| missing(asked.part("entry"), "there is no entry of this number"))?;
    let subject = format!("entry/{number}");
    let (files, given) = asked.book.read(|conn| Ok((evidence::of(conn, &subject)?, entries::given(conn, &entry.source)?)))?;
    if !files.is_empty() {
        let rows = files.iter().map(|(file, attached)| (file, attached.note.as_str()));
        doc.tables.insert(1, evidence::table("evidence", "Evidence", rows, ""));
    }
    let text = |title: &str, body: String| TextBlock { title: title.to_owned(), body };
    let extras = Extras {
        crumbs: vec![("Journal".to_owned(), Section::Journal.path())],
        facts: given.map(|given| ("Reason".to_owned(), Cell::text(given.reason))).into_iter().collect(),
        actions: actions(asked.user.as_ref(), &entry),
        upload: Upload::at(asked.user.as_ref(), &subject, asked.path),
        texts: vec![
            text(
                "On the command line, with SAFU_DATABASE_URL naming this book",
                format!("safu report entry --set entry={number}"),
            ),
            text("As journal text (hledger)", journal_text(&facts, &entry)?),
        ],
        ..Extras::default()
    };
    Ok(Page { context: reports::context(asked, Section::Journal), doc, extras })
}

/// What a person who prepares entries can begin from here.
fn actions(user: Option<&User>, entry: &EntryFacts) -> Vec<(String, String)> {
    if !user.is_some_and(|user| user.person.holds(PREPARE)) {
        return Vec::new();
    }
    let mut actions = vec![("Clone".to_owned(), format!("/entries/new?clone={}", entry.no))];
    if entry.reversed_by.is_none() && entry.reverses.is_none() {
        actions.push(("Reverse".to_owned(), format!("{}/reverse", link::entry(entry.no))));
    }
    actions
}

fn journal_text(facts: &BookFacts, entry: &EntryFacts) -> Result<String, StoreError> {
    let assets: Vec<_> = facts.assets.values().cloned().collect();
    let accounts: Vec<_> = facts.accounts.values().cloned().collect();
    let book = export::Book {
        name: &facts.name,
        functional: facts.currency(),
        assets: &assets,
        accounts: &accounts,
        closing: &[],
        wallets: &[],
        incidents: &[],
    };
    let text = export::entry_text(JournalFormat::Hledger, &book, &ExportEntry::from(entry));
    text.map_err(|error| ReportError::Source(Box::new(error)).into())
}
