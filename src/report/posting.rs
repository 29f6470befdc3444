//! What reports that show postings share: account, asset, units, debit and credit, and the check that units come to zero.

use super::doc::{Cell, Column, Row, RowKind, Tone};
use super::link;
use super::source::{BookFacts, EntryFacts};
use crate::domain::account::AccountNo;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::period::Period;

/// Columns of an amount on an account.
pub fn columns(facts: &BookFacts) -> Vec<Column> {
    let currency = facts.currency();
    vec![
        Column::text("account", "Account"),
        Column::text("name", "Name"),
        Column::text("asset", "Asset"),
        Column::number("units", "Units"),
        Column::number("debit", &format!("Debit ({currency})")),
        Column::number("credit", &format!("Credit ({currency})")),
    ]
}

/// The cells of these columns; the figures lead `to` what they are made of.
pub fn cells(facts: &BookFacts, account: AccountNo, asset: AssetId, amounts: (Quantity, Value), to: &str) -> Vec<Cell> {
    let (debit, credit) = sides(amounts.1);
    vec![
        Cell::text(account.to_string()).to(link::account(account, None)),
        Cell::text(facts.account_name(account)),
        Cell::text(facts.code(asset)),
        Cell::units(amounts.0, facts.scale(asset)).to(to),
        debit.to(to),
        credit.to(to),
    ]
}

/// The debit and the credit cell of a signed value.
pub fn sides(value: Value) -> (Cell, Cell) {
    if value < Value::ZERO { (Cell::empty(), Cell::value(value.negated())) } else { (Cell::value(value), Cell::empty()) }
}

/// A row that shows whether the units of an asset come to zero, with the words for either; it is `width` cells wide.
pub fn check(facts: &BookFacts, asset: AssetId, units: Quantity, (good, bad): (&str, &str), width: usize) -> Row {
    let state = if units.is_zero() { Cell::state(good, Tone::Good) } else { Cell::state(bad, Tone::Bad) };
    let sum = Cell::units(units, facts.scale(asset));
    let mut cells = vec![Cell::text("Σ units"), state, Cell::text(facts.code(asset)), sum];
    cells.resize(width, Cell::empty());
    Row::of(RowKind::Check, cells)
}

/// Whether an entry was reversed, or reverses another, linked to its partner; else whether it came after its month was closed.
pub fn state(entry: &EntryFacts) -> Cell {
    let with_timing = |words: String| match entry.timing_words() {
        Some(timing) => format!("{words}, {timing}"),
        None => words,
    };
    match (entry.reversed_by, entry.reverses) {
        (Some(by), _) => Cell::state(with_timing(format!("reversed by {by}")), Tone::Warn).to(link::entry(by)),
        (None, Some(of)) => Cell::state(with_timing(format!("reverses {of}")), Tone::Neutral).to(link::entry(of)),
        (None, None) => timing(entry).unwrap_or_else(Cell::empty),
    }
}

/// That an entry came after its month was closed, linked to the month.
pub fn timing(entry: &EntryFacts) -> Option<Cell> {
    let month = Period::of(entry.effective_on).to_string();
    Some(Cell::state(entry.timing_words()?, Tone::Warn).to(link::close(&month)))
}

/// What caused an entry, linked where it has a page.
pub fn source(source: &str) -> Cell {
    let cell = Cell::text(source);
    match source.split_once(':') {
        Some(("report", id)) => id.parse().map_or_else(|_| cell.clone(), |id| cell.clone().to(link::fee_report(id))),
        Some(("prices", day)) => day.parse().map_or_else(|_| cell.clone(), |day| cell.clone().to(link::price_set(day))),
        Some(("batch", id)) => id.parse().map_or_else(|_| cell.clone(), |id| cell.clone().to(link::batch(id))),
        Some(("incident", code)) => cell.to(link::incident(code)),
        _ => cell,
    }
}
