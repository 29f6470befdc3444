//! One entry: postings that visibly balance, who recorded it when and why, and the proof that it is in the log.

use crate::domain::amount::Value;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::ledger::trial_balance::TrialBalance;
use crate::report::doc::{Cell, Column, Doc, Row, RowKind, Table};
use crate::report::params::Params;
use crate::report::source::{BookFacts, EntryFacts, Inclusion, ReportError, Source, overflow};
use crate::report::{fund, link, posting, registry};
use std::fmt::Write;

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("entry")?;
    let missing = || {
        let detail = "there is no such entry in the book as it was known then";
        Rejection::new(OutcomeCode::NotFound, "/entry", params.text("entry").unwrap_or_default(), detail)
    };
    let no = params.entry("entry")?.ok_or_else(missing)?;
    let entry = source.entry(no)?.ok_or_else(missing)?;
    let inclusion = source.inclusion(entry.leaf)?;
    let facts = source.facts();
    let mut tables = vec![postings(facts, &entry)?, words(&entry, inclusion.as_ref())];
    tables.extend(inclusion.as_ref().map(path));
    Ok(Doc {
        name: report.name.to_owned(),
        title: format!("Entry {no}: {}", entry.event.title()),
        finding: Some(entry.memo.clone()),
        basis: fund::basis(facts, report, params, None),
        tables,
        notes: vec!["The path hashes the entry's leaf up to the root of the log (RFC 6962, SHA-256).".to_owned()],
        ..Doc::default()
    })
}

fn postings(facts: &BookFacts, entry: &EntryFacts) -> Result<Table, ReportError> {
    let mut rows = Vec::new();
    let (mut debits, mut credits) = (Value::ZERO, Value::ZERO);
    for line in &entry.postings {
        let to = link::account(line.account, Some(facts.code(line.asset)));
        if line.value < Value::ZERO {
            credits = credits.checked_sub(line.value).ok_or_else(overflow)?;
        } else {
            debits = debits.checked_add(line.value).ok_or_else(overflow)?;
        }
        let mut cells = posting::cells(facts, line.account, line.asset, (line.quantity, line.value), &to);
        cells.push(Cell::text(dimensions(facts, line)));
        rows.push(Row::body(cells));
    }
    let mut total = vec![Cell::text("Total"), Cell::empty(), Cell::empty(), Cell::empty()];
    total.extend([Cell::value(debits), Cell::value(credits), Cell::empty()]);
    rows.push(Row::of(RowKind::Total, total));
    let (units, _) = TrialBalance::of_postings(&entry.postings)?.totals().ok_or_else(overflow)?;
    let words = ("balances", "does not balance");
    rows.extend(units.into_iter().map(|(asset, quantity)| posting::check(facts, asset, quantity, words, 7)));
    let mut columns = posting::columns(facts);
    columns.push(Column::text("belongs_to", "Belongs to"));
    Ok(Table::new("postings", "Postings", columns, rows, ""))
}

/// Wallet, lot, incident and fee report of a line in words.
fn dimensions(facts: &BookFacts, line: &crate::domain::entry::Posting) -> String {
    let dims = &line.dims;
    let mut words = Vec::new();
    if let Some(id) = dims.wallet {
        words.push(facts.wallets.get(&id).map_or_else(|| format!("wallet {id}"), Clone::clone));
    }
    if let Some(id) = dims.lot {
        words.push(match &line.opens {
            Some(opens) => format!("opens lot {id} of {}", opens.acquired_on),
            None => format!("lot {id}"),
        });
    }
    if let Some(id) = dims.incident {
        words.push(facts.incidents.get(&id.0).map_or_else(|| format!("incident {id}"), Clone::clone));
    }
    if let Some(id) = dims.report {
        words.push(format!("fee report {id}"));
    }
    words.join(", ")
}

fn words(entry: &EntryFacts, inclusion: Option<&Inclusion>) -> Table {
    let row = |label: &str, cell: Cell| Row::body(vec![Cell::text(label), cell]);
    let code = |text: String| Cell::code(text);
    let mut rows = vec![
        row("Number", Cell::text(entry.no.to_string())),
        row("Event", Cell::text(format!("{} {}", entry.event.code(), entry.event.title()))),
        row("Business date", Cell::date(entry.effective_on)),
        row("Booked in", Cell::text(&entry.period).to(link::journal(&format!("period={}", entry.period)))),
        row("Recorded at", Cell::time(entry.recorded_at)),
        row("Recorded by", Cell::text(&entry.actor)),
        row("Idempotency key", code(entry.request_key.clone())),
        row("Source", posting::source(&entry.source)),
        row("Memo", Cell::text(&entry.memo)),
    ];
    if let Some(timing) = posting::timing(entry) {
        rows.push(row("In time", timing));
    }
    if let Some(of) = entry.reverses {
        rows.push(row("Reverses", Cell::text(of.to_string()).to(link::entry(of))));
    }
    if let Some(by) = entry.reversed_by {
        rows.push(row("Reversed by", Cell::text(by.to_string()).to(link::entry(by))));
    }
    rows.push(row("Leaf", Cell::text(entry.leaf.to_string())));
    if let Some(inclusion) = inclusion {
        rows.push(row("Leaf hash", code(hex(&inclusion.leaf_hash))));
        rows.push(row("Log size", Cell::text(inclusion.size.to_string())));
        rows.push(row("Log root", code(hex(&inclusion.root))));
    }
    Table::new("record", "Record", vec![Column::text("what", "What"), Column::text("value", "Value")], rows, "")
}

fn path(inclusion: &Inclusion) -> Table {
    let step =
        |(at, hash): (usize, &[u8; 32])| Row::body(vec![Cell::text(at.saturating_add(1).to_string()), Cell::code(hex(hash))]);
    Table::new(
        "proof",
        "Inclusion path",
        vec![Column::text("step", "Step"), Column::text("hash", "Hash")],
        inclusion.path.iter().enumerate().map(step).collect(),
        "The log holds this leaf only; its hash is the root.",
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A String takes every write.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
