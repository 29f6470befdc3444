//! The journal: every entry a filter finds, line by line, newest first, with the sums of the whole filter.

use crate::domain::entry::Posting;
use crate::report::doc::{Cell, Column, Doc, Row, RowKind, Table};
use crate::report::params::Params;
use crate::report::source::{BookFacts, EntryFacts, JournalTotals, ReportError, Source};
use crate::report::{fund, link, posting, registry};

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("journal")?;
    let filter = params.journal(source.facts())?;
    let page = source.journal(&filter, params.entry("cursor")?, params.limit()?)?;
    let totals = source.journal_totals(&filter)?;
    let facts = source.facts();
    let mut rows: Vec<Row> = page.entries.iter().flat_map(|entry| lines(facts, entry)).collect();
    if !rows.is_empty() {
        rows.push(footer(totals.as_ref()));
    }
    let empty = "No entry is here. Take a filter away or look at a later as-of day; in a new book, the dashboard leads to the first entry.";
    let table = Table::new("journal", "Entries, the latest first", columns(facts), rows, empty);
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table { next: page.next.map(|no| no.to_string()), ..table }],
        notes: vec!["The last row sums the lines of the whole filter, not only of this page.".to_owned()],
        ..Doc::default()
    })
}

fn columns(facts: &BookFacts) -> Vec<Column> {
    let mut columns = vec![
        Column::text("entry", "Entry"),
        Column::text("date", "Date"),
        Column::text("event", "Event"),
        Column::text("memo", "Memo"),
    ];
    columns.extend(posting::columns(facts));
    columns.extend([Column::text("state", "State"), Column::text("source", "Source")]);
    columns
}

fn lines(facts: &BookFacts, entry: &EntryFacts) -> Vec<Row> {
    let to = link::entry(entry.no);
    let row = |line: &Posting| {
        let mut cells = vec![
            Cell::text(entry.no.to_string()).to(&to),
            Cell::date(entry.effective_on),
            Cell::text(entry.event.code()),
            Cell::text(&entry.memo),
        ];
        cells.extend(posting::cells(facts, line.account, line.asset, (line.quantity, line.value), &to));
        cells.extend([posting::state(entry), posting::source(&entry.source)]);
        Row::body(cells)
    };
    entry.postings.iter().map(row).collect()
}

fn footer(totals: Option<&JournalTotals>) -> Row {
    let blank = || Cell::blank("too many entries to sum; narrow the filter");
    let words = totals.map_or_else(|| "All entries".to_owned(), |totals| format!("{} entries", totals.entries));
    let sums = totals.map_or_else(|| [blank(), blank()], |t| [Cell::value(t.debits), Cell::value(t.credits)]);
    let mut cells = vec![Cell::text(words)];
    cells.extend(std::iter::repeat_with(Cell::empty).take(7));
    cells.extend(sums);
    cells.extend([Cell::empty(), Cell::empty()]);
    Row::of(RowKind::Total, cells)
}
