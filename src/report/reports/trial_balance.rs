//! The trial balance: units and value of every account and asset, and the proof that both come to zero.

use crate::domain::account::AccountClass;
use crate::domain::amount::Value;
use crate::report::doc::{Cell, Column, Content, Doc, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{BookFacts, ReportError, Source, overflow};
use crate::report::{fund, link, registry};

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("trial-balance")?;
    let as_of = source.facts().as_of;
    let balance = source.balances(as_of)?;
    let facts = source.facts();
    let (units, value) = balance.totals().ok_or_else(overflow)?;
    let mut rows = Vec::new();
    let mut class = None;
    let (mut debits, mut credits) = (Value::ZERO, Value::ZERO);
    for (account, asset, amounts) in balance.rows().filter(|(_, _, amounts)| !amounts.is_zero()) {
        if class != AccountClass::of(account) {
            class = AccountClass::of(account);
            rows.push(group(class));
        }
        let (debit, credit) = amounts.columns();
        debits = debits.checked_add(debit).ok_or_else(overflow)?;
        credits = credits.checked_add(credit).ok_or_else(overflow)?;
        let to = link::account(account, Some(facts.code(asset)));
        rows.push(Row::body(vec![
            Cell::text(account.to_string()).to(link::account(account, None)),
            Cell::text(facts.account_name(account)),
            Cell::text(facts.code(asset)),
            Cell::units(amounts.quantity, facts.scale(asset)).to(&to),
            Cell::value(debit).to(&to),
            Cell::value(credit).to(&to),
        ]));
    }
    let entries = |cell: Cell| cell.to(link::journal(&format!("to={as_of}")));
    rows.push(Row::of(RowKind::Total, {
        let label = [Cell::text("Total"), Cell::empty(), Cell::empty(), Cell::empty()];
        label.into_iter().chain([entries(Cell::value(debits)), entries(Cell::value(credits))]).collect()
    }));
    for (asset, quantity) in &units {
        rows.push(Row::of(
            RowKind::Check,
            check(facts.code(*asset), quantity.is_zero(), Cell::units(*quantity, facts.scale(*asset))),
        ));
    }
    let whole = value.is_zero() && units.values().all(|quantity| quantity.is_zero());
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(whole, units.len())),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table {
            id: "trial-balance".to_owned(),
            caption: "Balances by account and asset".to_owned(),
            columns: columns(facts),
            rows,
            next: None,
            empty: Some("Nothing is posted yet; the first entry comes with the first contribution or receipt.".to_owned()),
        }],
        notes: vec![
            "Every entry balances in the units of each asset and in value, so both sums are zero at every moment.".to_owned(),
        ],
        ..Doc::default()
    })
}

fn columns(facts: &BookFacts) -> Vec<Column> {
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

fn group(class: Option<AccountClass>) -> Row {
    Row::of(RowKind::Group, vec![Cell::text(class.map_or("", AccountClass::title))])
}

fn check(code: &str, zero: bool, sum: Cell) -> Vec<Cell> {
    let state = if zero { ("comes to zero", Tone::Good) } else { ("does not come to zero", Tone::Bad) };
    let state = Cell::new(Content::State(state.0.to_owned(), state.1));
    vec![Cell::text("Σ units"), state, Cell::text(code), sum, Cell::empty(), Cell::empty()]
}

fn finding(whole: bool, assets: usize) -> String {
    let word = if assets == 1 { "asset" } else { "assets" };
    if whole {
        format!("Units of {assets} {word} and the value of the whole come to zero.")
    } else {
        "The book does not balance; run `safu verify`.".to_owned()
    }
}
