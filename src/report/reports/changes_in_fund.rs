//! Statement of changes in the fund: from one fund balance to the next, with the effect of prices apart from what flowed.

use crate::domain::account::{AccountClass, AccountNo, no};
use crate::domain::amount::Value;
use crate::domain::outcome::Rejection;
use crate::domain::period::Period;
use crate::report::doc::{Cell, Chart, ChartKind, Column, Doc, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{BookFacts, Movement, ReportError, Source, overflow};
use crate::report::{fund, link, registry};
use std::collections::BTreeMap;

/// The most periods side by side.
pub const MAX_PERIODS: usize = 13;

/// A line of the statement: its key, its words and the accounts it sums.
struct Line {
    key: &'static str,
    label: &'static str,
    accounts: &'static [AccountNo],
}

const LINES: &[Line] = &[
    Line { key: "contributions", label: "Fee contributions", accounts: &[no::CONTRIBUTIONS] },
    Line { key: "restatements", label: "Restatements of contributions", accounts: &[no::RESTATEMENTS] },
    Line { key: "settlement", label: "Settlement differences", accounts: &[no::SETTLEMENT_DIFFERENCE] },
    Line { key: "yield", label: "Yield and interest", accounts: &[no::YIELD] },
    Line { key: "price_effect", label: "Price effect on holdings", accounts: &[no::REALISED, no::UNREALISED] },
    Line {
        key: "compensation",
        label: "Compensation",
        accounts: &[no::INCURRED_CASE, no::INCURRED_IBNR, no::DEVELOPMENT, no::ELECTION_DIFFERENCE],
    },
    Line { key: "remeasurement", label: "Price effect on what is owed in kind", accounts: &[no::REMEASUREMENT] },
    Line { key: "recoveries", label: "Recoveries", accounts: &[no::LOSS_RECOVERIES, no::RECOVERIES_ABOVE_LOSS] },
    Line { key: "released", label: "Forfeited and legally released", accounts: &[no::FORFEITED, no::RELEASE_GAIN] },
    Line {
        key: "network_fees",
        label: "Network fees, conversion and custody",
        accounts: &[no::NETWORK_FEES, no::CONVERSION_COST],
    },
    Line { key: "handling", label: "Claims handling", accounts: &[no::CLAIMS_HANDLING_EXPENSE] },
    Line { key: "asset_loss", label: "Loss of fund assets", accounts: &[no::ASSET_LOSS] },
    Line { key: "interest", label: "Loan interest", accounts: &[no::LOAN_INTEREST] },
    Line { key: "sponsor_capital", label: "Sponsor capital", accounts: &[no::SPONSOR_CAPITAL] },
];

/// Lines that prices made; all others are flows.
const PRICE_LINES: [&str; 2] = ["price_effect", "remeasurement"];
/// The accounts of these lines.
const PRICE_ACCOUNTS: [AccountNo; 3] = [no::REALISED, no::UNREALISED, no::REMEASUREMENT];

/// The fund balance over one period.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The period.
    pub period: Period,
    /// Fund balance before.
    pub opening: Value,
    /// One amount a line, raising the fund above zero; the last one is everything without a line of its own.
    pub lines: Vec<Value>,
    /// Fund balance after.
    pub closing: Value,
    /// Assets less liabilities after, from their own accounts.
    pub net_assets: Value,
}

/// Key, label and accounts of every line, the unnamed rest last.
pub fn line_names() -> impl Iterator<Item = (&'static str, &'static str, &'static [AccountNo])> {
    LINES.iter().map(|line| (line.key, line.label, line.accounts)).chain([("other", "Other", [].as_slice())])
}

