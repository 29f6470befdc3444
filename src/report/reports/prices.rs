//! Locked price sets, and one set with what each price was before.

use crate::domain::asset::AssetId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::{Cell, Column, Content, Doc, Row, Table};
use crate::report::params::Params;
use crate::report::source::{BookFacts, PriceSet, Quote, ReportError, Source};
use crate::report::{fund, link, registry};
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeSet;

/// Makes the list of sets.
pub fn list(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("prices")?;
    let as_of = source.facts().as_of;
    let mut to = params.date("to")?.map_or(as_of, |to| to.min(as_of));
    if let Some(below) = params.date("cursor")? {
        to = to.min(below.yesterday().unwrap_or(below));
    }
    let sets = source.price_sets(params.date("from")?, to)?;
    let limit = params.limit()?;
    let shown = sets.get(sets.len().saturating_sub(limit)..).unwrap_or_default();
    let next = (shown.len() < sets.len()).then(|| shown.first().map(|set| set.cutoff_on.to_string())).flatten();
    let facts = source.facts();
    let assets: BTreeSet<AssetId> = sets.iter().flat_map(|set| set.quotes.keys().copied()).collect();
    let mut columns = vec![Column::text("cutoff", "Prices of")];
    columns.extend(assets.iter().map(|asset| {
        let code = facts.code(*asset);
        Column::number(code, &format!("{code} ({})", facts.currency()))
    }));
    columns.push(Column::text("source", "Source"));
    let row = |set: &PriceSet| {
        let to = link::price_set(set.cutoff_on);
        let price = |asset: &AssetId| match set.quotes.get(asset) {
            Some(quote) => Cell::new(Content::Price(quote.price.decimal())).to(&to),
            None => Cell::blank("not in this set"),
        };
        let mut cells = vec![Cell::date(set.cutoff_on).to(&to)];
        cells.extend(assets.iter().map(price));
        cells.push(Cell::text(&set.source));
        Row::body(cells)
    };
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table {
            id: "prices".to_owned(),
            caption: "Locked price sets, the latest first".to_owned(),
            columns,
            rows: shown.iter().rev().map(row).collect(),
            next,
            empty: Some("No price set is locked yet; `safu prices import` brings the first.".to_owned()),
        }],
        notes: vec![
            "A set is locked as a whole with its source and never changes; its cut-off is 24:00 UTC of the day.".to_owned(),
        ],
        ..Doc::default()
    })
}

/// Makes one set.
pub fn one(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("price-set")?;
    let asked = params.text("day").unwrap_or_default();
    let missing = || Rejection::new(OutcomeCode::NotFound, "/day", asked, "there is no price set of this day");
    let day = params.date("day")?.ok_or_else(missing)?;
    let set = source.prices(day)?.filter(|set| set.cutoff_on == day).ok_or_else(missing)?;
    let before = match day.yesterday() {
        Ok(eve) => source.prices(eve)?,
        Err(_) => None,
    };
    let facts = source.facts();
    let rows = set.quotes.iter().map(|(asset, quote)| row(facts, day, (*asset, quote), before.as_ref()));
    Ok(Doc {
        name: report.name.to_owned(),
        title: format!("Prices of {day}"),
        basis: fund::basis(facts, report, params, Some(&set)),
        tables: vec![Table {
            id: "price-set".to_owned(),
            caption: format!("Prices at the cut-off of {day}, 24:00 UTC"),
            columns: columns(facts, before.as_ref().map(|set| set.cutoff_on)),
            rows: rows.collect(),
            next: None,
            empty: None,
        }],
        notes: source_notes(&set),
        ..Doc::default()
    })
}

fn source_notes(set: &PriceSet) -> Vec<String> {
    let hash = &set.source_hash;
    if hash.is_empty() {
        vec!["The prices were typed in.".to_owned()]
    } else {
        vec![format!("SHA-256 of the source file: {hash}")]
    }
}

fn columns(facts: &BookFacts, before: Option<Date>) -> Vec<Column> {
    let currency = facts.currency();
    let earlier = before.map_or_else(|| "Before".to_owned(), |day| format!("{day} ({currency})"));
    vec![
        Column::text("asset", "Asset"),
        Column::number("price", &format!("Price ({currency})")),
        Column::text("basis", "Basis"),
        Column::number("before", &earlier),
        Column::number("change", "Change"),
    ]
}

/// A price leads to the entries that it valued, the price before to its set.
fn row(facts: &BookFacts, day: Date, (asset, quote): (AssetId, &Quote), before: Option<&PriceSet>) -> Row {
    let valued = link::journal(&format!("text=prices:{day}&asset={}", facts.code(asset)));
    let earlier = before.and_then(|set| Some((set, set.price(asset)?.decimal())));
    let change = earlier.and_then(|(_, earlier)| {
        let change = quote.price.decimal().checked_div(earlier)?.checked_sub(Decimal::ONE)?;
        Some(change.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven))
    });
    let none = || Cell::blank("not in the set before");
    Row::body(vec![
        Cell::text(facts.code(asset)),
        Cell::new(Content::Price(quote.price.decimal())).to(&valued),
        Cell::text(&quote.basis),
        earlier.map_or_else(none, |(set, price)| Cell::new(Content::Price(price)).to(link::price_set(set.cutoff_on))),
        change.map_or_else(none, |change| Cell::new(Content::Percent(change)).to(&valued)),
    ])
}
