//! One account: its postings, the latest first, between the opening and the closing balance, with the balance after each.

use crate::domain::account::AccountNo;
use crate::domain::asset::AssetId;
use crate::ledger::trial_balance::{Amounts, TrialBalance};
use crate::report::doc::{Cell, Column, Content, Doc, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::posting::{sides, state};
use crate::report::source::{AccountLine, BookFacts, LineCursor, LineFilter, ReportError, Source, overflow};
use crate::report::{fund, link, registry};
use jiff::civil::Date;

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("account")?;
    let (filter, cursor) = asked(source.facts(), params)?;
    let closing = balance(source, &filter, Some(filter.to))?;
    let opening = balance(source, &filter, filter.from.map(|from| from.yesterday().unwrap_or(from)))?;
    let newer = match cursor {
        Some(below) => source.moved_from(&filter, below)?,
        None => Amounts::default(),
    };
    let start = minus(closing, newer).ok_or_else(overflow)?;
    let page = source.account_lines(&filter, cursor, params.limit()?)?;
    let facts = source.facts();
    let mut rows = Vec::new();
    if cursor.is_none() {
        rows.push(edge(facts, &filter, RowKind::Total, filter.to, "Closing balance", closing));
    }
    let mut running = start;
    for line in &page.lines {
        rows.push(body(facts, &filter, line, running));
        running = minus(running, Amounts { quantity: line.posting.quantity, value: line.posting.value }).ok_or_else(overflow)?;
    }
    if page.next.is_none() {
        let day = filter.from.or(facts.first_day).unwrap_or(filter.to);
        let mut row = edge(facts, &filter, RowKind::Opening, day, "Opening balance", opening);
        if let Some(eve) = filter.from.and_then(|from| from.yesterday().ok()) {
            let code = filter.asset.map(|asset| format!("asset={}&", facts.code(asset))).unwrap_or_default();
            let to = format!("{}?{code}to={eve}", link::account(filter.account, None));
            row.cells.iter_mut().filter(|cell| is_amount(cell)).for_each(|cell| cell.link = Some(to.clone()));
        }
        rows.push(row);
        rows.push(check(&filter, running == opening));
    }
    let title = format!("{} {}", filter.account, facts.account_name(filter.account));
    Ok(Doc {
        name: report.name.to_owned(),
        title,
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table {
            id: "account".to_owned(),
            caption: "Postings, the latest first".to_owned(),
            columns: columns(facts, &filter),
            rows,
            next: page.next.map(|cursor| cursor.to_string()),
            empty: None,
        }],
        notes: vec!["The balance of a row is the balance after its posting, in the order of recording.".to_owned()],
        ..Doc::default()
    })
}

const fn is_amount(cell: &Cell) -> bool {
    matches!(cell.content, Content::Value(_) | Content::Units { .. })
}

fn asked(facts: &BookFacts, params: &Params) -> Result<(LineFilter, Option<LineCursor>), ReportError> {
    let account = params.account(facts)?.unwrap_or(AccountNo(0));
    let asset = params.text("asset").map(|code| facts.asset("/asset", code).map(|asset| asset.id)).transpose()?;
    let to = params.date("to")?.map_or(facts.as_of, |to| to.min(facts.as_of));
    let cursor = params.text("cursor").map(LineCursor::parse).transpose()?;
    Ok((LineFilter { account, asset, from: params.date("from")?, to }, cursor))
}

/// What stands on the account on a day; nothing before the first.
fn balance(source: &mut dyn Source, filter: &LineFilter, day: Option<Date>) -> Result<Amounts, ReportError> {
    let Some(day) = day else { return Ok(Amounts::default()) };
    sum(&source.balances(day)?, filter.account, filter.asset).ok_or_else(overflow)
}

fn sum(balance: &TrialBalance, account: AccountNo, asset: Option<AssetId>) -> Option<Amounts> {
    let mut sum = Amounts::default();
    let rows = balance.rows().filter(|(no, of, _)| *no == account && asset.is_none_or(|asset| asset == *of));
    for (_, _, amounts) in rows {
        sum = sum.plus(amounts.quantity, amounts.value)?;
    }
    Some(sum)
}

fn minus(from: Amounts, by: Amounts) -> Option<Amounts> {
    from.plus(by.quantity.negated(), by.value.negated())
}

fn columns(facts: &BookFacts, filter: &LineFilter) -> Vec<Column> {
    let currency = facts.currency();
    let mut columns = vec![
        Column::text("entry", "Entry"),
        Column::text("date", "Date"),
        Column::text("event", "Event"),
        Column::text("memo", "Memo"),
        Column::text("contra", "Against"),
        Column::text("asset", "Asset"),
        Column::number("units", "Units"),
        Column::number("debit", &format!("Debit ({currency})")),
        Column::number("credit", &format!("Credit ({currency})")),
    ];
    // Units of several assets have no common balance.
    if filter.asset.is_some() {
        columns.push(Column::number("units_balance", "Balance (units)"));
    }
    columns.push(Column::number("balance", &format!("Balance ({currency})")));
    columns.push(Column::text("state", "State"));
    columns
}

fn body(facts: &BookFacts, filter: &LineFilter, line: &AccountLine, running: Amounts) -> Row {
    let to = link::entry(line.entry.no);
    let posting = &line.posting;
    let (debit, credit) = sides(posting.value);
    let contra: Vec<String> = line.contra.iter().map(ToString::to_string).collect();
    let mut cells = vec![
        Cell::text(line.entry.no.to_string()).to(&to),
        Cell::date(line.entry.effective_on),
        Cell::text(line.entry.event.code()),
        Cell::text(&line.entry.memo),
        Cell::text(contra.join(", ")),
        Cell::text(facts.code(posting.asset)),
        Cell::units(posting.quantity, facts.scale(posting.asset)).to(&to),
        debit.to(&to),
        credit.to(&to),
    ];
    if let Some(asset) = filter.asset {
        cells.push(Cell::units(running.quantity, facts.scale(asset)).to(&to));
    }
    cells.push(Cell::value(running.value).to(&to));
    cells.push(state(&line.entry));
    Row::body(cells)
}

fn edge(facts: &BookFacts, filter: &LineFilter, kind: RowKind, day: Date, label: &str, amounts: Amounts) -> Row {
    let mut cells = vec![Cell::text(label), Cell::date(day)];
    cells.extend(std::iter::repeat_with(Cell::empty).take(7));
    if let Some(asset) = filter.asset {
        cells.push(Cell::units(amounts.quantity, facts.scale(asset)));
    }
    cells.extend([Cell::value(amounts.value), Cell::empty()]);
    Row::of(kind, cells)
}

fn check(filter: &LineFilter, whole: bool) -> Row {
    let state = if whole { ("ties", Tone::Good) } else { ("does not tie", Tone::Bad) };
    let words = "Opening balance and postings make the closing balance";
    let mut cells = vec![Cell::text(words), Cell::state(state.0.to_owned(), state.1)];
    let others = if filter.asset.is_some() { 10 } else { 9 };
    cells.extend(std::iter::repeat_with(Cell::empty).take(others));
    Row::of(RowKind::Check, cells)
}
