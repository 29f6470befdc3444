//! The trial balance: units and value of every account and asset, and the proof that both come to zero.

use crate::domain::account::AccountClass;
use crate::domain::amount::Value;
use crate::report::doc::{Cell, Doc, Row, RowKind, Table};
use crate::report::params::Params;
use crate::report::source::{ReportError, Source, overflow};
use crate::report::{fund, link, posting, registry};

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
        rows.push(Row::body(posting::cells(facts, account, asset, (amounts.quantity, amounts.value), &to)));
    }
    let entries = |cell: Cell| cell.to(link::journal(&format!("to={as_of}")));
    rows.push(Row::of(RowKind::Total, {
        let label = [Cell::text("Total"), Cell::empty(), Cell::empty(), Cell::empty()];
        label.into_iter().chain([entries(Cell::value(debits)), entries(Cell::value(credits))]).collect()
    }));
    let words = ("comes to zero", "does not come to zero");
    rows.extend(units.iter().map(|(asset, quantity)| posting::check(facts, *asset, *quantity, words, 6)));
    let whole = value.is_zero() && units.values().all(|quantity| quantity.is_zero());
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(whole, units.len())),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table::new(
            "trial-balance",
            "Balances by account and asset",
            posting::columns(facts),
            rows,
            "Nothing is posted yet; the first entry comes with the first contribution or receipt.",
        )],
        notes: vec![
            "Every entry balances in the units of each asset and in value, so both sums are zero at every moment.".to_owned(),
        ],
        ..Doc::default()
    })
}

fn group(class: Option<AccountClass>) -> Row {
    Row::of(RowKind::Group, vec![Cell::text(class.map_or("", AccountClass::title))])
}

fn finding(whole: bool, assets: usize) -> String {
    let word = if assets == 1 { "asset" } else { "assets" };
    if whole {
        format!("Units of {assets} {word} and the value of the whole come to zero.")
    } else {
        "The book does not balance; run `safu verify`.".to_owned()
    }
}
