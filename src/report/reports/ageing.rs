//! Receivable ageing: contributions that are accrued and not settled, by age, tied to the account that carries them.

use crate::domain::account::no;
use crate::domain::amount::{Quantity, Value};
use crate::domain::contribution::age::Bucket;
use crate::report::control::{OpenDate, Receivable};
use crate::report::doc::{Cell, Column, Doc, Figure, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{BookFacts, ReportError, Source, overflow};
use crate::report::{fund, link, registry};

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("ageing")?;
    let as_of = source.facts().as_of;
    let only = params.text("asset").map(|code| source.facts().asset("/asset", code).map(|asset| asset.id)).transpose()?;
    let mut all = source.receivables(as_of)?;
    all.retain(|one| only.is_none_or(|only| only == one.asset) && !(one.quantity.is_zero() && one.value.is_zero()));
    let facts = source.facts();
    let (mut rows, mut total) = (Vec::new(), Value::ZERO);
    for one in &all {
        rows.extend(buckets(facts, one)?);
        total = total.checked_add(one.value).ok_or_else(overflow)?;
    }
    if !rows.is_empty() {
        let cells = vec![Cell::text("All"), Cell::empty(), Cell::empty(), Cell::value(total).to(to_account(None)), Cell::empty()];
        rows.push(Row::of(RowKind::Total, cells));
    }
    let old = old(&all)?;
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(facts, total, old)),
        basis: fund::basis(facts, report, params, None),
        figures: figures(total, old),
        tables: vec![
            Table::new("ageing", "Contributions receivable by age", columns(facts), rows, "Nothing is receivable."),
            items(facts, &all),
        ],
        notes: vec![
            "Settlements use up the oldest dates first. A feed can inflate what is accrued, but not what was settled on chain, so \
             what stays open is what to look at."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn to_account(asset: Option<&str>) -> String {
    link::account(no::CONTRIBUTIONS_RECEIVABLE, asset)
}

fn columns(facts: &BookFacts) -> Vec<Column> {
    vec![
        Column::text("asset", "Asset"),
        Column::text("bucket", "Age"),
        Column::number("units", "Units"),
        Column::number("value", &format!("Value ({})", facts.currency())),
        Column::text("oldest", "Oldest date"),
    ]
}

fn sum<'a>(items: impl Iterator<Item = &'a OpenDate>) -> Result<(Quantity, Value), ReportError> {
    let mut sum = (Quantity::ZERO, Value::ZERO);
    for item in items {
        sum.0 = sum.0.checked_add(item.quantity).ok_or_else(overflow)?;
        sum.1 = sum.1.checked_add(item.value).ok_or_else(overflow)?;
    }
    Ok(sum)
}

/// A row a bucket, what the account carries, and whether both agree.
fn buckets(facts: &BookFacts, one: &Receivable) -> Result<Vec<Row>, ReportError> {
    let (code, scale) = (facts.code(one.asset), facts.scale(one.asset));
    let to = to_account(Some(code));
    let mut rows = Vec::new();
    for bucket in Bucket::ALL {
        let inside = || one.items.iter().filter(move |item| Bucket::of_days(item.age_days) == bucket);
        let (units, value) = sum(inside())?;
        let oldest = inside().map(|item| item.day).min().map_or_else(Cell::empty, Cell::date);
        rows.push(Row::body(vec![
            Cell::text(code),
            Cell::text(bucket.title()),
            Cell::units(units, scale).to("#items"),
            Cell::value(value).to("#items"),
            oldest,
        ]));
    }
    let (units, value) = sum(one.items.iter())?;
    // What was settled beyond what is accrued is of no date.
    let beyond = one.quantity.checked_sub(units).zip(one.value.checked_sub(value)).ok_or_else(overflow)?;
    if !beyond.0.is_zero() || !beyond.1.is_zero() {
        let cells = vec![
            Cell::text(code),
            Cell::text("settled beyond what is accrued"),
            Cell::units(beyond.0, scale).to(&to),
            Cell::value(beyond.1).to(&to),
            Cell::empty(),
        ];
        rows.push(Row::body(cells));
    }
    let whole = Cell::units(one.quantity, scale).to(&to);
    let cells = vec![Cell::text(code), Cell::text("Receivable"), whole, Cell::value(one.value).to(to), Cell::empty()];
    rows.push(Row::of(RowKind::Subtotal, cells));
    Ok(rows)
}

/// Value that is open for more than 30 days.
fn old(all: &[Receivable]) -> Result<Value, ReportError> {
    let old = |item: &&OpenDate| Bucket::of_days(item.age_days) >= Bucket::Quarter;
    Ok(sum(all.iter().flat_map(|one| &one.items).filter(old))?.1)
}

fn finding(facts: &BookFacts, total: Value, old: Value) -> String {
    let currency = facts.currency();
    if total.is_zero() {
        return "No contributions are receivable.".to_owned();
    }
    let old = if old.is_zero() {
        "nothing of it is older than 30 days".to_owned()
    } else {
        format!("{} {currency} of it are older than 30 days", fund::compact(old))
    };
    format!("{} {currency} of contributions are receivable; {old}.", fund::compact(total))
}

fn figures(total: Value, old: Value) -> Vec<Figure> {
    let figure = |key: &str, label: &str, value: Value, to: String, state: Option<(String, Tone)>| Figure {
        key: key.to_owned(),
        label: label.to_owned(),
        cell: Cell::value(value).to(to),
        state,
        formula: None,
        parts: None,
        hint: None,
    };
    let late = (!old.is_zero()).then(|| ("to look at".to_owned(), Tone::Warn));
    vec![
        figure("receivable", "Receivable", total, to_account(None), None),
        figure("over_30", "Older than 30 days", old, "#items".to_owned(), late),
    ]
}

/// Every open date, the oldest first.
fn items(facts: &BookFacts, all: &[Receivable]) -> Table {
    let mut rows = Vec::new();
    for one in all {
        for item in &one.items {
            let to = link::account_on(no::CONTRIBUTIONS_RECEIVABLE, facts.code(one.asset), item.day);
            rows.push(Row::body(vec![
                Cell::text(facts.code(one.asset)),
                Cell::date(item.day),
                Cell::count(item.age_days),
                Cell::text(Bucket::of_days(item.age_days).title()),
                Cell::units(item.quantity, facts.scale(one.asset)).to(&to),
                Cell::value(item.value).to(&to),
            ]));
        }
    }
    let columns = vec![
        Column::text("asset", "Asset"),
        Column::text("date", "Business date"),
        Column::number("age_days", "Age (days)"),
        Column::text("bucket", "Age"),
        Column::number("units", "Units open"),
        Column::number("value", &format!("Value ({})", facts.currency())),
    ];
    Table::new("items", "Open business dates", columns, rows, "No date is open.")
}
