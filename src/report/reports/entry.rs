//! One entry: postings that visibly balance, who recorded it when and why, and the proof that it is in the log.

use super::journal::{sides, source_cell};
use crate::domain::amount::Value;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::ledger::trial_balance::TrialBalance;
use crate::report::doc::{Cell, Column, Content, Doc, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{BookFacts, EntryFacts, Inclusion, ReportError, Source, overflow};
use crate::report::{fund, link, registry};
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
    let currency = facts.currency();
    let mut rows = Vec::new();
    let (mut debits, mut credits) = (Value::ZERO, Value::ZERO);
    for line in &entry.postings {
        let code = facts.code(line.asset);
        let to = link::account(line.account, Some(code));
        let (debit, credit) = sides(line.value);
        if line.value < Value::ZERO {
            credits = credits.checked_sub(line.value).ok_or_else(overflow)?;
        } else {
            debits = debits.checked_add(line.value).ok_or_else(overflow)?;
        }
        rows.push(Row::body(vec![
            Cell::text(line.account.to_string()).to(link::account(line.account, None)),
            Cell::text(facts.account_name(line.account)),
            Cell::text(code),
            Cell::units(line.quantity, facts.scale(line.asset)).to(&to),
            debit.to(&to),
            credit.to(&to),
            Cell::text(dimensions(facts, line)),
        ]));
    }
    let mut total = vec![Cell::text("Total"), Cell::empty(), Cell::empty(), Cell::empty()];
    total.extend([Cell::value(debits), Cell::value(credits), Cell::empty()]);
    rows.push(Row::of(RowKind::Total, total));
    let (units, _) = TrialBalance::of_postings(&entry.postings)?.totals().ok_or_else(overflow)?;
    for (asset, quantity) in units {
        let state = if quantity.is_zero() { ("balances", Tone::Good) } else { ("does not balance", Tone::Bad) };
        let cells = vec![
            Cell::text("Σ units"),
            Cell::new(Content::State(state.0.to_owned(), state.1)),
            Cell::text(facts.code(asset)),
            Cell::units(quantity, facts.scale(asset)),
            Cell::empty(),
            Cell::empty(),
            Cell::empty(),
        ];
        rows.push(Row::of(RowKind::Check, cells));
    }
    Ok(Table {
        id: "postings".to_owned(),
        caption: "Postings".to_owned(),
        columns: vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::number("debit", &format!("Debit ({currency})")),
            Column::number("credit", &format!("Credit ({currency})")),
            Column::text("belongs_to", "Belongs to"),
        ],
        rows,
        next: None,
        empty: None,
    })
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
    let code = |text: String| Cell::new(Content::Code(text));
    let mut rows = vec![
        row("Number", Cell::text(entry.no.to_string())),
        row("Event", Cell::text(format!("{} {}", entry.event.code(), entry.event.title()))),
        row("Business date", Cell::new(Content::Date(entry.effective_on))),
        row("Booked in", Cell::text(&entry.period).to(link::journal(&format!("period={}", entry.period)))),
        row("Recorded at", Cell::new(Content::Time(entry.recorded_at))),
        row("Recorded by", Cell::text(&entry.actor)),
        row("Idempotency key", code(entry.request_key.clone())),
        row("Source", source_cell(&entry.source)),
        row("Memo", Cell::text(&entry.memo)),
    ];
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
    Table {
        id: "record".to_owned(),
        caption: "Record".to_owned(),
        columns: vec![Column::text("what", "What"), Column::text("value", "Value")],
        rows,
        next: None,
        empty: None,
    }
}

fn path(inclusion: &Inclusion) -> Table {
    let step = |(at, hash): (usize, &[u8; 32])| {
        Row::body(vec![Cell::text(at.saturating_add(1).to_string()), Cell::new(Content::Code(hex(hash)))])
    };
    Table {
        id: "proof".to_owned(),
        caption: "Inclusion path".to_owned(),
        columns: vec![Column::text("step", "Step"), Column::text("hash", "Hash")],
        rows: inclusion.path.iter().enumerate().map(step).collect(),
        next: None,
        empty: Some("The log holds this leaf only; its hash is the root.".to_owned()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A String takes every write.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