/// The periods from the first movement on, in order, at least to that of `as_of`. A correction that is booked in a later period
/// than the one it is effective in adds that later period, unless `last` ends the statement before.
///
/// # Errors
/// [`ReportError::Source`].
pub fn changes(movements: &[Movement], as_of: Period, last: Option<Period>) -> Result<Vec<Changes>, ReportError> {
    let mut by_period: BTreeMap<Period, Vec<&Movement>> = BTreeMap::new();
    for movement in movements {
        let period = Period::parse(&movement.period).unwrap_or_else(|| Period::of(movement.day));
        by_period.entry(period).or_default().push(movement);
    }
    let Some((first, booked)) = by_period.keys().next().copied().zip(by_period.keys().last().copied()) else {
        return Ok(Vec::new());
    };
    let last = last.unwrap_or_else(|| booked.max(as_of));
    let (mut all, mut period) = (Vec::new(), Some(first));
    let (mut opening, mut net_assets) = (Value::ZERO, Value::ZERO);
    while let Some(at) = period.filter(|at| *at <= last) {
        let moved = by_period.get(&at).map(Vec::as_slice).unwrap_or_default();
        let mut lines = vec![Value::ZERO; LINES.len().saturating_add(1)];
        for movement in moved {
            let by = movement.value.negated();
            match AccountClass::of(movement.account) {
                Some(AccountClass::Asset | AccountClass::Liability) => {
                    net_assets = net_assets.checked_add(movement.value).ok_or_else(overflow)?;
                }
                // A close moves value inside the fund balance only.
                _ if !movement.closing => {
                    let line = LINES.iter().position(|line| line.accounts.contains(&movement.account));
                    if let Some(sum) = lines.get_mut(line.unwrap_or(LINES.len())) {
                        *sum = sum.checked_add(by).ok_or_else(overflow)?;
                    }
                }
                _ => {}
            }
        }
        let change = Value::checked_sum(lines.iter().copied()).ok_or_else(overflow)?;
        let closing = opening.checked_add(change).ok_or_else(overflow)?;
        all.push(Changes { period: at, opening, lines, closing, net_assets });
        opening = closing;
        period = at.next();
    }
    Ok(all)
}

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("changes-in-fund")?;
    let as_of = source.facts().as_of;
    let last = params.date("to")?.map(Period::of);
    let from = params.date("from")?.map(Period::of);
    let all = changes(&source.movements(None, as_of)?, Period::of(as_of), last)?;
    let wanted: Vec<&Changes> = all.iter().filter(|changes| from.is_none_or(|from| changes.period >= from)).collect();
    if from.is_some() && wanted.len() > MAX_PERIODS {
        let detail = format!("up to {MAX_PERIODS} months stand side by side; choose a later month to begin with");
        return Err(Rejection::invalid("/from", params.text("from").unwrap_or_default(), detail).into());
    }
    let shown = wanted.get(wanted.len().saturating_sub(MAX_PERIODS)..).unwrap_or_default();
    let facts = source.facts();
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: finding(facts, shown),
        basis: fund::basis(facts, report, params, None),
        charts: waterfall(facts, shown).into_iter().collect(),
        tables: vec![table(facts, shown)?],
        notes: vec![
            "A month holds what is booked in it; a correction for a closed month stands in the first open one.".to_owned(),
            "Price effects are realised (4300) and unrealised (4310) together, and those on what is owed in kind; flows are all the rest."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn table(facts: &BookFacts, shown: &[&Changes]) -> Result<Table, ReportError> {
    let mut columns = vec![Column::text("line", &format!("Line ({})", facts.currency()))];
    columns.extend(shown.iter().map(|changes| Column::number(&changes.period.to_string(), &changes.period.to_string())));
    if shown.len() > 1 {
        columns.push(Column::number("total", "All"));
    }
    let mut rows = Vec::new();
    let edge = |kind: RowKind, label: &str, value: &dyn Fn(&Changes) -> Value, all: Option<Value>| {
        let to = |c: &Changes| match kind {
            RowKind::Opening => before(c.period),
            _ => balance_sheet(c.period.last_day().min(facts.as_of)),
        };
        let cells = shown.iter().map(|changes| Cell::value(value(changes)).to(to(changes)));
        let end = if kind == RowKind::Opening { shown.first() } else { shown.last() };
        let total = all.filter(|_| shown.len() > 1).map(Cell::value);
        let total = total.map(|cell| end.map_or_else(|| cell.clone(), |end| cell.clone().to(to(end))));
        Row::of(kind, std::iter::once(Cell::text(label)).chain(cells).chain(total).collect())
    };
    rows.push(edge(RowKind::Opening, "Fund balance before", &|c| c.opening, shown.first().map(|c| c.opening)));
    for (at, (key, label, accounts)) in line_names().enumerate() {
        let values: Vec<Value> = shown.iter().filter_map(|changes| changes.lines.get(at).copied()).collect();
        if values.iter().all(|value| value.is_zero()) {
            continue;
        }
        let mut cells = vec![Cell::text(label)];
        cells.extend(values.iter().zip(shown).map(|(value, changes)| {
            let cell = Cell::value(*value);
            cell.to(if key == "other" { of_period(changes.period) } else { entries(accounts, changes.period) })
        }));
        if shown.len() > 1 {
            let sum = Cell::value(Value::checked_sum(values).ok_or_else(overflow)?);
            let all = shown.first().zip(shown.last()).map(|(first, last)| range(accounts, first.period, last.period));
            cells.push(all.map_or_else(|| sum.clone(), |to| sum.clone().to(to)));
        }
        rows.push(Row::body(cells));
    }
    rows.push(part(shown, "Of this: flows", false)?);
    rows.push(part(shown, "Of this: price effects", true)?);
    rows.push(edge(RowKind::Total, "Fund balance after", &|c| c.closing, shown.last().map(|c| c.closing)));
    rows.push(check(shown));
    Ok(Table::new("changes", "Changes in the fund by month", columns, rows, ""))
}

/// What flowed, or what prices did, of the change of each month.
fn part(shown: &[&Changes], label: &str, of_prices: bool) -> Result<Row, ReportError> {
    let sum = |changes: &Changes| {
        let lines = line_names().zip(&changes.lines).filter(|((key, ..), _)| PRICE_LINES.contains(key) == of_prices);
        Value::checked_sum(lines.map(|(_, value)| *value)).ok_or_else(overflow)
    };
    let values = shown.iter().map(|changes| sum(changes)).collect::<Result<Vec<_>, _>>()?;
    let accounts: &[AccountNo] = if of_prices { &PRICE_ACCOUNTS } else { &[] };
    let to = |period| if of_prices { entries(accounts, period) } else { of_period(period) };
    let mut cells = vec![Cell::text(label)];
    cells.extend(values.iter().zip(shown).map(|(value, changes)| Cell::value(*value).to(to(changes.period))));
    if let (Some(first), Some(last), true) = (shown.first(), shown.last(), shown.len() > 1) {
        let all = Value::checked_sum(values).ok_or_else(overflow)?;
        cells.push(Cell::value(all).to(range(accounts, first.period, last.period)));
    }
    Ok(Row::of(RowKind::Subtotal, cells))
}

fn entries(accounts: &[AccountNo], period: Period) -> String {
    link::journal(&format!("account={}&period={period}&closings=out", link::listed(accounts)))
}

/// The entries of several months, by their business dates.
fn range(accounts: &[AccountNo], first: Period, last: Period) -> String {
    let days = format!("from={}&to={}&closings=out", first.first_day(), last.last_day());
    // The unnamed rest is of no account in particular.
    let own = if accounts.is_empty() { String::new() } else { format!("account={}&", link::listed(accounts)) };
    link::journal(&format!("{own}{days}"))
}

/// Every entry that is booked in a period.
fn of_period(period: Period) -> String {
    link::journal(&format!("period={period}&closings=out"))
}

fn balance_sheet(day: jiff::civil::Date) -> String {
    format!("{}?as_of={day}", link::report("balance-sheet"))
}

/// The balance sheet on the eve of a period.
fn before(period: Period) -> String {
    let first = period.first_day();
    balance_sheet(first.yesterday().unwrap_or(first))
}

/// The fund balance must be what the balance-sheet accounts say it is.
fn check(shown: &[&Changes]) -> Row {
    let mut cells = vec![Cell::text("Ties to assets less liabilities")];
    cells.extend(shown.iter().map(|changes| {
        let ties = changes.closing == changes.net_assets;
        let (word, tone) = if ties { ("ties", Tone::Good) } else { ("does not tie", Tone::Bad) };
        Cell::state(word.to_owned(), tone)
    }));
    if shown.len() > 1 {
        cells.push(Cell::empty());
    }
    Row::of(RowKind::Check, cells)
}

/// From the balance before to the balance after over all months shown.
pub fn waterfall(facts: &BookFacts, shown: &[&Changes]) -> Option<Chart> {
    let (first, last) = (shown.first()?, shown.last()?);
    let mut steps = vec![(format!("Before {}", first.period), fund::decimal(first.opening), true, Some(before(first.period)))];
    for (at, (_, label, accounts)) in line_names().enumerate() {
        let sum = Value::checked_sum(shown.iter().filter_map(|changes| changes.lines.get(at).copied()))?;
        if !sum.is_zero() {
            let to = match (first.period == last.period, accounts) {
                (true, []) => of_period(last.period),
                (true, _) => entries(accounts, last.period),
                (false, _) => range(accounts, first.period, last.period),
            };
            steps.push((label.to_owned(), fund::decimal(sum), false, Some(to)));
        }
    }
    steps.push((format!("After {}", last.period), fund::decimal(last.closing), true, Some(link::report("balance-sheet"))));
    Some(Chart {
        id: "waterfall".to_owned(),
        title: "What changed the fund balance".to_owned(),
        finding: finding(facts, shown)?,
        kind: ChartKind::Waterfall { steps, unit: facts.currency().to_owned() },
    })
}

fn finding(facts: &BookFacts, shown: &[&Changes]) -> Option<String> {
    let (first, last) = (shown.first()?, shown.last()?);
    let currency = facts.currency();
    let change = last.closing.checked_sub(first.opening)?;
    let word = if change < Value::ZERO { "fell" } else { "rose" };
    let size = if change < Value::ZERO { change.negated() } else { change };
    if first.opening.is_zero() {
        return Some(format!("The fund balance went from nothing to {} {currency}.", fund::compact(last.closing)));
    }
    Some(format!("The fund balance {word} by {} {currency} to {} {currency}.", fund::compact(size), fund::compact(last.closing)))
}
