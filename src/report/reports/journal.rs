//! The journal: every entry a filter finds, line by line, newest first, with the sums of the whole filter.

use crate::domain::amount::Value;
use crate::report::doc::{Cell, Column, Content, Doc, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{BookFacts, EntryFacts, JournalTotals, ReportError, Source};
use crate::report::{fund, link, registry};

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
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table {
            id: "journal".to_owned(),
            caption: "Entries, the latest first".to_owned(),
            columns: columns(facts),
            rows,
            next: page.next.map(|no| no.to_string()),
            empty: Some("No entry matches; take a filter away, or look at a later as-of day.".to_owned()),
        }],
        notes: vec!["The last row sums the lines of the whole filter, not only of this page.".to_owned()],
        ..Doc::default()
    })
}

fn columns(facts: &BookFacts) -> Vec<Column> {
    let currency = facts.currency();
    vec![
        Column::text("entry", "Entry"),
        Column::text("date", "Date"),
        Column::text("event", "Event"),
        Column::text("memo", "Memo"),
        Column::text("account", "Account"),
        Column::text("name", "Name"),
        Column::text("asset", "Asset"),
        Column::number("units", "Units"),
        Column::number("debit", &format!("Debit ({currency})")),
        Column::number("credit", &format!("Credit ({currency})")),
        Column::text("state", "State"),
        Column::text("source", "Source"),
    ]
}

/// The debit and the credit cell of a signed value.
pub fn sides(value: Value) -> (Cell, Cell) {
    if value < Value::ZERO { (Cell::empty(), Cell::value(value.negated())) } else { (Cell::value(value), Cell::empty()) }
}

/// Whether an entry was reversed, or reverses another, linked to its partner.
pub fn state(entry: &EntryFacts) -> Cell {
    match (entry.reversed_by, entry.reverses) {
        (Some(by), _) => Cell::new(Content::State(format!("reversed by {by}"), Tone::Warn)).to(link::entry(by)),
        (None, Some(of)) => Cell::new(Content::State(format!("reverses {of}"), Tone::Neutral)).to(link::entry(of)),
        (None, None) => Cell::empty(),
    }
}

fn lines(facts: &BookFacts, entry: &EntryFacts) -> Vec<Row> {
    let to = link::entry(entry.no);
    let row = |line: &crate::domain::entry::Posting| {
        let code = facts.code(line.asset);
        let (debit, credit) = sides(line.value);
        Row::body(vec![
            Cell::text(entry.no.to_string()).to(&to),
            Cell::new(Content::Date(entry.effective_on)),
            Cell::text(entry.event.code()),
            Cell::text(&entry.memo),
            Cell::text(line.account.to_string()).to(link::account(line.account, Some(code))),
            Cell::text(facts.account_name(line.account)),
            Cell::text(code),
            Cell::units(line.quantity, facts.scale(line.asset)).to(&to),
            debit.to(&to),
            credit.to(&to),
            state(entry),
            source_cell(&entry.source),
        ])
    };
    entry.postings.iter().map(row).collect()
}

/// What caused an entry, linked where it has a page.
pub fn source_cell(source: &str) -> Cell {
    let cell = Cell::text(source);
    match source.split_once(':') {
        Some(("report", id)) => id.parse().map_or_else(|_| cell.clone(), |id| cell.clone().to(link::fee_report(id))),
        Some(("incident", code)) => cell.to(link::incident(code)),
        _ => cell,
    }
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
